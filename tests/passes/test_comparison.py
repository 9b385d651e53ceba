"""Two runs side by side: every domain once, with its counterpart, whatever the order and however many wait."""

import random
import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.judgement.domains import judge_domain, judge_invalid
from scanner.outcomes import RouteKind
from scanner.passes.comparison import pairs
from scanner.passes.run_directory import DiskFault, RunDirectory
from scanner.records import InputLine
from tests.judgement.found import found, lines, route

from .runs import judged_run, named

RECORD = judge_domain(lines(), route(RouteKind.nxdomain), found())


def run_of(path: Path, domains: Sequence[str], mark: str) -> RunDirectory:
    return judged_run(path, [replace(named(RECORD, domain), input=mark) for domain in domains])


def met(before: RunDirectory, after: RunDirectory, max_waiting: int = 8192) -> list[tuple[str | None, str | None]]:
    """The domain of each pair, from either run."""
    told = []
    for earlier, later in pairs(before, after, max_waiting):
        assert earlier is None or earlier.input == "before"
        assert later is None or later.input == "after"
        told.append((earlier.domain if earlier else None, later.domain if later else None))
    return told


def joined(path: Path, before: Sequence[str], after: Sequence[str], max_waiting: int) -> list[str]:
    """`DOMAIN` for one in both runs, `-DOMAIN` and `+DOMAIN` for one that is gone or added; sorted."""
    words = {(True, True): "", (True, False): "-", (False, True): "+"}
    runs = run_of(path / "a", before, "before"), run_of(path / "b", after, "after")
    told = met(*runs, max_waiting)
    assert all(one is None or other is None or one == other for one, other in told)
    return sorted(words[one is not None, other is not None] + (one or other or "") for one, other in told)


@pytest.mark.parametrize("max_waiting", [0, 1, 3, 1000])
@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        ("abcd", "abcd", "a b c d", "the same list"),
        ("abcd", "dcba", "a b c d", "in another order"),
        ("abcd", "acd", "-b a c d", "one gone from the middle"),
        ("acd", "abcd", "+b a c d", "one added in the middle"),
        ("abcd", "", "-a -b -c -d", "nothing left"),
        ("", "ab", "+a +b", "nothing before"),
        ("", "", "", "nothing at all"),
        ("ab", "cd", "+c +d -a -b", "nothing in common"),
        ("abcdefgh", "ghabcdxy", "+x +y -e -f a b c d g h", "all of it at once"),
    ],
)
def test_every_domain_comes_once_with_its_counterpart(
    tmp_path: Path, before: str, after: str, told: str, max_waiting: int, why: str
) -> None:
    assert joined(tmp_path, before, after, max_waiting) == told.split()


@given(
    before=st.lists(st.text("abc", min_size=1, max_size=3), unique=True),
    after=st.lists(st.text("abc", min_size=1, max_size=3), unique=True),
    max_waiting=st.integers(0, 5),
)
def test_any_two_lists_are_joined_as_sets_are(before: list[str], after: list[str], max_waiting: int) -> None:
    both = set(before) & set(after)
    expected = sorted([*both, *(f"-{one}" for one in set(before) - both), *(f"+{one}" for one in set(after) - both)])
    with tempfile.TemporaryDirectory() as place:
        assert joined(Path(place), before, after, max_waiting) == expected


def test_runs_in_the_same_order_keep_it(tmp_path: Path) -> None:
    domains = [f"{number:03}.test" for number in range(200)]
    random.Random(4).shuffle(domains)
    before, after = run_of(tmp_path / "a", domains, "before"), run_of(tmp_path / "b", domains[3:], "after")
    assert [earlier for earlier, later in met(before, after) if later] == domains[3:]


def test_what_was_put_aside_comes_back_as_it_was(tmp_path: Path) -> None:
    records = [named(RECORD, f"{number}.test") for number in range(50)]
    before, after = judged_run(tmp_path / "a", records), judged_run(tmp_path / "b", reversed(records))
    back = {one.domain: (one, other) for one, other in pairs(before, after, max_waiting=4) if one is not None}
    assert [back[record.domain] for record in records] == [(record, record) for record in records]


def test_lines_that_are_no_domain_are_left_out(tmp_path: Path) -> None:
    invalid = judge_invalid(InputLine(line=2, input="a..b", domain=None, reason="empty label"), found())
    before = judged_run(tmp_path / "a", [invalid, RECORD])
    assert met_any(before, judged_run(tmp_path / "b", [RECORD, invalid])) == ["example.org"]


def met_any(before: RunDirectory, after: RunDirectory) -> list[str | None]:
    return [record.domain for pair in pairs(before, after) for record in pair[:1] if record is not None]


def test_a_disk_that_does_not_take_what_is_put_aside_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    before, after = run_of(tmp_path / "a", "ab", "before"), run_of(tmp_path / "b", "ba", "after")
    with pytest.raises(DiskFault, match="No space left on device"):
        list(pairs(before, after, max_waiting=0))


def test_memory_is_that_of_those_that_wait(tmp_path: Path) -> None:
    domains = [f"{number}.test" for number in range(2000)]
    before, after = run_of(tmp_path / "a", domains, "before"), run_of(tmp_path / "b", domains[::-1], "after")
    peaks = [_peak_of(before, after, max_waiting) for max_waiting in (64, 4000)]
    assert peaks[0] < peaks[1] / 5


def _peak_of(before: RunDirectory, after: RunDirectory, max_waiting: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in pairs(before, after, max_waiting)) == 2000
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
