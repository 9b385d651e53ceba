"""What a pass tells while it runs, and how it is told to stop."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Where a run stands: read by the display, written by the passes. Times are the display's business."""

    name: str = ""
    total: int | None = None
    done: int = 0
    in_flight: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def begin(self, name: str, total: int | None) -> None:
        """A pass begins; `total` is None if nobody knows yet."""
        self.name, self.total, self.done, self.in_flight = name, total, 0, 0
        self.outcomes = Counter()

    def advance(self, outcome: str) -> None:
        """One more is done."""
        self.done += 1
        self.outcomes[outcome] += 1


class Interrupted(Exception):  # noqa: N818 - asked for, no error
    """The run was asked to stop. What is written is whole, and the run can be resumed."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class StopRequest:
    """The wish to stop: the first signal ends a pass when what is in flight has ended, a second at once."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._wake: list[asyncio.Event] = []
        self._abort: Callable[[], object] | None = None
        self._at_once = False

    def ask(self, signal_number: int) -> None:
        """To be called by a signal handler. A second call ends what waits at once, or raises Interrupted."""
        is_second = self._at_once or self.signal_number is not None
        self.signal_number = signal_number
        for event in self._wake:
            event.set()
        if is_second:
            if self._abort is None:
                raise Interrupted(signal_number)
            self._abort()

    @property
    def is_at_once(self) -> bool:
        """True while the first signal ends all."""
        return self._at_once

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While the block runs, already the first call raises Interrupted, and one from before does as it begins.

        There is nothing to let end.
        """
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def wake(self, event: asyncio.Event) -> None:
        """Sets an event as well when a stop is asked for."""
        self._wake.append(event)

    def check(self) -> None:
        """Raises Interrupted if a stop was asked for."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)

    async def abortable(self, work: Coroutine[object, object, None]) -> None:
        """Awaits `work`; a second signal cancels it. Raises Interrupted then.

        An exception out of a signal handler would end in whatever task happens to run, or in the loop.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        self._abort = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            self.check()
            raise
        finally:
            self._abort = None
