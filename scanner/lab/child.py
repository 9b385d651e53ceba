"""The lab as a child process: started and stopped by a command, and ended with it, however that ends."""

import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from scanner.exit_codes import BUG, OURS, USAGE
from scanner.lab.lab_directory import LabDirectory
from scanner.lab.order import ANY_PORTS, NO_FAULTS, LabError, LabFaults, LabOrder, LabPorts, ReadyLab
from scanner.settings import Limits

#: How long a lab may take to be open: 20,000 domains take a second or two, a port that is still taken ten.
OPEN_S = 120.0
STOP_S = 5.0

#: The child imports the scanner that this process has, wherever that is, and nothing from where it runs.
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from scanner.lab.__main__ import main; exit(main())"
_ROOT = str(Path(__file__).resolve().parent.parent.parent)


#: What the lab needs of our environment; a password that somebody put there for us is none of it.
_OF_ITS_ENVIRONMENT = ("PATH", "PYTHON", "HOME", "TMPDIR", "LANG", "LC_", "TZ", "LD_", "VIRTUAL_ENV", "SSL_CERT")


class LabChild:
    """An open lab in a process of its own.

    `dns_server` is `ADDRESS:PORT`; `roots` and `domain_list` are files in the lab's directory, `messages` is the
    directory in it of what was sent there (mail_store).
    """

    def __init__(self, process: "subprocess.Popen[bytes]", files: LabDirectory, ready: ReadyLab) -> None:
        self._process = process
        self.ready = ready
        self.dns_server = ready.dns_server
        self.smtp_port = ready.smtp_port
        self.https_port = ready.https_port
        self.roots = files.roots
        self.domain_list = files.domain_list
        self.messages = files.messages

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        world: str,
        domains: int,
        seed: int,
        limits: Limits,
        shape: str = "mixed",
        faults: LabFaults = NO_FAULTS,
        ports: LabPorts = ANY_PORTS,
    ) -> Self:
        """Starts a lab over a directory and waits until it is open. Raises LabError.

        `world` is a TOML file, '' the embedded world; `domains` above 0 a grown world of `seed` and `shape`
        (a word of the setting `lab.shape`).
        """
        directory.mkdir(parents=True, exist_ok=True)
        files = LabDirectory(directory)
        order = LabOrder(
            directory=str(directory.resolve()),
            world=str(Path(world).resolve()) if world else "",
            domains=domains,
            seed=seed,
            shape=shape,
            limits=limits,
            faults=faults,
            ports=ports,
        )
        process = _start_process(order, files)
        try:
            return cls(process, files, _wait_until_ready(process, files))
        except BaseException:
            _end_process(process)
            raise

    @property
    def is_running(self) -> bool:
        """False once the lab's process has ended, whoever ended it."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends the lab: its log is complete afterwards."""
        _end_process(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _start_process(order: LabOrder, files: LabDirectory) -> "subprocess.Popen[bytes]":
    with files.errors.open("wb") as errors:
        return subprocess.Popen(  # noqa: S603  # our own interpreter, no shell
            [sys.executable, "-P", "-c", _BOOT, _ROOT, msgspec.json.encode(order).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={name: value for name, value in os.environ.items() if name.startswith(_OF_ITS_ENVIRONMENT)},
            start_new_session=True,  # a Ctrl-C in the terminal is the command's, not the lab's
        )


def _wait_until_ready(process: "subprocess.Popen[bytes]", files: LabDirectory) -> ReadyLab:
    assert process.stdout is not None
    said = b""
    until_s = time.monotonic() + OPEN_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not said.endswith(b"\n"):
            if not selector.select(until_s - time.monotonic()):
                raise LabError(f"the lab was not open after {OPEN_S:.0f} s")
            octets = os.read(process.stdout.fileno(), 65536)
            if not octets:
                raise _failure(process, files)
            said += octets
    return msgspec.json.decode(said, type=ReadyLab)


def _failure(process: "subprocess.Popen[bytes]", files: LabDirectory) -> LabError:
    exit_code = process.wait()
    said = files.errors.read_text(errors="backslashreplace").strip()
    # Python ends with 1 after an exception that nobody expected.
    meaning = {USAGE: USAGE, 1: BUG}.get(exit_code, OURS)
    return LabError(f"the lab did not open: {said or f'it ended with {exit_code}'}", meaning)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """Closing standard input ends the lab; one that does not end is killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
