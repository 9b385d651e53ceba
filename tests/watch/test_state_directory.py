"""The state directory: its lock, and which runs are kept."""

from pathlib import Path

import pytest

from scanner.passes.run_directory import RunLockedError
from scanner.watch.database import Database
from scanner.watch.state_directory import StateDirectory, StateError


def test_a_second_watch_is_refused(tmp_path: Path) -> None:
    state = StateDirectory.create(tmp_path / "state")
    with state.locked(), pytest.raises(RunLockedError, match="another watch"), StateDirectory(state.path).locked():
        pass
    with StateDirectory(state.path).locked():
        pass


def test_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="is no directory"):
        StateDirectory.create(tmp_path / "file")


def test_a_directory_in_which_nothing_was_watched_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="nothing was watched"):
        StateDirectory.open(tmp_path)
    state = StateDirectory.create(tmp_path)
    Database.open(state.database).close()
    assert StateDirectory.open(tmp_path).database == state.database


def made(state: StateDirectory, *names: str) -> None:
    for name in names:
        (state.runs / name).mkdir()
        (state.runs / name / "run.json").write_text("{}")


def kept(state: StateDirectory) -> list[str]:
    return sorted(path.name for path in state.runs.iterdir())


def test_the_last_runs_are_kept_and_those_that_are_wanted(tmp_path: Path) -> None:
    state = StateDirectory.create(tmp_path)
    made(state, *"abcdef")
    state.remove_old_runs(2, {"b"})
    assert kept(state) == ["b", "e", "f"]
    state.remove_old_runs(2, {"z"})
    assert kept(state) == ["e", "f"]
    state.remove_old_runs(9, set())
    assert kept(state) == ["e", "f"]


def test_a_run_of_the_same_second_gets_a_number_and_is_the_newer_one(tmp_path: Path) -> None:
    state = StateDirectory.create(tmp_path)
    assert state.newest_run() is None
    first, second, third = (state.new_run("2026-11-22T020000Z") for _ in range(3))
    assert [each.path.name for each in (first, second, third)] == [
        "2026-11-22T020000Z",
        "2026-11-22T020000Z-2",
        "2026-11-22T020000Z-3",
    ]
    assert state.newest_run() == third.path
