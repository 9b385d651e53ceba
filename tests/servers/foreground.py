"""`mxscan check` and `mxscan send`: one as a user starts it, in a process of its own; or many, in forks of this one."""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import orjson

from scanner.cli import run as run_command
from tests.acceptance.running import ENVIRONMENT

from .scans import mxscan

#: So many at a time: they mostly wait.
_AT_A_TIME = 8
_PATIENCE_S = 60.0

Arguments = Sequence[str | Path]


@dataclass(frozen=True)
class Ran:
    """How a command ended, what it printed, and what the process list showed of it if it was a process of its own."""

    exit_code: int
    printed: bytes
    complained: bytes
    listed: bytes = b""

    @property
    def said(self) -> str:
        """What it printed, as a text."""
        return self.printed.decode()

    @property
    def found(self) -> dict[str, Any]:
        """The object of --json."""
        found: dict[str, Any] = orjson.loads(self.printed)
        return found


def run(arguments: Arguments, environment: Mapping[str, str] | None = None) -> Ran:
    """Runs `mxscan ARGUMENTS` to its end, and looks at the process list while it runs."""
    with TemporaryFile() as printed, TemporaryFile() as complained:
        child = subprocess.Popen(
            mxscan(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=complained,
            env={**ENVIRONMENT, **(environment or {})},
        )
        try:
            listed = _watched(child)
        finally:
            child.kill()
            child.wait()
        for output in (printed, complained):
            output.seek(0)
        return Ran(child.returncode, printed.read(), complained.read(), listed)


def _watched(child: "subprocess.Popen[bytes]") -> bytes:
    """What the process list showed of a child until its end. AssertionError if it takes too long."""
    seen: set[bytes] = set()
    until = time.monotonic() + _PATIENCE_S
    while child.poll() is None:
        assert time.monotonic() < until, f"no end after {_PATIENCE_S} s: {child.args!r}"
        for name in ("cmdline", "comm"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                seen.add(Path(f"/proc/{child.pid}/{name}").read_bytes())
        time.sleep(0.02)  # how often the process list is looked at
    return b"\n".join(sorted(seen))


def run_all(commands: Mapping[str, Arguments], environment: Mapping[str, str] | None = None) -> dict[str, Ran]:
    """Runs `mxscan ARGUMENTS` for each name; their ends by name."""
    with ProcessPoolExecutor(_AT_A_TIME, mp_context=get_context("fork")) as pool:
        jobs = {name: pool.submit(_run_here, arguments, environment or {}) for name, arguments in commands.items()}
        return {name: job.result() for name, job in jobs.items()}


def _run_here(arguments: Arguments, environment: Mapping[str, str]) -> Ran:
    os.environ.update({"NO_COLOR": "1", "COLUMNS": "120", **environment})
    outputs = BytesIO(), BytesIO()
    printed, complained = (TextIOWrapper(output, "utf-8", write_through=True) for output in outputs)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
        code = run_command([str(argument) for argument in arguments])
    return Ran(code, *(output.getvalue() for output in outputs))
