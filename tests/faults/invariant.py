"""What must hold after every fault, whatever it was: asserted by every test of this folder.

A run directory under test stands alone in its parent, which its process has as home, as working directory
and for temporary files (see command.py): what is written outside the run shows itself beside it.
"""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec

from scanner.judgement.targets import target_id
from scanner.lab.log import TripwireLine, read_log
from scanner.outcomes import OUTCOMES_OF_OURS, Outcome
from scanner.passes.run_directory import PARTS
from scanner.records import (
    RECORDS,
    Certificate,
    Domain,
    Event,
    InputLine,
    Record,
    Run,
    SessionRecord,
    Target,
)

R = TypeVar("R", bound=Record)

#: Sessions that ended so were ended by a limit, which they name.
ENDED_BY_A_LIMIT = frozenset({Outcome.timed_out, Outcome.deadline, Outcome.too_long})

#: All that a scan of the lab may contact.
_LAB_NETWORKS = (ip_network("127.64.0.0/10"), ip_network("::ffff:127.64.0.0/106"))

#: Files that are one record, and those that are lines.
_DOCUMENTS = ("run", "judge")
_NAMES = {record: name for name, record in RECORDS.items()}


def assert_invariant(run: Path) -> None:
    """Fails with every way in which a run, finished or stopped, is not as every run must be."""
    offences = list(offences_of(run))
    assert not offences, "\n".join(offences)


def offences_of(run: Path) -> Iterator[str]:
    """Every offence in words. A run that was killed is to be resumed first: its last lines may be torn."""
    yield from _outside(run)
    if not (run / "run.json").exists():
        return  # ended before its input was read: nothing was asked, nothing is said
    try:
        yield from _domains(run)
        yield from _sessions(run)
        yield from _written_with_sessions(run)
        yield from _events(run)
        for name in RECORDS:
            _ = records_of(run, RECORDS[name]) if name not in _DOCUMENTS else ()
    except msgspec.MsgspecError as error:
        yield f"a line is no record: {error}"
    yield from _tripwires(run)


def records_of(run: Path, record: type[R]) -> list[R]:
    """Every record of a kind, strictly decoded. Raises MsgspecError for one that is none, or torn."""
    return [msgspec.json.decode(line, type=record) for path in parts_of(run, record) for line in whole_lines(path)]


def parts_of(run: Path, record: type[Record]) -> list[Path]:
    """The files that hold a kind of record."""
    name = _NAMES[record]
    return sorted(run.glob(f"{name}-[0-9][0-9][0-9].jsonl" if record in PARTS else f"{name}.jsonl"))


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file. Raises MsgspecError if the last one has no end."""
    lines = path.read_bytes().split(b"\n")
    if lines.pop():
        raise msgspec.DecodeError(f"{path.name} does not end with a whole line")
    return lines


def read_run(run: Path) -> Run:
    """run.json."""
    return msgspec.json.decode((run / "run.json").read_bytes(), type=Run)


# One rule a function -----------------------------------------------------------------------------------


def _outside(run: Path) -> Iterator[str]:
    yield from (f"written outside the run directory: {path.name}" for path in run.parent.iterdir() if path != run)
    yield from (f"left half written: {path.name}" for path in run.glob("*.new"))


def _domains(run: Path) -> Iterator[str]:
    """Every distinct domain and every invalid line has exactly one record, in the order of the input."""
    if not (run / "domains.jsonl").exists():
        if read_run(run).starts[-1].exit == 0:
            yield "finished, and no domains.jsonl"
        return
    lines = records_of(run, InputLine)
    expected: list[str | int | None] = list(dict.fromkeys(line.domain or line.line for line in lines))
    found = [record.domain or record.line for record in records_of(run, Domain)]
    if found != expected:
        missing, foreign = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
        yield f"domains.jsonl: missing {dict(missing)}, too many {dict(foreign)}, or another order"


def _sessions(run: Path) -> Iterator[str]:
    windows = [event.detail for event in records_of(run, Event) if event.event == "vantage_lost"]
    counted: Counter[str] = Counter()
    for session in records_of(run, SessionRecord):
        yield from (f"session {session.session}: {what}" for what in _wrong_with(session))
        during = [each for each in windows if _overlaps(session, str(each["from"]), str(each["to"]))]
        counted[session.session] += session.outcome not in OUTCOMES_OF_OURS and not during
    yield from (f"session {name} was held {times} times" for name, times in counted.items() if times > 1)


def _wrong_with(session: SessionRecord) -> Iterator[str]:
    """What is wrong with one session; that its words are of the closed lists, its type has seen to."""
    if session.outcome is Outcome.scanner_bug:
        yield f"a bug of ours: {session.error}"
    has_limit = session.limit is not None
    if session.outcome in ENDED_BY_A_LIMIT and not has_limit and session.error_code != "ETIMEDOUT":
        yield f"{session.outcome} without the limit that fired"
    if has_limit != ((session.limit_s is None) != (session.limit_bytes is None)):
        yield f"limit {session.limit} is {session.limit_s} s, {session.limit_bytes} octets"
    if session.session != f"{session.target}.{session.attempt}.{session.variant}":
        yield "its name is not target.attempt.variant"
    if session.target != target_id(session.address, session.port, session.server_name):
        yield "its target is another one"
    if not any(ip_address(session.address) in network for network in _LAB_NETWORKS):
        yield f"{session.address} is not the lab's"


def _overlaps(session: SessionRecord, begin: str, end: str) -> bool:
    # Times are text of one form, which sorts as they do.
    return session.started_at <= end and session.ended_at >= begin


def _written_with_sessions(run: Path) -> Iterator[str]:
    """A session has its target, its transcript and its certificates, all written before it."""
    targets = {target.target for target in records_of(run, Target)}
    certificates = {certificate.sha256 for certificate in records_of(run, Certificate)}
    for session in records_of(run, SessionRecord):
        if session.target not in targets:
            yield f"session {session.session}: of no target of the plan"
        if session.tls is not None and not certificates.issuperset(session.tls.chain):
            yield f"session {session.session}: a certificate of its chain is missing"
    for part in parts_of(run, SessionRecord):
        told = [_name_in(line) for line in whole_lines(part)]
        said = [_name_in(line) for line in whole_lines(part.with_name(part.name.replace("sessions", "transcripts")))]
        # A transcript is written just before its session: where the disk is full between them, it is the last.
        if said != told and not (said[:-1] == told and read_run(run).starts[-1].exit != 0):
            yield f"{part.name}: transcripts are not those of its sessions"


def _name_in(line: bytes) -> str:
    return msgspec.json.decode(line, type=_Named).session


class _Named(msgspec.Struct):
    """What a session and its transcript have in common."""

    session: str


def _events(run: Path) -> Iterator[str]:
    events = records_of(run, Event)
    yield from (f"a bug of ours: {event.detail}" for event in events if event.event == "scanner_bug")
    if any(later.start < earlier.start for earlier, later in pairwise(events)):
        yield "events of an earlier start after those of a later one"


def _tripwires(run: Path) -> Iterator[str]:
    """A lab of the run's own watches addresses that nobody may come to."""
    log = run / "lab" / "log.jsonl"
    if log.exists():
        lines = read_log(log)
        yield from (f"{line.peer} came to {line.address}" for line in lines if isinstance(line, TripwireLine))
