"""The first pass: distinct domains → routes, then distinct mail hosts and policy hosts → addresses.

Theory of operation. All three parts go the same way. What has no line yet, or one that was a fault of ours, is
looked up; what failed is looked up a second time at the end of its part, by a resolver that has never heard
of it (c-ares keeps every answer, also the bad ones) and slowly, because many failures have one reason. A
second attempt is a line of its own; the last line that says something counts. What can only be asked once the
mail hosts are known, whether the way to them is secure, comes last (mx_security.py).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scanner.contact_policy import ContactPolicy
from scanner.judgement.attempts import needs_second_lookup
from scanner.judgement.tls_discovery import lacks_security
from scanner.lookup.domains import lookup_route
from scanner.lookup.hosts import lookup_host
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.net.resolver import Resolver
from scanner.net.validated import Validated
from scanner.outcomes import DnsStatus, HostFlag, HostPurpose
from scanner.passes.concurrency import for_each
from scanner.passes.context import RunContext
from scanner.passes.mx_security import MxSecurityPass
from scanner.passes.partitions import hash64
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.vigil import Vigil
from scanner.policy.mta_sts import StsRecord, parse_record
from scanner.probe.policies import HOST_PREFIX
from scanner.records import Host, InputLine, Record, Route
from scanner.wire_text import restore_octets

R = TypeVar("R", bound=Record)

#: Opens a resolver that knows nothing yet; whoever does closes it.
FreshResolver = Callable[[], Resolver]

#: An exchange that is one of these is not looked up: there is no host behind it.
_NO_HOST = frozenset({HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost})

_UNANSWERED = "the resolver could not be asked"


@dataclass(frozen=True, slots=True)
class _Part(Generic[R]):
    """What domains, mail hosts and policy hosts differ in."""

    title: str
    record: type[R]
    key: Callable[[R], str]
    statuses: Callable[[R], tuple[DnsStatus, ...]]
    shown: Callable[[R], str]
    #: True for a record that is of this part, and not of another one of the same kind.
    holds: Callable[[R], bool]
    #: True for a record in which something is missing that no status tells.
    is_incomplete: Callable[[R], bool]
    #: Looks a name up as an attempt of that number.
    look_up: Callable[[str, Resolver, int], Awaitable[R]]
    #: All names whose hash is not in a set, which grows.
    names: Callable[[set[int]], Iterator[str]]

    def is_ours(self, record: R) -> bool:
        return DnsStatus.local_fault in self.statuses(record)

    def has_failed(self, record: R) -> bool:
        return needs_second_lookup(*self.statuses(record)) or self.is_incomplete(record)


@dataclass(slots=True)
class _Standing:
    """What earlier starts left: hashes of names that are done, of those that were our fault, and who failed once."""

    finished: set[int] = field(default_factory=set)
    faulted: set[int] = field(default_factory=set)
    failed_once: set[str] = field(default_factory=set)


class ResolvePass:
    """Looks up what has no line yet, or one that was a fault of ours, in all partitions of a run.

    `validated` asks a resolver that validates; without one nothing is found out for DANE.
    """

    def __init__(
        self,
        context: RunContext,
        resolver: Resolver,
        fresh_resolver: FreshResolver,
        validated: Validated | None = None,
    ) -> None:
        self._context = context
        self._directory = context.directory
        self._partitions = context.run.partitions
        self._settings = context.settings
        self._resolver = resolver
        self._fresh_resolver = fresh_resolver
        self._validated = validated
        self._policy: ContactPolicy = context.policy
        self._progress = context.progress
        self._stop = context.stop

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        await self._resolve(self._domains())
        await self._resolve(self._mail_hosts())
        if self._settings.lookups.mta_sts:
            await self._resolve(self._policy_hosts())
        if self._validated is not None:
            await MxSecurityPass(self._context, self._validated).run()

    def _domains(self) -> _Part[Route]:
        async def look_up(domain: str, resolver: Resolver, attempt: int) -> Route:
            settings, policy = self._settings, self._policy
            return await lookup_route(domain, resolver, settings.dns, policy, attempt, lookups=settings.lookups)

        return _Part(
            title="domains",
            record=Route,
            key=lambda route: route.domain,
            statuses=_route_statuses,
            shown=lambda route: route.kind,
            holds=lambda _: True,
            is_incomplete=lambda _: False,
            look_up=look_up,
            names=self._domain_names,
        )

    def _mail_hosts(self) -> _Part[Host]:
        discovery = discovery_of(self._context, self._validated)

        async def look_up(exchange: str, resolver: Resolver, attempt: int) -> Host:
            return await lookup_host(exchange, resolver, self._policy, attempt, discovery=discovery)

        return self._hosts("mail hosts", HostPurpose.mail, look_up, self._exchanges, discovery)

    def _policy_hosts(self) -> _Part[Host]:
        async def look_up(name: str, resolver: Resolver, attempt: int) -> Host:
            return await lookup_host(name, resolver, self._policy, attempt, purpose=HostPurpose.policy)

        return self._hosts("policy hosts", HostPurpose.policy, look_up, self._policy_host_names, None)

    def _hosts(
        self,
        title: str,
        purpose: HostPurpose,
        look_up: Callable[[str, Resolver, int], Awaitable[Host]],
        names: Callable[[set[int]], Iterator[str]],
        discovery: TlsDiscovery | None,
    ) -> _Part[Host]:
        return _Part(
            title=title,
            record=Host,
            key=lambda host: host.exchange,
            statuses=_host_statuses,
            shown=lambda host: host.a.dns_status,
            holds=lambda host: host.purpose is purpose,
            is_incomplete=lambda host: discovery is not None and lacks_security(host),
            look_up=look_up,
            names=names,
        )

    # One part ------------------------------------------------------------------------------------------

    async def _resolve(self, part: _Part[R]) -> None:
        standing = self._standing(part)
        with PartsWriter(self._directory, part.record, self._partitions, part.key) as writer:
            await self._first_attempts(part, standing, writer)
            if standing.failed_once and self._settings.second_attempt.retry_on:
                await self._second_attempts(part, standing, writer)

    def _standing(self, part: _Part[R]) -> _Standing:
        standing = _Standing()
        for record in filter(part.holds, self._directory.read(part.record)):
            name = part.key(record)
            is_ours = part.is_ours(record)
            (standing.faulted if is_ours else standing.finished).add(hash64(name))
            (standing.finished if is_ours else standing.faulted).discard(hash64(name))
            # A name that was our fault is looked up again from the start.
            failed_once = part.has_failed(record) and not is_ours and record.attempt == 1  # type: ignore[attr-defined]
            (standing.failed_once.add if failed_once else standing.failed_once.discard)(name)
        return standing

    async def _first_attempts(self, part: _Part[R], standing: _Standing, writer: PartsWriter[R]) -> None:
        self._progress.begin(f"resolve {part.title}", sum(1 for _ in part.names(set(standing.finished))))
        vigil = Vigil("lookups", writer.append, heard=bool(standing.finished) or not self._context.tells_us_apart)

        async def resolve(name: str) -> None:
            record = await part.look_up(name, self._resolver, 1)
            fault = _UNANSWERED if part.is_ours(record) else None
            if part.has_failed(record):
                standing.failed_once.add(name)
            vigil.take(record, place=name, our_fault=fault, again=hash64(name) in standing.faulted)
            self._progress.advance(part.shown(record))

        names = part.names(set(standing.finished))
        await for_each(names, self._settings.dns.slow_width, self._shown(resolve), self._stop)
        vigil.finish()

    async def _second_attempts(self, part: _Part[R], standing: _Standing, writer: PartsWriter[R]) -> None:
        self._progress.begin(f"resolve {part.title} again", len(standing.failed_once))
        resolver = self._fresh_resolver()

        async def resolve(name: str) -> None:
            record = await part.look_up(name, resolver, 2)
            writer.append(record)
            self._progress.advance(part.shown(record))

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

    def _policy_host_names(self, seen: set[int]) -> Iterator[str]:
        """The policy hosts of all domains whose record promises a policy (RFC 8461 §3.3)."""
        routes = self._directory.read(Route)
        return _unseen((HOST_PREFIX + route.domain for route in routes if _promises_policy(route)), seen)


def discovery_of(context: RunContext, validated: Validated | None) -> TlsDiscovery | None:
    """How mail hosts are asked about TLS; None without a resolver that validates."""
    return None if validated is None else TlsDiscovery(validated, context.settings.probe.port, context.policy)


def is_ours(route: Route) -> bool:
    """True for a route of which a fault of ours kept something from being known."""
    return DnsStatus.local_fault in _route_statuses(route)


def is_host_ours(host: Host) -> bool:
    """True for a host of which a fault of ours kept something from being known, be it of one family."""
    return DnsStatus.local_fault in _host_statuses(host)


def _route_statuses(route: Route) -> tuple[DnsStatus, ...]:
    return route.dns_status, *(text.dns_status for text in (route.mta_sts, route.tls_rpt) if text is not None)


def _host_statuses(host: Host) -> tuple[DnsStatus, ...]:
    return host.a.dns_status, host.aaaa.dns_status, *(lookup.dns_status for lookup in host.tlsa or ())


def _promises_policy(route: Route) -> bool:
    if route.mta_sts is None or not route.mta_sts.records:
        return False
    texts = [[restore_octets(string) for string in record] for record in route.mta_sts.records]
    return isinstance(parse_record(texts), StsRecord)


def _unseen(keys: Iterable[str], seen: set[int]) -> Iterator[str]:
    for key in keys:
        hashed = hash64(key)
        if hashed not in seen:
            seen.add(hashed)
            yield key
