"""Addresses of which a run could not tell: how far what they said to the verdicts goes, read from a record."""

from scanner.dns.answers import FAILURES
from scanner.outcomes import DnsStatus, NotKnown, Outcome, Stage
from scanner.records import Domain, JudgedAddress, JudgedHost

#: Verdicts build on one another: what is not known of one is not known of those after it.
LEVELS = {"reachable": 0, "smtp": 1, "starttls": 2, "certificate_trusted": 2, "certificate_name": 2}
_LAST_LEVEL = 2

#: The first verdict that a session left open that ended here.
_OPEN_FROM = {
    Stage.connect: 0,
    Stage.greeting: 1,
    Stage.ehlo: 1,
    Stage.helo: 1,
    Stage.starttls: 2,
    Stage.tls: 2,
}

#: Ends that show nothing about a server.
_SHOW_NOTHING = frozenset(
    {
        Outcome.timed_out,
        Outcome.deadline,
        Outcome.reset,
        Outcome.closed,
        Outcome.transient_negative,
        Outcome.too_long,
        Outcome.local_fault,
        Outcome.cancelled,
        Outcome.scanner_bug,
    }
)


def open_places(record: Domain, level: int = _LAST_LEVEL) -> frozenset[tuple[str, str]]:
    """(exchange, address) of which it is not known what they say to a verdict of this level.

    A host of which an address may be missing is there without one.
    """
    addresses = [
        (host.exchange, address.address)
        for host in record.mail_hosts
        for address in host.addresses
        if is_open(address, level)
    ]
    return frozenset([*addresses, *((host.exchange, "") for host in record.mail_hosts if has_open_lookup(host))])


def is_open(address: JudgedAddress, level: int = _LAST_LEVEL) -> bool:
    """True if its session, or that there was none, shows nothing to a verdict of this level."""
    if address.outcome is None:
        return address.reason != NotKnown.not_public
    if address.outcome not in _SHOW_NOTHING:
        return False
    return address.stage is not None and _OPEN_FROM.get(address.stage, _LAST_LEVEL + 1) <= level


def has_open_lookup(host: JudgedHost) -> bool:
    """True if an address of the host may be missing from the record."""
    statuses = (host.a_status, host.aaaa_status)
    return any(status in FAILURES for status in statuses) or (DnsStatus.not_asked in statuses and not host.flags)
