"""Faults of ours, the third table: the process is killed, interrupted, started twice, and nobody listens to it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from scanner.exit_codes import OK, OURS, USAGE
from scanner.lab.child import LabChild
from scanner.passes.run_directory import PARTS
from scanner.records import Host, Record, Route, SessionRecord
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant, read_run, records_of
from tests.faults.namespaces import needs_namespaces, with_disk_of
from tests.faults.scanning import LIMITS, SOME, Scanning, size_of
from tests.faults.terminal import Terminal

pytestmark = pytest.mark.acceptance

#: Kills while each kind of record is written, and one while judging: twenty.
KILLS: list[tuple[type[Record], int]] = [(Route, 4), (Host, 4), (SessionRecord, 11)]
SEED = 20261122


def test_sigkill_at_20_random_moments_at_least_one_in_each_pass(tmp_path: Path) -> None:
    with LabChild.start(tmp_path / "lab", world="", domains=300, seed=7, limits=LIMITS) as lab:
        scanning = Scanning(tmp_path, lab, lab.domain_list.read_text().split())
        whole = scanning.whole_run()
        run, killed_in = scanning.run("killed"), set()
        command = scanning.begin("killed", "--quiet")
        for number, reached in enumerate(_moments(whole), 1):
            command.wait_until(lambda n=number, reached=reached: _starts(run) == n and reached(run))  # type: ignore[misc]
            command.kill()
            killed_in.add(_pass_of(run))
            command = scanning.resumption("killed")
        assert command.ended().exit_code == OK
    assert killed_in == {"resolving domains", "resolving hosts", "probing", "judging"}
    assert len(read_run(run).starts) == 21
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)


def _starts(run: Path) -> int:
    return len(read_run(run).starts) if (run / "run.json").exists() else 0


def _moments(whole: Path) -> list[Callable[[Path], bool]]:
    random = Random(SEED)
    moments = [
        _grown_to(PARTS[record], share, whole)
        for record, kills in KILLS
        for share in sorted(random.uniform(0.0, 0.95) for _ in range(kills))
    ]
    return [*moments, lambda run: any(run.glob("domains.jsonl.*.new"))]


def _grown_to(name: str, share: float, whole: Path) -> Callable[[Path], bool]:
    octets = share * size_of(whole, name)
    return lambda run: size_of(run, name) > octets


def _pass_of(run: Path) -> str:
    """Which pass a killed run was in: the last that had begun to write."""
    if any(run.glob("domains.jsonl.*.new")):
        return "judging"
    if size_of(run, "sessions"):
        return "probing"
    return "resolving hosts" if size_of(run, "hosts") else "resolving domains"


# Signals -----------------------------------------------------------------------------------------------


def _is_probing(run: Path) -> Callable[[], bool]:
    return lambda: size_of(run, "sessions") > 0


def test_sigint_once_finishes_what_is_in_flight_and_can_be_resumed(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    terminal = scanning.begin("stopped", kind=Terminal)
    assert isinstance(terminal, Terminal)
    terminal.wait_until(_is_probing(scanning.run("stopped")))
    terminal.press_control_c()
    ended = terminal.ended()
    assert ended.exit_code == 130
    assert "once more to end at once" in ended.said
    assert "--resume" in ended.said
    assert "cancelled" not in {session.outcome for session in records_of(scanning.run("stopped"), SessionRecord)}
    assert_invariant(scanning.run("stopped"))
    assert scanning.resume("stopped").exit_code == OK
    assert_invariant(scanning.run("stopped"))
    assert essence_of(scanning.run("stopped")) == essence_of(whole)


def test_sigint_twice_ends_at_once(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab, ["silent.lab", "good.lab"])
    patient = {"limits": {"greeting_s": 600.0, "session_s": 900.0}}
    terminal = scanning.begin("stopped", kind=Terminal, settings=patient)
    assert isinstance(terminal, Terminal)
    terminal.wait_until(_is_probing(scanning.run("stopped")))
    terminal.press_control_c()
    terminal.wait_until_shown(b"once more to end at once")
    terminal.press_control_c()
    # The silent server would hold it for ten minutes.
    assert terminal.ended(patience_s=15).exit_code == 130
    assert_invariant(scanning.run("stopped"))


def test_sigterm_is_like_sigint_with_143(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    scanning = Scanning(tmp_path, lab)
    command = scanning.begin("stopped", "--quiet")
    command.wait_until(_is_probing(scanning.run("stopped")))
    command.signal(signal.SIGTERM)
    assert command.ended().exit_code == 143
    assert_invariant(scanning.run("stopped"))
    assert scanning.resume("stopped").exit_code == OK
    assert_invariant(scanning.run("stopped"))
    assert essence_of(scanning.run("stopped")) == essence_of(whole)


# Directories and output --------------------------------------------------------------------------------


@needs_namespaces
def test_an_unwritable_directory_is_our_side(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab, SOME[:1])
    # Root, whom no mode keeps out, can't write there either.
    disk = with_disk_of(4096, scanning.home("unwritable"), read_only=True)
    ended = scanning.scan("unwritable", preparations=[disk])
    assert ended.exit_code == OURS
    assert "can't be made: Read-only file system" in ended.said
    assert_invariant(scanning.run("unwritable"))


def test_a_second_run_on_the_same_directory_is_refused(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab, ["good.lab", "silent.lab"])
    first = scanning.begin("same", "--quiet")
    first.wait_until(_is_probing(scanning.run("same")))
    second = scanning.scan("same")
    assert second.exit_code == USAGE
    assert "never overwritten" in second.said
    beside = scanning.resume("same")
    assert beside.exit_code == OURS
    assert "another process is working on" in beside.said
    assert first.ended().exit_code == OK
    assert_invariant(scanning.run("same"))
    assert len(read_run(scanning.run("same")).starts) == 1


def test_epipe_on_stdout_ends_quietly_with_every_record_written(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab, SOME[:3])
    reader, writer = os.pipe()
    os.close(reader)
    command = scanning.begin("piped", stdout=writer)
    os.close(writer)
    ended = command.ended()
    assert ended.exit_code == OK, ended.said
    assert "Traceback" not in ended.said
    assert "roken" not in ended.said
    assert_invariant(scanning.run("piped"))
