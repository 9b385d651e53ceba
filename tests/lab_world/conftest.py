"""The embedded world, open."""

from collections.abc import Iterator

import pytest

from scanner.settings import Limits
from tests.lab.running import RunningLab, running

from .entries import WORLD

#: Of which the slow servers take their shares.
LIMITS = Limits(reply_s=0.2, message_s=0.2)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(WORLD, tmp_path_factory.mktemp("lab"), "asyncio", LIMITS) as lab:
        yield lab
