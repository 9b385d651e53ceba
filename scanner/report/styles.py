"""Colours of the words that are coloured; without a terminal, rich leaves them out."""

from scanner.outcomes import Severity, VerdictValue

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

HEADING = "bold"
ASIDE = "dim"
OURS = "cyan"
THEIRS = "green"
