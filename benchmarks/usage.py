"""A child process, and what it alone has used: CPU, memory, time."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """`cpu_s` is user + system. `peak_bytes` is the resident memory at its highest."""

    cpu_s: float
    peak_bytes: int
    wall_s: float


class ChildError(RuntimeError):
    """A measured child did not end with 0; the message has the end of what it said."""


def run_and_measure(command: Sequence[str], log: Path, give_up_after_s: float) -> Usage:
    """Run the command to its end → what it used. Raises ChildError unless it ends with 0 in time.

    The figures are those of wait4: this child and those that it waited for, nobody else. Linux counts the
    memory of this process at the time of its start as the child's (it is the child's until exec), so the
    peak means something only while this process stays smaller than the child: it imports nothing big.
    """
    began = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    timer = threading.Timer(give_up_after_s, child.kill)
    timer.start()
    try:
        _, status, used = os.wait4(child.pid, 0)
    finally:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise ChildError(f"exit {child.returncode}: {' '.join(command)}\n{log.read_text()[-2000:]}")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, time.monotonic() - began)
