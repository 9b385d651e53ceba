"""A deadline keeps `asyncio.timeout`'s promises."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from scanner.net.deadline import Deadline

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run_on(request: pytest.FixtureRequest) -> Run:
    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        return lambda work: asyncio.Runner(loop_factory=uvloop.new_event_loop).run(work)
    return asyncio.run


def test_a_block_that_takes_too_long_ends_in_a_timeout_and_leaves_no_cancellation(run_on: Run) -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError) as raised, Deadline(0.01):
            await asyncio.Event().wait()
        assert raised.value.errno is None
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    run_on(work())


def test_a_block_that_is_over_in_time_is_left_alone(run_on: Run) -> None:
    async def work() -> None:
        with Deadline(0.05):
            await asyncio.sleep(0)
        await asyncio.sleep(0.06)

    run_on(work())


def test_an_error_of_the_block_passes_through(run_on: Run) -> None:
    async def work() -> None:
        with pytest.raises(KeyError), Deadline(10):
            raise KeyError

    run_on(work())


def test_a_cancellation_from_outside_is_one_also_when_the_limit_fires_with_it(run_on: Run) -> None:
    async def waiting(seconds: float) -> None:
        with Deadline(seconds):
            await asyncio.Event().wait()

    async def work() -> None:
        for seconds in (10.0, 0.0):
            task = asyncio.create_task(waiting(seconds))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run_on(work())


def test_deadlines_within_each_other_fire_each_for_itself(run_on: Run) -> None:
    async def work() -> None:
        with Deadline(10):
            with pytest.raises(TimeoutError), Deadline(0.01):
                await asyncio.Event().wait()
            await asyncio.sleep(0)

    run_on(work())
