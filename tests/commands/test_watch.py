"""The command: what it refuses, its exit codes, and its tables."""

import subprocess
from pathlib import Path

import pytest

from scanner import cli
from scanner.commands.watch import exit_code_of
from scanner.exit_codes import BUG, OK, OURS, PROBLEM, USAGE
from scanner.outages.alerts import GateReport
from scanner.outages.known import RunFacts
from scanner.records import InputSource
from scanner.watch.comparison import Compared
from scanner.watch.night import Night
from scanner.watch.outbox import DeliveryReport
from tests.acceptance.running import mxscan
from tests.watch.nights import World
from tests.watch.test_night import WORLD


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--state", "S"], "name a FILE with domains"),
        (["list.txt"], "Missing option '--state'"),
        (["list.txt", "--state", "S"], "a watch needs our name for EHLO"),
        (["--state", "S", "--lab", "--dns", "127.0.0.1"], "leave out --dns"),
        (["--state", "S", "--status"], "nothing was watched with --state S yet"),
        (["--state", "S", "--history", "example.org"], "nothing was watched"),
        (["list.txt", "--state", "S", "--limit", "5"], "No such option"),
        (["list.txt", "--state", "S", "--ehlo-name", "a.example", "--alert-to", "a@b.example"], "no relay is named"),
        (["--state", "S", "--lab", "--alert-to", "a@b.example"], "no relay is named"),
        (["--state", "S", "--lab", "--alert-to", "nobody"], "--alert-to 'nobody'"),
        (["--state", "S", "--lab", "--timezone", "Nowhere/Land"], "no such zone on this system"),
        (["--state", "S", "--lab", "--timezone", "Nowhere/Land", "--dry-run"], "no such zone on this system"),
        (["--state", "S", "--lab", "--alert-command", "'"], "No closing quotation"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_and_leaves_no_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["watch", *arguments]) == USAGE
    assert said in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "S").exists()


def night(*, left: int = 0, given_up: int = 0, bugs: int = 0, gated: bool = False, problem: bool = False) -> Night:
    run = RunFacts(1, "run", "directory", "2026-11-22T02:00:00.000Z")
    compared = Compared(run, gate=GateReport(fault="no network") if gated else None, has_problem=problem)
    report = DeliveryReport(left=left, given_up=given_up)
    listed = InputSource(source="-", sha256="0" * 64, lines=1, distinct_domains=1, invalid_lines=0, column=None)
    return Night(compared, report, run.at, run.at, bugs, Path("directory"), listed)


@pytest.mark.parametrize(
    ("what", "code", "why"),
    [
        (night(), OK, "all is well"),
        (night(problem=True), PROBLEM, "something is down or degraded"),
        (night(left=1, problem=True), OURS, "an alert could not be sent: that nobody knows of the problem is worse"),
        (night(given_up=1), OURS, "nor will it ever be"),
        (night(gated=True, problem=True), OURS, "the monitor has a problem"),
        (night(bugs=1, gated=True), BUG, "a bug of ours before all others"),
    ],
)
def test_the_exit_code_is_the_most_serious(what: Night, code: int, why: str) -> None:
    assert exit_code_of(what) == code, why


# Nights of the command ------------------------------------------------------------------------------


class Watch:
    """The command over one state directory."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, world: World, *options: str) -> "subprocess.CompletedProcess[bytes]":
        file, domains = self.home / "world.toml", self.home / "list.txt"
        world.write(file)
        domains.write_text("".join(f"{domain}\n" for domain in world.domains))
        return self.ask(str(domains), "--lab-world", str(file), *options)

    def ask(self, *options: str) -> "subprocess.CompletedProcess[bytes]":
        return mxscan("watch", "--state", self.home / "state", *options)


@pytest.mark.acceptance
def test_nights_of_the_command(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    first = watch.run(WORLD)
    assert (first.returncode, first.stderr.count(b"Traceback")) == (OK, 0), first.stderr.decode()
    assert b"mail hosts up 6" in first.stdout
    rehearsed = watch.run(WORLD.but(mx1="refuses"), "--dry-run", "--quiet")
    assert rehearsed.returncode == OK
    assert rehearsed.stdout.startswith(b"would be sent into alerts.jsonl: [mxscan] mx1.provider1.lab: DOWN")
    second = watch.run(WORLD.but(mx1="refuses"), "--metrics", str(tmp_path / "watch.prom"), "--quiet")
    assert (second.returncode, second.stdout) == (PROBLEM, b"")
    assert 'mxscan_watch_hosts{state="down"} 1' in (tmp_path / "watch.prom").read_text()
    alerts = (tmp_path / "state" / "alerts.jsonl").read_text().splitlines()
    assert len(alerts) == 1
    status = watch.ask("--status").stdout.decode()
    assert "mx1.provider1.lab" in status
    assert "mx2.provider2.lab" not in status
    history = watch.ask("--history", "d1.lab").stdout.decode()
    assert "up → down" in history
    assert "alert: down" in history
    assert watch.ask("--history", "elsewhere.lab").returncode == USAGE


@pytest.mark.acceptance
def test_what_of_a_list_is_not_watched_is_said(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    WORLD.write(tmp_path / "world.toml")
    (tmp_path / "some.txt").write_text("d1.lab\nno domain at all\n..\nD1.LAB\n")
    in_the_lab = ("--lab-world", str(tmp_path / "world.toml"))
    assert watch.ask(str(tmp_path / "none.txt"), *in_the_lab).returncode == USAGE
    assert b"no run was judged yet" in watch.ask("--status").stderr, "and not that all are up"
    told = watch.ask(str(tmp_path / "some.txt"), *in_the_lab)
    assert told.stdout.startswith(b"list       4 lines, of which 2 are no domains\n"), told.stderr


@pytest.mark.acceptance
def test_a_relay_that_is_not_there_is_our_side_and_what_was_to_be_sent_is_kept(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    mail = ("--alert-to", "ops@example.org", "--relay", "127.0.0.1:1", "--relay-tls", "none", "--quiet")
    assert watch.run(WORLD, *mail).returncode == OK
    told = watch.run(WORLD.but(mx1="refuses"), *mail, "--metrics", str(tmp_path / "nowhere" / "watch.prom"))
    assert told.returncode == OURS
    assert b"1 alert could not be told by mail" in told.stderr
    assert b"watch.prom: No such file or directory" in told.stderr
    assert watch.run(WORLD.but(mx1="refuses"), *mail).returncode == OURS
