"""The database of the state: its schema, its transactions, and what a broken one is."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from scanner.passes.run_directory import DiskFault
from scanner.watch.database import SCHEMA, Database
from scanner.watch.state_directory import StateError

RUN = "INSERT INTO runs (number, run, directory, at) VALUES (1, 'r', 'd', 't')"


def numbers(database: Database) -> list[int]:
    return [row["number"] for row in database.execute("SELECT number FROM runs")]


def test_a_new_database_has_the_schema_and_keeps_what_is_written(tmp_path: Path) -> None:
    with Database.open(tmp_path / "w.sqlite") as database:
        database.execute(RUN)
    with Database.open(tmp_path / "w.sqlite") as database:
        assert numbers(database) == [1]
        assert database.execute("PRAGMA user_version")[0][0] == SCHEMA


def test_what_a_transaction_wrote_is_gone_if_it_fails(tmp_path: Path) -> None:
    with Database.open(tmp_path / "w.sqlite") as database:
        with contextlib.suppress(KeyboardInterrupt), database.transaction():
            database.execute(RUN)
            raise KeyboardInterrupt
        assert numbers(database) == []
        with database.transaction():
            database.execute(RUN)
        assert numbers(database) == [1]


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    with Database.open(tmp_path / "w.sqlite") as database:
        assert database.execute("PRAGMA synchronous")[0][0] == 2  # FULL


def test_another_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match=r"schema 99, this mxscan reads schema \d+: use the version that made it"):
        Database.open(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    path.write_text("this is a letter to somebody, and long enough to be taken for a header of a database\n" * 3)
    with pytest.raises(StateError, match="no SQLite database"):
        Database.open(path)


def test_a_statement_that_the_disk_does_not_take_is_our_fault(tmp_path: Path) -> None:
    with Database.open(tmp_path / "w.sqlite") as database:
        database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(DiskFault, match="full"):
            database.execute("INSERT INTO hosts VALUES ('mx', zeroblob(1000000))")


def test_a_copy_leaves_the_original_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    with Database.open(path) as database:
        database.execute(RUN)
    before = path.read_bytes()
    with Database.copy(path) as copy:
        assert numbers(copy) == [1]
        copy.execute("DELETE FROM runs")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["w.sqlite"]


def test_a_copy_of_nothing_is_empty_and_makes_no_file(tmp_path: Path) -> None:
    with Database.copy(tmp_path / "w.sqlite") as copy:
        assert numbers(copy) == []
    assert list(tmp_path.iterdir()) == []
