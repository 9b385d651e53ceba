"""A night: what is left to be sent, a scan, what it changes, and what is to be said about that.

Theory of operation. A scan that was cut short goes on, if it is fresh. Its result goes into the state in one
transaction, with everything that is to be sent; only then is it sent. So whatever ends a night, the next one finds
either nothing of it, and judges the run again, or all of it, and sends the rest.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from scanner.outages.deliveries import Delivery, Routing, deliveries_of
from scanner.outages.known import RunFacts
from scanner.passes.run_directory import RunDirectory
from scanner.records import InputSource
from scanner.times import utc_text
from scanner.watch.comparison import Compared, compare_night
from scanner.watch.database import Database
from scanner.watch.night_scan import ScannedNight, ScanOrder, go_on_in, new_directory, scan_into, unfinished_run
from scanner.watch.outbox import DeliveryReport
from scanner.watch.queue import DeliveryQueue
from scanner.watch.state_directory import StateDirectory
from scanner.watch.store import Store

#: Sends what is queued, each once, and says what is left.
Deliver = Callable[[DeliveryQueue], Awaitable[DeliveryReport]]


@dataclass(frozen=True, slots=True)
class Night:
    """What came of a night: what was found and told, what was sent, and how many sessions a bug of ours ended.

    `listed` is what the list was taken for.
    """

    compared: Compared
    report: DeliveryReport
    began_at: str
    ended_at: str
    bugs: int
    directory: Path
    listed: InputSource


def run_night(state: StateDirectory, order: ScanOrder, routing: Routing, deliver: Deliver) -> Night:
    """A night from its begin to its end, in a state directory that is locked for this process.

    Raises what a scan raises (InputError and its like, DiskFault, Interrupted), StateError.
    """
    clock = order.invocation.clock
    began_at = utc_text(clock.now_utc())
    with Database.open(state.database) as database:
        store, queue = Store(database), DeliveryQueue(database)
        earlier = _deliver(deliver, queue, order)
        scanned = _scan(state, store, order)
        compared = _compare(store, queue, scanned, order, routing)
        report = earlier.then(_deliver(deliver, queue, order))
        wanted = {name for thread in store.open_threads() for name in thread.runs}
    state.remove_old_runs(order.settings.watch.keep_runs, wanted)
    ended_at, directory = utc_text(clock.now_utc()), scanned.directory.path
    return Night(compared, report, began_at, ended_at, scanned.bugs, directory, scanned.run.input)


def rehearse_night(state: StateDirectory, order: ScanOrder, routing: Routing) -> tuple[Delivery, ...]:
    """What a night would send now, with what is queued already; nothing of it is kept, and nothing sent.

    Raises as `run_night` does.
    """
    with Database.copy(state.database) as database, tempfile.TemporaryDirectory(prefix="mxscan-") as scratch:
        store, queue = Store(database), DeliveryQueue(database)
        _compare(store, queue, scan_into(RunDirectory.create(Path(scratch) / "run"), order), order, routing)
        return tuple(queue.queued())


def _scan(state: StateDirectory, store: Store, order: ScanOrder) -> ScannedNight:
    now = order.invocation.clock.now_utc()
    unfinished = unfinished_run(state, order.settings, now)
    if unfinished is not None and not store.knows_run(unfinished.path.name):
        return go_on_in(unfinished, order)
    return scan_into(new_directory(state, now), order)


def _compare(store: Store, queue: DeliveryQueue, scanned: ScannedNight, order: ScanOrder, routing: Routing) -> Compared:
    """The one transaction of a run: what is known after it, and all that is to be sent."""
    run = _facts(store, scanned, order)
    with store.transaction():
        compared = compare_night(store, scanned, run, order.settings)
        queue.put(deliveries_of(compared.alerts, routing, lambda key: queue.delivery(key) is not None))
    return compared


def _facts(store: Store, scanned: ScannedNight, order: ScanOrder) -> RunFacts:
    last = store.last_run()
    number = last.number + 1 if last is not None else 1
    at = utc_text(order.invocation.clock.now_utc())
    return RunFacts(number, scanned.run.run, scanned.directory.path.name, at)


def _deliver(deliver: Deliver, queue: DeliveryQueue, order: ScanOrder) -> DeliveryReport:
    """Sends what is queued; a second signal ends that at once, and leaves the rest to the next night."""
    report = DeliveryReport()

    async def send() -> None:
        nonlocal report
        report = await deliver(queue)

    with asyncio.Runner(loop_factory=order.invocation.loop_factory) as runner:
        runner.run(order.invocation.stop.abortable(send()))
    return report
