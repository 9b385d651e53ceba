"""Serial numbers go round (RFC 1982)."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from scanner.dns.serials import is_newer, newest

HALF, LAST = 1 << 31, (1 << 32) - 1

PAIRS = [
    (1, 0, True, "the next"),
    (0, 1, False, "the one before"),
    (7, 7, False, "the same"),
    (2026112202, 2026112201, True, "as dates are counted"),
    (0, LAST, True, "§3.2: after the last comes zero"),
    (LAST, 0, False, "and not the other way round"),
    (HALF - 1, 0, True, "the furthest that is ahead"),
    (HALF, 0, False, "half the circle away: neither is newer"),
    (0, HALF, False, "half the circle away: neither is newer"),
    (HALF + 1, 0, False, "further than half is behind"),
]


@pytest.mark.parametrize(("serial", "other", "expected", "why"), PAIRS)
def test_the_one_less_than_half_the_circle_ahead_is_newer(serial: int, other: int, expected: bool, why: str) -> None:
    assert is_newer(serial, other) is expected, why


@given(integers(0, LAST), integers(1, HALF - 1))
def test_adding_makes_newer_wherever_on_the_circle(serial: int, added: int) -> None:
    later = (serial + added) & LAST
    assert is_newer(later, serial)
    assert not is_newer(serial, later)
    assert newest([serial, later]) == newest([later, serial]) == later


def test_of_one_the_newest_is_that_one() -> None:
    assert newest([5]) == 5
