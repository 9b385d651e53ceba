"""Stops a pass that reaches nobody: asks the canaries, waits, marks what was lost, and holds back what is in doubt.

Theory of operation. Every finished session comes through `take`. While no connection ever came up, what did not
come up is held back: a blocked port must leave no record. Later it is written at once, because a window can take it
back: what overlaps a `vantage_lost` event says nothing about anybody. A fault of ours is held back until something
is heard again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from scanner.judgement.vantage_windows import VANTAGE_LOST, family_of
from scanner.outcomes import Outcome
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.vantage import VantageMonitor, Window, connect_of
from scanner.passes.vigil import OurFault
from scanner.probe.session import ProbedSession
from scanner.records import SessionRecord, Target
from scanner.times import utc_text

#: No more than this is held back: a run must not keep a million sessions in memory.
HELD_AT_MOST = 1000

#: Ends that say nothing about any network, ours or theirs.
_SAYS_NOTHING = frozenset({Outcome.cancelled, Outcome.scanner_bug})

_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}
_OTHER = {"ipv4": "ipv6", "ipv6": "ipv4"}


class VantageGuard:
    """Watches one start of a probe pass.

    `probe` holds a session with a canary; `canaries` are those known before any session; `heard` says that a
    connection came up in an earlier start.
    """

    def __init__(
        self,
        context: RunContext,
        events: EventLog,
        probe: Callable[[Target], Awaitable[ProbedSession]],
        write: Callable[[ProbedSession], None],
        *,
        canaries: tuple[Target, ...],
        heard: bool,
    ) -> None:
        self._settings = context.settings.vantage
        self._clock = context.clock
        self._policy = context.policy
        self._progress = context.progress
        self._stop = context.stop
        self._stopped = asyncio.Event()
        context.stop.wake(self._stopped)
        self._events = events
        self._probe = probe
        self._write = write
        self._canaries = canaries
        self._heard = heard
        self._monitor = VantageMonitor(self._settings.networks_in_a_row)
        #: By their ids: one that was made again takes the place of the one before.
        self._held: dict[str, ProbedSession] = {}
        self._given_up: dict[str, OurFault] = {}
        self._faults = 0
        self._last_fault = ""
        self._only_faults = True

    def take(self, probed: ProbedSession, *, again: bool = False) -> None:
        """A session is over: it is written now, or held back. Raises DiskFault.

        One that was a fault of ours in an earlier start too, `again`, says nothing about this one.
        """
        is_ours = probed.record.outcome is Outcome.local_fault
        connect = connect_of(probed.record)
        # Written after the one that replaces it, it would be taken for the later one.
        self._held.pop(probed.record.session, None)
        if probed.record.outcome not in _SAYS_NOTHING and not again:
            self._monitor.take(connect)
            self._note(probed.record, is_ours=is_ours)
        self._heard |= connect.came_up
        if connect.came_up:
            self._release()
        elif is_ours or not self._heard:
            self._hold(probed)
            return
        self._write(probed)

    @property
    def is_suspicious(self) -> bool:
        """True if `check` is to be called before another session is started."""
        return self._suspected is not None

    def is_lost(self, address: str) -> bool:
        """True for an address of a family that was given up: it is not asked in this start."""
        return family_of(address) in self._given_up

    async def check(self) -> tuple[Window, ...]:
        """Finds out whether it is us; while it does, the caller starts no session.

        Nothing, if it is not; else the windows that are over: what overlaps them is to be made again. When a
        stop is asked for it returns early. Raises OurFault if we stay lost, after the windows were written.
        """
        family = self._suspected
        if family is None:
            return ()
        if await self._is_answered(family):
            self._monitor.dismiss(family, self._clock.now_utc())
            return ()
        since, networks = self._monitor.lost_since(family), self._monitor.networks_lost(family)
        is_back = self._heard and await self._comes_back(family)
        is_alone = not is_back and self._still_reaches(_OTHER[family], since)
        windows = self._mark(family, since, alone=is_alone)
        if is_back:
            for window in windows:
                self._monitor.came_back(window.family, window.until)
        elif self._stop.signal_number is None:
            self._give_up(family, self._fault(windows[0], networks), alone=is_alone)
        return windows

    def settle(self) -> None:
        """A round is over: what was held back is written. Raises OurFault if nothing but faults of ours was seen."""
        if self._faults and self._only_faults and not self._heard:
            raise OurFault(
                f"nothing but faults on our side: every session failed ({self._last_fault}); "
                "nothing is recorded about them"
            )
        self._release()

    def finish(self) -> None:
        """The pass is over. Raises OurFault as `settle` does, and if a family was given up."""
        self.settle()
        for fault in self._given_up.values():
            raise fault

    @property
    def _suspected(self) -> str | None:
        return next((family for family in self._monitor.suspected if family not in self._given_up), None)

    def _note(self, record: SessionRecord, *, is_ours: bool) -> None:
        self._only_faults &= is_ours
        if is_ours:
            self._faults += 1
            self._last_fault = record.error or ""

    # Canaries ------------------------------------------------------------------------------------------

    async def _is_answered(self, family: str) -> bool:
        """Asks the canaries of a family, all at once; True also if another server was heard meanwhile."""
        asked = {target.address: target for target in (*self._monitor.known_good(family), *self._canaries)}
        targets = [
            target
            for target in asked.values()
            # Who has opted out since is left alone, however well known.
            if family_of(target.address) == family and not self._policy.left_alone(target.address, target.server_name)
        ]
        came_up = await asyncio.gather(*map(self._ask, targets))
        is_answered = any(came_up) or family not in self._monitor.suspected
        if is_answered:
            self._heard = True
            self._release()
        return is_answered

    async def _ask(self, target: Target) -> bool:
        record = (await self._probe(target)).record
        came_up = connect_of(record).came_up
        self._events.append(
            "canary", address=target.address, came_up=came_up, stage=record.stage, outcome=record.outcome
        )
        return came_up

    async def _comes_back(self, family: str) -> bool:
        """Pauses and asks again, as often as the settings say. False if nobody answers, or a stop is asked for."""
        for number in range(1, self._settings.pauses + 1):
            self._events.append("paused", reason="vantage", family=family)
            was, self._progress.name = self._progress.name, f"paused, {_NAMES[family]} reaches nobody: try {number}"
            await self._pause()
            self._progress.name = was
            if self._stop.signal_number is not None:
                return False
            if await self._is_answered(family):
                return True
        return False

    async def _pause(self) -> None:
        """Waits for the pause to end or for a stop."""
        waits = [
            asyncio.ensure_future(wait) for wait in (self._clock.sleep(self._settings.pause_s), self._stopped.wait())
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # Being lost ----------------------------------------------------------------------------------------

    def _still_reaches(self, family: str, since: float) -> bool:
        heard_at = self._monitor.heard_at(family)
        return heard_at is not None and heard_at > since

    def _mark(self, family: str, since: float, *, alone: bool) -> tuple[Window, ...]:
        """Writes the window of a family that ends now; unless it was lost alone, also the other's.

        What the other one did not reach since it was heard last was most probably the same cable.
        """
        lost = {family: since}
        in_doubt_since = self._monitor.in_doubt_since(_OTHER[family])
        if not alone and in_doubt_since is not None:
            lost[_OTHER[family]] = in_doubt_since
        now = self._clock.now_utc()
        windows = tuple(Window(name, began, now) for name, began in lost.items())
        for window in windows:
            detail = {"from": utc_text(window.since), "to": utc_text(now), "family": window.family}
            self._events.append(VANTAGE_LOST, **detail)
        return windows

    def _give_up(self, family: str, fault: OurFault, *, alone: bool) -> None:
        """Ends the run, or, while the other family still reaches servers, this family's part in it."""
        if not alone:
            raise fault
        self._given_up[family] = fault

    def _fault(self, window: Window, networks: int) -> OurFault:
        family = _NAMES[window.family]
        because = f" ({self._last_fault})" if self._last_fault else ""
        if not self._heard:
            return OurFault(
                f"no connection came up to any of {networks} networks{because}: our port seems to be blocked outwards. "
                "Ask the provider to open it or scan from elsewhere; --canary names a server that is known to be up. "
                "Nothing is recorded about these servers"
            )
        return OurFault(
            f"our own {family} network is the problem: since {utc_text(window.since)} connections to {networks} "
            f"networks did not come up{because}, and servers that should be up do not answer either. "
            "What was not reached since then is unknown(vantage) until it is asked again"
        )

    def _hold(self, probed: ProbedSession) -> None:
        self._held[probed.record.session] = probed
        if len(self._held) > HELD_AT_MOST:
            self._release()

    def _release(self) -> None:
        for probed in self._held.values():
            self._write(probed)
        self._held.clear()
