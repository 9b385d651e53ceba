"""Figures of a run for Prometheus: the text, and a file that is either the old one or the new one."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scanner.outages.alerts import State
from scanner.passes.run_directory import DiskFault


@dataclass(frozen=True, kw_only=True)
class NightFigures:
    """What a run of `watch` came to; times are seconds since the epoch."""

    began_at: float
    ended_at: float
    hosts: Mapping[State, int]
    domains: Mapping[State, int]
    alerts: int
    deliveries_left: int
    gated: bool
    exit_code: int


#: Name → its type and what it means. These names are an interface: dashboards are built on them.
METRICS = {
    "mxscan_watch_last_run_timestamp_seconds": ("gauge", "When the last run ended, in seconds since the epoch."),
    "mxscan_watch_last_run_duration_seconds": ("gauge", "How long the last run took."),
    "mxscan_watch_last_run_exit_code": (
        "gauge",
        "Exit code of the last run: 1 something is down or degraded, 4 our side.",
    ),
    "mxscan_watch_last_run_gated": ("gauge", "1 if nothing of the last run was believed, because it was our side."),
    "mxscan_watch_hosts": ("gauge", "Mail hosts by state."),
    "mxscan_watch_domains": ("gauge", "Domains by state."),
    "mxscan_watch_alerts_made": ("gauge", "Alerts that the last run made."),
    "mxscan_watch_deliveries_queued": ("gauge", "Alerts that could not be handed over and are queued."),
}


def metrics_text(figures: NightFigures) -> str:
    """The text exposition format: help, type and samples of each metric. Every state has a sample, also of 0."""
    return "".join(f"{line}\n" for line in _lines(figures))


def _lines(figures: NightFigures) -> Iterator[str]:
    values: dict[str, float | Mapping[State, int]] = {
        "mxscan_watch_last_run_timestamp_seconds": figures.ended_at,
        "mxscan_watch_last_run_duration_seconds": figures.ended_at - figures.began_at,
        "mxscan_watch_last_run_exit_code": figures.exit_code,
        "mxscan_watch_last_run_gated": int(figures.gated),
        "mxscan_watch_hosts": figures.hosts,
        "mxscan_watch_domains": figures.domains,
        "mxscan_watch_alerts_made": figures.alerts,
        "mxscan_watch_deliveries_queued": figures.deliveries_left,
    }
    for name, (kind, meaning) in METRICS.items():
        yield f"# HELP {name} {meaning}"
        yield f"# TYPE {name} {kind}"
        value = values[name]
        if isinstance(value, Mapping):
            yield from (f'{name}{{state="{state}"}} {value.get(state, 0)}' for state in State)
        else:
            yield f"{name} {round(value, 3):.15g}"


def write_metrics(path: Path, figures: NightFigures) -> None:
    """Replaces the file by rename: the collector reads whenever it likes. Raises DiskFault."""
    # The collector takes *.prom only, so it does not see this one.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(metrics_text(figures), "utf-8")
        temporary.chmod(0o644)  # it is another user who reads it
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DiskFault(f"{path}: {error.strerror}") from error
