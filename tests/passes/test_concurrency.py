"""Many at a time, never more than a number, and nothing left running when it is over."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from scanner.passes.concurrency import first_of, for_each
from scanner.passes.progress import Interrupted, Progress, StopRequest
from tests.conftest import Run


class Work:
    """Work whose items end when they are let go; it counts what runs."""

    def __init__(self, count: int = 100) -> None:
        self.count = count
        self.taken = 0
        self.running: set[int] = set()
        self.most = 0
        self.done: list[int] = []
        self.cancelled: list[int] = []
        self.go = asyncio.Event()

    def items(self) -> Iterator[int]:
        for number in range(self.count):
            self.taken += 1
            yield number

    async def __call__(self, number: int) -> None:
        self.running.add(number)
        self.most = max(self.most, len(self.running))
        try:
            await self.go.wait()
            self.done.append(number)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        finally:
            self.running.discard(number)


async def until_idle() -> None:
    """Lets the loop do all that it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_width_is_used_up_and_never_exceeded(run: Run) -> None:
    async def main() -> Work:
        work = Work()
        task = asyncio.create_task(for_each(work.items(), 7, work, StopRequest()))
        await until_idle()
        assert len(work.running) == 7
        assert work.taken <= 8, "read ahead of need"
        work.go.set()
        await task
        return work

    work = run(main())
    assert sorted(work.done) == list(range(100))
    assert work.most == 7
    assert work.running == set()


@pytest.mark.parametrize(("count", "width"), [(0, 5), (1, 1), (3, 5)])
def test_fewer_items_than_places(run: Run, count: int, width: int) -> None:
    async def main() -> Work:
        work = Work(count)
        work.go.set()
        await for_each(work.items(), width, work, StopRequest())
        return work

    assert len(run(main()).done) == count


def test_an_error_ends_those_in_flight_and_comes_out_as_it_is(run: Run) -> None:
    async def main() -> Work:
        work = Work()

        async def one(number: int) -> None:
            if number == 3:
                raise KeyError(number)
            await work(number)

        with pytest.raises(KeyError, match="3"):
            await for_each(work.items(), 10, one, StopRequest())
        return work

    work = run(main())
    assert work.done == []
    assert work.running == set()
    assert work.taken <= 12, "one more may begin in the place of the failed one"


def test_a_stop_lets_those_in_flight_end_and_begins_no_other(run: Run) -> None:
    async def main() -> Work:
        work, stop = Work(), StopRequest()
        task = asyncio.create_task(for_each(work.items(), 5, work, stop))
        await until_idle()
        stop.ask(signal.SIGTERM)
        work.go.set()
        with pytest.raises(Interrupted) as interrupted:
            await task
        assert interrupted.value.signal_number == signal.SIGTERM
        return work

    work = run(main())
    assert sorted(work.done) == [0, 1, 2, 3, 4]
    assert work.cancelled == []


def test_cancelling_it_cancels_what_is_in_flight(run: Run) -> None:
    async def main() -> Work:
        work = Work()
        task = asyncio.create_task(for_each(work.items(), 5, work, StopRequest()))
        await until_idle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return work

    work = run(main())
    assert sorted(work.cancelled) == [0, 1, 2, 3, 4]
    assert work.running == set()


def test_the_first_error_is_found_however_deep_it_lies() -> None:
    error = KeyError("this")
    inner = BaseExceptionGroup("inner", [error, ValueError("that")])
    assert first_of(BaseExceptionGroup("outer", [BaseExceptionGroup("middle", [inner]), OSError()])) is error


def test_a_second_wish_to_stop_ends_at_once() -> None:
    stop = StopRequest()
    stop.check()
    stop.ask(signal.SIGINT)
    with pytest.raises(Interrupted, match="SIGINT"):
        stop.check()
    with pytest.raises(Interrupted):
        stop.ask(signal.SIGINT)


def test_a_second_wish_cancels_what_can_be_aborted(run: Run) -> None:
    async def main() -> Work:
        work, stop = Work(), StopRequest()
        task = asyncio.create_task(stop.abortable(for_each(work.items(), 5, work, stop)))
        await until_idle()
        stop.ask(signal.SIGINT)
        await until_idle()
        assert len(work.running) == 5, "the first wish lets them end"
        stop.ask(signal.SIGINT)
        with pytest.raises(Interrupted):
            await task
        return work

    work = run(main())
    assert sorted(work.cancelled) == [0, 1, 2, 3, 4]


def test_where_the_first_wish_ends_all_one_from_before_does_too() -> None:
    stop = StopRequest()
    stop.ask(signal.SIGTERM)
    with pytest.raises(Interrupted), stop.at_once():
        pytest.fail("it began")


def test_an_abortable_that_is_cancelled_without_a_wish_is_just_cancelled(run: Run) -> None:
    async def main() -> None:
        work, stop = Work(), StopRequest()
        task = asyncio.create_task(stop.abortable(work(0)))
        await until_idle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_a_wish_to_stop_wakes_who_waits() -> None:
    stop, event = StopRequest(), asyncio.Event()
    stop.wake(event)
    assert not event.is_set()
    stop.ask(signal.SIGINT)
    assert event.is_set()


def test_progress_counts_each_pass_anew() -> None:
    progress = Progress()
    progress.begin("resolve", 3)
    progress.advance("mx")
    progress.advance("mx")
    progress.advance("nxdomain")
    assert (progress.name, progress.done, progress.total) == ("resolve", 3, 3)
    assert progress.outcomes == {"mx": 2, "nxdomain": 1}
    progress.begin("probe", None)
    assert (progress.name, progress.done, progress.total, progress.in_flight) == ("probe", 0, None, 0)
    assert not progress.outcomes
