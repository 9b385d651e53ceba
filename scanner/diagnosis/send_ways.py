"""To which servers a message goes, in which order; and why to none, if the DNS leads to none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanner.addresses import Address, address_text
from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_reasons import Reason, way_reason
from scanner.judgement.targets import select_addresses, server_name_of
from scanner.outcomes import AddressFlag, DnsStatus, RouteKind
from scanner.records import AddressLookup, Host, Mx, Route

#: So many places are tried at most. RFC 5321 §5.1 wants two at least; Postfix tries five (smtp_mx_address_limit).
MAX_PLACES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A server at an address: the host that is meant, its name for SNI, and its preference (None: it is no MX)."""

    host: str
    server_name: str
    address: str
    preference: int | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """The places in the order in which they are tried; if there are none, why."""

    places: tuple[Place, ...]
    reason: Reason | None = None


_ROUTES = {
    RouteKind.nxdomain: ReasonKind.domain_does_not_exist,
    RouteKind.null_mx: ReasonKind.null_mx,
    RouteKind.no_mail_host: ReasonKind.no_mail_host,
    RouteKind.skipped: ReasonKind.left_alone,
}


def way_by_route(route: Route, hosts: Sequence[Host]) -> Way:
    """The way by MX: `hosts` are those of the route, in its order, which is that of preference (RFC 5321 §5.1).

    Equal preferences stay in the record's order: chance among them spreads a load, and one message is none.
    """
    if route.kind in _ROUTES:
        return Way((), way_reason(_ROUTES[route.kind], route.domain))
    if route.kind is RouteKind.dns_failure:
        return Way((), _dns_failure(route.domain, [route.dns_status]))
    places = [place for mx, host in zip(route.mx, hosts, strict=True) for place in _places(host, mx)]
    return Way(tuple(places[:MAX_PLACES])) if places else Way((), _no_place(route.domain, hosts))


def way_by_relay(host: Host) -> Way:
    """The way through a relay that was named."""
    places = tuple(_places(host, None))[:MAX_PLACES]
    if places:
        return Way(places)
    statuses = {host.a.dns_status, host.aaaa.dns_status}
    if statuses == {DnsStatus.nxdomain}:
        return Way((), way_reason(ReasonKind.relay_does_not_exist, host.exchange))
    return Way((), _no_place(host.exchange, [host]))


def way_to_address(address: Address, flags: Sequence[AddressFlag]) -> Way:
    """The way to an address that was named itself; `flags` are the reasons not to contact it."""
    text = address_text(address)
    if flags:
        kind = ReasonKind.not_public if AddressFlag.not_public in flags else ReasonKind.left_alone
        return Way((), way_reason(kind, text, text, _as_network(text)))
    # RFC 6066 §3: an address is no name for SNI; its reverse name is one.
    return Way((Place(text, address.reverse_pointer, text),))


def _places(host: Host, mx: Mx | None) -> Iterable[Place]:
    for address in select_addresses(host, MAX_PLACES)[0]:
        preference = None if mx is None else mx.preference
        yield Place(host.exchange, server_name_of(host), address.address, preference)


def _no_place(name: str, hosts: Iterable[Host]) -> Reason:
    """Why none of a route's hosts has an address that may be contacted."""
    lookups = [lookup for host in hosts for lookup in (host.a, host.aaaa)]
    found = [address for lookup in lookups for address in lookup.addresses]
    private = [address.address for address in found if AddressFlag.not_public in address.flags]
    if private:
        return way_reason(ReasonKind.not_public, name, ", ".join(private), _as_network(private[0]))
    if found or all(lookup.dns_status is DnsStatus.not_asked for lookup in lookups):
        return way_reason(ReasonKind.left_alone, name)
    return _dns_failure(name, [lookup.dns_status for lookup in lookups if _has_failed(lookup)])


def _has_failed(lookup: AddressLookup) -> bool:
    return lookup.dns_status not in (DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain, DnsStatus.not_asked)


def _dns_failure(name: str, failures: Sequence[DnsStatus]) -> Reason:
    if not failures:
        return way_reason(ReasonKind.no_address, name)
    if DnsStatus.local_fault in failures:
        return way_reason(ReasonKind.our_dns_failure, name)
    return way_reason(ReasonKind.dns_failure, name, failures[0])


def _as_network(address: str) -> str:
    return f"{address}/128" if ":" in address else f"{address}/32"
