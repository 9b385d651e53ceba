"""When we are the problem: the run stops, says so, calls nobody down, and goes on as if nothing had been."""

from pathlib import Path

import orjson
import pytest

from scanner.records import Event, SessionRecord
from tests.acceptance.running import domains_of, mxscan, records_of
from tests.acceptance.test_resume import _essence

#: Our port is blocked after this many sessions, as a provider does it who has seen enough of us.
BLOCKED_AFTER = 1000


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run in a world in which nothing is reached after 1,000 sessions, as it stopped; and one where all is well."""
    directory = tmp_path_factory.mktemp("blocked")
    settings = directory / "settings.toml"
    settings.write_text(f"[lab]\nblocked_after = {BLOCKED_AFTER}\n[vantage]\npause_s = 0.2\n")
    world = ("--lab", "--lab-domains", "12000", "--seed", "3", "--quiet")
    whole, blocked = directory / "whole", directory / "blocked"
    assert mxscan("scan", *world, "--out", whole, timeout=300).returncode == 0
    result = mxscan("scan", *world, "--config", settings, "--out", blocked, timeout=300)
    assert result.returncode == 4, result.stderr.decode()
    assert b"our own IPv4 network is the problem" in result.stderr
    assert b"--resume" in result.stderr
    return blocked, whole


def test_the_window_in_which_we_were_lost_is_marked_and_says_nothing_about_anybody(runs: tuple[Path, Path]) -> None:
    blocked, _ = runs
    lost = [event for event in records_of(blocked, Event) if event.event == "vantage_lost"]
    assert len(lost) == 1
    assert mxscan("judge", blocked, "--quiet").returncode == 3
    began = str(lost[0].detail["from"])
    held = {session.session: session for session in records_of(blocked, SessionRecord)}
    in_the_window = {name for name, session in held.items() if session.ended_at > began and session.outcome != "ok"}
    assert in_the_window, "nothing was probed in vain: the test shows nothing"
    for record in domains_of(blocked):
        for host in record.mail_hosts:
            for address in host.addresses:
                if in_the_window & set(address.sessions):
                    assert address.reason == "vantage", record.domain
                    assert address.outcome is None, record.domain


def test_the_run_goes_on_and_says_what_one_that_was_never_blocked_says(runs: tuple[Path, Path]) -> None:
    blocked, whole = runs
    result = mxscan("scan", "--resume", blocked, "--quiet", timeout=300)
    assert result.returncode == 0, result.stderr.decode()
    assert _essence(domains_of(blocked)) == _essence(domains_of(whole))
    starts = orjson.loads((blocked / "run.json").read_bytes())["starts"]
    assert [start["exit"] for start in starts] == [4, 0]
