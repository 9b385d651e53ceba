"""SIGINT and SIGTERM: the first lets what is in flight end, the second ends at once."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from scanner.commands.failures import say
from scanner.passes.progress import StopRequest


@contextlib.contextmanager
def stopping(stop: StopRequest) -> Iterator[None]:
    """Signals ask `stop` to stop while the block runs; the handlers from before are put back after it."""

    def ask(number: int, _: FrameType | None) -> None:
        is_first = stop.signal_number is None and not stop.is_at_once
        stop.ask(number)
        if is_first:
            say("ending what is in flight; once more to end at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
