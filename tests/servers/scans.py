"""A scan by the command, as a user starts it: begun, watched, gone on with, and read."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from scanner.records import Domain, SessionRecord
from tests.acceptance.running import domains_of, lines_of, records_of

Tables = dict[str, dict[str, object]]

# Limits as the lab has them, so that a test of a limit takes seconds; a pace that loopback can take; second
# attempts at once. Whoever wants to be asked less is given more time by the tests that are about it.
_SETTINGS: Tables = {
    "limits": {
        "connect_s": 1.0,
        "greeting_s": 3.0,
        "reply_s": 2.0,
        "tls_s": 2.0,
        "quit_s": 0.5,
        "session_s": 6.0,
    },
    "dns": {"lookup_s": 5.0},
    "pace": {
        "address_per_s": 100.0,
        "network_sessions": 100,
        "network_per_s": 1000.0,
        "group_sessions": 100,
        "group_per_s": 1000.0,
        "back_off_s": 0.2,
    },
    "second_attempt": {"short_pause_s": 0.0, "limits_factor": 1.2, "lookups_per_s": 1000.0},
    "vantage": {"preflight": False, "nothing_there": "127.80.9.254"},
}

#: No scan of these tests takes longer.
_PATIENCE_S = 60.0


class Scan:
    """`mxscan scan` in a process of its own; what it says, on stdout and stderr, is kept in a file."""

    def __init__(self, run: Path, command: list[str]) -> None:
        self.run = run
        self._said = run.with_suffix(".said")
        with self._said.open("wb") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")

    @property
    def records(self) -> dict[str, Domain]:
        """The records of its domains, strictly decoded."""
        return {record.domain: record for record in domains_of(self.run) if record.domain is not None}

    @property
    def sessions(self) -> list[SessionRecord]:
        return records_of(self.run, SessionRecord)

    def count(self, name: str, text: str) -> int:
        """In how many lines of its files of that name there is a text so far."""
        return sum(text.encode() in line for line in lines_of(self.run, name)) if self.run.exists() else 0

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Waits for something that it brings about; it must not end before."""
        until = time.monotonic() + _PATIENCE_S
        while not reached():
            assert self._process.poll() is None, f"ended too early, with {self._process.returncode}: {self.said}"
            assert time.monotonic() < until, f"what was waited for never came: {self.said}"
            time.sleep(0.001)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still while the block runs, and notices nothing but that time has gone by."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ended(self, exit_code: int = 0) -> "Scan":
        """Waits for its end. AssertionError unless it ends with this exit code."""
        returned = self._process.wait(_PATIENCE_S)
        assert returned == exit_code, f"exit {returned}\n{self.said}"
        return self

    def kill(self) -> None:
        """Ends it wherever it is; nothing happens if it has ended."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def scanning(
    directory: Path, domains: Iterable[str], dns_port: int, port: int, *more: str | Path, **tables: dict[str, object]
) -> Iterator[Scan]:
    """A scan of the domains, as a context that it does not outlive; `tables` are settings other than these tests'."""
    targets = directory / "list.txt"
    targets.write_text("".join(f"{domain}\n" for domain in domains), encoding="utf-8")
    options = ("--out", directory / "run", "--quiet", *more)
    with _started(
        directory / "run", "scan", targets, *place_options(directory, dns_port, port, **tables), *options
    ) as it:
        yield it


@contextlib.contextmanager
def resuming(scan: Scan) -> Iterator[Scan]:
    """A scan that goes on, as a context that it does not outlive."""
    with _started(scan.run, "scan", "--resume", scan.run, "--quiet") as resumed:
        yield resumed


def place_options(directory: Path, dns_port: int, port: int, **tables: dict[str, object]) -> list[str]:
    """The options by which `scan` and `preflight` meet these tests' servers and nobody else."""
    options = {
        "--ehlo-name": "scanner.real.test",
        "--dns": f"127.0.0.1:{dns_port}",
        "--port": str(port),
        "--allow-network": "127.80.0.0/16",
        "--config": str(write_settings(directory, **tables)),
    }
    return [word for option in options.items() for word in option]


def write_settings(directory: Path, **tables: dict[str, object]) -> Path:
    """A settings file with these tests' settings, and others than those."""
    settings = directory / "settings.toml"
    settings.write_text(_toml(tables), encoding="utf-8")
    return settings


def scan(
    directory: Path, domains: Iterable[str], dns_port: int, port: int, *more: str | Path, **tables: dict[str, object]
) -> dict[str, Domain]:
    """A scan to its end → its records by domain. AssertionError unless it ends with 0."""
    with scanning(directory, domains, dns_port, port, *more, **tables) as it:
        return it.ended().records


def mxscan(*arguments: str | Path) -> list[str]:
    """The command line of `mxscan`."""
    return [sys.executable, "-m", "scanner", *map(str, arguments)]


@contextlib.contextmanager
def _started(run: Path, *arguments: str | Path) -> Iterator[Scan]:
    it = Scan(run, mxscan(*arguments))
    try:
        yield it
    finally:
        it.kill()


def _toml(tables: Tables) -> str:
    merged = {name: {**_SETTINGS.get(name, {}), **tables.get(name, {})} for name in {**_SETTINGS, **tables}}
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in table.items())
        for name, table in merged.items()
    )
