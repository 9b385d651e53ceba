"""Holding sessions: each target's when the pacer says so, and what follows from how it went."""

import asyncio
from collections import Counter

from scanner.addresses import parse_address
from scanner.judgement.attempts import asks_for_less
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.outcomes import AddressFlag, NotKnown, Outcome, Variant
from scanner.passes.concurrency import first_of
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.pace import Ticket
from scanner.passes.plan import queue_of, target_of
from scanner.passes.policies import PolicyFetches
from scanner.passes.published import PublishedAddresses
from scanner.passes.resolve import FreshResolver
from scanner.passes.session_store import SessionStore
from scanner.passes.shared_addresses import SharedAddresses
from scanner.passes.target_plan import TargetPlan
from scanner.passes.turns import Turns
from scanner.passes.vantage_guard import VantageGuard
from scanner.probe.session import ProbedSession, Survey, probe_target
from scanner.records import SessionRecord, Target
from scanner.times import utc_text

#: A session that a fault of ours ended (our loop was late, no descriptor was left) is made so often again.
MORE_AFTER_FAULTS_OF_OURS = 2


class SessionHolder:
    """Holds the sessions that wait in the pacer, until none waits or a stop is asked for."""

    def __init__(
        self,
        context: RunContext,
        common: Survey,
        plan: TargetPlan,
        pacer: Turns,
        shared: SharedAddresses,
        *,
        fresh_resolver: FreshResolver,
        discovery: TlsDiscovery | None,
        events: EventLog,
    ) -> None:
        self._settings = context.settings
        self._common = common
        self._clock = context.clock
        self._policy = context.policy
        self._progress = context.progress
        self._stop = context.stop
        self._plan = plan
        self._pacer = pacer
        self._shared = shared
        self._events = events
        self.published = PublishedAddresses(plan, fresh_resolver, context.policy, discovery)
        self._changed = asyncio.Event()
        context.stop.wake(self._changed)
        #: How often a fault of ours ended a session with a target in this start.
        self._faults: Counter[str] = Counter()
        self._round_began = 0.0
        #: When the last session of this start ended, in seconds since the epoch; None if there was none.
        self.ended_at: float | None = None
        self.bugs = 0
        #: Collects the sessions that are over, when somebody wants to see them.
        self.seen: list[ProbedSession] | None = None
        #: True once a time was found in which our own place was cut off: what overlaps it is made again.
        self.was_cut_off = False

    def write_to(self, store: SessionStore, fetches: PolicyFetches) -> None:
        """Where policies are written, and who fetches them. What sessions say goes to a guard first."""
        self._store, self._fetches = store, fetches

    async def hold_all(self, guard: VantageGuard) -> None:
        """Raises OurFault, DiskFault, Interrupted."""
        self._guard = guard
        self._round_began = self._clock.now_utc()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._start_sessions(tasks)
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        finally:
            await self.published.forget()
        self._stop.check()

    async def ask(self, canary: Target) -> ProbedSession:
        """A session with a canary, outside of everybody's turn; it is not recorded."""
        return await probe_target(canary, self._common, 1, None)

    async def rest(self, seconds: float) -> None:
        """Waits, unless a stop is asked for. Raises Interrupted."""
        until = self._clock.monotonic() + seconds
        while (now := self._clock.monotonic()) < until and self._stop.signal_number is None:
            self._changed.clear()
            await self._wait_until(until, now)
        self._stop.check()

    # Starting ------------------------------------------------------------------------------------------

    async def _start_sessions(self, tasks: asyncio.TaskGroup) -> None:
        """Starts sessions as their time comes, until all are over or a stop is asked for."""
        pacer, guard = self._pacer, self._guard
        while self._stop.signal_number is None and (pacer.waiting or pacer.in_flight or guard.is_suspicious):
            self._changed.clear()
            if guard.is_suspicious:
                self.was_cut_off |= bool(await guard.check())
                continue
            now = self._clock.monotonic()
            while (ticket := pacer.next_target(now)) is not None:
                tasks.create_task(self._hold(ticket))
            self._progress.in_flight = pacer.in_flight
            has_room = pacer.in_flight < self._settings.probe.width
            await self._wait_until(pacer.next_time() if has_room else None, now)

    async def _wait_until(self, time: float | None, now: float) -> None:
        """Waits for a session to end, for a stop, or for a time."""
        timer = None
        if time is not None:
            timer = asyncio.get_running_loop().call_later(max(0.0, time - now), self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _hold(self, ticket: Ticket) -> None:
        try:
            refusal = await self._why_not(ticket)
            if refusal is not None:
                self._skip(ticket, refusal)
                return
            if ticket.variant is Variant.policy:
                await self._fetch(ticket)
                return
            target = target_of(ticket.address, self._settings.probe.port, ticket.server_name)
            asked_at = self._plan.asked_at.get(ticket.server_name)
            text = utc_text(asked_at) if asked_at is not None else None
            probed = await probe_target(target, self._common, ticket.attempt, text, ticket.variant)
            self._take(probed, ticket)
        finally:
            self._pacer.finished(ticket, self._clock.monotonic())
            self._progress.in_flight = self._pacer.in_flight
            self._changed.set()

    async def _fetch(self, ticket: Ticket) -> None:
        """Fetches a policy; what fails is no sign of our own network being lost, web servers are not asked for that."""
        fetched = await self._fetches.fetch(ticket.address, ticket.server_name, ticket.attempt, self._store)
        self._progress.advance(fetched.outcome)

    async def _why_not(self, ticket: Ticket) -> AddressFlag | NotKnown | None:
        """Why an address is not dialled after all: we are lost, its name points elsewhere, its owner opted out."""
        if self._guard.is_lost(ticket.address):
            return NotKnown.vantage
        not_before = self._clock.now_utc() - self._settings.dns.max_age_s
        if ticket.attempt > 1:
            not_before = max(not_before, self._round_began)
        is_mail_host = ticket.variant is not Variant.policy
        if is_mail_host and not await self.published.has(ticket.address, ticket.server_name, not_before):
            return AddressFlag.address_withdrawn
        # The decision is made on the address that is dialled, at the last moment: lists change.
        return next(iter(self._policy.flags(parse_address(ticket.address), ticket.server_name)), None)

    def _skip(self, ticket: Ticket, why: AddressFlag | NotKnown) -> None:
        """Does without a session; where we are lost, who waits at the address is not waited for either."""
        self._progress.advance(why)
        if why is NotKnown.vantage:
            for _ in self._pacer.withdraw(ticket.address):
                self._progress.advance(why)

    # What follows --------------------------------------------------------------------------------------

    def _take(self, probed: ProbedSession, ticket: Ticket) -> None:
        record = probed.record
        is_ours = record.outcome is Outcome.local_fault
        self.ended_at = self._clock.now_utc()
        if self.seen is not None:
            self.seen.append(probed)
        self._guard.take(probed, again=int(record.target, 16) in self._plan.faulted)
        self._plan.book.take(record, counts=not is_ours)
        self._progress.advance(record.outcome)
        if probed.bug is not None:
            self.bugs += 1
            self._events.append("scanner_bug", session=record.session, traceback=probed.bug)
        if is_ours:
            self._once_more(record)
        else:
            self._heed(probed, ticket)

    def _once_more(self, record: SessionRecord) -> None:
        """Queues a target again that a fault of ours kept us from; such a session is no attempt."""
        self._faults[record.target] += 1
        if self._faults[record.target] <= MORE_AFTER_FAULTS_OF_OURS:
            self._queue(record, record.attempt, record.variant)

    def _heed(self, probed: ProbedSession, ticket: Ticket) -> None:
        """What a session says about its server's patience, about other names, and about a next attempt."""
        record = probed.record
        is_given_up = False
        if asks_for_less(record):
            is_given_up = self._pacer.back_off(ticket, self._clock.monotonic())
        elif record.replies.greeting is not None:
            self._pacer.accepted(ticket)
        due = self._plan.book.due(int(record.target, 16))
        if due is not None:
            self._queue(record, *due)
        self._share(probed, is_given_up=is_given_up)

    def _queue(self, record: SessionRecord, attempt: int, variant: Variant) -> None:
        self._pacer.add(record.address, queue_of(record.address), record.server_name, attempt, variant)

    def _share(self, probed: ProbedSession, *, is_given_up: bool) -> None:
        """Takes those names out of an address's queue that need not be asked for any more."""
        address, pacer, shared = probed.record.address, self._pacer, self._shared
        # The canaries come before all others: who waits behind them is not queued yet.
        is_first = self.seen is not None
        if not (is_first or pacer.names_waiting(address) or shared.knows(address)):
            return
        shared.take(probed.record, probed.chain)
        if not is_given_up and (asks_for_less(probed.record) or not shared.is_worth_a_look(address)):
            return
        for errand in pacer.withdraw(address):
            is_survey = errand.attempt == 1 and errand.variant is Variant.survey
            if is_survey and shared.speaks_for(address, errand.server_name):
                self._progress.advance(AddressFlag.shared_across_names)
            elif not is_given_up:
                pacer.add(address, queue_of(address), *errand)
            else:
                self._progress.advance(Outcome.transient_negative)
