"""A change in words, as a line of text has it."""

import re
from collections.abc import Iterable

from scanner.outcomes import ChangeKind, Severity
from scanner.records import SharedChange
from scanner.report.shown_text import shown

#: What changed, and what it is called with the verdict or the finding that it is about.
_KINDS = {
    ChangeKind.added: "added to the list",
    ChangeKind.gone: "gone from the list",
    ChangeKind.nxdomain: "domain does not exist any more",
    ChangeKind.moved_away: "moved away from the expected MX",
    ChangeKind.route_kind_changed: "mail route",
    ChangeKind.mx_changed: "MX",
    ChangeKind.starttls_lost: "STARTTLS lost",
    ChangeKind.dane_broken: "DANE broken",
    ChangeKind.mta_sts_broken: "MTA-STS broken",
    ChangeKind.certificate_changed: "certificate",
    ChangeKind.certificate_expires: "certificate runs out",
    ChangeKind.finding_new: "new {}",
    ChangeKind.finding_fixed: "{} gone",
    ChangeKind.finding_changed: "{}",
}

#: What becomes of mail, by who sends it.
_SENDERS = {
    "delivery.opportunistic": "any sender",
    "delivery.dane": "senders that obey DANE",
    "delivery.mta_sts": "senders that obey MTA-STS",
}

_FINGERPRINT = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")


def kind_words(kind: ChangeKind, name: str | None) -> str:
    """What changed, whatever it was before and is now; short enough for a table."""
    if kind is ChangeKind.verdict_changed:
        return "".join(_verdict_words(name or ""))
    return _KINDS[kind].format(shown(name or ""))


def _verdict_words(name: str) -> tuple[str, str]:
    return ("mail of ", _SENDERS[name]) if name in _SENDERS else ("verdict ", shown(name))


def change_words(shared: SharedChange) -> str:
    """`verdict starttls yes → no`, with the place where it is not all of the mail host. Fingerprints are cut."""
    words = kind_words(shared.kind, shared.name)
    if shared.kind is ChangeKind.mx_changed and shared.severity is not Severity.notice:
        return f"{words} → {_value(shared.after)}"  # it stands under those that it was
    if shared.kind is ChangeKind.starttls_lost:
        return f"{words} ({_value(shared.after)})"
    if shared.before is not None or shared.after is not None:
        words += f" {_values(shared)}"
    return f"{words} at {place}" if (place := _place(shared)) else words


def words_together(changes: Iterable[tuple[SharedChange, str]]) -> list[str]:
    """Changes with their evidence; verdicts that changed alike in one: `verdict smtp, starttls yes → unknown`."""
    alike: dict[tuple[str, str], list[str]] = {}
    for shared, evidence in changes:
        if shared.kind is ChangeKind.verdict_changed:
            what, name = _verdict_words(shared.name or "")
            alike.setdefault((what, f" {_values(shared)}"), []).append(name)
        else:
            told = f" ({shown(evidence)})" if shared.kind is ChangeKind.finding_new and evidence else ""
            alike[change_words(shared), told] = []
    return [f"{what}{', '.join(names)}{rest}" for (what, rest), names in alike.items()]


def _values(shared: SharedChange) -> str:
    return f"{_value(shared.before)} → {_value(shared.after)}"


def _value(text: str | None) -> str:
    return "nothing" if text is None else _FINGERPRINT.sub(r"sha256 \1", shown(text))


def _place(shared: SharedChange) -> str:
    """The address, if it is about one of the mail host that the line stands under."""
    if shared.subject is None or shared.subject in shared.hosts:
        return ""
    return shown(shared.subject.removeprefix(f"{shared.hosts[0]} "))
