"""The second pass: every distinct target of the plan is talked to once, at the pacer's pace.

Theory of operation. The pass goes in rounds. In the first, every target has its session; where a handshake
failed, one with a small ClientHello follows at once. Then what is known is judged and shown, there is a
pause, and what failed has its second attempt, with more patience. If an address had spoken for names that were
not asked for, and what was heard of it since contradicts that, those have their sessions too.
"""

import asyncio
from collections.abc import Callable

from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.outcomes import HostPurpose
from scanner.passes.canaries import choose_canaries, configured_canaries
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.pace import Pacer
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.place_checks import PlaceChecks
from scanner.passes.plan import pace_group_of
from scanner.passes.policies import PolicyFetches
from scanner.passes.resolve import FreshResolver
from scanner.passes.session_store import SessionStore
from scanner.passes.sessions import SessionHolder
from scanner.passes.shared_addresses import SharedAddresses
from scanner.passes.target_plan import TargetPlan
from scanner.passes.turns import Turns
from scanner.passes.vantage_guard import VantageGuard
from scanner.probe.session import ProbedSession, Survey
from scanner.records import Host, Route, Target
from scanner.times import parse_utc, utc_text


class ProbePass:
    """Plans the targets of a run, and talks to those that have not had their sessions yet.

    `place` checks our way out by the canaries' sessions, if it is given. `show_results` is called before the
    pause, when nothing is in flight and everything is on disk. `turns` gives out the targets, else a pacer does.
    """

    def __init__(
        self,
        context: RunContext,
        common: Survey,
        fresh_resolver: FreshResolver,
        events: EventLog,
        *,
        place: PlaceChecks | None,
        discovery: TlsDiscovery | None,
        turns: Turns | None = None,
    ) -> None:
        settings, directory = context.settings, context.directory
        self._context = context
        self._progress = context.progress
        self._clock = context.clock
        self._events = events
        self._place = place
        self.show_results: Callable[[], None] = lambda: None
        self._second = settings.second_attempt
        self._pacer = turns or Pacer(settings.pace, settings.probe.width, context.run.seed, pace_group_of)
        shared = SharedAddresses(directory.read_file("roots.pem"), settings.probe.names_per_address)
        self._plan = TargetPlan(context, self._pacer, shared)
        self._fetches = PolicyFetches(context, common, self._pacer)
        self._holder = SessionHolder(
            context,
            common,
            self._plan,
            self._pacer,
            shared,
            fresh_resolver=fresh_resolver,
            discovery=discovery,
            events=events,
        )

    @property
    def bugs(self) -> int:
        """How many sessions a bug of ours ended."""
        return self._holder.bugs

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        self._progress.begin("plan", None)
        self._plan.make()
        directory, partitions = self._context.directory, self._context.run.partitions
        hosts = PartsWriter(directory, Host, partitions, lambda host: host.exchange)
        with SessionStore(directory, partitions) as store, self._plan.writer() as targets, hosts as hosts_writer:
            self._holder.published.write_to(hosts_writer, targets)
            self._fetches.make(targets, self._plan.planned)
            self._holder.write_to(store, self._fetches)
            first = FirstSessions(store.write)
            canaries = self._choose_canaries()
            guard = self._guard(first.take, canaries)
            if self._place is not None:
                await self._check_the_way_out(self._place, canaries, guard)
            first.write_all()
            await self._rounds(guard)

    # Our way out ---------------------------------------------------------------------------------------

    def _choose_canaries(self) -> tuple[Target, ...]:
        settings, directory = self._context.settings, self._context.directory
        configured = configured_canaries(settings.vantage.canaries, settings.probe.port, self._context.policy)
        mail_hosts = (host for host in directory.read(Host) if host.purpose is HostPurpose.mail)
        return configured or choose_canaries(directory.read(Route), mail_hosts, self._plan.reachable_targets_of)

    def _guard(self, write: Callable[[ProbedSession], None], canaries: tuple[Target, ...]) -> VantageGuard:
        heard = self._plan.was_heard or not self._context.tells_us_apart
        return VantageGuard(self._context, self._events, self._holder.ask, write, canaries=canaries, heard=heard)

    async def _check_the_way_out(self, place: PlaceChecks, canaries: tuple[Target, ...], guard: VantageGuard) -> None:
        """Holds the canaries' sessions before all others: those of the plan as their only ones, others besides it."""
        due = [target for target in canaries if self._plan.queue_one(target)]
        self._progress.begin("canaries", len(canaries))
        self._holder.seen = sessions = []
        await self._holder.hold_all(guard)
        self._holder.seen = None
        # Who has opted out since an earlier start is not asked again.
        left_alone = self._context.policy.left_alone
        others = [each for each in canaries if each not in due and not left_alone(each.address, each.server_name)]
        sessions += await asyncio.gather(*map(self._holder.ask, others))
        await place.with_canaries(sessions)

    # Rounds --------------------------------------------------------------------------------------------

    async def _rounds(self, guard: VantageGuard) -> None:
        await self._round("probe", self._queue_due, guard)
        guard.settle()
        if self._plan.wants_second() or self._fetches.wants_second():
            await self._pause()
            await self._round("second attempts", self._queue_second, guard)
        await self._round("names that were shared", self._queue_due, guard)
        await self._round("second attempts", self._queue_second, guard)
        guard.finish()

    def _queue_due(self) -> int:
        return self._plan.queue_due() + self._fetches.queue_due()

    def _queue_second(self) -> int:
        return self._plan.queue_second() + self._fetches.queue_second()

    async def _round(self, title: str, queue: Callable[[], int], guard: VantageGuard) -> None:
        """Queues targets and holds their sessions."""
        queued = queue()
        while queued:
            self._progress.begin(title, queued)
            await self._holder.hold_all(guard)
            queued = self._queue_lost(queue)

    def _queue_lost(self, queue: Callable[[], int]) -> int:
        """Queues what was cut off in the round that has ended; how many."""
        if not self._holder.was_cut_off:
            return 0
        self._holder.was_cut_off = False
        self._plan.read_again()
        self._fetches.read_again()
        return queue()

    async def _pause(self) -> None:
        """Lets time go by between the first sessions and second attempts; what is known is shown before."""
        last = max(self._plan.last_ended_at, self._fetches.last_ended_at)  # texts, of which "" is before all others
        ended_at = max(parse_utc(last).timestamp() if last else 0.0, self._holder.ended_at or 0.0)
        is_short = self._plan.size < self._second.short_run_targets
        pause_s = self._second.short_pause_s if is_short else self._second.pause_s
        now = self._clock.now_utc()
        # A clock that was set back since an earlier start must not make it longer.
        until = min(ended_at, now) + pause_s
        if until <= now:
            return
        self.show_results()
        self._events.append("paused", until=utc_text(until), reason="second attempts")
        self._progress.begin(f"pause until {utc_text(until)} before second attempts", None)
        await self._holder.rest(until - self._clock.now_utc())


class FirstSessions:
    """Keeps the canaries' sessions until it is known that it was the servers that answered."""

    def __init__(self, write: Callable[[ProbedSession], None]) -> None:
        self._write = write
        self._are_in_doubt = True
        self._held: list[ProbedSession] = []

    def take(self, probed: ProbedSession) -> None:
        """Writes a session, or keeps it while the first ones are in doubt. Raises DiskFault."""
        if self._are_in_doubt:
            self._held.append(probed)
        else:
            self._write(probed)

    def write_all(self) -> None:
        """Nothing is in doubt any more. Raises DiskFault."""
        self._are_in_doubt = False
        for probed in self._held:
            self._write(probed)
        self._held.clear()
