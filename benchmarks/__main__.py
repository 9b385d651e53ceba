"""The command: some rounds of measurements, then their table."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import pacing
from benchmarks.bench import Bench, Measured, measure_round, open_bench
from benchmarks.figures import (
    ANSWER_BYTES,
    ANSWERS_KEPT,
    SESSION_BYTES,
    TARGET_BYTES,
    WIDTH,
    Figure,
    figures_of,
)
from benchmarks.table import render_json, render_table
from benchmarks.usage import ChildError
from benchmarks.world import FULL, SHORT, Size

_HOW = """\
CPU      user + system of the scan's process alone, the median of {rounds} rounds
floor    a program in C that does the least, measured in the same round
session  what {extra:,} sessions more cost, with not a lookup more
domain   {domains:,} domains on {hosts:,} hosts, all passes, without the start of the process; the floor
         is a plain session
memory   may be that of one domain, {width} sessions of {session} KiB, {target} octets a host, and {answer:,}
         a lookup, of which c-ares keeps the last {kept:,}"""
_NO_FLOOR = "The floor was not measured: no C compiler (cc). SMTP, always with STARTTLS, came from the lab."
_NO_TLS = "STARTTLS was not measured: no OpenSSL headers (libssl-dev)."


def main() -> int:
    """0, whatever the figures are; 4 when something could not be run."""
    options = _parser().parse_args()
    size = SHORT if options.short else FULL
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mxscan-bench-") as made,
            open_bench(Path(made), size) as bench,
        ):
            figures = figures_of(measure(bench), size)
    except ChildError as error:
        print(error, file=sys.stderr)
        return 4
    print(render_json(figures) if options.json else report(bench, figures))
    if not options.json:
        print("\nThe pacer: does anybody wait for another?\n")
        pacing.main()
    return 0


def measure(bench: Bench) -> dict[str, list[Measured]]:
    """All rounds, the stands in turn in each: mode → what was measured."""
    measured: dict[str, list[Measured]] = {stand.mode: [] for stand in bench.stands}
    for number in range(bench.size.rounds):
        for stand in bench.stands:
            print(f"round {number + 1} of {bench.size.rounds}, {stand.mode}", file=sys.stderr)
            measured[stand.mode].append(measure_round(bench, stand))
    return measured


def report(bench: Bench, figures: list[Figure]) -> str:
    """The table, what it means, and what could not be measured here."""
    parts = [render_table(figures), "", _how(bench.size)]
    if bench.programs is None:
        parts.append(_NO_FLOOR)
    elif not bench.programs.with_tls:
        parts.append(_NO_TLS)
    return "\n".join(parts)


def _how(size: Size) -> str:
    return _HOW.format(
        rounds=size.rounds,
        extra=size.extra_sessions,
        domains=size.domains,
        hosts=size.hosts,
        width=WIDTH,
        session=SESSION_BYTES >> 10,
        target=TARGET_BYTES,
        answer=ANSWER_BYTES,
        kept=ANSWERS_KEPT,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a scan costs, on loopback.")
    parser.add_argument("--short", action="store_true", help="a minute instead of ten")
    parser.add_argument("--json", action="store_true", help="the figures as JSON instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
