"""What a domain says about TLS in TXT records: that it has an MTA-STS policy, and where reports go (TLS-RPT)."""

from scanner.names import MAX_NAME
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus
from scanner.policy import mta_sts, tls_rpt
from scanner.records import TxtLookup
from scanner.wire_text import escape_octets

#: Records that are kept, those first that may be meant. One must be the only one of its version to count, so
#: a few show all there is to know; their length has the bound that a DNS message has (65,535 octets for all).
MAX_RECORDS = 16


async def lookup_sts_record(domain: str, resolver: Resolver) -> TxtLookup:
    """The record that announces an MTA-STS policy, and what else stands there (RFC 8461 §3.1)."""
    return await _lookup(f"_mta-sts.{domain}", mta_sts.RECORD_VERSION, resolver)


async def lookup_tls_rpt_record(domain: str, resolver: Resolver) -> TxtLookup:
    """The record that says where TLS reports go, and what else stands there (RFC 8460 §3)."""
    return await _lookup(f"_smtp._tls.{domain}", tls_rpt.RECORD_VERSION, resolver)


async def _lookup(name: str, version: bytes, resolver: Resolver) -> TxtLookup:
    if len(name) > MAX_NAME:  # the domain leaves no room: there can be no such name
        return TxtLookup(dns_status=DnsStatus.nxdomain)
    answer = await resolver.lookup_txt(name)
    word = version.partition(b"=")[2].lower()
    meant_first = sorted(answer.records, key=lambda record: word not in b"".join(record).lower())
    records = tuple(tuple(map(escape_octets, record)) for record in meant_first[:MAX_RECORDS])
    return TxtLookup(dns_status=answer.status, records=records)
