"""The two C programs: built where there is a compiler; the sink as a context, the floor as a measurement."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent
#: Sessions at a time. More than this gains nothing against a server on the same machine.
FLOOR_WIDTH = 200


@dataclass(frozen=True)
class Programs:
    """Where the built programs are, and whether they can do TLS."""

    floor: Path
    sink: Path
    with_tls: bool


def build(directory: Path) -> Programs | None:
    """Both programs, with TLS where OpenSSL's headers are; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    programs = Programs(directory / "floor", directory / "sink", with_tls=True)
    if _compile(compiler, programs, ("-DWITH_TLS",), ("-lssl", "-lcrypto")):
        return programs
    programs = Programs(programs.floor, programs.sink, with_tls=False)
    return programs if _compile(compiler, programs, (), ()) else None


def _compile(compiler: str, programs: Programs, flags: tuple[str, ...], libraries: tuple[str, ...]) -> bool:
    for program in (programs.floor, programs.sink):
        source = SOURCES / f"{program.name}.c"
        command = [compiler, "-std=c11", "-O2", *flags, "-o", str(program), str(source), *libraries]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return False
    return True


@contextlib.contextmanager
def sink(programs: Programs, addresses: Path, certificate: Path | None) -> Iterator["Sink"]:
    """The sink, listening; it ends with the context, and `seen` has what it saw."""
    command = [str(programs.sink), str(addresses), *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        running = Sink(json.loads(child.stdout.readline())["port"])
        try:
            yield running
        finally:
            child.stdin.close()
            running.seen.update(json.loads(child.stdout.readline()))


class Sink:
    """A running sink: its port; after its end what it saw (`connections`, `ehlos`, `handshakes`, `quits`)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: dict[str, int] = {}


def floor_session_s(programs: Programs, mode: str, sessions: int, port: int, addresses: Path) -> float:
    """CPU seconds of one session, `plain` or `starttls`: the mean of `sessions`, its start not counted.

    Raises CalledProcessError when not every session was completed.
    """
    command = [str(programs.floor), mode, str(sessions), str(FLOOR_WIDTH), str(port), str(addresses)]
    done = subprocess.run(command, capture_output=True, check=True)
    used: float = json.loads(done.stdout)["cpu_s"]
    return used / sessions
