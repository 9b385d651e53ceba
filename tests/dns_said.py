"""Answers of DNS servers as values: what the tests of checks are made of."""

from dataclasses import replace
from typing import Any

from scanner.addresses import parse_address
from scanner.dns.answers import MxData
from scanner.dns.server_answers import BothWays, ServerAnswer, Soa, Transport, ZoneRecord
from scanner.outcomes import DnsStatus, Outcome

UDP, TCP = Transport

_CODES = {DnsStatus.nxdomain: "NXDOMAIN", DnsStatus.servfail: "SERVFAIL", DnsStatus.refused: "REFUSED"}


def soa(owner: str, serial: int, ttl_s: int = 60) -> ZoneRecord:
    return ZoneRecord(owner, "SOA", ttl_s, Soa(f"primary.{owner}", serial, 3600))


def record(owner: str, record_type: str, data: str | MxData) -> ZoneRecord:
    return ZoneRecord(owner, record_type, 60, data)


def said(
    name: str,
    record_type: str,
    *records: ZoneRecord,
    status: DnsStatus | None = None,
    server: str = "192.0.2.53",
    **more: Any,
) -> ServerAnswer:
    """An answer with these records; without any of the type asked for it is "no data", if nothing else is said."""
    is_there = any(each.record_type == record_type for each in records)
    status = status or (DnsStatus.ok if is_there else DnsStatus.no_data)
    return ServerAnswer(
        server=server,
        name=name,
        record_type=record_type,
        transport=UDP,
        outcome=Outcome.ok,
        waited_s=5.0,
        status=status,
        response_code=_CODES.get(status, "NOERROR"),
        answer=records,
        **more,
    )


def silent(
    name: str, record_type: str, outcome: Outcome = Outcome.timed_out, server: str = "192.0.2.53"
) -> ServerAnswer:
    """No answer, and how that showed."""
    return ServerAnswer(server, name, record_type, UDP, outcome, 5.0)


def both(udp: ServerAnswer, tcp: ServerAnswer | None = None, label: str = "", address: str = "192.0.2.53") -> BothWays:
    """The same over both transports, if nothing else is given."""
    tcp = replace(tcp or udp, transport=TCP)
    return BothWays(label or address, parse_address(address), replace(udp, transport=UDP), tcp)
