"""The state directory: one lock, the database, and the runs that are kept."""

import contextlib
import fcntl
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from scanner.passes.run_directory import DiskFault, RunDirectory, RunLockedError


class StateError(Exception):
    """A state directory that can't be used as asked: the message says what was found and what to do."""


class StateDirectory:
    """What a watch keeps between its runs, locked for this process while `locked()` runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "runs"
        self.database = path / "watch.sqlite"
        self.alerts = path / "alerts.jsonl"

    @classmethod
    def create(cls, path: Path) -> "StateDirectory":
        """The directory, made if there is none. Raises StateError, DiskFault."""
        state = cls(path)
        try:
            state.runs.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StateError(f"{path} is no directory: name one for --state") from error
        except OSError as error:
            raise DiskFault(f"{path} can't be made: {error.strerror}") from error
        return state

    @classmethod
    def open(cls, path: Path) -> "StateDirectory":
        """A directory that a watch has written to. Raises StateError for anything else."""
        state = cls(path)
        if not state.database.is_file():
            raise StateError(f"{path} has no watch.sqlite: nothing was watched with --state {path} yet")
        return state

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the state for this process alone. Raises RunLockedError, DiskFault."""
        try:
            lock = (self.path / "lock").open("ab")
        except OSError as error:
            raise DiskFault(f"{self.path / 'lock'}: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunLockedError(f"another watch is working on {self.path}: wait for it or end it") from None
            yield

    def newest_run(self) -> Path | None:
        """The directory of the run that was begun last; names are times, so they sort as the runs began."""
        return max(self._run_paths(), key=lambda path: path.name, default=None)

    def new_run(self, name: str) -> RunDirectory:
        """A directory for another run; a second one of the same second gets a number."""
        number, path = 1, self.runs / name
        while path.exists():
            number += 1
            path = self.runs / f"{name}-{number}"
        return RunDirectory.create(path)

    def remove_old_runs(self, keep: int, wanted: Collection[str]) -> None:
        """Removes all runs but the last ones and those that are wanted. What can't be removed stays."""
        paths = sorted(self._run_paths(), key=lambda path: path.name)
        for path in paths[:-keep]:
            if path.name not in wanted:
                shutil.rmtree(path, ignore_errors=True)

    def _run_paths(self) -> list[Path]:
        return [path for path in self.runs.iterdir() if path.is_dir()] if self.runs.is_dir() else []
