"""Labs for tests: every test that opens one runs on both loops."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scanner.lab.order import NO_FAULTS, LabFaults
from scanner.lab.world import World
from scanner.settings import Limits

from .running import LIMITS, LOOPS, RunningLab, running

OpenLab = Callable[..., RunningLab]


@pytest.fixture(params=LOOPS)
def open_lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLab]:
    """Opens a lab for a world; it is closed when the test is over."""
    with ExitStack() as labs:

        def open_one(
            world: World, limits: Limits = LIMITS, directory: Path = tmp_path, faults: LabFaults = NO_FAULTS
        ) -> RunningLab:
            return labs.enter_context(running(world, directory, request.param, limits, faults))

        yield open_one
