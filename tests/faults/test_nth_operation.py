"""Fail the n-th open, read, write, connect … of a scan, for n = 1, 2, 3 … until a run has no failure left.

However it fails, the command ends with an exit code that says whose fault it was, what it wrote is whole, and
a second try without the failure says what a run without any says.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.exit_codes import OK, OURS
from scanner.lab.child import LabChild
from scanner.outcomes import FindingKind
from tests.faults.command import Ended
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant
from tests.faults.operations import NONE, Kind, Operations
from tests.faults.scanning import Scanning, size_of

pytestmark = pytest.mark.acceptance

#: STARTTLS and a certificate; a host without STARTTLS; a domain that takes no mail; a line that is no domain.
SHORT = ("good.lab", "no-starttls.lab", "null-mx.lab", "two..dots.lab")

#: A run of three domains has far fewer operations of any kind: more would be no end.
MOST = 400

ON_FILES = (Kind.open, Kind.read, Kind.write, Kind.short_write, Kind.rename)
ON_SOCKETS = (Kind.socket, Kind.connect, Kind.receive, Kind.send, Kind.query)
LOOPS = ("asyncio", "uvloop")

#: A handshake that is cut off once and comes through with a small ClientHello looks like a server that needs one.
MAY_BE_TOLD = frozenset({FindingKind.large_client_hello})


class Failing:
    """Scans of a short list, each in a home of its own, in which one operation fails."""

    def __init__(self, directory: Path, lab: LabChild, loop: str = "auto") -> None:
        self._scanning = Scanning(directory, lab, SHORT)
        self._settings = {"run": {"loop": loop, "seed": 1}}
        assert self.scan("whole").exit_code == OK
        self.expected = essence_of(self.run("whole"), leaving_out=MAY_BE_TOLD)

    def run(self, name: object) -> Path:
        return self._scanning.run(name)

    def scan(self, name: object, operations: Operations = NONE) -> Ended:
        number = operations.number_in(self.run(name))
        return self._scanning.scan(name, preparations=[number], settings=self._settings)

    def resume(self, name: object, operations: Operations = NONE) -> Ended:
        """Goes on with a run; one that ended before its input was read has left nothing and is begun again."""
        if not self.run(name).exists():
            return self.scan(name, operations)
        return self._scanning.resume(name, preparations=[operations.number_in(self.run(name))])

    def stopped_run(self) -> Path:
        """A run that a full disk stopped after its first session, and whose last line is torn as by a kill."""
        counted, run = Operations(Kind.write), self.run("stopped")
        assert self.scan("counted", counted).exit_code == OK
        number = counted.count // 2
        while not size_of(run, "sessions"):
            shutil.rmtree(run, ignore_errors=True)
            assert self.scan("stopped", Operations(Kind.write, fails=number)).exit_code == OURS
            number += 1
        (sessions,) = run.glob("sessions-*.jsonl")
        sessions.write_bytes(sessions.read_bytes() + b'{"session":"')
        return run

    def fail_each(self, kind: Kind, once: Callable[[int, Operations], Ended]) -> None:
        """Does it once for each operation of a kind there is, each failing in its turn, and then a second time."""
        for number in range(1, MOST):
            operations = Operations(kind, fails=number)
            ended = once(number, operations)
            if operations.count < number:
                assert number > 1, "nothing was numbered"
                return
            what = f"{kind} {number} failed"
            assert ended.exit_code in (OK, OURS), f"{what}, and it ended with {ended.exit_code}:\n{ended.said}"
            assert "the output could not be written" not in ended.said, f"{what}, and something else is blamed"
            again = self.resume(number)
            assert again.exit_code == OK, f"{what}, and the second try ended with {again.exit_code}:\n{again.said}"
            assert_invariant(self.run(number))
            assert essence_of(self.run(number), leaving_out=MAY_BE_TOLD) == self.expected, f"{what}: other records"
        pytest.fail("no end")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", ON_SOCKETS)
def test_a_scan_in_which_the_nth_of_these_fails(kind: Kind, loop: str, tmp_path: Path, lab: LabChild) -> None:
    _fail_each_in_a_scan(kind, Failing(tmp_path, lab, loop))


@pytest.mark.parametrize("kind", ON_FILES)
def test_a_scan_in_which_the_nth_of_these_on_its_files_fails(kind: Kind, tmp_path: Path, lab: LabChild) -> None:
    _fail_each_in_a_scan(kind, Failing(tmp_path, lab))


def _fail_each_in_a_scan(kind: Kind, failing: Failing) -> None:
    def scan(number: int, operations: Operations) -> Ended:
        ended = failing.scan(number, operations)
        assert_invariant(failing.run(number))
        return ended

    failing.fail_each(kind, scan)


@pytest.mark.parametrize("kind", ON_FILES)
def test_a_resumed_scan_in_which_the_nth_of_these_on_its_files_fails(kind: Kind, tmp_path: Path, lab: LabChild) -> None:
    failing = Failing(tmp_path, lab)
    stopped = failing.stopped_run()

    def resume(number: int, operations: Operations) -> Ended:
        shutil.copytree(stopped, failing.run(number))
        return failing.resume(number, operations)

    failing.fail_each(kind, resume)
