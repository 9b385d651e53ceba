"""The benchmark measures what it says: whole sessions of the floor, CPU of the scan alone, real limits."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import usage
from benchmarks.__main__ import measure, report
from benchmarks.bench import Bench, Measured, open_bench
from benchmarks.certificates import SERVED_FILE, write_certificates
from benchmarks.figures import MIB, figures_of
from benchmarks.programs import Programs, Sink, build, floor_session_s, sink
from benchmarks.table import render_json, render_table
from benchmarks.world import Size, addresses

pytestmark = pytest.mark.acceptance

TINY = Size(rounds=1, session_hosts=3, domains=12, hosts=4, floor_sessions=50)
SESSIONS = 300

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc)")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    built = build(tmp_path_factory.mktemp("programs"))
    assert built is not None
    return built


def run_floor(programs: Programs, mode: str, directory: Path) -> Sink:
    """SESSIONS sessions of the floor against a sink of its own → the sink, with what it saw."""
    address_file = directory / "addresses.txt"
    address_file.write_text("".join(f"{address}\n" for address in addresses()[:50]))
    write_certificates(directory)
    certificate = directory / SERVED_FILE if mode == "starttls" else None
    with sink(programs, address_file, certificate) as running:
        assert floor_session_s(programs, mode, SESSIONS, running.port, address_file) > 0
    return running


@needs_cc
def test_a_plain_session_of_the_floor_is_whole(programs: Programs, tmp_path: Path) -> None:
    assert run_floor(programs, "plain", tmp_path).seen == {
        "connections": SESSIONS,
        "ehlos": SESSIONS,
        "handshakes": 0,
        "quits": SESSIONS,
    }


@needs_cc
def test_a_starttls_session_of_the_floor_is_whole(programs: Programs, tmp_path: Path) -> None:
    if not programs.with_tls:
        pytest.skip("no OpenSSL headers")
    assert run_floor(programs, "starttls", tmp_path).seen == {
        "connections": SESSIONS,
        "ehlos": 2 * SESSIONS,
        "handshakes": SESSIONS,
        "quits": SESSIONS,
    }


def test_a_child_is_charged_for_its_own_cpu_and_memory_only(tmp_path: Path) -> None:
    """The parent's use, and another child's, is not counted."""
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    large = f"held = bytearray({200 * MIB}); held[::4096] = b'x' * len(held[::4096])"
    # From a small process, as the benchmark is: what this one has grown to would be counted as the child's.
    measure = (
        "import sys, pathlib, json; from benchmarks import usage\n"
        "used = usage.run_and_measure([sys.executable, '-S', '-c', sys.argv[1]], pathlib.Path(sys.argv[2]), 30)\n"
        "print(json.dumps([used.cpu_s, used.peak_bytes, used.wall_s]))"
    )
    used = {}
    for name, code in {"idle": "pass", "busy": busy, "large": large}.items():
        command = [sys.executable, "-c", measure, code, str(tmp_path / f"{name}.log")]
        said = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[2]).stdout
        used[name] = usage.Usage(*json.loads(said))
    assert used["idle"].cpu_s < 0.25
    assert 0.3 <= used["busy"].cpu_s < 0.8
    assert used["large"].peak_bytes > 200 * MIB
    assert used["busy"].peak_bytes < 200 * MIB


def test_a_child_that_fails_or_hangs_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    fails = [sys.executable, "-c", "print('no such thing'); exit(3)"]
    with pytest.raises(usage.ChildError, match=r"(?s)exit 3.*no such thing"):
        usage.run_and_measure(fails, tmp_path / "log", 30)
    hangs = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(usage.ChildError, match="exit -9"):
        usage.run_and_measure(hangs, tmp_path / "log", 0.5)


GOOD = Measured(
    floor_session_s=50e-6,
    session_s=400e-6,
    domain_s=300e-6,
    smallest_peak_bytes=60 * MIB,
    whole_peak_bytes=90 * MIB,
)
GOOD_TLS = replace(GOOD, floor_session_s=800e-6, session_s=1200e-6, domain_s=450e-6)


def held(rounds: dict[str, list[Measured]]) -> dict[str, bool | None]:
    return {figure.name: figure.is_held for figure in figures_of(rounds, TINY)}


def test_every_limit_is_held_by_good_figures() -> None:
    assert held({"plain": [GOOD], "starttls": [GOOD_TLS]}) == {
        "session, plain": True,
        "session, starttls": True,
        "domain of a whole run, plain": True,
        "domain of a whole run, starttls": None,
        "peak memory, one domain, plain": None,
        "peak memory, whole run, plain": True,
        "peak memory, one domain, starttls": None,
        "peak memory, whole run, starttls": True,
    }


@pytest.mark.parametrize(
    ("mode", "bad", "name"),
    [
        ("plain", replace(GOOD, session_s=501e-6), "session, plain"),
        ("starttls", replace(GOOD_TLS, session_s=1601e-6), "session, starttls"),
        ("plain", replace(GOOD, domain_s=601e-6), "domain of a whole run, plain"),
        ("plain", replace(GOOD, whole_peak_bytes=200 * MIB), "peak memory, whole run, plain"),
    ],
)
def test_a_figure_over_its_limit_is_not_held(mode: str, bad: Measured, name: str) -> None:
    assert held({"plain": [GOOD], "starttls": [GOOD_TLS]} | {mode: [bad]})[name] is False


def test_the_median_of_the_rounds_counts_and_a_ratio_is_of_one_round() -> None:
    # A machine that was slow for one round was slow for its floor too.
    slow = replace(GOOD, session_s=800e-6, floor_session_s=100e-6)
    figure = figures_of({"plain": [GOOD, slow, slow]}, TINY)[0]
    assert figure.value == pytest.approx(800)
    assert figure.ratio == pytest.approx(8)


def test_without_a_floor_there_are_figures_and_no_ratios() -> None:
    figures = figures_of({"starttls": [replace(GOOD_TLS, floor_session_s=None)]}, TINY)
    assert [figure.ratio for figure in figures] == [None] * len(figures)
    assert "1200 µs" in render_table(figures)
    assert '"ratio": null' in render_json(figures)


@pytest.mark.parametrize("has_cc", [pytest.param(True, marks=needs_cc), False])
def test_a_tiny_run_prints_its_table(has_cc: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_cc:
        monkeypatch.setattr("benchmarks.bench.build", lambda directory: None)
    with open_bench(tmp_path, TINY) as bench:
        measured = measure(bench)
        text = report(bench, figures_of(measured, TINY))
    assert all(one.session_s > -1 for rounds in measured.values() for one in rounds)
    assert "session, starttls" in text
    assert "peak memory, whole run" in text
    assert ("The floor was not measured" in text) is not has_cc
    assert sessions_of(bench, "many") == TINY.session_hosts * 8
    assert sessions_of(bench, "few") == TINY.session_hosts


def sessions_of(bench: Bench, group: str) -> int:
    """How many sessions the last run of a group had, all of them good."""
    runs = [
        directory
        for directory in sorted(bench.scanner.directory.glob("run-*"))
        if f'"{group}-0.lab"' in (directory / "domains.jsonl").read_text()
    ]
    lines = [line for part in runs[-1].glob("sessions-*.jsonl") for line in part.read_text().splitlines()]
    assert all('"outcome":"ok"' in line for line in lines)
    return len(lines)
