"""What changed of a domain, in the words of an alert."""

from collections.abc import Iterable

from scanner.outages.alerts import Alert, AlertedDomain
from scanner.outcomes import ChangeKind, RouteKind
from scanner.records import Change
from scanner.report.plain_text import paragraph, rows

#: How a subject says it.
_SAID: dict[ChangeKind, str] = {
    ChangeKind.mx_changed: "MX records changed",
    ChangeKind.nxdomain: "does not exist in DNS any more",
    ChangeKind.moved_away: "mail no longer goes where it is expected",
    ChangeKind.route_kind_changed: "mail route changed",
    ChangeKind.starttls_lost: "STARTTLS disappeared",
    ChangeKind.certificate_changed: "certificate changed",
    ChangeKind.certificate_expires: "certificate runs out",
    ChangeKind.dane_broken: "DANE is broken",
    ChangeKind.mta_sts_broken: "MTA-STS is broken",
}


#: Where a domain receives mail.
_ROUTES: dict[str, str] = {
    RouteKind.mx: "MX records",
    RouteKind.implicit_mx: "no MX records, the domain's own address",
    RouteKind.null_mx: "no mail is accepted (null MX)",
    RouteKind.no_mail_host: "neither MX records nor an address",
    RouteKind.nxdomain: "no such domain (NXDOMAIN)",
}

#: What a verdict, or the kind of a route, says there.
_VALUES: dict[ChangeKind, dict[str, str]] = {
    ChangeKind.nxdomain: _ROUTES,
    ChangeKind.route_kind_changed: _ROUTES,
    ChangeKind.moved_away: {"yes": "where it is expected", "mixed": "in part elsewhere", "no": "elsewhere"},
}


def said_of(change: Change) -> str:
    """A change in a few words."""
    return _SAID.get(change.kind) or " ".join(filter(None, (change.kind.replace("_", " "), change.name)))


def what_changed(alert: Alert) -> str:
    """What an alert's domains have in common: the most important change of each, if that is one for all; or ""."""
    said = {said_of(domain.changes[0]) for domain in alert.domains if domain.changes}
    return said.pop() if len(said) == 1 else ""


def change_lines(domain: AlertedDomain) -> list[str]:
    """What changed of a domain: in words, what it was and what it is."""
    return [line for change in domain.changes for line in _change(change)]


def _change(change: Change) -> Iterable[str]:
    subject = f"{change.subject}: " if change.subject else ""
    yield from paragraph(f"{subject}{said_of(change)}", indent=4)
    values = _VALUES.get(change.kind, {})
    was, now = (values.get(value or "", value or "nothing") for value in (change.before, change.after))
    told = [("was", was), ("is", now), ("proof", change.evidence)]
    yield from rows(told, indent=6)
