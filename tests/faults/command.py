"""`mxscan` in a process of its own that costs next to nothing to start: a fork of this one.

Everything is imported already, and a test may change anything in the fork before the command runs: what it
patches there is gone with the process. The command's home, working directory and place for temporary files
are one directory, in which there must be nothing in the end but the run.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner import cli
from scanner.commands import lab_scan
from scanner.commands import scan as scan_command  # noqa: F401 - imported once, for all forks
from scanner.lab.child import LabChild
from scanner.passes.plan import pace_group_of

#: Changes something in a fork before its command runs.
Preparation = Callable[[], None]

#: No command of these tests takes longer, unless it says so.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended (minus the signal that killed it) and what it said on stdout and stderr."""

    exit_code: int
    said: str


class SharedLab:
    """Stands in for LabChild in a fork: `--lab` finds the lab that the test serves, whatever it asks for."""

    def __init__(self, lab: LabChild) -> None:
        self._lab = lab

    def start(self, *_: object, **__: object) -> "contextlib.nullcontext[LabChild]":
        return contextlib.nullcontext(self._lab)


def sharing(lab: LabChild) -> Preparation:
    """A preparation: `--lab` in the fork uses an open lab instead of one of its own."""

    def prepare() -> None:
        lab_scan.LabChild = SharedLab(lab)  # type: ignore[assignment,attr-defined]

    return prepare


class Fork:
    """Work in a process of its own, whose exit code it gives; stdout may be another file's than ours."""

    def __init__(self, home: Path, work: Callable[[], int], stdout: int | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        pace_group_of("mx.example")  # reads the public suffix list, once for all forks
        self._output: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the command has ended
        self.pid = self._fork()
        if self.pid == 0:
            self._redirect(stdout)
            _be(home, work)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.signal(signal.SIGKILL)
        assert self.ended().exit_code == -signal.SIGKILL

    @property
    def said(self) -> str:
        """What it said so far, on stdout and stderr."""
        return os.pread(self._output.fileno(), 1 << 20, 0).decode(errors="backslashreplace")

    def has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Waits for something that the command brings about; it must not end before."""
        until = time.monotonic() + PATIENCE_S
        while not reached():
            assert not self.has_ended(), f"ended too early: {self.ended()}"
            assert time.monotonic() < until, f"what was waited for never came: {self.said}"
            time.sleep(0.001)

    def ended(self, patience_s: float = PATIENCE_S) -> Ended:
        """Waits for its end. One that takes longer hangs: it is killed, and the test fails."""
        until = time.monotonic() + patience_s
        while not (is_late := time.monotonic() > until) and not self.has_ended():
            time.sleep(0.002)
        if is_late:
            self.signal(signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        said = self.said
        self._output.close()
        assert not is_late, f"hangs: not at its end after {patience_s} s: {said}"
        return Ended(os.waitstatus_to_exitcode(status), said)

    def _fork(self) -> int:
        return os.fork()

    def _redirect(self, stdout: int | None) -> None:
        """Where the fork's output goes."""
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(self._output.fileno() if stdout is None else stdout, 1)
        os.dup2(self._output.fileno(), 2)


def start_mxscan(
    home: Path,
    *arguments: str | Path,
    preparations: Iterable[Preparation] = (),
    kind: type[Fork] = Fork,
    stdout: int | None = None,
) -> Fork:
    """Starts `mxscan ARGUMENTS`; the preparations run in its process before it."""

    def work() -> int:
        for prepare in preparations:
            prepare()
        return cli.run(list(map(str, arguments)))

    return kind(home, work, stdout)


def mxscan(home: Path, *arguments: str | Path, preparations: Iterable[Preparation] = ()) -> Ended:
    """Runs `mxscan ARGUMENTS` to its end."""
    return start_mxscan(home, *arguments, preparations=preparations).ended()


def _be(home: Path, work: Callable[[], int]) -> None:
    """The life of the fork; never returns."""
    code = -1
    try:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
        os.chdir(home)
        os.environ.update(HOME=str(home), TMPDIR=str(home), NO_COLOR="1", COLUMNS="120")
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = work()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - this process is not pytest's
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stderr.flush()
        os._exit(code)
