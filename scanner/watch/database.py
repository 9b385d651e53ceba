"""The database of a state directory: its schema, its transactions, and what of SQLite's errors means what."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from scanner.passes.run_directory import DiskFault
from scanner.watch.state_directory import StateError

#: `PRAGMA user_version` of the layout below.
SCHEMA = 1

_TABLES = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, run TEXT NOT NULL, directory TEXT NOT NULL UNIQUE, at TEXT NOT NULL, gate TEXT
);
CREATE TABLE hosts (name TEXT PRIMARY KEY, known BLOB NOT NULL);
CREATE TABLE domains (name TEXT PRIMARY KEY, known BLOB NOT NULL);
CREATE TABLE threads (alert TEXT PRIMARY KEY, thread BLOB NOT NULL, closed_at TEXT);
CREATE TABLE steps (
    run INTEGER NOT NULL, at TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL,
    before TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL
);
CREATE INDEX steps_by_name ON steps (name);
CREATE TABLE alerts (
    alert TEXT NOT NULL, sequence INTEGER NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, run TEXT NOT NULL,
    cause TEXT NOT NULL, PRIMARY KEY (alert, sequence)
);
CREATE TABLE touched (alert TEXT NOT NULL, sequence INTEGER NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX touched_by_name ON touched (name);
CREATE TABLE deliveries (
    position INTEGER PRIMARY KEY, delivery TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, "group" TEXT NOT NULL,
    recipients TEXT NOT NULL, payload BLOB NOT NULL, waits_for TEXT, state TEXT NOT NULL, queued_at TEXT NOT NULL,
    started_at TEXT, ended_at TEXT, tries INTEGER NOT NULL, error TEXT
);
CREATE INDEX deliveries_by_state ON deliveries (state);
"""

Row = sqlite3.Row


class Database:
    """An open database. Every statement outside of `transaction` is a transaction of its own, on the disk at its end.

    Its errors are DiskFault: what could not be read or written is our side, whatever the reason.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Opens a database, or makes it. Raises StateError for one of another schema or no database, DiskFault."""
        with _telling(path):
            database = cls(_connect(str(path)), path)
        with _closed_on_failure(database):
            database.execute("PRAGMA synchronous = FULL")
            database._bring_to_schema()
        return database

    @classmethod
    def copy(cls, path: Path) -> "Database":
        """A copy in memory, of a database that is left as it is; an empty one if there is none."""
        with _telling(path):
            database = cls(_connect(":memory:"), path)
        with _closed_on_failure(database):
            if path.is_file():
                with _telling(path), contextlib.closing(_connect(f"{path.absolute().as_uri()}?mode=ro")) as original:
                    original.backup(database._connection)
            database._bring_to_schema()
        return database

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that the block writes, or nothing of it. Raises DiskFault."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()

    def execute(self, statement: str, *values: object) -> list[Row]:
        """Runs a statement; its rows. Raises DiskFault."""
        with _telling(self._path):
            return self._connection.execute(statement, values).fetchall()

    def _bring_to_schema(self) -> None:
        version = self.execute("PRAGMA user_version")[0][0]
        if version == 0:
            with self.transaction():
                for statement in _TABLES.split(";\n"):
                    self.execute(statement)
                self.execute(f"PRAGMA user_version = {SCHEMA}")
        elif version != SCHEMA:
            raise StateError(
                f"{self._path} has schema {version}, this mxscan reads schema {SCHEMA}: use the version that made it"
            )


def _connect(name: str) -> sqlite3.Connection:
    # autocommit: transactions are begun and ended here, and by nobody else.
    connection = sqlite3.connect(name, isolation_level=None, uri=name.startswith("file:"))
    connection.row_factory = sqlite3.Row
    return connection


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """SQLite's errors as ours. Raises StateError for a file that is no database, DiskFault for all others."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise StateError(f"{path} is no SQLite database: remove it, or name another directory") from error
        raise DiskFault(f"{path}: {error}") from error


@contextlib.contextmanager
def _closed_on_failure(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise
