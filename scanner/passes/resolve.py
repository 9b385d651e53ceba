"""The first pass: distinct domains → routes, then distinct mail hosts → addresses."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

from scanner.addresses import AddressPolicy
from scanner.lookup.domains import lookup_route
from scanner.lookup.hosts import lookup_host
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus, HostFlag
from scanner.passes.concurrency import for_each
from scanner.passes.context import RunContext
from scanner.passes.partitions import hash64
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.vigil import Vigil
from scanner.records import Host, InputLine, Route

#: An exchange that is one of these is not looked up: there is no host behind it.
_NO_HOST = frozenset({HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost})

_UNANSWERED = "the resolver could not be asked"


class ResolvePass:
    """Looks up what has no line yet, or one that was a fault of ours, in all partitions of a run."""

    def __init__(self, context: RunContext, resolver: Resolver) -> None:
        self._directory = context.directory
        self._partitions = context.run.partitions
        self._settings = context.settings
        self._resolver = resolver
        self._policy = AddressPolicy(context.settings.probe.allow_networks)
        self._progress = context.progress
        self._stop = context.stop

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        await self._routes()
        await self._hosts()

    async def _routes(self) -> None:
        finished, faulted = _finished((route.domain, is_ours(route)) for route in self._directory.read(Route))
        self._progress.begin("resolve domains", sum(1 for _ in self._domains(set(finished))))
        with PartsWriter(self._directory, Route, self._partitions, lambda route: route.domain) as writer:
            vigil = Vigil("lookups", writer.append, heard=bool(finished))

            async def resolve(domain: str) -> None:
                route = await lookup_route(domain, self._resolver, self._settings.dns)
                fault = _UNANSWERED if is_ours(route) else None
                vigil.take(route, place=domain, our_fault=fault, again=hash64(domain) in faulted)
                self._progress.advance(route.kind)

            await for_each(self._domains(finished), self._settings.dns.slow_width, self._shown(resolve), self._stop)
            vigil.finish()

    async def _hosts(self) -> None:
        finished, faulted = _finished((host.exchange, is_host_ours(host)) for host in self._directory.read(Host))
        self._progress.begin("resolve mail hosts", sum(1 for _ in self._exchanges(set(finished))))
        with PartsWriter(self._directory, Host, self._partitions, lambda host: host.exchange) as writer:
            vigil = Vigil("lookups", writer.append, heard=bool(finished))

            async def resolve(exchange: str) -> None:
                host = await lookup_host(exchange, self._resolver, self._policy)
                fault = _UNANSWERED if is_host_ours(host) else None
                vigil.take(host, place=exchange, our_fault=fault, again=hash64(exchange) in faulted)
                self._progress.advance(host.a.dns_status)

            await for_each(self._exchanges(finished), self._settings.dns.slow_width, self._shown(resolve), self._stop)
            vigil.finish()

    def _shown(self, resolve: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        """The same, counted as in flight while it runs."""

        async def resolve_and_show(name: str) -> None:
            self._progress.in_flight += 1
            try:
                await resolve(name)
            finally:
                self._progress.in_flight -= 1

        return resolve_and_show

    def _domains(self, seen: set[int]) -> Iterator[str]:
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


def _finished(results: Iterable[tuple[str, bool]]) -> tuple[set[int], set[int]]:
    """Of (key, was it our fault), the last counting: the hashes of those that are done, and of the others."""
    last = {hash64(key): ours for key, ours in results}
    return {key for key, ours in last.items() if not ours}, {key for key, ours in last.items() if ours}


def _unseen(keys: Iterable[str], seen: set[int]) -> Iterator[str]:
    for key in keys:
        hashed = hash64(key)
        if hashed not in seen:
            seen.add(hashed)
            yield key
