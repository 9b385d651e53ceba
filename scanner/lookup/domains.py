"""One domain → where it receives its mail: MX, and A and AAAA only if there is none; and what it says about TLS."""

import asyncio

from msgspec.structs import replace

from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.dns.mail_routes import MailRoute, needs_addresses, select_mail_route
from scanner.lookup.texts import lookup_sts_record, lookup_tls_rpt_record
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus, RouteKind
from scanner.records import Mx, Route
from scanner.settings import DnsSettings, LookupsSettings
from scanner.times import utc_text
from scanner.wire_text import escape_octets

_NOT_ASKED: Answer[MxData] = Answer(DnsStatus.not_asked)
_SKIPPED = MailRoute(RouteKind.skipped, DnsStatus.not_asked)


#: What is found out for a route alone.
ROUTE_ONLY = LookupsSettings(dane=False, mta_sts=False, tls_rpt=False)

#: Kinds of routes on which a server takes the domain's mail: to no other does a policy apply.
_TO_SERVERS = frozenset({RouteKind.mx, RouteKind.implicit_mx})


async def lookup_route(
    domain: str,
    resolver: Resolver,
    settings: DnsSettings,
    policy: ContactPolicy,
    attempt: int = 1,
    *,
    lookups: LookupsSettings = ROUTE_ONLY,
) -> Route:
    """The mail route of a domain (A-labels), with the texts about TLS that `lookups` wants.

    Never raises for what the DNS says. A domain that opted out is `skipped` without a question: it would reach
    the domain's name servers.
    """
    if policy.is_opted_out(domain):
        return _record(domain, attempt, _NOT_ASKED, (), _SKIPPED)
    async with asyncio.TaskGroup() as tasks:  # together: a text costs no round trip of its own
        mta_sts = tasks.create_task(lookup_sts_record(domain, resolver)) if lookups.mta_sts else None
        tls_rpt = tasks.create_task(lookup_tls_rpt_record(domain, resolver)) if lookups.tls_rpt else None
        route = await _lookup_mail_route(domain, resolver, settings, attempt)
    if route.kind not in _TO_SERVERS:
        return route
    return replace(route, mta_sts=mta_sts and mta_sts.result(), tls_rpt=tls_rpt and tls_rpt.result())


async def _lookup_mail_route(domain: str, resolver: Resolver, settings: DnsSettings, attempt: int) -> Route:
    mx = await resolver.lookup_mx(domain)
    addresses: tuple[Answer[str], ...] = ()
    if needs_addresses(mx):
        ipv4 = await resolver.lookup_addresses(domain, "A")
        ipv6 = await resolver.lookup_addresses(domain, "AAAA")
        addresses = (ipv4, ipv6)
    statuses = tuple(answer.status for answer in addresses)
    return _record(domain, attempt, mx, addresses, select_mail_route(domain, mx, statuses, settings.max_mx))


def _record(
    domain: str, attempt: int, mx: Answer[MxData], addresses: tuple[Answer[str], ...], route: MailRoute
) -> Route:
    return Route(
        domain=domain,
        attempt=attempt,
        kind=route.kind,
        flags=route.flags,
        dns_status=route.dns_status,
        ttl_s=mx.ttl_s,
        asked_at=None if mx.asked_at is None else utc_text(mx.asked_at),
        ms=round(mx.ms + sum(answer.ms for answer in addresses), 1),
        cname_chain=tuple(escape_octets(name.encode()) for name in mx.cname_chain),
        ad=mx.ad,
        mx_total=route.mx_total,
        mx=tuple(
            Mx(preference=host.preference, exchange=escape_octets(host.exchange.encode()), flags=host.flags)
            for host in route.hosts
        ),
    )
