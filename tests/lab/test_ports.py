"""Ports: free ones are found, kept ones are waited for."""

import asyncio
import errno
import random

import pytest

from scanner.lab import ports
from scanner.lab.ports import FIRST_PORT, LAST_PORT, open_free_port, open_kept_port

from .running import LOOPS


class Doors:
    """Opens at a port after it was refused so many times with that error."""

    def __init__(self, refusals: int, error_number: int = errno.EADDRINUSE) -> None:
        self.tried: list[int] = []
        self._refusals = refusals
        self._error_number = error_number

    async def open_at(self, port: int) -> None:
        self.tried.append(port)
        if len(self.tried) <= self._refusals:
            raise OSError(self._error_number, "refused")


@pytest.fixture(params=LOOPS)
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=LOOPS[request.param])


def test_a_port_that_is_taken_is_passed_over(runner: asyncio.Runner) -> None:
    doors = Doors(refusals=3)
    with runner:
        port = runner.run(open_free_port(doors.open_at, random.Random(1)))
    assert port == doors.tried[3]
    assert len(set(doors.tried)) == 4
    assert all(FIRST_PORT <= tried <= LAST_PORT for tried in doors.tried)


def test_when_hardly_any_port_is_free_the_search_ends(runner: asyncio.Runner) -> None:
    with runner, pytest.raises(OSError, match="no free port"):
        runner.run(open_free_port(Doors(refusals=1000).open_at, random.Random(1)))


def test_a_kept_port_is_waited_for(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RETRY_S", 0.001)
    doors = Doors(refusals=5)
    with runner:
        runner.run(open_kept_port(doors.open_at, 20001))
    assert doors.tried == [20001] * 6


def test_the_wait_for_a_kept_port_ends(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RETRY_S", 0.001)
    monkeypatch.setattr(ports, "PATIENCE_S", 0.02)
    with runner, pytest.raises(OSError, match="refused"):
        runner.run(open_kept_port(Doors(refusals=10**6).open_at, 20001))


def test_what_waiting_does_not_help_is_told_at_once(runner: asyncio.Runner) -> None:
    for opening in (open_free_port(Doors(1, errno.EACCES).open_at, random.Random(1)),
                    open_kept_port(Doors(1, errno.EACCES).open_at, 20001)):  # fmt: skip
        with pytest.raises(PermissionError):
            runner.run(opening)
    runner.close()
