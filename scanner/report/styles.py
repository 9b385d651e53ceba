"""Colours of the words that are coloured; without a terminal, rich leaves them out."""

from scanner.outcomes import PolicyValue, Severity, VerdictValue
from scanner.policy.senders import Delivery

SEVERITY_STYLES: dict[str, str] = {
    Severity.error: "red",
    Severity.warning: "yellow",
    Severity.notice: "dim",
}

VERDICT_STYLES: dict[str, str] = {
    VerdictValue.yes: "green",
    VerdictValue.no: "red",
    VerdictValue.mixed: "yellow",
    VerdictValue.unknown: "cyan",
    VerdictValue.not_applicable: "dim",
}

POLICY_STYLES: dict[str, str] = {
    PolicyValue.none: "dim",
    PolicyValue.valid: "green",
    PolicyValue.invalid: "red",
    PolicyValue.unusable: "yellow",
    PolicyValue.unknown: "cyan",
}

DELIVERY_STYLES: dict[str, str] = {
    Delivery.delivers: "yellow",
    Delivery.delivers_encrypted: "green",
    Delivery.delivers_authenticated: "green",
    Delivery.fails: "red",
    Delivery.unknown: "cyan",
}

HEADING = "bold"
ASIDE = "dim"
OURS = "cyan"
THEIRS = "green"
