"""Questions to a resolver that validates, in bulk: whether an answer is secure, and TLSA records.

Theory of operation. aiodns shows neither the AD bit nor TLSA, and dnspython needs 400 µs for a question; this
needs 60. Of most answers only the header matters, which says whether there is something and whether it is
secure; records are read of the few names that have TLSA. What a resolver says about security is worth as much
as the way to it: only one on this machine is believed, unless the settings say otherwise.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, NamedTuple, Never, Protocol

from scanner.dns.answers import ANSWERS_NO, Answer
from scanner.dns.messages import (
    ROOT,
    RecordType,
    encode_query,
    encode_question,
    is_answer_to,
    parse_answers,
    parse_header,
)
from scanner.names import MAX_NAME, is_host_name
from scanner.net.clock import Clock
from scanner.net.deadline import Deadline
from scanner.net.faults import outcome_of
from scanner.net.gate import Gate
from scanner.net.lateness import is_late
from scanner.net.questions import server_address
from scanner.net.udp_queries import Response, UdpQueries
from scanner.outcomes import DnsStatus, Outcome
from scanner.policy.tlsa import TlsaRecord, parse_rdata
from scanner.settings import DnsSettings, Settings

#: What a validating resolver found out, or found bogus, when it says so with CD set.
_ANSWERED = ANSWERS_NO | {DnsStatus.ok}


class Validated(Protocol):
    """Asks a resolver that validates; `ad` of an answer is None where there is none."""

    async def lookup_security(self, name: str, record_type: RecordType) -> Answer[Never]: ...

    async def lookup_tlsa(self, name: str) -> Answer[TlsaRecord]: ...


async def find_validating_resolver(
    servers: Sequence[str], settings: Settings, clock: Clock
) -> "ValidatedResolver | None":
    """Asks those of the servers that may be believed whether they validate; None if there is no such one."""
    believed = [server for server in servers if settings.lookups.trust_any_resolver or is_on_this_machine(server)]
    answers = await asyncio.gather(*(_ask_for_the_root(server, settings.dns, clock) for server in believed))
    validating = [server for server, answer in zip(believed, answers, strict=True) if answer.ad]
    return ValidatedResolver(validating, settings.dns, clock) if validating else None


async def _ask_for_the_root(server: str, settings: DnsSettings, clock: Clock) -> Answer[Never]:
    resolver = ValidatedResolver([server], settings, clock)
    try:
        return await resolver.lookup_security(ROOT, RecordType.SOA)
    finally:
        resolver.close()


def is_on_this_machine(server: str) -> bool:
    """Whether nobody stands between us and a DNS server (`ADDRESS`, `ADDRESS:PORT`)."""
    return ip_address(server_address(server)[0]).is_loopback


class _Reply(NamedTuple):
    status: DnsStatus
    is_authenticated: bool = False
    message: bytes = b""


class ValidatedResolver:
    """Asks validating servers, each given as `ADDRESS` or `ADDRESS:PORT`.

    Never raises for what the DNS says, or does not say: that is the answer's status. What is withheld because it
    does not validate is `bogus`, and told from other SERVFAILs by asking again, also with CD.
    """

    def __init__(self, servers: Sequence[str], settings: DnsSettings, clock: Clock) -> None:
        self._clock = clock
        self._limit_s = settings.lookup_s
        self._gate = Gate(settings.width, settings.slow_width, settings.slow_after_s)
        self._queries = UdpQueries([server_address(server) for server in servers], settings.tries)

    async def lookup_security(self, name: str, record_type: RecordType) -> Answer[Never]:
        """Whether there are records of a type at a name, and whether that is secure; the records are not read.

        `ok` is also an alias that leads to none.
        """
        answer, _ = await self._ask(name, record_type)
        return answer

    async def lookup_tlsa(self, name: str) -> Answer[TlsaRecord]:
        """The TLSA records of a name, `_25._tcp.` and all."""
        answer, message = await self._ask(name, RecordType.TLSA)
        if answer.status is not DnsStatus.ok:
            return answer
        try:
            # They need not be owned by this name: they may stand behind an alias.
            found = parse_answers(message)
            records = tuple(parse_rdata(data) for record_type, data in found if record_type == RecordType.TLSA)
        except ValueError:
            return replace(answer, status=DnsStatus.malformed, ad=None)
        return replace(answer, status=DnsStatus.ok if records else DnsStatus.no_data, records=records)

    def close(self) -> None:
        """Closes the sockets. Nothing may be in flight."""
        self._queries.close()

    async def _ask(self, name: str, record_type: RecordType) -> tuple[Answer[Any], bytes]:
        if len(name) > MAX_NAME:
            return Answer(DnsStatus.nxdomain), b""  # there can be no such name
        if name != ROOT and not is_host_name(name):  # it would reach the DNS as another name
            return Answer(DnsStatus.malformed), b""
        async with self._gate.passage() as passage:
            asked_at, began = self._clock.now_utc(), self._clock.monotonic()
            reply = await self._converse(encode_question(name, record_type), began)
            passage.timed_out = reply.status is DnsStatus.timed_out
            elapsed = self._clock.monotonic() - began
        ad = reply.is_authenticated if reply.status in _ANSWERED else None
        return Answer(reply.status, ad=ad, asked_at=asked_at, ms=round(elapsed * 1000, 1)), reply.message

    async def _converse(self, question: bytes, began: float) -> _Reply:
        """A reply that stands: SERVFAIL twice, an answer with CD, SERVFAIL again is what does not validate."""
        reply = await self._exchange(question, began)
        if reply.status is DnsStatus.servfail:
            reply = await self._again(question, began, reply)
        if reply.status is not DnsStatus.servfail:
            return reply
        # RFC 4035 §5.5: what does not validate is withheld by SERVFAIL; §3.2.2: unless the query sets CD.
        unchecked = await self._exchange(question, began, checking_disabled=True)
        if unchecked.status not in _ANSWERED:
            return reply
        # It may have been a server that did not answer then, and does now: both look like SERVFAIL.
        last = await self._again(question, began, reply)
        return _Reply(DnsStatus.bogus) if last.status is DnsStatus.servfail else last

    async def _again(self, question: bytes, began: float, servfail: _Reply) -> _Reply:
        """The reply to a question asked again; what it said before, if nothing is said now."""
        reply = await self._exchange(question, began)
        return reply if reply.status in _ANSWERED else servfail

    async def _exchange(self, question: bytes, began: float, *, checking_disabled: bool = False) -> _Reply:
        left_s = self._limit_s - (self._clock.monotonic() - began)
        if left_s <= 0:
            return _Reply(DnsStatus.timed_out)
        response = await self._queries.ask(question, left_s, checking_disabled=checking_disabled)
        if response is None:
            return _Reply(self._why_silent(began))
        if response.header.is_truncated:
            return await self._ask_over_tcp(question, response, began, checking_disabled=checking_disabled)
        return _Reply(response.header.status, response.header.is_authenticated, response.message)

    def _why_silent(self, began: float) -> DnsStatus:
        is_ours = is_late(self._clock.monotonic() - began, self._limit_s) or self._queries.is_cut_off
        return DnsStatus.local_fault if is_ours else DnsStatus.timed_out

    async def _ask_over_tcp(
        self, question: bytes, response: Response, began: float, *, checking_disabled: bool
    ) -> _Reply:
        """RFC 7766 §5: a truncated answer is asked for again over TCP, of the server that gave it."""
        query = encode_query(int.from_bytes(response.message[:2], "big"), question, checking_disabled=checking_disabled)
        left_s = self._limit_s - (self._clock.monotonic() - began)
        try:
            with Deadline(max(0.0, left_s)):
                message = await _converse_over_tcp(query, response.server)
            header = parse_header(message)
        except TimeoutError:
            return _Reply(self._why_silent(began))
        except OSError as error:
            is_ours = outcome_of(error) is Outcome.local_fault
            return _Reply(DnsStatus.local_fault if is_ours else DnsStatus.malformed)
        except (EOFError, ValueError):
            return _Reply(DnsStatus.malformed)
        if message[:2] != query[:2] or not is_answer_to(question, message, header):
            return _Reply(DnsStatus.malformed)
        return _Reply(header.status, header.is_authenticated, message)


async def _converse_over_tcp(query: bytes, server: tuple[str, int]) -> bytes:
    """The message that comes back (RFC 1035 §4.2.2). Raises OSError, EOFError."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.transport.abort()
