"""What the tests of faults share: a scan of the whole embedded world, and an open lab of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.lab.child import LabChild
from tests.faults.command import start_mxscan
from tests.faults.invariant import assert_invariant
from tests.faults.scanning import LIMITS, Scanning
from tests.faults.zoo import Zoo

#: A scan of everything, by the limits of its slowest servers and of their second attempts.
ZOO_PATIENCE_S = 120.0


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """A finished scan of the embedded world, by a lab of its own."""
    home = tmp_path_factory.mktemp("zoo")
    ended = start_mxscan(home, "scan", "--lab", "--out", home / "run", "--quiet").ended(ZOO_PATIENCE_S)
    assert ended.exit_code == 0, ended.said
    assert_invariant(home / "run")
    return Zoo(home / "run")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabChild]:
    """The embedded world, open, with short limits."""
    directory = tmp_path_factory.mktemp("lab")
    with LabChild.start(directory, world="", domains=0, seed=0, limits=LIMITS) as lab:
        yield lab


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, lab: LabChild) -> Path:
    """A run over some of its domains in which nothing is wrong with us: what others are compared with."""
    return Scanning(tmp_path_factory.mktemp("whole"), lab).whole_run()
