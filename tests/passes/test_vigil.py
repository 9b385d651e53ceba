"""Is it us? What may be our own fault is held back until something else is heard."""

from dataclasses import dataclass, field

import pytest

from scanner.passes.vigil import FAULTS_IN_A_ROW, OurFault, Vigil


@dataclass
class Watched:
    """A vigil and what it wrote. A result is `+` (theirs) or `-` (ours), each from a place of its own."""

    heard: bool = False
    written: list[str] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.vigil = Vigil[str]("sessions", self.written.append, heard=self.heard)

    def take(self, results: str, place: str = "", *, again: bool = False) -> None:
        for result in results:
            self.number += 1
            self.vigil.take(
                f"{result}{self.number}",
                place=place or f"network {self.number}",
                our_fault="Network is unreachable" if result == "-" else None,
                again=again,
            )


N = FAULTS_IN_A_ROW

STOPPED: list[tuple[str, str, str, int]] = [
    ("the first twenty are ours", "-" * (N - 1), "-", 0),
    ("twenty in a row later", "+" + "-" * (N - 1), "-", 1),
    ("twenty in a row after some that were not", "-" * 5 + "+" + "-" * (N - 1), "-", 6),
    ("a good one begins the count anew", "-" * (N - 1) + "+" + "-" * (N - 1), "-", N),
]  # fmt: skip


@pytest.mark.parametrize(("before", "last", "written"), [row[1:] for row in STOPPED], ids=[row[0] for row in STOPPED])
def test_twenty_faults_of_ours_in_a_row_stop_the_pass_and_are_not_written(before: str, last: str, written: int) -> None:
    watched = Watched()
    watched.take(before)
    with pytest.raises(OurFault, match=rf"sessions that failed in a row: {N} \(Network is unreachable\)"):
        watched.take(last)
    assert len(watched.written) == written


@pytest.mark.parametrize("results", ["-", "-" * (N - 1)])
def test_a_pass_in_which_all_was_our_fault_ends_with_it(results: str) -> None:
    watched = Watched()
    watched.take(results)
    with pytest.raises(OurFault, match=rf"sessions that failed in a row: {len(results)} "):
        watched.vigil.finish()
    assert watched.written == []


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ("", "nothing to do"),
        ("+++", "all well"),
        ("-" * (N - 1) + "+", "a good one at last"),
        ("+" + "-" * (N - 1), "a good one first"),
        ("-+-+--+", "mixed"),
        (("-" * (N - 1) + "+") * 3, "often nearly"),
    ],
)
def test_one_good_result_among_them_and_all_are_written_in_order(results: str, why: str) -> None:
    watched = Watched()
    watched.take(results)
    watched.vigil.finish()
    assert watched.written == [f"{result}{number}" for number, result in enumerate(results, 1)], why


def test_what_was_held_back_is_written_before_what_showed_that_it_was_not_us() -> None:
    watched = Watched()
    watched.take("--")
    assert watched.written == []
    watched.take("+")
    assert watched.written == ["-1", "-2", "+3"]


def test_many_faults_towards_one_place_are_no_missing_network() -> None:
    watched = Watched()
    watched.take("-" * (3 * N), place="192.0.2.0/24")
    watched.take("+")
    assert len(watched.written) == 3 * N + 1


def test_many_faults_towards_one_place_and_nothing_else_are() -> None:
    watched = Watched()
    watched.take("-" * (3 * N), place="192.0.2.0/24")
    with pytest.raises(OurFault):
        watched.vigil.finish()
    assert watched.written == []


def test_what_failed_so_in_an_earlier_start_too_says_nothing_about_this_one() -> None:
    watched = Watched()
    watched.take("-" * (3 * N), again=True)
    watched.vigil.finish()
    assert len(watched.written) == 3 * N


def test_new_faults_beside_those_are_counted_alone() -> None:
    watched = Watched()
    watched.take("-" * N, again=True)
    watched.take("-" * (N - 1))
    with pytest.raises(OurFault, match=rf"in a row: {N} "):
        watched.take("-")
    assert watched.written == []


def test_after_an_earlier_start_that_heard_the_world_a_few_faults_are_no_missing_network() -> None:
    watched = Watched(heard=True)
    watched.take("-" * (N - 1))
    watched.vigil.finish()
    assert len(watched.written) == N - 1


def test_after_an_earlier_start_that_heard_the_world_twenty_still_are() -> None:
    watched = Watched(heard=True)
    with pytest.raises(OurFault):
        watched.take("-" * N)
    assert watched.written == []
