"""The threads of alerts: which are open, what a new one is called, and when one may be heard of again."""

from collections.abc import Iterable
from hashlib import sha256

from msgspec.structs import replace

from scanner.outages.alerts import AlertId, AlertKind
from scanner.outages.known import RunFacts, Thread
from scanner.times import parse_utc

#: Runs begin some minutes earlier or later than the one before: what repeats is due a tenth before its time.
DUE_AFTER = 0.9


class Threads:
    """The open threads while one run is judged; ids follow from the run's, so that they are no one else's."""

    def __init__(self, threads: Iterable[Thread], run: RunFacts) -> None:
        self._threads = {thread.alert: thread for thread in threads}
        self._run = run
        self._token = sha256(run.run.encode()).hexdigest()[:8]
        self._opened = 0

    def begin(self, kind: AlertKind) -> Thread:
        """A new thread, with its first alert."""
        self._opened += 1
        run = self._run
        return self._keep(
            Thread(
                alert=f"{self._token}-{self._opened}",
                kind=kind,
                opened_at=run.at,
                sequence=1,
                told_at=run.at,
                told_run=run.number,
                runs=(run.directory,),
            )
        )

    def go_on(self, alert: AlertId) -> Thread:
        """The thread with one more alert. Raises KeyError for one that is not open."""
        thread, run = self._threads[alert], self._run
        runs = tuple(dict.fromkeys((thread.runs[0], run.directory)))  # its reminders may go on for years
        return self._keep(replace(thread, sequence=thread.sequence + 1, told_at=run.at, told_run=run.number, runs=runs))

    def get(self, alert: AlertId) -> Thread:
        """Raises KeyError for one that is not open."""
        return self._threads[alert]

    def of_kind(self, kind: AlertKind) -> Thread | None:
        """The open thread of a kind of which there is one at most."""
        return next((thread for thread in self._threads.values() if thread.kind is kind), None)

    def is_due(self, thread: Thread, every_s: float) -> bool:
        """True if a thread was last heard of so long ago that it may repeat itself; 0 s is never."""
        since = parse_utc(self._run.at) - parse_utc(thread.told_at)
        return every_s > 0 and since.total_seconds() >= DUE_AFTER * every_s

    def keep_only(self, referred_to: Iterable[AlertId | None]) -> tuple[Thread, ...]:
        """The threads that something still refers to: the others are closed."""
        wanted = set(referred_to)
        return tuple(thread for thread in self._threads.values() if thread.alert in wanted)

    def _keep(self, thread: Thread) -> Thread:
        self._threads[thread.alert] = thread
        return thread
