"""A run that is killed at any moment and gone on with says what a run that was not says."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from scanner.records import Domain, SessionRecord, Transcript
from tests.acceptance.running import domains_of, lines_of, mxscan, records_of, start_mxscan

#: The world of the kill test; CI and the release take 20,000 (`MXSCAN_KILL_DOMAINS`).
DOMAINS = os.environ.get("MXSCAN_KILL_DOMAINS", "2000")
PATIENCE_S = 300

LINES = (
    "input",
    "routes",
    "hosts",
    "targets",
    "sessions",
    "transcripts",
    "certificates",
    "events",
    "domains",
)


def _size(run: Path, name: str) -> int:
    return sum(path.stat().st_size for path in run.glob(f"{name}*.jsonl"))


def _grown_beyond(name: str, share: float, whole: dict[str, int]) -> Callable[[Path], bool]:
    """True once a file has more than a share of its size in the unkilled run."""
    return lambda run: _size(run, name) > share * whole[name]


def _kill_when(process: "subprocess.Popen[bytes]", run: Path, reached: Callable[[Path], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not reached(run):
        assert process.poll() is None, "the run ended before the moment to kill it"
        assert time.monotonic() < until, "the moment to kill it never came"
        time.sleep(0.002)
    assert process.poll() is None, "the run had ended already"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def _essence(records: list[Domain]) -> dict[str, object]:
    """What must not depend on when and how often a run was killed: everything but session times in evidence."""
    return {
        record.domain or record.input: (
            record.mail_route,
            [(host.exchange, host.flags, host.a_status, host.aaaa_status) for host in record.mail_hosts],
            record.verdicts,
            [(found.kind, found.severity, found.subject) for found in record.findings],
        )
        for record in records
    }


def test_five_kills_one_in_each_pass_change_nothing(tmp_path: Path) -> None:
    world = ("--lab", "--lab-domains", DOMAINS, "--seed", "7", "--quiet")
    whole_run, run = tmp_path / "whole", tmp_path / "killed"
    result = mxscan("scan", *world, "--out", whole_run, timeout=PATIENCE_S)
    assert result.returncode == 0, result.stderr.decode()
    whole = {name: _size(whole_run, name) for name in LINES}
    moments = [
        ("resolving domains", _grown_beyond("routes", 0.3, whole)),
        ("resolving hosts", _grown_beyond("hosts", 0.2, whole)),
        ("probing", _grown_beyond("sessions", 0.2, whole)),
        ("probing again", _grown_beyond("sessions", 0.6, whole)),
        ("judging", lambda directory: any(directory.glob("domains.jsonl.*.new"))),
    ]
    process = start_mxscan("scan", *world, "--out", run)
    for _, reached in moments:
        _kill_when(process, run, reached)
        process = start_mxscan("scan", "--resume", run, "--quiet")
    assert process.wait(PATIENCE_S) == 0
    _assert_whole(run)
    assert _essence(domains_of(run)) == _essence(domains_of(whole_run))
    assert len(orjson.loads((run / "run.json").read_bytes())["starts"]) == len(moments) + 1


def _assert_whole(run: Path) -> None:
    """Every line parses, no attempt was made twice, every session has its transcript and no other."""
    for name in LINES:
        for line in lines_of(run, name):
            orjson.loads(line)
    sessions = records_of(run, SessionRecord)
    counted = Counter(session.session for session in sessions if session.outcome != "local_fault")
    assert max(counted.values()) == 1
    assert [session.session for session in sessions] == [said.session for said in records_of(run, Transcript)]


def test_a_finished_run_says_so(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert mxscan("scan", "-", "--lab", "--out", run, stdin=b"good.lab\n").returncode == 0
    before = (run / "domains.jsonl").read_bytes()
    result = mxscan("scan", "--resume", run)
    assert result.returncode == 0
    assert b"is finished: nothing is left to do" in result.stderr
    assert (run / "domains.jsonl").read_bytes() == before


def test_what_a_fault_of_ours_kept_from_being_known_is_asked_again_and_nothing_else(tmp_path: Path) -> None:
    run = tmp_path / "run"
    # The resolver of this one refuses TCP after a truncated answer: that is our resolver's fault, each time.
    result = mxscan("scan", "-", "--lab", "--out", run, stdin=b"good.lab\ndns-tcp-refused.lab\n")
    assert result.returncode == 0, result.stderr.decode()
    before = {name: len(lines_of(run, name)) for name in ("routes", "hosts", "sessions")}
    domains = (run / "domains.jsonl").read_bytes()
    result = mxscan("scan", "--resume", run)
    assert result.returncode == 0, result.stderr.decode()
    after = {name: len(lines_of(run, name)) for name in before}
    # Both attempts again: what was our fault was none.
    assert after == {**before, "routes": before["routes"] + 2}
    assert (run / "domains.jsonl").read_bytes() == domains


def test_a_run_interrupted_before_its_last_lookup_which_fails_on_our_side_can_be_finished(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert mxscan("scan", "-", "--lab", "--out", run, stdin=b"good.lab\ndns-tcp-refused.lab\n").returncode == 0
    (routes,) = run.glob("routes-*.jsonl")
    kept = [line for line in routes.read_bytes().splitlines(keepends=True) if b"dns-tcp-refused" not in line]
    routes.write_bytes(b"".join(kept))
    assert mxscan("scan", "--resume", run, "--quiet").returncode == 0
    assert len(domains_of(run)) == 2


DAMAGES = [
    ("the input is gone", "input.jsonl", None),
    ("the input is shorter", "input.jsonl", b""),
    ("another trust store", "roots.pem", b"-----BEGIN CERTIFICATE-----\n"),
]


@pytest.mark.parametrize(("why", "name", "content"), DAMAGES, ids=[row[0] for row in DAMAGES])
def test_a_damaged_run_is_not_judged_over_its_good_records(
    tmp_path: Path, lab_run: Path, why: str, name: str, content: bytes | None
) -> None:
    run = tmp_path / "run"
    shutil.copytree(lab_run, run)
    before = (run / "domains.jsonl").read_bytes()
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    result = mxscan("judge", run)
    assert result.returncode == 3
    assert name.encode() in result.stderr
    assert (run / "domains.jsonl").read_bytes() == before


def test_certificates_that_are_gone_are_told_and_count_against_nobody(tmp_path: Path, lab_run: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(lab_run, run)
    for path in run.glob("certificates-*.jsonl"):
        path.unlink()
    result = mxscan("judge", run)
    assert result.returncode == 3
    assert b"missing from the run's files" in result.stdout
    assert {record.verdicts.certificate_trusted.no for record in domains_of(run)} == {0}


def test_a_run_directory_that_exists_is_never_overwritten(lab_run: Path) -> None:
    before = {path: path.read_bytes() for path in lab_run.glob("*.jsonl")}
    result = mxscan("scan", "--lab", "--out", lab_run)
    assert result.returncode == 2
    assert b"never overwritten" in result.stderr
    assert b"--resume" in result.stderr
    assert {path: path.read_bytes() for path in lab_run.glob("*.jsonl")} == before


def test_resuming_refuses_options_that_could_change_a_result(lab_run: Path) -> None:
    result = mxscan("scan", "--resume", lab_run, "--port", "2525", "--ehlo-name", "a.example", "--seed", "0")
    assert result.returncode == 2
    for option in (b"--port", b"--ehlo-name", b"--seed"):
        assert option in result.stderr


def test_a_second_process_on_a_run_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = start_mxscan("scan", "--lab", "--out", run, "--quiet")
    try:
        until = time.monotonic() + PATIENCE_S
        while not (run / "run.json").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        second = mxscan("scan", "--resume", run)
        assert second.returncode == 4
        assert b"another process is working on" in second.stderr
    finally:
        first.kill()
        first.wait()


def test_an_unfinished_run_can_be_judged_as_far_as_it_is(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start_mxscan("scan", "--lab", "--out", run, "--quiet")
    _kill_when(process, run, lambda directory: _size(directory, "sessions") > 0)
    result = mxscan("judge", run)
    assert result.returncode == 3
    records = domains_of(run)
    assert len(records) == len({record.domain or record.line for record in records}) > 150
    waiting = [record for record in records if "not_yet_probed" in record.verdicts.smtp.reasons]
    assert waiting
    for record in waiting:
        assert record.verdicts.smtp.complete is False
