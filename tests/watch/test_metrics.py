"""Figures for Prometheus: its format, every name documented, and never half a file."""

import re
from collections import Counter
from pathlib import Path

import pytest

from scanner.outages.alerts import State
from scanner.passes.run_directory import DiskFault
from scanner.watch.metrics import METRICS, NightFigures, metrics_text, write_metrics

FIGURES = NightFigures(
    began_at=1795313455.0,
    ended_at=1795313872.31,
    hosts=Counter({State.up: 17, State.down: 1}),
    domains=Counter({State.up: 400, State.degraded: 2, State.down: 3}),
    alerts=1,
    deliveries_left=2,
    gated=False,
    exit_code=1,
)

#: https://prometheus.io/docs/instrumenting/exposition_formats: name, labels, value.
SAMPLE = re.compile(r'([a-z_]+)(?:\{state="([a-z_]+)"\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)')


def samples(text: str) -> dict[tuple[str, str | None], float]:
    found = [SAMPLE.fullmatch(line) for line in text.splitlines() if not line.startswith("#")]
    assert all(found)
    return {(match[1], match[2]): float(match[3]) for match in found if match}


def test_every_figure_is_there() -> None:
    told = samples(metrics_text(FIGURES))
    assert told["mxscan_watch_last_run_timestamp_seconds", None] == pytest.approx(1795313872.31)
    assert told["mxscan_watch_last_run_duration_seconds", None] == pytest.approx(417.31)
    assert told["mxscan_watch_last_run_exit_code", None] == 1
    assert told["mxscan_watch_last_run_gated", None] == 0
    assert told["mxscan_watch_alerts_made", None] == 1
    assert told["mxscan_watch_deliveries_queued", None] == 2
    assert told["mxscan_watch_hosts", "down"] == 1
    assert told["mxscan_watch_domains", "degraded"] == 2


def test_a_state_that_nobody_is_in_has_a_sample_too() -> None:
    """Else an alert on it would never end, and a sum would have holes."""
    told = samples(metrics_text(FIGURES))
    for name in ("mxscan_watch_hosts", "mxscan_watch_domains"):
        assert {state for found, state in told if found == name} == {state.value for state in State}
    assert told["mxscan_watch_hosts", "blocked_us"] == 0


def test_every_metric_says_what_it_is_before_its_samples() -> None:
    lines = metrics_text(FIGURES).splitlines()
    assert {name for name, _ in samples(metrics_text(FIGURES))} == set(METRICS)
    for name in METRICS:
        first = next(number for number, line in enumerate(lines) if re.match(rf"{name}[ {{]", line))
        assert lines[first - 2].startswith(f"# HELP {name} ")
        assert lines[first - 1] == f"# TYPE {name} gauge"


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "mxscan.prom"
    path.write_text("old")
    before = path.stat().st_ino
    write_metrics(path, FIGURES)
    assert path.read_text() == metrics_text(FIGURES)
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mxscan.prom"
    path.mkdir()
    with pytest.raises(DiskFault, match=r"mxscan\.prom"):
        write_metrics(path, FIGURES)
    assert list(tmp_path.iterdir()) == [path]
