"""What is known between runs: mail hosts, domains, threads, and what happened to each. All its SQL is here.

The queue of what is to be sent is in queue.py, in the same database and the same transactions.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from scanner.outages.alerts import Alert, AlertId, AlertKind, State
from scanner.outages.known import Known, KnownDomain, KnownHost, RunFacts, Thread
from scanner.watch.database import Database, Row

_HOST = msgspec.json.Decoder(KnownHost)
_DOMAIN = msgspec.json.Decoder(KnownDomain)
_THREAD = msgspec.json.Decoder(Thread)


@dataclass(frozen=True, slots=True)
class PastStep:
    """Another state of a mail host (`subject` "host") or a domain ("domain"), as a run found it."""

    run: int
    at: str
    subject: str
    name: str
    before: State
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert that was made; what it said is in alerts.jsonl."""

    alert: AlertId
    sequence: int
    kind: AlertKind
    at: str
    run: str
    cause: str


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that was judged; `gate` says why nothing of it was believed, None if it was."""

    number: int
    run: str
    directory: str
    at: str
    gate: str | None


class Store:
    """Reads and writes the state in a database. Raises DiskFault."""

    def __init__(self, database: Database) -> None:
        self._execute = database.execute
        self.transaction = database.transaction

    # Runs ----------------------------------------------------------------------------------------------

    def last_run(self) -> PastRun | None:
        rows = self._execute("SELECT number, run, directory, at, gate FROM runs ORDER BY number DESC LIMIT 1")
        return PastRun(*rows[0]) if rows else None

    def knows_run(self, directory: str) -> bool:
        """True if a run in this directory was judged already."""
        return bool(self._execute("SELECT 1 FROM runs WHERE directory = ?", directory))

    def add_run(self, run: RunFacts, gate: str | None) -> None:
        values = (run.number, run.run, run.directory, run.at, gate)
        self._execute("INSERT INTO runs (number, run, directory, at, gate) VALUES (?, ?, ?, ?, ?)", *values)

    # What is known -------------------------------------------------------------------------------------

    def hosts(self) -> Iterator[KnownHost]:
        """All mail hosts that are watched, by name."""
        return (_HOST.decode(row["known"]) for row in self._execute("SELECT known FROM hosts ORDER BY name"))

    def domains(self) -> Iterator[KnownDomain]:
        """All domains that are watched, by name."""
        return (_DOMAIN.decode(row["known"]) for row in self._execute("SELECT known FROM domains ORDER BY name"))

    def domain(self, name: str) -> KnownDomain | None:
        rows = self._execute("SELECT known FROM domains WHERE name = ?", name)
        return _DOMAIN.decode(rows[0]["known"]) if rows else None

    def put_host(self, host: KnownHost) -> None:
        self._execute("INSERT OR REPLACE INTO hosts (name, known) VALUES (?, ?)", host.name, msgspec.json.encode(host))

    def put_domain(self, domain: KnownDomain) -> None:
        encoded = msgspec.json.encode(domain)
        self._execute("INSERT OR REPLACE INTO domains (name, known) VALUES (?, ?)", domain.name, encoded)

    def forget_hosts(self, but: Collection[str]) -> None:
        """Forgets the mail hosts that no domain has any more."""
        for row in self._execute("SELECT name FROM hosts"):
            if row["name"] not in but:
                self._execute("DELETE FROM hosts WHERE name = ?", row["name"])

    def forget_domains(self, but: Collection[str]) -> None:
        """Forgets the domains that are not on the list any more."""
        for row in self._execute("SELECT name FROM domains"):
            if row["name"] not in but:
                self._execute("DELETE FROM domains WHERE name = ?", row["name"])

    # Threads and alerts --------------------------------------------------------------------------------

    def open_threads(self) -> list[Thread]:
        return [
            _THREAD.decode(row["thread"]) for row in self._execute("SELECT thread FROM threads WHERE closed_at IS NULL")
        ]

    def set_open_threads(self, threads: Iterable[Thread], at: str) -> None:
        """These are open from now on, all others closed."""
        self._execute("UPDATE threads SET closed_at = ? WHERE closed_at IS NULL", at)
        for thread in threads:
            self._execute(
                "INSERT OR REPLACE INTO threads (alert, thread) VALUES (?, ?)",
                thread.alert,
                msgspec.json.encode(thread),
            )

    def add_alert(self, alert: Alert) -> None:
        """Notes that an alert was made, and for whom it matters."""
        key = (alert.alert, alert.sequence)
        self._execute(
            "INSERT INTO alerts (alert, sequence, kind, at, run, cause) VALUES (?, ?, ?, ?, ?, ?)",
            *key, alert.kind.value, alert.at, alert.run, alert.cause,
        )  # fmt: skip
        subjects = [("host", host.exchange) for host in alert.hosts]
        subjects += [("domain", domain.domain) for domain in alert.domains]
        for subject in subjects:
            self._execute("INSERT INTO touched (alert, sequence, subject, name) VALUES (?, ?, ?, ?)", *key, *subject)

    def last_alert(self, subject: str, name: str) -> PastAlert | None:
        """The last alert that touched a mail host or a domain."""
        return next(iter(self.alerts_of([(subject, name)], newest=1)), None)

    def alerts_of(self, subjects: Iterable[tuple[str, str]], *, newest: int) -> list[PastAlert]:
        """The newest alerts that touched one of these, the newest first."""
        found = {
            (row["at"], row["alert"], row["sequence"]): _past_alert(row)
            for subject, name in subjects
            for row in self._execute(
                "SELECT DISTINCT alerts.* FROM alerts JOIN touched USING (alert, sequence) "
                "WHERE subject = ? AND name = ? ORDER BY at DESC, sequence DESC LIMIT ?",
                subject,
                name,
                newest,
            )
        }
        return [found[key] for key in sorted(found, reverse=True)[:newest]]

    # History -------------------------------------------------------------------------------------------

    def add_step(self, run: RunFacts, subject: str, before: State, known: Known) -> None:
        """Notes that a mail host or a domain has another state."""
        self._execute(
            "INSERT INTO steps (run, at, subject, name, before, state, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
            run.number, run.at, subject, known.name, before.value, known.state.value, "; ".join(known.why),
        )  # fmt: skip

    def steps_of(self, subject: str, name: str) -> list[PastStep]:
        """All that is known to have happened to a mail host or a domain, the oldest first."""
        rows = self._execute("SELECT * FROM steps WHERE subject = ? AND name = ? ORDER BY run", subject, name)
        return [_past_step(row) for row in rows]


def _past_alert(row: Row) -> PastAlert:
    return PastAlert(row["alert"], row["sequence"], AlertKind(row["kind"]), row["at"], row["run"], row["cause"])


def _past_step(row: Row) -> PastStep:
    return PastStep(
        row["run"], row["at"], row["subject"], row["name"], State(row["before"]), State(row["state"]), row["why"]
    )
