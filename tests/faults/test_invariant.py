"""The invariant can be broken: each way in which a run may be wrong is told, and only that."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scanner.lab.log import Log, TripwireLine
from scanner.records import Event, InputLine, Run, SessionRecord
from tests.faults.invariant import offences_of, read_run, records_of

pytestmark = pytest.mark.acceptance


def _lines(run: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = run / name
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def _session(run: Path, **changes: object) -> None:
    """Changes the first session that has a limit."""
    sessions = records_of(run, SessionRecord)
    number = next(number for number, session in enumerate(sessions) if session.limit_s is not None)
    sessions[number] = msgspec.structs.replace(sessions[number], **changes)
    (run / "sessions-000.jsonl").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in sessions))


def _ended(run: Path, exit_code: int) -> Run:
    whole = read_run(run)
    start = msgspec.structs.replace(whole.starts[-1], exit=exit_code)
    return msgspec.structs.replace(whole, starts=(*whole.starts[:-1], start))


def _again(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[0]]


def _append_event(run: Path, event: str, *starts: int) -> None:
    at = "2026-11-22T12:00:00.000Z"
    events = [Event(at=at, start=start, event=event) for start in starts]
    _lines(run, "events.jsonl", lambda lines: [*lines, *(msgspec.json.encode(each) + b"\n" for each in events)])


def _add_line(run: Path) -> None:
    line = InputLine(line=1000, input="new.lab", domain="new.lab")
    _lines(run, "input.jsonl", lambda lines: [*lines, msgspec.json.encode(line) + b"\n"])


def _trip(run: Path) -> None:
    (run / "lab").mkdir()
    log = Log(run / "lab" / "log.jsonl")
    log.write(TripwireLine(address="127.0.0.1", port=25, peer="127.0.0.1", at="2026-11-22T12:00:00.000Z"))
    log.close()


OFFENCES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a file beside the run", lambda run: (run.parent / "core").touch(), "written outside the run directory: core"),
    ("a file half written", lambda run: (run / "run.json.1.new").touch(), "left half written: run.json.1.new"),
    ("no domains.jsonl", lambda run: (run / "domains.jsonl").unlink(), "finished, and no domains.jsonl"),
    ("a record twice", lambda run: _lines(run, "domains.jsonl", _again), "too many {'good.lab': 1}"),
    ("no record", lambda run: _lines(run, "domains.jsonl", lambda lines: lines[1:]), "missing {'good.lab': 1}"),
    ("no record of a new line", _add_line, "missing {'new.lab': 1}"),
    ("another order", lambda run: _lines(run, "domains.jsonl", lambda lines: lines[::-1]), "another order"),
    ("a torn line", lambda run: _lines(run, "routes-000.jsonl", lambda lines: [*lines, b"{"]), "whole line"),
    ("no record at all", lambda run: _lines(run, "hosts-000.jsonl", lambda lines: [b"{}\n"]), "a line is no record"),
    ("an outcome of no list", lambda run: _session(run, outcome="tired"), "Invalid enum value"),
    ("no limit", lambda run: _session(run, limit=None, limit_s=None), "without the limit that fired"),
    ("half a limit", lambda run: _session(run, limit_s=None), "is None s, None octets"),
    ("a bug of ours", lambda run: _session(run, outcome="scanner_bug"), "a bug of ours"),
    ("an address of the world", lambda run: _session(run, address="192.0.2.1"), "192.0.2.1 is not the lab's"),
    ("another attempt", lambda run: _session(run, attempt=7), "its name is not target.attempt.variant"),
    ("a session twice", lambda run: _lines(run, "sessions-000.jsonl", _again), "was held 2 times"),
    ("no target", lambda run: (run / "targets-000.jsonl").write_bytes(b""), "of no target of the plan"),
    ("no certificates", lambda run: (run / "certificates-000.jsonl").write_bytes(b""), "certificate of its chain"),
    ("no transcript", lambda run: _lines(run, "transcripts-000.jsonl", lambda lines: lines[1:]), "transcripts are not"),
    ("an event of a bug", lambda run: _append_event(run, "scanner_bug", 1), "a bug of ours"),
    ("an event of an earlier start", lambda run: _append_event(run, "resumed", 2, 1), "events of an earlier start"),
    ("a visit where nobody may come", _trip, "127.0.0.1 came to 127.0.0.1"),
]


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of a good run, alone in a directory."""
    shutil.copytree(whole, tmp_path / "home" / "run")
    return tmp_path / "home" / "run"


def test_a_good_run_has_no_offence(run: Path) -> None:
    assert list(offences_of(run)) == []


@pytest.mark.parametrize(("offence", "commit", "told"), OFFENCES, ids=[row[0] for row in OFFENCES])
def test_an_offence_is_told(offence: str, commit: Callable[[Path], object], told: str, run: Path) -> None:
    commit(run)
    assert told in "\n".join(offences_of(run))


def test_a_stopped_run_needs_no_domains_and_may_end_with_a_lone_transcript(run: Path) -> None:
    (run / "run.json").write_bytes(msgspec.json.encode(_ended(run, 4)))
    (run / "domains.jsonl").unlink()
    _lines(run, "sessions-000.jsonl", lambda lines: lines[:-1])
    assert list(offences_of(run)) == []
