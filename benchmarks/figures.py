"""Rounds → figures: the median of each, its ratio to the floor of the same round, the limit that we hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Measured
from benchmarks.world import Size
from scanner.settings import DnsSettings, ProbeSettings

MIB = 1 << 20

#: What we hold: so many times the floor of the same kind; a domain, so many plain sessions of the floor.
MAX_RATIO_OF_SESSION = {"plain": 10.0, "starttls": 2.0}
MAX_RATIO_OF_DOMAIN = 12.0
#: Memory is what a run of one domain needs, and this for each session at a time and for each target; and
#: what c-ares keeps of each answer until its channel is changed.
SESSION_BYTES = 96 << 10
TARGET_BYTES = 100
ANSWER_BYTES = 2_200
ANSWERS_KEPT = DnsSettings().lookups_per_resolver
WIDTH = ProbeSettings().width


@dataclass(frozen=True)
class Figure:
    """A line of the table. `floor` is in the unit of `value`; `limit` is the ratio's, or memory's own."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    limit: float | None = None

    @property
    def is_held(self) -> bool | None:
        """Whether the limit is kept; None where there is none, or no floor to compare with."""
        compared = self.value if self.unit == "MiB" else self.ratio
        return None if self.limit is None or compared is None else compared <= self.limit


def figures_of(rounds: Mapping[str, Sequence[Measured]], size: Size) -> list[Figure]:
    """The figures of some rounds at each stand; `rounds` maps the mode of a stand to its rounds."""
    return [
        *(_session(mode, measured) for mode, measured in rounds.items()),
        *(_domain(mode, measured, rounds.get("plain")) for mode, measured in rounds.items()),
        *(figure for mode, measured in rounds.items() for figure in _memory(mode, measured, size)),
    ]


def _session(mode: str, measured: Sequence[Measured]) -> Figure:
    return Figure(
        f"session, {mode}",
        median(one.session_s for one in measured) * 1e6,
        "µs",
        _floor_us(measured),
        _median_ratio([one.session_s for one in measured], measured),
        MAX_RATIO_OF_SESSION[mode],
    )


def _domain(mode: str, measured: Sequence[Measured], plain: Sequence[Measured] | None) -> Figure:
    """A domain against a plain session of the floor; only for a plain run there is a limit."""
    return Figure(
        f"domain of a whole run, {mode}",
        median(one.domain_s for one in measured) * 1e6,
        "µs",
        _floor_us(plain or ()),
        _median_ratio([one.domain_s for one in measured], plain or ()),
        MAX_RATIO_OF_DOMAIN if mode == "plain" else None,
    )


def _memory(mode: str, measured: Sequence[Measured], size: Size) -> Iterator[Figure]:
    base = median(one.smallest_peak_bytes for one in measured)
    answers = min(size.domains + 2 * size.hosts, ANSWERS_KEPT)
    limit = base + WIDTH * SESSION_BYTES + size.hosts * TARGET_BYTES + answers * ANSWER_BYTES
    yield Figure(f"peak memory, one domain, {mode}", base / MIB, "MiB")
    whole = median(one.whole_peak_bytes for one in measured)
    yield Figure(f"peak memory, whole run, {mode}", whole / MIB, "MiB", limit=limit / MIB)


def _floor_us(measured: Sequence[Measured]) -> float | None:
    floors = [one.floor_session_s for one in measured if one.floor_session_s is not None]
    return median(floors) * 1e6 if floors else None


def _median_ratio(values_s: Sequence[float], measured: Sequence[Measured]) -> float | None:
    """The median of the ratios, not the ratio of the medians: each pair was measured in the same minute."""
    ratios = [
        value / one.floor_session_s
        for value, one in zip(values_s, measured, strict=False)
        if one.floor_session_s is not None
    ]
    return median(ratios) if ratios else None
