"""events.jsonl: what happened to the run, as it happens."""

from types import TracebackType
from typing import Self

from scanner.net.clock import Clock
from scanner.passes.run_directory import RunDirectory
from scanner.records import Event
from scanner.times import utc_text


class EventLog:
    """Appends events of one start of a run."""

    def __init__(self, directory: RunDirectory, clock: Clock, start: int) -> None:
        self._appender = directory.appender(Event)
        self._clock = clock
        self._start = start

    def append(self, event: str, **detail: str | float | bool | None) -> None:
        """Writes an event with its details. Raises DiskFault."""
        at = utc_text(self._clock.now_utc())
        self._appender.append(Event(at=at, start=self._start, event=event, detail=detail))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._appender.close()
