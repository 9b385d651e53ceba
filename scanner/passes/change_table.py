"""The changes between two runs, shared ones once: any number of them, in a table on disk that goes when it is closed.

Theory of operation. A server that breaks changes many domains in the same way: that is one shared change of many
domains. Shared changes come out in order of importance, and of one importance by the number of their domains:
all of them one after another, or the first at each mail host of each provider, as many as a person reads.
"""

import dataclasses
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import msgspec

from scanner.changes.changes import is_consequence
from scanner.passes.run_directory import DiskFault
from scanner.records import Change, SharedChange
from scanner.report.differences import ChangeLine, Groups, HostGroup, ProviderGroup, rank_of, shared_of

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;
CREATE TABLE shared (
  number INTEGER PRIMARY KEY, digest BLOB UNIQUE, record BLOB, provider TEXT, hosts TEXT,
  importance INTEGER, is_consequence INTEGER, domains INTEGER, place INTEGER
);
CREATE TABLE change (shared INTEGER, domain TEXT, evidence TEXT, session TEXT);
"""

# Less than 2^32 domains share a change, so their number only orders what is equally important.
_ORDER = """
CREATE INDEX change_by_shared ON change (shared);
UPDATE shared SET domains = (SELECT count(*) FROM change WHERE shared = number);
UPDATE shared SET place = importance * 4294967296 - domains;
CREATE INDEX shared_by_place ON shared (place);
CREATE INDEX told_by_host ON shared (provider, hosts, place) WHERE NOT is_consequence;
CREATE VIEW told AS SELECT * FROM shared WHERE NOT is_consequence;
"""

#: Of so many shared changes the number is at hand; of others it is looked up.
_MAX_KNOWN = 65536

#: How much of each is shown.
MAX_PROVIDERS = 25
MAX_HOSTS = 5
MAX_LINES = 8
MAX_DOMAINS = 3


class ChangedDomain(msgspec.Struct, frozen=True):
    """A domain that has a change, and what shows it."""

    domain: str
    evidence: str
    session: str | None


class ChangeTable:
    """Takes changes, then gives the shared ones; `provider_of` says whose a mail host is."""

    def __init__(self, provider_of: Callable[[str], str]) -> None:
        self._provider_of = provider_of
        self._known: dict[bytes, int] = {}
        self._database = sqlite3.connect("", isolation_level=None)  # a file without a name
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")

    def close(self) -> None:
        self._database.close()

    def add(self, changes: Iterable[Change]) -> None:
        """Adds the changes of a domain. Raises DiskFault."""
        with _on_disk():
            self._database.executemany(
                "INSERT INTO change VALUES (?, ?, ?, ?)",
                [(self._number_of(change), change.domain, change.evidence, change.session) for change in changes],
            )

    def order(self) -> None:
        """To be called once, after the last change and before anything is read. Raises DiskFault."""
        with _on_disk():
            for statement in filter(str.strip, _ORDER.split(";")):
                self._database.execute(statement)

    def _number_of(self, change: Change) -> int:
        provider = self._provider_of(change.hosts[0]) if change.hosts else None
        shared = shared_of(change, provider)
        record = msgspec.json.encode(shared)
        digest = blake2b(record, digest_size=16).digest()
        if digest not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            row = (digest, record, provider, " ".join(shared.hosts), rank_of(change), is_consequence(change))
            self._known[digest] = self._insert(row)
        return self._known[digest]

    def _insert(self, row: tuple[bytes, bytes, str | None, str, int, bool]) -> int:
        self._database.execute(
            "INSERT OR IGNORE INTO shared (digest, record, provider, hosts, importance, is_consequence) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )
        number: int = self._one("SELECT number FROM shared WHERE digest = ?", row[0])
        return number

    # Everything ----------------------------------------------------------------------------------------

    def shared(self) -> Iterator[tuple[SharedChange, int, Iterator[ChangedDomain]]]:
        """Every shared change with the number of its domains, and these; the most important first."""
        for number, record, domains in self._rows("SELECT number, record, domains FROM shared ORDER BY place, number"):
            yield msgspec.json.decode(record, type=SharedChange), domains, self._domains(number)

    def _domains(self, shared: int) -> Iterator[ChangedDomain]:
        query = "SELECT domain, evidence, session FROM change WHERE shared = ? ORDER BY rowid"
        return (ChangedDomain(*row) for row in self._rows(query, shared))

    # As much as is read --------------------------------------------------------------------------------

    def groups(self) -> Groups:
        """The first changes at the first mail hosts of the first providers, without consequences. Raises DiskFault."""
        query = "SELECT provider FROM told GROUP BY provider ORDER BY min(place), provider LIMIT ?"
        providers = [self._provider(provider) for (provider,) in self._rows(query, MAX_PROVIDERS)]
        there_are: int = self._one("SELECT count(*) FROM (SELECT DISTINCT provider FROM told)")
        return Groups(tuple(providers), there_are - len(providers))

    def _provider(self, provider: str | None) -> ProviderGroup:
        query = "SELECT hosts FROM told WHERE provider IS ? GROUP BY hosts ORDER BY min(place), hosts LIMIT ?"
        hosts = [self._host(provider, hosts) for (hosts,) in self._rows(query, provider, MAX_HOSTS)]
        there_are: int = self._one("SELECT count(DISTINCT hosts) FROM told WHERE provider IS ?", provider)
        domains: int = self._one(
            "SELECT count(DISTINCT domain) FROM told JOIN change ON shared = number WHERE provider IS ?", provider
        )
        return ProviderGroup(provider, domains, tuple(hosts), there_are - len(hosts))

    def _host(self, provider: str | None, hosts: str) -> HostGroup:
        query = "SELECT number, record, domains FROM told WHERE provider IS ? AND hosts = ? ORDER BY place, number"
        lines: list[ChangeLine] = []
        last, more = 0, 0
        for number, record, domains in self._rows(query, provider, hosts):
            shared = msgspec.json.decode(record, type=SharedChange)
            if lines and not more and shared.effect is lines[-1].shared.effect and self._have_the_same(last, number):
                with_it = (*lines[-1].with_it, (shared, self._evidence(number)))
                lines[-1] = dataclasses.replace(lines[-1], with_it=with_it)
            elif len(lines) < MAX_LINES:
                lines.append(self._line(number, shared, domains))
            else:
                more += 1
            last = number
        return HostGroup(lines[0].shared.hosts, tuple(lines), more)

    def _line(self, number: int, shared: SharedChange, domains: int) -> ChangeLine:
        query = "SELECT domain FROM change WHERE shared = ? ORDER BY rowid LIMIT ?"
        first = tuple(domain for (domain,) in self._rows(query, number, MAX_DOMAINS))
        return ChangeLine(shared, self._evidence(number), domains, first)

    def _evidence(self, number: int) -> str:
        evidence: str = self._one("SELECT evidence FROM change WHERE shared = ? ORDER BY rowid LIMIT 1", number)
        return evidence

    def _have_the_same(self, one: int, other: int) -> bool:
        """True if two changes are of the same domains; each names one once."""
        count = "SELECT domains FROM shared WHERE number = ?"
        if self._one(count, one) != self._one(count, other):
            return False
        domains = "SELECT domain FROM change WHERE shared = ?"
        return bool(self._one(f"SELECT NOT EXISTS ({domains} EXCEPT {domains})", one, other))

    def _one(self, query: str, *values: object) -> Any:
        return next(self._rows(query, *values))[0]

    def _rows(self, query: str, *values: object) -> Iterator[Any]:
        with _on_disk():
            yield from self._database.execute(query, values)


@contextmanager
def _on_disk() -> Iterator[None]:
    """Tells of a fault where the table lies as what it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise DiskFault(f"the table of changes, in the directory for temporary files: {error}") from error
