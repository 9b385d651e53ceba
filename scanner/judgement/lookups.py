"""What several lookups of a route or a mail host say together: the last one counts, unless it knows less."""

from msgspec.structs import replace

from scanner.dns.answers import FAILURES
from scanner.outcomes import AddressFlag, DnsStatus
from scanner.records import AddressLookup, Host, HostAddress, Route


def merge_routes(earlier: Route | None, later: Route) -> Route:
    """The route that counts: the later one, unless it failed where the earlier one has an answer.

    A lookup that was skipped is no answer either, and a fault of ours does not displace a failure of theirs.
    """
    if earlier is None or _knowledge(later.dns_status) >= _knowledge(earlier.dns_status):
        return later
    return earlier


def merge_hosts(earlier: Host | None, later: Host) -> Host:
    """A mail host as it stands after another lookup, family by family.

    An address that the earlier lookup published and the one that counts does not stays, flagged as withdrawn:
    it is not to be contacted any more, but there may have been a session with it.
    """
    if earlier is None:
        return later
    return replace(later, a=_merge_lookups(earlier.a, later.a), aaaa=_merge_lookups(earlier.aaaa, later.aaaa))


def _merge_lookups(earlier: AddressLookup, later: AddressLookup) -> AddressLookup:
    if _knowledge(later.dns_status) < _knowledge(earlier.dns_status):
        return earlier
    published = {address.address for address in later.addresses}
    gone = [_withdrawn(address) for address in earlier.addresses if address.address not in published]
    return replace(later, addresses=(*later.addresses, *gone)) if gone else later


def _withdrawn(address: HostAddress) -> HostAddress:
    if AddressFlag.address_withdrawn in address.flags:
        return address
    return replace(address, flags=(*address.flags, AddressFlag.address_withdrawn))


_NOTHING = frozenset({DnsStatus.local_fault, DnsStatus.not_asked})


def _knowledge(status: DnsStatus) -> int:
    """How much a lookup tells: nothing (our fault, or not asked), that it fails, or an answer."""
    if status in _NOTHING:
        return 0
    return 1 if status in FAILURES else 2
