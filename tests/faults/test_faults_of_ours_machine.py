"""Faults of ours, the third table: no space, no descriptors, no ports, no time."""

import resource
import shutil
from pathlib import Path

import pytest

from scanner import cli
from scanner.exit_codes import OK, OURS, USAGE
from scanner.lab.child import LabChild
from scanner.passes.run_directory import Appender, DiskFault, RunDirectory
from scanner.passes.session_store import SessionStore
from scanner.probe.session import ProbedSession
from scanner.records import Record, SessionRecord, Transcript
from tests.faults.command import Fork, sharing
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant, records_of
from tests.faults.namespaces import (
    FEW_PORTS,
    needs_namespaces,
    with_disk_of,
    with_few_ports,
    with_limit,
    without_ports,
)
from tests.faults.scanning import Scanning, Settings, size_of
from tests.faults.worlds import write_world
from tests.passes import examples

pytestmark = pytest.mark.acceptance

#: No file can be longer than this share of one in the whole run.
SHARES = [("in the resolve pass", "routes", 0.9), ("in the probe pass", "sessions", 0.5)]


@pytest.mark.parametrize(("moment", "name", "share"), SHARES, ids=[row[0] for row in SHARES])
def test_a_full_disk_then_freed(
    moment: str, name: str, share: float, tmp_path: Path, lab: LabChild, whole: Path
) -> None:
    scanning = Scanning(tmp_path, lab)
    run = scanning.run("full")
    full = with_limit(resource.RLIMIT_FSIZE, int(share * size_of(whole, name)))
    ended = scanning.scan("full", preparations=[full])
    assert ended.exit_code == OURS, ended.said
    assert f"{run / name}-000.jsonl: " in ended.said
    assert_invariant(run)
    assert scanning.resume("full").exit_code == OK
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)


def test_a_disk_that_is_full_before_the_input_is_read_leaves_nothing(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab)
    ended = scanning.scan("full", preparations=[with_limit(resource.RLIMIT_FSIZE, 1000)])
    assert ended.exit_code == OURS, ended.said
    assert "input.jsonl: File too large" in ended.said
    assert list(scanning.home("full").iterdir()) == []


DISK_BYTES = 1 << 20


@needs_namespaces
def test_a_small_disk_that_is_full_then_freed(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    home, kept = scanning.home("disk"), scanning.home("kept")
    kept.mkdir()

    def scan_twice() -> int:
        """On a disk that only this fork sees; the ballast leaves room for half of a run."""
        with_disk_of(DISK_BYTES, home)()
        sharing(lab)()
        ballast = home / "ballast"
        ballast.write_bytes(bytes(DISK_BYTES - sum(path.stat().st_size for path in whole.iterdir()) // 2))
        assert cli.run([*scanning.arguments("disk"), "--quiet"]) == OURS
        ballast.unlink()
        assert_invariant(scanning.run("disk"))
        code = cli.run(["scan", "--resume", f"{scanning.run('disk')}", "--quiet"])
        shutil.copytree(home / "run", kept / "run")
        return code

    ended = Fork(home, scan_twice).ended()
    assert ended.exit_code == OK, ended.said
    assert "no space for a whole record" in ended.said or "No space left on device" in ended.said
    assert_invariant(kept / "run")
    assert essence_of(kept / "run") == essence_of(whole)


def test_what_ends_while_a_full_disk_stops_the_pass_leaves_no_transcript_without_its_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def append(appender: Appender, record: Record) -> None:
        if isinstance(record, SessionRecord):
            raise DiskFault("no space")
        whole_append(appender, record)

    whole_append = Appender.append
    directory = RunDirectory.create(tmp_path / "run")
    with SessionStore(directory, 1) as store:
        monkeypatch.setattr(Appender, "append", append)
        for number in (1, 2):
            with pytest.raises(DiskFault):
                store.write(ProbedSession(examples.session(number), examples.transcript(number), ()))
    assert [said.session for said in directory.read(Transcript)] == [examples.transcript(1).session]


# Descriptors and ports ---------------------------------------------------------------------------------


def test_ulimit_n_64_is_refused_at_the_start_and_says_why(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab)
    ended = scanning.scan("few", preparations=[with_limit(resource.RLIMIT_NOFILE, 64)])
    assert ended.exit_code == USAGE
    assert "only 64 open files are allowed (ulimit -n)" in ended.said
    assert not (scanning.run("few") / "domains.jsonl").exists()


def test_few_descriptors_lower_the_width_and_say_so(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    run = scanning.run("few")
    ended = scanning.scan("few", preparations=[with_limit(resource.RLIMIT_NOFILE, 80)])
    assert ended.exit_code == OK, ended.said
    assert "width lowered to" in ended.said
    assert "ulimit -n" in ended.said
    assert_invariant(run)
    assert "local_fault" not in {session.outcome for session in records_of(run, SessionRecord)}
    assert essence_of(run) == essence_of(whole)


#: Whoever closes first keeps the port for a minute (TIME_WAIT): here it is us.
LEAVES_CLOSING_TO_US = """\
[behaviours.good]
[behaviours.leaves_closing_to_us]
quit = ['send 221 2.0.0 bye\\r\\n', "silence"]
"""


@needs_namespaces
@pytest.mark.parametrize("source", [[], ["127.0.0.1"]], ids=["as the kernel chooses", "from an address of ours"])
def test_source_ports_exhausted_by_all_targets_together_are_enough_for_each(source: list[str], tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    scanning = Scanning(tmp_path, None, write_world(world, 40, ["leaves_closing_to_us"], LEAVES_CLOSING_TO_US))
    settings: Settings = {"lab": {"world": f"{world}"}, "probe": {"source_address": source, "width": 20}}
    ended = scanning.scan("ports", preparations=[with_few_ports], settings=settings)
    assert ended.exit_code == OK, ended.said
    assert_invariant(scanning.run("ports"))
    sessions = records_of(scanning.run("ports"), SessionRecord)
    assert len(sessions) == 320 > len(FEW_PORTS)
    assert {session.outcome for session in sessions} == {"ok"}


@needs_namespaces
def test_source_ports_exhausted_by_others_stop_the_run_and_nobody_is_judged_by_it(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    scanning = Scanning(tmp_path, None, write_world(world, 5, ["good"]))
    settings: Settings = {"lab": {"world": f"{world}"}}
    ended = scanning.scan("ports", preparations=[without_ports], settings=settings)
    assert ended.exit_code == OURS, ended.said
    assert "Cannot assign requested address" in ended.said
    run = scanning.run("ports")
    assert_invariant(run)
    assert records_of(run, SessionRecord) == []
    assert scanning.resume("ports").exit_code == OK
    assert_invariant(run)
    assert {session.outcome for session in records_of(run, SessionRecord)} == {"ok"}
