"""What all tests share: both event loops, and a way to run a coroutine on them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import uvloop
from hypothesis import settings

#: A busy machine is no bug; and the whole suite is to be run often.
settings.register_profile("mxscan", deadline=None, max_examples=50)
settings.load_profile("mxscan")

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

_LOOPS: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

#: No test waits longer for what does not come.
_MAX_S = 20.0


class Run(Protocol):
    """Runs a coroutine to its end on a new loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


@pytest.fixture(params=list(_LOOPS))
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    """Makes a loop of asyncio, then one of uvloop."""
    return _LOOPS[request.param]


@pytest.fixture
def run(loop_factory: LoopFactory) -> Run:
    """Runs a coroutine on both loops; it fails when it takes too long."""

    def run_to_its_end(coroutine: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(_MAX_S):
                return await coroutine

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(bounded())

    return run_to_its_end


HERE = Path(__file__).parent

#: Folders of tests that run the command or real servers: after all others, the longest last.
SLOW = ("benchmarks", "faults", "servers", "acceptance")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests come first: what is wrong is told as early as it can be."""

    def order(item: pytest.Item) -> int:
        folder = item.path.relative_to(HERE).parts[0]
        return 1 + SLOW.index(folder) if folder in SLOW else 0

    items.sort(key=order)
