"""The first pass: distinct domains → routes, then distinct mail hosts → addresses.

Theory of operation. Both halves go the same way. What has no line yet, or one that was a fault of ours, is
looked up; what failed is looked up a second time at the end of its half, by a resolver that has never heard
of it (c-ares keeps every answer, also the bad ones) and slowly, because many failures have one reason. A
second attempt is a line of its own; the last line that says something counts.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scanner.contact_policy import ContactPolicy
from scanner.judgement.attempts import needs_second_lookup
from scanner.lookup.domains import lookup_route
from scanner.lookup.hosts import lookup_host
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus, HostFlag
from scanner.passes.concurrency import for_each
from scanner.passes.context import RunContext
from scanner.passes.partitions import hash64
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.vigil import Vigil
from scanner.records import Host, InputLine, Record, Route

R = TypeVar("R", bound=Record)

#: Opens a resolver that knows nothing yet; whoever does closes it.
FreshResolver = Callable[[], Resolver]

#: An exchange that is one of these is not looked up: there is no host behind it.
_NO_HOST = frozenset({HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost})

_UNANSWERED = "the resolver could not be asked"


@dataclass(frozen=True, slots=True)
class _Half(Generic[R]):
    """What domains and mail hosts differ in."""

    title: str
    record: type[R]
    key: Callable[[R], str]
    statuses: Callable[[R], tuple[DnsStatus, ...]]
    shown: Callable[[R], str]
    #: Looks a name up as an attempt of that number.
    look_up: Callable[[str, Resolver, int], Awaitable[R]]
    #: All names whose hash is not in a set, which grows.
    names: Callable[[set[int]], Iterator[str]]

    def is_ours(self, record: R) -> bool:
        return DnsStatus.local_fault in self.statuses(record)

    def has_failed(self, record: R) -> bool:
        return needs_second_lookup(*self.statuses(record))


@dataclass(slots=True)
class _Standing:
    """What earlier starts left: hashes of names that are done, of those that were our fault, and who failed once."""

    finished: set[int] = field(default_factory=set)
    faulted: set[int] = field(default_factory=set)
    failed_once: set[str] = field(default_factory=set)


class ResolvePass:
    """Looks up what has no line yet, or one that was a fault of ours, in all partitions of a run."""

    def __init__(self, context: RunContext, resolver: Resolver, fresh_resolver: FreshResolver) -> None:
        self._directory = context.directory
        self._partitions = context.run.partitions
        self._settings = context.settings
        self._resolver = resolver
        self._fresh_resolver = fresh_resolver
        self._policy: ContactPolicy = context.policy
        self._progress = context.progress
        self._stop = context.stop

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        await self._resolve(self._domains())
        await self._resolve(self._mail_hosts())

    def _domains(self) -> _Half[Route]:
        async def look_up(domain: str, resolver: Resolver, attempt: int) -> Route:
            return await lookup_route(domain, resolver, self._settings.dns, self._policy, attempt)

        return _Half(
            title="domains",
            record=Route,
            key=lambda route: route.domain,
            statuses=lambda route: (route.dns_status,),
            shown=lambda route: route.kind,
            look_up=look_up,
            names=self._domain_names,
        )

    def _mail_hosts(self) -> _Half[Host]:
        async def look_up(exchange: str, resolver: Resolver, attempt: int) -> Host:
            return await lookup_host(exchange, resolver, self._policy, attempt)

        return _Half(
            title="mail hosts",
            record=Host,
            key=lambda host: host.exchange,
            statuses=lambda host: (host.a.dns_status, host.aaaa.dns_status),
            shown=lambda host: host.a.dns_status,
            look_up=look_up,
            names=self._exchanges,
        )

    # One half ------------------------------------------------------------------------------------------

    async def _resolve(self, half: _Half[R]) -> None:
        standing = self._standing(half)
        with PartsWriter(self._directory, half.record, self._partitions, half.key) as writer:
            await self._first_attempts(half, standing, writer)
            if standing.failed_once and self._settings.second_attempt.retry_on:
                await self._second_attempts(half, standing, writer)

    def _standing(self, half: _Half[R]) -> _Standing:
        standing = _Standing()
        for record in self._directory.read(half.record):
            name = half.key(record)
            is_ours = half.is_ours(record)
            (standing.faulted if is_ours else standing.finished).add(hash64(name))
            (standing.finished if is_ours else standing.faulted).discard(hash64(name))
            # A name that was our fault is looked up again from the start.
            failed_once = half.has_failed(record) and not is_ours and record.attempt == 1  # type: ignore[attr-defined]
            (standing.failed_once.add if failed_once else standing.failed_once.discard)(name)
        return standing

    async def _first_attempts(self, half: _Half[R], standing: _Standing, writer: PartsWriter[R]) -> None:
        self._progress.begin(f"resolve {half.title}", sum(1 for _ in half.names(set(standing.finished))))
        vigil = Vigil("lookups", writer.append, heard=bool(standing.finished))

        async def resolve(name: str) -> None:
            record = await half.look_up(name, self._resolver, 1)
            fault = _UNANSWERED if half.is_ours(record) else None
            if half.has_failed(record):
                standing.failed_once.add(name)
            vigil.take(record, place=name, our_fault=fault, again=hash64(name) in standing.faulted)
            self._progress.advance(half.shown(record))

        names = half.names(set(standing.finished))
        await for_each(names, self._settings.dns.slow_width, self._shown(resolve), self._stop)
        vigil.finish()

    async def _second_attempts(self, half: _Half[R], standing: _Standing, writer: PartsWriter[R]) -> None:
        self._progress.begin(f"resolve {half.title} again", len(standing.failed_once))
        resolver = self._fresh_resolver()

        async def resolve(name: str) -> None:
            record = await half.look_up(name, resolver, 2)
            writer.append(record)
            self._progress.advance(half.shown(record))

        try:
            interval_s = 1 / self._settings.second_attempt.lookups_per_s
            width = self._settings.dns.slow_width
            await for_each(sorted(standing.failed_once), width, self._shown(resolve), self._stop, interval_s)
        finally:
            await resolver.close()

    def _shown(self, resolve: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        """The same, counted as in flight while it runs."""

        async def resolve_and_show(name: str) -> None:
            self._progress.in_flight += 1
            try:
                await resolve(name)
            finally:
                self._progress.in_flight -= 1

        return resolve_and_show

    # Names ---------------------------------------------------------------------------------------------

    def _domain_names(self, seen: set[int]) -> Iterator[str]:
        """Distinct valid domains of the input whose hash is not in `seen`, which grows."""
        lines = self._directory.read(InputLine)
        return _unseen((line.domain for line in lines if line.domain is not None), seen)

    def _exchanges(self, seen: set[int]) -> Iterator[str]:
        """Distinct mail hosts of all routes, without those that are none (literals, localhost)."""
        routes = self._directory.read(Route)
        return _unseen((mx.exchange for route in routes for mx in route.mx if not _NO_HOST & set(mx.flags)), seen)


def is_ours(route: Route) -> bool:
    """True for a route that a fault of ours kept us from finding."""
    return route.dns_status is DnsStatus.local_fault


def is_host_ours(host: Host) -> bool:
    """True for a mail host whose addresses, of either family, a fault of ours kept us from finding."""
    return DnsStatus.local_fault in (host.a.dns_status, host.aaaa.dns_status)


def _unseen(keys: Iterable[str], seen: set[int]) -> Iterator[str]:
    for key in keys:
        hashed = hash64(key)
        if hashed not in seen:
            seen.add(hashed)
            yield key
