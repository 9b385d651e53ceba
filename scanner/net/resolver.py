"""DNS lookups in bulk over aiodns: many in flight, few of them young, and our own faults told apart.

Theory of operation. A resolver answers most questions at once and some after seconds. Too many *young*
questions overflow the server's socket buffer and come back as false timeouts; old ones only wait. So a
lookup counts against a narrow gate for its first half second and against a wide one for its whole life,
and the narrow gate closes further while timeouts exceed 1 %. c-ares keeps every answer it ever got: the
channel is changed for a new one every so many lookups, and the old one drains.
"""

import asyncio
from dataclasses import replace
from typing import Any, Protocol

import aiodns
import pycares

from scanner.dns.answers import Answer, MxData, follow_cnames
from scanner.net.clock import Clock
from scanner.net.deadline import Deadline
from scanner.net.gate import Gate
from scanner.net.lateness import is_late
from scanner.outcomes import DnsStatus
from scanner.settings import DnsSettings

#: c-ares errors → statuses; what is not in the table is a fault of ours.
_STATUSES: dict[int, DnsStatus] = {
    pycares.errno.ARES_ENODATA: DnsStatus.no_data,
    pycares.errno.ARES_ENOTFOUND: DnsStatus.nxdomain,
    pycares.errno.ARES_ESERVFAIL: DnsStatus.servfail,
    pycares.errno.ARES_EREFUSED: DnsStatus.refused,
    pycares.errno.ARES_ENOTIMP: DnsStatus.refused,
    pycares.errno.ARES_EFORMERR: DnsStatus.malformed,
    pycares.errno.ARES_EBADRESP: DnsStatus.malformed,
    pycares.errno.ARES_EBADNAME: DnsStatus.malformed,
    pycares.errno.ARES_ETIMEOUT: DnsStatus.timed_out,
}

#: c-ares gives up after six tries in about 12 s. Sooner than this it never sent anything: no network.
_TOO_SOON_FOR_A_TIMEOUT_S = 1.0

#: Statuses that a lookup may have caught from another one on the same connection.
_MAY_BE_A_NEIGHBOURS = frozenset({DnsStatus.malformed, DnsStatus.local_fault})

#: Giving any flag drops EDNS, so it is given too; one packet for SERVFAIL instead of tries × servers.
_FLAGS = pycares.ARES_FLAG_EDNS | pycares.ARES_FLAG_STAYOPEN | pycares.ARES_FLAG_NOCHECKRESP


class Resolver(Protocol):
    """Asks one question. Never raises for what the DNS says: that is the answer's status."""

    async def lookup_mx(self, name: str) -> Answer[MxData]: ...

    async def lookup_addresses(self, name: str, family: str) -> Answer[str]: ...

    async def lookup_txt(self, name: str) -> Answer[tuple[bytes, ...]]: ...

    async def close(self) -> None: ...


class AiodnsResolver:
    """A resolver over aiodns, for the servers of the settings or the system's."""

    def __init__(self, settings: DnsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._gate = Gate(settings.width, settings.slow_width, settings.slow_after_s)
        self._channel = self._open()
        self._draining: set[asyncio.Task[None]] = set()
        self._quarantine = asyncio.Lock()
        self._used = 0

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers asked: those of the settings, else the system's."""
        return self._settings.servers or self._channel.servers

    async def lookup_mx(self, name: str) -> Answer[MxData]:
        """The MX records of a name, in the order received."""
        answer, found = await self._ask(name, "MX")
        records = tuple(
            MxData(record.data.priority, record.data.exchange.lower().removesuffix("."))
            for record in found
            if record.type == pycares.QUERY_TYPE_MX
        )
        return _with_records(answer, records, found)

    async def lookup_addresses(self, name: str, family: str) -> Answer[str]:
        """The addresses of a name; `family` is "A" or "AAAA"."""
        wanted = pycares.QUERY_TYPE_A if family == "A" else pycares.QUERY_TYPE_AAAA
        answer, found = await self._ask(name, family)
        records = tuple(record.data.addr for record in found if record.type == wanted)
        return _with_records(answer, records, found)

    async def lookup_txt(self, name: str) -> Answer[tuple[bytes, ...]]:
        """The TXT records of a name, each by its character-strings: c-ares gives them joined, so as one."""
        answer, found = await self._ask(name, "TXT")
        records = tuple((record.data.data,) for record in found if record.type == pycares.QUERY_TYPE_TXT)
        return _with_records(answer, records, found)

    async def close(self) -> None:
        """Ends all lookups."""
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        await self._channel.close()

    async def _ask(self, name: str, record_type: str) -> tuple[Answer[Any], list[Any]]:
        async with self._gate.passage() as passage:
            asked_at, began = self._clock.now_utc(), self._clock.monotonic()
            status, found = await self._query(self._fresh_channel(), name, record_type)
            if status in _MAY_BE_A_NEIGHBOURS:
                status, found = await self._query_alone(name, record_type)
            passage.timed_out = status is DnsStatus.timed_out
            elapsed = self._clock.monotonic() - began
        aliases = {
            record.name.lower().removesuffix("."): record.data.cname.lower().removesuffix(".")
            for record in found
            if record.type == pycares.QUERY_TYPE_CNAME
        }
        chain, ends = follow_cnames(name, aliases, self._settings.max_cname_chain)
        if not ends:
            status, found = DnsStatus.cname_loop, []
        return Answer(status, cname_chain=chain, asked_at=asked_at, ms=round(elapsed * 1000, 1)), found

    async def _query(self, channel: "_Channel", name: str, record_type: str) -> tuple[DnsStatus, list[Any]]:
        began = self._clock.monotonic()
        try:
            # c-ares ignores its own timeout after a few fast answers: this one is ours.
            with Deadline(self._settings.lookup_s):
                return DnsStatus.ok, await channel.query(name, record_type)
        except aiodns.error.DNSError as error:
            status = _STATUSES.get(error.args[0], DnsStatus.local_fault)
        except TimeoutError:
            status = DnsStatus.timed_out
        if status is DnsStatus.timed_out and self._is_ours(self._clock.monotonic() - began):
            status = DnsStatus.local_fault
        return status, []

    def _is_ours(self, timed_out_after_s: float) -> bool:
        """True for a timeout that came before a server could answer, or when nobody was there to listen."""
        limit_s = self._settings.lookup_s
        is_too_soon = timed_out_after_s < min(_TOO_SOON_FOR_A_TIMEOUT_S, limit_s / 2)
        return is_too_soon or is_late(timed_out_after_s, limit_s)

    async def _query_alone(self, name: str, record_type: str) -> tuple[DnsStatus, list[Any]]:
        # A malformed answer, or a reset by TCP, makes c-ares give up the whole connection with every lookup
        # on it, try after try: those that never got an answer share its fate. Alone, each gets its own.
        async with self._quarantine:
            channel = self._open()
            try:
                return await self._query(channel, name, record_type)
            finally:
                await channel.close()

    def _open(self) -> "_Channel":
        return _Channel(self._settings)

    def _fresh_channel(self) -> "_Channel":
        self._used += 1
        if self._used > self._settings.lookups_per_resolver:
            task = asyncio.get_running_loop().create_task(self._channel.drain())
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
            self._channel, self._used = self._open(), 1
        return self._channel


class _Channel:
    """A channel of c-ares, with all the answers that it has kept, and how many lookups it still has."""

    def __init__(self, settings: DnsSettings) -> None:
        servers = list(settings.servers) or None
        self._resolver = aiodns.DNSResolver(nameservers=servers, tries=settings.tries, timeout=2.0, flags=_FLAGS)
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(self._resolver.nameservers)

    async def query(self, name: str, record_type: str) -> list[Any]:
        """The records of the answer section. Raises DNSError."""
        self._in_flight += 1
        self._idle.clear()
        try:
            result = await self._resolver.query_dns(name, record_type)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
        return result.answer

    async def drain(self) -> None:
        """Closes the channel when its last lookup is over: it holds some 100 MB by then."""
        try:
            await self._idle.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        await self._resolver.close()


def _with_records(answer: Answer[Any], records: tuple[Any, ...], found: list[Any]) -> Answer[Any]:
    """The answer with its records; without any of the type asked for it is "no data", whatever it has."""
    if answer.status is not DnsStatus.ok:
        return answer
    # After an alias, c-ares calls an answer that has nothing but the alias a success.
    status = DnsStatus.ok if records else DnsStatus.no_data
    ttls = [record.ttl for record in found]
    return replace(answer, status=status, records=records, ttl_s=min(ttls) if ttls else None)
