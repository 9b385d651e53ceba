"""Figures → text, for a person and for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.figures import Figure

_HEADER = ("", "CPU or memory", "floor", "× floor", "limit", "")


def render_table(figures: Sequence[Figure]) -> str:
    """The figures in columns, one a line."""
    rows = [_HEADER, *(_row(figure) for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def render_json(figures: Sequence[Figure]) -> str:
    """The figures as one JSON array; the keys are those of Figure, and `is_held`."""
    return json.dumps([asdict(figure) | {"is_held": figure.is_held} for figure in figures], indent=2)


def _row(figure: Figure) -> tuple[str, ...]:
    limit = "" if figure.limit is None else f"≤ {figure.limit:.0f}"
    held = {None: "", True: "held", False: "NOT HELD"}[figure.is_held]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    floor = "" if figure.floor is None else f"{figure.floor:.0f} {figure.unit}"
    return figure.name, f"{figure.value:.0f} {figure.unit}", floor, ratio, limit, held
