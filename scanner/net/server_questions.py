"""One question to one DNS server over one transport: all that was said, or how the exchange failed.

Nothing is asked again elsewhere, and a cut answer is not asked for again over TCP: what a server does over
each transport is what is to be found out.
"""

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from scanner.addresses import address_text, parse_address
from scanner.dns.answers import MxData
from scanner.dns.messages import MAX_UDP_BYTES, status_of
from scanner.dns.server_answers import ServerAnswer, Soa, Transport, ZoneRecord
from scanner.net.clock import Clock
from scanner.net.deadline import Deadline
from scanner.net.faults import outcome_of
from scanner.net.lateness import is_late
from scanner.net.questions import server_address
from scanner.outcomes import Outcome
from scanner.wire_text import escape_octets

#: How often a question is sent over UDP, which may lose it, each time for an equal share of the limit.
UDP_TRIES = 3

#: Of one section, so many records are kept: nobody reads more, and a server may send thousands.
MAX_RECORDS = 500

_MAX_MESSAGE_BYTES = 65535

_BACKEND = dns.asyncbackend.get_backend("asyncio")


class ServerQuestions:
    """Asks DNS servers, each as `ADDRESS` or `ADDRESS:PORT`, one question within `limit_s` seconds."""

    def __init__(self, limit_s: float, clock: Clock) -> None:
        self._limit_s = limit_s
        self._clock = clock

    async def ask(
        self, server: str, name: str, record_type: str, transport: Transport, *, recursion_desired: bool = True
    ) -> ServerAnswer:
        """The answer for a name (as `is_host_name` takes it, or ".") and a type. Never raises for what the DNS does.

        Resolvers are asked with recursion, name servers of a zone without: who then answers for others is lame.
        """
        flags = dns.flags.RD if recursion_desired else 0
        query = dns.message.make_query(name, record_type, use_edns=0, payload=MAX_UDP_BYTES, flags=flags)
        began = self._clock.monotonic()
        try:
            with Deadline(self._limit_s):
                response = await self._exchange(query, transport, *server_address(server))
        except (OSError, EOFError, dns.exception.DNSException) as error:
            outcome = self._outcome_of(error, self._clock.monotonic() - began)
            return ServerAnswer(server, name, record_type, transport, outcome, self._limit_s)
        return _answer(response, ServerAnswer(server, name, record_type, transport, Outcome.ok, self._limit_s))

    async def _exchange(
        self, query: dns.message.Message, transport: Transport, address: str, port: int
    ) -> dns.message.Message:
        """Raises OSError, EOFError for a connection that was closed, DNSException for what is no answer."""
        if transport is Transport.tcp:
            return await dns.asyncquery.tcp(query, address, port=port, backend=_BACKEND)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as connected:
            # Connected: the kernel tells when nobody listens there, and lets in nothing that comes from elsewhere.
            connected.connect(dns.inet.low_level_address_tuple((address, port)))  # fe80::1%eth0 has a zone
            response = dns.message.from_wire(await self._ask_until_answered(query.to_wire(), connected))
        if not query.is_response(response):
            raise dns.query.BadResponse
        return response

    async def _ask_until_answered(self, query: bytes, connected: socket.socket) -> bytes:
        loop = asyncio.get_running_loop()
        while True:  # until the deadline of the whole
            connected.send(query)
            with suppress(TimeoutError), Deadline(self._limit_s / UDP_TRIES):
                return await loop.sock_recv(connected, _MAX_MESSAGE_BYTES)

    def _outcome_of(self, error: Exception, elapsed_s: float) -> Outcome:
        match error:
            case TimeoutError():
                return Outcome.local_fault if is_late(elapsed_s, self._limit_s) else Outcome.timed_out
            case OSError():
                return outcome_of(error)
            case EOFError():
                return Outcome.closed
            case _:
                return Outcome.malformed


def _answer(response: dns.message.Message, heard: ServerAnswer) -> ServerAnswer:
    code = response.rcode()
    answer = tuple(islice(_records(response.answer), MAX_RECORDS))
    return replace(
        heard,
        status=status_of(code, has_records=any(record.record_type == heard.record_type for record in answer)),
        response_code=dns.rcode.to_text(code),
        is_authoritative=bool(response.flags & dns.flags.AA),
        is_truncated=bool(response.flags & dns.flags.TC),
        answer=answer,
        authority=tuple(islice(_records(response.authority), MAX_RECORDS)),
    )


def _records(section: Iterable[dns.rrset.RRset]) -> Iterator[ZoneRecord]:
    """The records of a section, of the types that somebody reads."""
    for found in section:
        owner, record_type = _text_of(found.name), dns.rdatatype.to_text(found.rdtype)
        for rdata in found:
            data = _data_of(rdata)
            if data is not None:
                yield ZoneRecord(owner, record_type, found.ttl, data)


def _data_of(rdata: dns.rdata.Rdata) -> Soa | MxData | str | None:
    match rdata:
        case SOA():
            return Soa(_text_of(rdata.mname), rdata.serial, rdata.refresh)
        case MX():
            exchange = _text_of(rdata.exchange)
            return MxData(rdata.preference, "" if exchange == "." else exchange)
        case NS() | CNAME() | PTR():
            return _text_of(rdata.target)
        case A() | AAAA():
            return address_text(parse_address(rdata.address))
        case _:
            return None


def _text_of(name: dns.name.Name) -> str:
    return escape_octets(name.to_text(omit_final_dot=True).lower().encode())
