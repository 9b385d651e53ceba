"""The deadlines of a session: one for each stage and one for all, in which only our presence counts.

Theory of operation. A stage begins with its limit, or with what is left of the session's if that is less. Time in
which our event loop stood still is nobody's: it is taken off the session's, and a limit that fired long after its
time is a fault of ours. Waiting itself is net/deadline.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import NamedTuple

from scanner.net.clock import Clock
from scanner.net.lateness import LATE_S, is_late
from scanner.outcomes import Outcome, Stage
from scanner.probe.session_end import SessionEnded
from scanner.settings import Limits


class StageDeadline(NamedTuple):
    """A stage's limit, or what is left of the session's if that is less."""

    limit: str
    limit_s: float
    allowed_s: float
    began: float
    outcome: Outcome


class Deadlines:
    """Begins when it is made, with its session."""

    __slots__ = ("_absent_s", "_began", "_limits", "_now", "_waited_until")

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._now = clock.monotonic
        self._began = self._waited_until = clock.monotonic()
        self._absent_s = 0.0

    def at(self) -> float:
        """Seconds since the session began."""
        return self._now() - self._began

    def begin(self, limit: str) -> StageDeadline:
        """The deadline of a stage that begins now; `limit` is its key among the limits."""
        now = self._now()
        limit_s: float = getattr(self._limits, limit)
        # Time in which we were not there to listen is not the server's.
        left_s = self._began + self._absent_s + self._limits.session_s - now
        if left_s < -LATE_S:  # no wait ends so late: we stood still since the last one (frozen, overloaded)
            self._absent_s += now - self._waited_until
            left_s += now - self._waited_until
        if left_s < limit_s:
            return StageDeadline("limits.session_s", self._limits.session_s, max(0.0, left_s), now, Outcome.deadline)
        return StageDeadline(f"limits.{limit}", limit_s, limit_s, now, Outcome.timed_out)

    def over(self, deadline: StageDeadline) -> float:
        """How many milliseconds a stage took that is over now, however it went."""
        self._waited_until = self._now()
        return round((self._waited_until - deadline.began) * 1000, 1)

    @contextmanager
    def apart_from_the_session(self) -> Iterator[None]:
        """What passes within is not the session's: a stage has its own limit there, and no other."""
        absent_s, began = self._absent_s, self._now()
        self._absent_s = inf
        try:
            yield
        finally:
            self._absent_s = absent_s + self._now() - began

    def excuse_lateness(self, deadline: StageDeadline) -> None:
        """Takes off the session's time what passed between a deadline and now."""
        self._absent_s += self._late_s(deadline)

    def excuse_absence(self, deadline: StageDeadline) -> None:
        """Takes off a wait that counts for nobody: all of it if it ended late, as nobody knows when the reply came."""
        elapsed_s = self._now() - deadline.began
        late_s = elapsed_s - deadline.allowed_s
        if late_s > 0:
            self._absent_s += elapsed_s if is_late(elapsed_s, deadline.allowed_s) else late_s

    def fired(self, stage: Stage, deadline: StageDeadline) -> SessionEnded:
        """The end of a session whose limit fired: by the server's silence, or because we were not there."""
        late_s = self._late_s(deadline)
        if late_s > max(LATE_S, deadline.limit_s / 10):
            # We were not there to hear: a loop this late may have missed the reply (frozen, overloaded).
            error, outcome = f"our event loop was {late_s:.1f} s late", Outcome.local_fault
        else:
            error, outcome = None, deadline.outcome
        return SessionEnded(stage, outcome, limit=deadline.limit, limit_value=deadline.limit_s, error=error)

    def _late_s(self, deadline: StageDeadline) -> float:
        """How long after its end a deadline is looked at: for so long our event loop did something else."""
        return max(0.0, self._now() - deadline.began - deadline.allowed_s)
