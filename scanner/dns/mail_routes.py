"""Where a domain receives mail: from the answers of the DNS to one of the kinds (RFC 5321 §5.1, RFC 7505)."""

from dataclasses import dataclass

from scanner.addresses import is_address_literal, is_localhost_name
from scanner.dns.answers import ANSWERS_NO, FAILURES, Answer, MxData
from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind


@dataclass(frozen=True, slots=True)
class MailHost:
    """A mail host of a route; `preference` is None for the implicit MX."""

    preference: int | None
    exchange: str
    flags: tuple[HostFlag, ...] = ()


@dataclass(frozen=True, slots=True)
class MailRoute:
    """Kind, flags and mail hosts in the order a sender tries them, equals by name."""

    kind: RouteKind
    dns_status: DnsStatus
    flags: tuple[RouteFlag, ...] = ()
    hosts: tuple[MailHost, ...] = ()
    mx_total: int = 0


def needs_addresses(mx: Answer[MxData]) -> bool:
    """True if the domain's own addresses decide: only for an empty MX set (§5.1), never beside MX records."""
    return mx.status is DnsStatus.no_data


def select_mail_route(domain: str, mx: Answer[MxData], addresses: tuple[DnsStatus, ...], max_hosts: int) -> MailRoute:
    """The mail route of a domain from the answer for its MX and, if that is empty, those for A and AAAA."""
    alias = (RouteFlag.domain_is_cname,) if mx.cname_chain else ()
    if mx.status is DnsStatus.ok:
        return _from_records(mx.records, alias, max_hosts)
    if needs_addresses(mx):
        return _without_mx(domain, mx.status, addresses, alias)
    if mx.status is DnsStatus.nxdomain:
        return MailRoute(RouteKind.nxdomain, mx.status, alias)
    return MailRoute(RouteKind.dns_failure, mx.status, alias)


def _without_mx(
    domain: str, status: DnsStatus, addresses: tuple[DnsStatus, ...], flags: tuple[RouteFlag, ...]
) -> MailRoute:
    # §5.1: "If an empty list of MXs is returned, the address is treated as if it was associated with an
    # implicit MX RR, with a preference of 0, pointing to that host."
    if DnsStatus.ok in addresses:
        return MailRoute(RouteKind.implicit_mx, status, flags, (MailHost(None, domain, _flags_of(domain)),))
    failed = [address for address in addresses if address in FAILURES]
    if failed:
        return MailRoute(RouteKind.dns_failure, failed[0], flags)
    assert all(address in ANSWERS_NO for address in addresses)
    return MailRoute(RouteKind.no_mail_host, status, flags)


def _from_records(records: tuple[MxData, ...], alias: tuple[RouteFlag, ...], max_hosts: int) -> MailRoute:
    named = [record for record in records if record.exchange]
    if not named:
        return _null_mx(records, alias)
    flags = list(alias)
    if len(named) < len(records):
        # RFC 7505 §3: a domain that publishes a null MX MUST NOT publish others. Senders use the others.
        flags.append(RouteFlag.null_mx_with_others)
    best: dict[str, int] = {}
    for record in named:
        best[record.exchange] = min(record.preference, best.get(record.exchange, record.preference))
    if len(best) < len(named):
        flags.append(RouteFlag.duplicate_mx)
    if len(best) > max_hosts:
        flags.append(RouteFlag.mx_over_limit)
    ordered = sorted((preference, exchange) for exchange, preference in best.items())
    hosts = tuple(MailHost(preference, exchange, _flags_of(exchange)) for preference, exchange in ordered)
    return MailRoute(RouteKind.mx, DnsStatus.ok, tuple(flags), hosts[:max_hosts], len(records))


def _null_mx(records: tuple[MxData, ...], alias: tuple[RouteFlag, ...]) -> MailRoute:
    # RFC 7505 §3: one record, preference 0, exchange ".". Another preference says the same thing.
    flags = list(alias)
    if len(records) > 1:
        flags.append(RouteFlag.duplicate_mx)
    if any(record.preference for record in records):
        flags.append(RouteFlag.null_mx_preference)
    return MailRoute(RouteKind.null_mx, DnsStatus.ok, tuple(flags), (), len(records))


def _flags_of(exchange: str) -> tuple[HostFlag, ...]:
    if is_address_literal(exchange):
        return (HostFlag.mx_is_address_literal,)
    if is_localhost_name(exchange):
        return (HostFlag.mx_is_localhost,)
    return ()
