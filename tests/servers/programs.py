"""Programs of the distribution as children of a test: found or not, started, waited for, ended."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

#: The daemons need a moment; one that is not there after this long will not come.
READY_WITHIN_S = 20.0
#: Below Linux' ephemeral range (32768–60999), so that no connection of ours takes the port in between.
_CHOSEN_PORTS = range(20_000, 32_000)


def cannot_run(reason: str) -> None:
    """Skip the test with the reason; where servers are required (in CI) fail it."""
    if os.environ.get("MXSCAN_REQUIRE_SERVERS") == "1":
        pytest.fail(f"MXSCAN_REQUIRE_SERVERS=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def require_programs(*names: str) -> None:
    """Skip or fail unless each program is there, also where a user's PATH ends before /usr/sbin."""
    missing = [name for name in names if find_program(name) is None]
    if missing:
        cannot_run(f"not installed: {', '.join(missing)}")


def find_program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def free_port(addresses: Sequence[str], kinds: Sequence[socket.SocketKind] = (socket.SOCK_STREAM,)) -> int:
    """A port that nobody has on any of the addresses."""
    for port in random.sample(_CHOSEN_PORTS, 200):
        if all(can_bind(address, port, kind) for address in addresses for kind in kinds):
            return port
    raise RuntimeError(f"200 ports tried, each taken on one of {addresses}")


def can_bind(address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """True if nobody has the port on the address; found out without a connection."""
    with socket.socket(socket.AF_INET, kind) as tried:
        try:
            tried.bind((address, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the foreground, its output in `log`; ended with SIGTERM, after 10 s with SIGKILL."""
    program = find_program(command[0])
    assert program is not None
    with log.open("wb") as output:
        child = subprocess.Popen([program, *command[1:]], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until(is_ready: Callable[[], bool], what: str, log: Path) -> None:
    """Return once `is_ready`; raise RuntimeError with the end of the log when it never is."""
    end = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        if time.monotonic() > end:
            said = log.read_text(errors="replace")[-3000:] if log.exists() else "(no log)"
            raise RuntimeError(f"{what} did not come up in {READY_WITHIN_S} s; its log:\n{said}")
        time.sleep(0.02)
