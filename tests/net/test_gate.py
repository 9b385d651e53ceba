"""The gate: few young lookups, many old ones, fewer while they time out."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from scanner.net.gate import Gate
from tests.conftest import Run

NEVER_S = 1000.0


class Crowd:
    """Lookups that go through a gate and stay inside until they are let out."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[int] = []
        self.most = 0
        self._entered = asyncio.Event()
        self._doors: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def arrive(self, *numbers: int) -> None:
        for number in numbers:
            self._doors[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._go_through(number))

    async def _go_through(self, number: int) -> None:
        async with self.gate.passage():
            self.inside.append(number)
            self._entered.set()
            self.most = max(self.most, len(self.inside))
            try:
                await self._doors[number].wait()
            finally:
                self.inside.remove(number)

    async def let_out(self, *numbers: int) -> None:
        for number in numbers:
            self._doors[number].set()
            await self.tasks[number]

    async def until(self, *inside: int) -> None:
        """Waits until exactly these are inside."""
        while sorted(self.inside) != sorted(inside):
            self._entered.clear()
            await self._entered.wait()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


Test = Callable[[Crowd], Coroutine[None, None, None]]


async def with_crowd(gate: Callable[[], Gate], test: Test) -> None:
    """The test, with a crowd of which nobody is left over."""
    crowd = Crowd(gate())
    try:
        await test(crowd)
    finally:
        for task in crowd.tasks.values():
            task.cancel()
        await asyncio.gather(*crowd.tasks.values(), return_exceptions=True)


def test_no_more_young_ones_than_the_number_and_in_order(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(*range(10))
        await settle()
        assert crowd.inside == [0, 1, 2]
        await crowd.let_out(1)
        await settle()
        assert crowd.inside == [0, 2, 3]
        await crowd.let_out(0, 2, 3)
        await settle()
        assert crowd.inside == [4, 5, 6]
        assert crowd.most == 3

    run(with_crowd(lambda: Gate(3, 100, NEVER_S), test))


def test_old_ones_free_their_place_and_stay_inside(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(*range(6))
        await settle()
        assert crowd.inside == [0, 1]
        await crowd.until(*range(6))

    run(with_crowd(lambda: Gate(2, 100, 0.01), test))


def test_no_more_in_all_than_the_other_number_however_old(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(*range(6))
        await crowd.until(0, 1, 2, 3)
        await asyncio.sleep(0.02)  # twice as long as one is young
        assert crowd.inside == [0, 1, 2, 3]
        await crowd.let_out(0)
        await crowd.until(1, 2, 3, 4)

    run(with_crowd(lambda: Gate(2, 4, 0.01), test))


def test_who_gives_up_waiting_takes_nobodys_place(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(*range(5))
        await settle()
        crowd.tasks[1].cancel()
        await settle()
        assert crowd.inside == [0]
        await crowd.let_out(0)
        await settle()
        assert crowd.inside == [2]

    run(with_crowd(lambda: Gate(1, 100, NEVER_S), test))


def test_who_gives_up_just_when_called_passes_the_place_on(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(*range(3))
        await settle()
        crowd._doors[0].set()
        await asyncio.sleep(0)
        assert crowd.tasks[0].done()
        crowd.tasks[1].cancel()
        await settle()
        assert crowd.inside == [2]

    run(with_crowd(lambda: Gate(1, 100, NEVER_S), test))


def test_who_is_cancelled_inside_frees_its_place(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        crowd.arrive(0, 1)
        await settle()
        crowd.tasks[0].cancel()
        await settle()
        assert crowd.inside == [1]

    run(with_crowd(lambda: Gate(1, 100, NEVER_S), test))


async def pass_through(gate: Gate, count: int, timeouts: int) -> None:
    for number in range(count):
        async with gate.passage() as passage:
            passage.timed_out = number < timeouts


@pytest.mark.parametrize(
    ("rounds", "width", "why"),
    [
        ([2], 100, "1 % is as usual"),
        ([3], 75, "more than that"),
        ([200], 75, "however many more"),
        ([3, 3], 56, "and again"),
        ([200] * 10, 25, "never less than a quarter"),
        ([3, 0], 85, "and back by a tenth"),
        ([3, 0, 0, 0, 0], 100, "up to what it was"),
        ([0, 0], 100, "never more"),
    ],
)
def test_the_gate_narrows_while_lookups_time_out(run: Run, rounds: list[int], width: int, why: str) -> None:
    async def main() -> int:
        gate = Gate(100, 1000, NEVER_S)
        for timeouts in rounds:
            await pass_through(gate, Gate.WINDOW, timeouts)
        return gate.width

    assert run(main()) == width, why


def test_a_gate_for_one_stays_one(run: Run) -> None:
    async def main() -> int:
        gate = Gate(1, 10, NEVER_S)
        await pass_through(gate, 3 * Gate.WINDOW, 3 * Gate.WINDOW)
        return gate.width

    assert run(main()) == 1


def test_when_the_gate_widens_all_who_fit_come_in(run: Run) -> None:
    async def test(crowd: Crowd) -> None:
        await pass_through(crowd.gate, Gate.WINDOW, 3)
        assert crowd.gate.width == 30
        crowd.arrive(*range(60))
        await settle()
        assert len(crowd.inside) == 30
        crowd.gate._seen = Gate.WINDOW - 1
        await crowd.let_out(0)
        await settle()
        assert crowd.gate.width == 34
        assert len(crowd.inside) == 34

    run(with_crowd(lambda: Gate(40, 1000, NEVER_S), test))
