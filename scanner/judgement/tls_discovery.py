"""What the record of a mail host says to TLS discovery (RFC 7672 §2.2), and whether all of it could be found out."""

from scanner.dns.answers import Answer
from scanner.outcomes import DnsStatus
from scanner.policy.tls_discovery import HostAddresses, combine_answers
from scanner.policy.tlsa import TlsaRecord, parse_text
from scanner.records import Host
from scanner.wire_text import restore_octets


def host_addresses(host: Host) -> HostAddresses:
    """A and AAAA of a host together."""
    status, secure = combine_answers([(lookup.dns_status, lookup.ad) for lookup in (host.a, host.aaaa)])
    found = [lookup for lookup in (host.a, host.aaaa) if lookup.dns_status is DnsStatus.ok]
    chain = found[0].cname_chain if found else ()
    names = tuple(restore_octets(name).decode() for name in chain)
    return HostAddresses(status=status, secure=secure, cname_chain=names, alias_is_secure=host.alias_ad)


def tlsa_answers(host: Host) -> dict[str, Answer[TlsaRecord]]:
    """The TLSA lookups of a host by the base domain asked for."""
    return {
        restore_octets(lookup.base_domain).decode(): Answer(
            lookup.dns_status, tuple(map(parse_text, lookup.records)), ad=lookup.ad
        )
        for lookup in host.tlsa or ()
    }


def needs_alias_security(addresses: HostAddresses) -> bool:
    """True if the host is an alias of which the security decides, and is not known (§2.2.2)."""
    return addresses.secure is False and bool(addresses.cname_chain) and addresses.alias_is_secure is None


def lacks_security(host: Host) -> bool:
    """True if a host has addresses, and whether they or its alias are secure is not known."""
    addresses = host_addresses(host)
    if addresses.status != DnsStatus.ok:
        return False
    return addresses.secure is None or needs_alias_security(addresses)
