"""The opt-out file of a run: read, copied into the run directory, and read again whenever it has changed.

Theory of operation. Nobody watches the file: whoever wants the list looks, at most once a second, whether the
file is another one than before. A list that can be read takes effect whole, also a shorter one. A file that is
gone or has a bad line takes none: the last good list stays in force, so that a slip of the hand contacts
nobody who asked to be left alone.
"""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Self

from scanner.net.clock import Clock
from scanner.opt_out import OptOut, OptOutError, parse_opt_out
from scanner.passes.run_directory import RunDirectory

#: The copy in the run directory: what was in force last, and what a resumed run has if the file is gone.
COPY = "opt_out.txt"

#: How old a look may be, in seconds.
LOOK_EVERY_S = 1.0

#: A file that changed less than so many seconds ago may be half written.
QUIET_S = 1.0

#: Told an event's word and its reason.
Tell = Callable[[str, str], object]

#: What tells one state of a file from another: modified at and changed at (ns), size, inode.
_State = tuple[int, int, int, int]


class OptOutFileError(Exception):
    """An opt-out file that can't be used. The message says which, in which line, and what was expected."""


def copy_opt_out(source: str, directory: RunDirectory) -> None:
    """Checks an opt-out file and keeps a copy of it with a run ("" is none). Raises OptOutFileError, DiskFault."""
    if source:
        octets, _ = _read(Path(source))
        directory.write_file(COPY, octets)


class OptOutFile:
    """The list in force. Without a source ("") nobody opted out.

    `tell` hears of `opt_out_changed` when another list takes effect, and of `opt_out_kept` when the file can't
    be used and the last good list stays in force.
    """

    def __init__(self, source: str, directory: RunDirectory, clock: Clock, tell: Tell) -> None:
        self._path = Path(source) if source else None
        self._directory = directory
        self._clock = clock
        self._tell = tell
        self._list = OptOut()
        self._seen: _State | None = None
        self._looked_at = clock.monotonic()

    @classmethod
    def open(cls, source: str, directory: RunDirectory, clock: Clock, tell: Tell) -> Self:
        """Reads the file, or the copy that the run has of it. Raises OptOutFileError for one that can't be used."""
        opened = cls(source, directory, clock, tell)
        if opened._path is not None:
            opened._begin(opened._path)
        return opened

    def current(self) -> OptOut:
        """The list as it is now, to within a second or two. Raises DiskFault if a new one can't be kept."""
        now = self._clock.monotonic()
        if self._path is not None and now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look(self._path)
        return self._list

    def _begin(self, path: Path) -> None:
        self._seen = _state(path)
        if path.is_file():
            self._take(path)
            return
        # A pipe was read when the run began. A file may be gone, or on another machine.
        _, self._list = _read(self._directory.path / COPY)
        if not path.exists():
            self._tell("opt_out_kept", f"{path} does not exist any more: the run's copy of it is in force")

    def _look(self, path: Path) -> None:
        state = _state(path)
        if state == self._seen or (state is not None and self._may_be_half_written(state)):
            return
        self._seen = state
        try:
            self._take(path)
        except OptOutFileError as error:
            self._tell("opt_out_kept", f"{error}: the list as it was before stays in force")
        else:
            self._tell("opt_out_changed", f"{path} has changed and is in force as it is now")

    def _take(self, path: Path) -> None:
        octets, self._list = _read(path)
        self._directory.write_file(COPY, octets)

    def _may_be_half_written(self, state: _State) -> bool:
        # An editor that writes in place leaves an empty file first, then a part of the list.
        return 0 <= self._clock.now_utc() - state[0] / 1e9 < QUIET_S


def _state(path: Path) -> _State | None:
    """What the file is now; None if there is none. A pipe never changes: it can be read once."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return (0, 0, 0, 0)
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _read(path: Path) -> tuple[bytes, OptOut]:
    try:
        octets = path.read_bytes()
        return octets, parse_opt_out(octets.decode())
    except OSError as error:
        raise OptOutFileError(f"the opt-out file {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise OptOutFileError(f"the opt-out file {path}, line {line}: expected UTF-8, found {error.reason}") from error
    except OptOutError as error:
        raise OptOutFileError(f"the opt-out file {path}, {error}") from error
