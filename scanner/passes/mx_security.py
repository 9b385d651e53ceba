"""The end of the first pass: whether the way from a domain to its mail hosts is secure (RFC 7672 §2.2.1).

Theory of operation. It matters only to domains that have a mail host with usable TLSA records, and of those it
is asked: for most lists that is little. What is found out is the AD bit of MX, and the route's line is written
once more with it. An MX lookup that ended as SERVFAIL is looked into as well: if it is the signatures that are
wrong, the line says `bogus`.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from scanner.dns.answers import ANSWERS_NO
from scanner.dns.messages import RecordType
from scanner.judgement.lookups import merge_routes
from scanner.net.validated import Validated
from scanner.outcomes import DnsStatus
from scanner.passes.concurrency import for_each
from scanner.passes.context import RunContext
from scanner.passes.partitions import hash64
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.vigil import Vigil
from scanner.records import Host, Route

_UNANSWERED = "the resolver could not be asked"


class MxSecurityPass:
    """Asks whether MX is secure where that matters and is not known yet, in all partitions of a run."""

    def __init__(self, context: RunContext, validated: Validated) -> None:
        self._directory = context.directory
        self._partitions = context.run.partitions
        self._settings = context.settings
        self._tells_us_apart = context.tells_us_apart
        self._progress = context.progress
        self._stop = context.stop
        self._validated = validated
        #: Routes that lead to servers, and of which it could not be found out.
        self._open: list[Route] = []

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        self._progress.begin("resolve MX security", None)
        with PartsWriter(self._directory, Route, self._partitions, lambda route: route.domain) as writer:
            await self._ask(self._routes(), writer)
            again, self._open = self._open, []
            second = self._settings.second_attempt
            if again and second.retry_on:
                self._progress.begin("resolve MX security again", len(again))
                await self._ask(again, writer, 1 / second.lookups_per_s)

    async def _ask(self, routes: Iterable[Route], writer: PartsWriter[Route], interval_s: float = 0.0) -> None:
        def write(route: Route) -> None:
            if route.ad is not None:
                writer.append(route)

        vigil = Vigil("lookups", write, heard=not self._tells_us_apart)

        async def ask(route: Route) -> None:
            self._progress.in_flight += 1
            try:
                answer = await self._validated.lookup_security(route.domain, RecordType.MX)
            finally:
                self._progress.in_flight -= 1
            route = _with_security(route, answer.status, answer.ad)
            if route.ad is None and route.dns_status is not DnsStatus.servfail:
                self._open.append(route)
            fault = _UNANSWERED if answer.status is DnsStatus.local_fault else None
            vigil.take(route, place=route.domain, our_fault=fault)
            self._progress.advance(answer.status)

        await for_each(routes, self._settings.dns.slow_width, ask, self._stop, interval_s)
        vigil.finish()

    def _routes(self) -> Iterator[Route]:
        """The routes of which the security of MX is to be asked for, as their lookups together say."""
        discovered = {hash64(host.exchange) for host in self._directory.read(Host) if host.tlsa_base_domain is not None}
        for partition in range(self._partitions):
            wanted: dict[str, Route] = {}
            for route in self._directory.read(Route, partition):
                failed = route.dns_status is DnsStatus.servfail
                if failed or route.domain in wanted or _leads_to(route, discovered):
                    wanted[route.domain] = merge_routes(wanted.get(route.domain), route)
            for route in wanted.values():
                failed = route.dns_status is DnsStatus.servfail
                if route.ad is None and (failed or _leads_to(route, discovered)):
                    yield route


def _leads_to(route: Route, exchanges: set[int]) -> bool:
    return bool(exchanges) and any(hash64(mx.exchange) in exchanges for mx in route.mx)


def _with_security(route: Route, status: DnsStatus, ad: bool | None) -> Route:  # noqa: FBT001 - as it came
    """The route with what an answer to MX says of its security; the same if it says nothing."""
    if route.dns_status is DnsStatus.servfail:
        is_bogus = status is DnsStatus.bogus
        return replace(route, dns_status=status, ad=False) if is_bogus else route
    return replace(route, ad=ad) if status is DnsStatus.ok or status in ANSWERS_NO else route
