"""What a long command shows while it works, on stderr: a live line on a terminal, else a line every 10 s."""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from scanner.commands.failures import say
from scanner.passes.progress import Progress

PLAIN_EVERY_S = 10.0
LOOK_EVERY_S = 0.25


class _Rate:
    """How fast a pass goes, since it began."""

    def __init__(self) -> None:
        self._pass = ""
        self._began = time.monotonic()

    def of(self, progress: Progress) -> tuple[float, float | None]:
        """Done per second, and the seconds left if the total is known."""
        if progress.name != self._pass:
            self._pass, self._began = progress.name, time.monotonic()
        elapsed = time.monotonic() - self._began
        rate = progress.done / elapsed if elapsed > LOOK_EVERY_S / 2 else 0.0
        if progress.total is None or not rate:
            return rate, None
        return rate, max(0.0, (progress.total - progress.done) / rate)


def progress_text(progress: Progress, rate: float, left_s: float | None) -> str:
    """`probe 120/400 · 35/s · 12 in flight · ok 100, timed_out 20 · 8 s left`."""
    total = "" if progress.total is None else f"/{progress.total}"
    parts = [f"{progress.name} {progress.done}{total}", f"{rate:.0f}/s"]
    if progress.in_flight:
        parts.append(f"{progress.in_flight} in flight")
    # A copy: the pass goes on counting while this thread reads.
    common = Counter(dict(progress.outcomes)).most_common(5)
    if common:
        parts.append(", ".join(f"{name} {count}" for name, count in common))
    if left_s is not None:
        parts.append(f"{_duration(left_s)} left")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Display:
    """Shows a run's progress while its block runs, in a thread of its own: a busy pass is still shown."""

    def __init__(self, progress: Progress, *, quiet: bool) -> None:
        self._progress = progress
        self._rate = _Rate()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._live: Live | None = None
        self._told_at = time.monotonic()
        self._console = Console(stderr=True, quiet=quiet)
        if quiet:
            return
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._live is not None:
            self._live.stop()

    def tell(self, what: RenderableType) -> None:
        """Prints something that is to stay, above the live line."""
        self._console.print(what)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            text = progress_text(self._progress, *self._rate.of(self._progress))
            if self._live is not None:
                self._live.update(Spinner("dots", Text(text)), refresh=True)
            elif time.monotonic() - self._told_at >= PLAIN_EVERY_S:
                self._told_at = time.monotonic()
                say(text)
