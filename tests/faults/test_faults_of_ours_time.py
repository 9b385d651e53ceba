"""Faults of ours, the third table: our process is frozen, our clock jumps."""

import signal
import time
from pathlib import Path

import pytest

from scanner.exit_codes import OK
from scanner.lab.child import LabChild
from scanner.net.clock import SystemClock
from scanner.records import SessionRecord, Transcript
from scanner.times import parse_utc
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant, records_of
from tests.faults.scanning import LIMITS, Scanning, size_of

pytestmark = pytest.mark.acceptance

#: Three times as long as any session may take.
FROZEN_S = 3 * LIMITS.session_s

#: A limit that fires later than this says nothing (probe/peer.py).
LATE_S = 0.1


def test_frozen_for_three_session_limits(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    run = scanning.run("frozen")
    command = scanning.begin("frozen", "--quiet")
    command.wait_until(lambda: size_of(run, "sessions") > 0)
    command.signal(signal.SIGSTOP)
    frozen_at = time.time()
    time.sleep(FROZEN_S)
    command.signal(signal.SIGCONT)
    assert command.ended().exit_code == OK
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)
    during = [session for session in records_of(run, SessionRecord) if _overlaps(session, frozen_at)]
    assert during, "nothing was in flight: nothing is shown"
    for session in during:
        assert session.outcome != "deadline"
        if session.outcome == "timed_out":  # it was listened to for its whole limit, before the frost or after it
            waited_s = (getattr(session.timings_ms, session.stage) or 0.0) / 1000
            assert session.limit_s is not None
            assert waited_s < session.limit_s + LATE_S


def _overlaps(session: SessionRecord, moment: float) -> bool:
    return parse_utc(session.started_at).timestamp() < moment < parse_utc(session.ended_at).timestamp()


HOUR_S = 3600.0


def test_the_clock_is_set_back_an_hour(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    run, now_utc = scanning.run("back"), SystemClock.now_utc

    def set_back_in_the_probe_pass() -> None:
        def jumping(clock: SystemClock) -> float:
            return now_utc(clock) - (HOUR_S if size_of(run, "sessions") > 0 else 0.0)

        SystemClock.now_utc = jumping  # type: ignore[assignment,method-assign]

    ended = scanning.scan("back", preparations=[set_back_in_the_probe_pass])
    assert ended.exit_code == OK, ended.said
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)
    sessions = records_of(run, SessionRecord)
    began = [parse_utc(session.started_at).timestamp() for session in sessions]
    assert max(began) - min(began) > HOUR_S - 60, "the clock was not set back within the pass"
    for session, transcript in zip(sessions, records_of(run, Transcript), strict=True):
        _assert_durations_are_right(session, transcript)


def _assert_durations_are_right(session: SessionRecord, transcript: Transcript) -> None:
    lasted = (parse_utc(session.ended_at) - parse_utc(session.started_at)).total_seconds()
    assert 0 <= lasted < 2 * LIMITS.session_s + 1
    times = [at for at, _, _ in transcript.lines]
    assert times == sorted(times)
    assert times[-1] < lasted + 1
