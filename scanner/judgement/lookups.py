"""What several lookups of a route or a mail host say together: the last one counts, unless it knows less."""

from msgspec.structs import replace

from scanner.dns.answers import FAILURES
from scanner.judgement.tls_discovery import host_addresses, needs_alias_security
from scanner.outcomes import AddressFlag, DnsStatus
from scanner.records import AddressLookup, Host, HostAddress, Route, TxtLookup


def merge_routes(earlier: Route | None, later: Route) -> Route:
    """The route that counts: the later one, unless it failed where the earlier one has an answer.

    A lookup that was skipped is no answer either, and a fault of ours does not displace a failure of theirs.
    The same goes for each text about TLS, if the route that counts leads to servers.
    """
    if earlier is None:
        return later
    counts = later if _knowledge(later.dns_status) >= _knowledge(earlier.dns_status) else earlier
    if not counts.mx:
        return counts
    mta_sts = _merge_texts(earlier.mta_sts, later.mta_sts)
    tls_rpt = _merge_texts(earlier.tls_rpt, later.tls_rpt)
    if mta_sts is counts.mta_sts and tls_rpt is counts.tls_rpt:
        return counts
    return replace(counts, mta_sts=mta_sts, tls_rpt=tls_rpt)


def merge_hosts(earlier: Host | None, later: Host) -> Host:
    """A mail host as it stands after another lookup, family by family.

    An address that the earlier lookup published and the one that counts does not stays, flagged as withdrawn:
    it is not to be contacted any more, but there may have been a session with it. What DANE senders find is of
    the later lookup too, unless that did not ask for it, or failed to find it out.
    """
    if earlier is None:
        return later
    merged = replace(later, a=_merge_lookups(earlier.a, later.a), aaaa=_merge_lookups(earlier.aaaa, later.aaaa))
    if _knowledge_of_security(later) >= _knowledge_of_security(earlier):
        return _with_security(merged, later, earlier)
    return _with_security(merged, earlier, later)


def knows_security(host: Host) -> bool:
    """True if a lookup found out all that DANE senders ask for."""
    return _knowledge_of_security(host) == _ALL_OF_SECURITY


def _merge_texts(earlier: TxtLookup | None, later: TxtLookup | None) -> TxtLookup | None:
    if earlier is None or later is None:
        return later or earlier
    return later if _knowledge(later.dns_status) >= _knowledge(earlier.dns_status) else earlier


def _with_security(host: Host, counts: Host, other: Host) -> Host:
    """A host with what `counts` says about security; a family that failed then has the other lookup's bit."""
    ipv4 = other.a.ad if counts.a.dns_status in FAILURES else counts.a.ad
    ipv6 = other.aaaa.ad if counts.aaaa.dns_status in FAILURES else counts.aaaa.ad
    return replace(
        host,
        a=replace(host.a, ad=ipv4),
        aaaa=replace(host.aaaa, ad=ipv6),
        alias_ad=counts.alias_ad,
        tlsa=counts.tlsa,
        tlsa_base_domain=counts.tlsa_base_domain,
    )


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


_ALL_OF_SECURITY = 2


def _knowledge_of_security(host: Host) -> int:
    """How much a lookup tells DANE senders: nothing, that something about it failed, or all that they ask for."""
    addresses = host_addresses(host)
    if addresses.secure is None:
        return 0
    has_failed = host.tlsa is not None and host.tlsa[-1].dns_status in FAILURES
    return 1 if has_failed or needs_alias_security(addresses) else _ALL_OF_SECURITY
