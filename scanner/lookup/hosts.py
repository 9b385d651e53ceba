"""One host → its addresses, A and AAAA each with a status of its own; of a mail host, what DANE senders find."""

import asyncio

from scanner.addresses import address_text, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.names import is_host_name
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus, HostPurpose
from scanner.records import AddressLookup, Host, HostAddress
from scanner.times import utc_text
from scanner.wire_text import escape_octets, restore_octets


async def lookup_host(
    exchange: str,
    resolver: Resolver,
    policy: ContactPolicy,
    attempt: int = 1,
    *,
    purpose: HostPurpose = HostPurpose.mail,
    discovery: TlsDiscovery | None = None,
) -> Host:
    """The addresses of a host, as a record; `exchange` is the escaped text of a route's record.

    Without `discovery` nothing is found out about security. A host that opted out is `not_asked` for: the
    question would reach its name servers. Neither is a name with octets that no host name has: it would reach
    the DNS as another name.
    """
    name = restore_octets(exchange).decode()
    ipv4: Answer[str]
    ipv6: Answer[str]
    if policy.is_opted_out(name):
        ipv4 = ipv6 = Answer(DnsStatus.not_asked)
    elif is_host_name(name):
        ipv4, ipv6 = await asyncio.gather(resolver.lookup_addresses(name, "A"), resolver.lookup_addresses(name, "AAAA"))
    else:
        ipv4 = ipv6 = Answer(DnsStatus.malformed)
    host = Host(
        exchange=exchange, attempt=attempt, purpose=purpose, a=_lookup(ipv4, policy), aaaa=_lookup(ipv6, policy)
    )
    return host if discovery is None else await discovery.discover(host)


def _lookup(answer: Answer[str], policy: ContactPolicy) -> AddressLookup:
    return AddressLookup(
        dns_status=answer.status,
        ttl_s=answer.ttl_s,
        addresses=tuple(
            # Behind an alias stands the host of somebody who may have opted out by that name.
            HostAddress(address=address_text(address), flags=policy.flags(address, *answer.cname_chain))
            for address in sorted({parse_address(record) for record in answer.records}, key=int)
        ),
        cname_chain=tuple(escape_octets(name.encode()) for name in answer.cname_chain),
        ad=answer.ad,
        asked_at=None if answer.asked_at is None else utc_text(answer.asked_at),
        ms=answer.ms,
    )
