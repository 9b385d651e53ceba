"""The second pass: every distinct target of the plan is talked to once, at the pacer's pace."""

import asyncio
from collections import Counter

from scanner.addresses import AddressPolicy
from scanner.lookup.hosts import lookup_host
from scanner.net.resolver import Resolver
from scanner.outcomes import AddressFlag, Outcome
from scanner.passes.concurrency import first_of
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.pace import Pacer, Ticket
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.plan import pace_group_of, queue_of, target_of
from scanner.passes.session_store import SessionStore
from scanner.passes.target_plan import TargetPlan
from scanner.passes.vigil import Vigil
from scanner.probe.session import ProbedSession, Survey, probe_target
from scanner.records import Host, SessionRecord
from scanner.times import utc_text

#: A session that a fault of ours ended (our loop was late, no descriptor was left) is made so often again.
MORE_AFTER_FAULTS_OF_OURS = 2


class ProbePass:
    """Plans the targets of a run, and talks to those that have no session yet."""

    def __init__(self, context: RunContext, common: Survey, resolver: Resolver, events: EventLog) -> None:
        settings = context.settings
        self._context = context
        self._settings = settings
        self._common = common
        self._clock = context.clock
        self._resolver = resolver
        self._policy = AddressPolicy(settings.probe.allow_networks)
        self._events = events
        self._progress = context.progress
        self._stop = context.stop
        self._pacer = Pacer(settings.pace, settings.probe.width, context.run.seed, pace_group_of)
        self._plan = TargetPlan(context, self._pacer)
        self._changed = asyncio.Event()
        context.stop.wake(self._changed)
        self._refreshing: dict[str, asyncio.Task[Host | None]] = {}
        #: How often a fault of ours ended a session with a target in this start.
        self._faults: Counter[str] = Counter()
        self.bugs = 0

    async def run(self) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        self._progress.begin("plan", None)
        self._plan.make()
        self._progress.begin("probe", self._pacer.waiting)
        directory, partitions = self._context.directory, self._context.run.partitions
        hosts = PartsWriter(directory, Host, partitions, lambda host: host.exchange)
        with SessionStore(directory, partitions) as store, self._plan.writer() as self._targets, hosts as self._hosts:
            self._vigil = Vigil("sessions", store.write, heard=self._plan.has_results)
            try:
                async with asyncio.TaskGroup() as tasks:
                    await self._start_sessions(tasks)
            except BaseExceptionGroup as group:
                raise first_of(group) from None
            self._stop.check()
            self._vigil.finish()

    async def _start_sessions(self, tasks: asyncio.TaskGroup) -> None:
        """Starts sessions as their time comes, until all are over or a stop is asked for."""
        pacer = self._pacer
        while self._stop.signal_number is None and (pacer.waiting or pacer.in_flight):
            self._changed.clear()
            now = self._clock.monotonic()
            while (ticket := pacer.next_target(now)) is not None:
                tasks.create_task(self._hold(ticket))
            self._progress.in_flight = pacer.in_flight
            await self._wait_until(pacer.next_time(), now)

    async def _wait_until(self, time: float | None, now: float) -> None:
        """Waits for a session to end or, if there is room for another, for a time."""
        has_room = self._pacer.in_flight < self._settings.probe.width
        timer = None
        if time is not None and has_room:
            timer = asyncio.get_running_loop().call_later(max(0.0, time - now), self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _hold(self, ticket: Ticket) -> None:
        try:
            if await self._is_still_published(ticket):
                target = target_of(ticket.address, self._settings.probe.port, ticket.server_name)
                asked_at = self._plan.asked_at.get(ticket.server_name)
                text = utc_text(asked_at) if asked_at is not None else None
                self._take(await probe_target(target, self._common, 1, text))
            else:
                self._progress.advance(AddressFlag.address_withdrawn)
        finally:
            self._pacer.finished(ticket, self._clock.monotonic())
            self._progress.in_flight = self._pacer.in_flight
            self._changed.set()

    def _take(self, probed: ProbedSession) -> None:
        record = probed.record
        is_ours = record.outcome is Outcome.local_fault
        fault = (record.error or "") if is_ours else None
        again = int(record.target, 16) in self._plan.faulted
        self._vigil.take(probed, place=queue_of(record.address), our_fault=fault, again=again)
        if is_ours:
            self._once_more(record)
        self._progress.advance(record.outcome)
        if probed.bug is not None:
            self.bugs += 1
            self._events.append("scanner_bug", session=record.session, traceback=probed.bug)

    def _once_more(self, record: SessionRecord) -> None:
        """Queues a target again that a fault of ours kept us from; such a session is no attempt."""
        self._faults[record.target] += 1
        if self._faults[record.target] <= MORE_AFTER_FAULTS_OF_OURS:
            self._pacer.add(record.address, queue_of(record.address), record.server_name)

    # Old answers ---------------------------------------------------------------------------------------

    async def _is_still_published(self, ticket: Ticket) -> bool:
        """False if the host's addresses were too old, were asked for again, and this one is gone."""
        name = ticket.server_name
        asked_at = self._plan.asked_at.get(name, 0.0)
        if self._clock.now_utc() - asked_at <= self._settings.dns.max_age_s:
            return True
        task = self._refreshing.get(name)
        if task is None:
            task = self._refreshing[name] = asyncio.create_task(self._refresh(name))
            task.add_done_callback(lambda _: self._refreshing.pop(name, None))
        host = await task
        return host is None or ticket.address in {target.address for target in self._plan.targets_of(host)}

    async def _refresh(self, name: str) -> Host | None:
        """Asks again for the addresses of a mail host; None, and nothing changed, if the DNS does not say."""
        host = await lookup_host(name, self._resolver, self._policy)
        if not (host.a.addresses or host.aaaa.addresses):
            return None
        self._hosts.append(host)
        self._plan.add(host, self._targets)
        return host
