"""CNAME chains: followed as far as they may go, and ended where they come back."""

import pytest

from scanner.dns.answers import ANSWERS_NO, FAILURES, follow_cnames
from scanner.outcomes import DnsStatus


def line_of(length: int) -> dict[str, str]:
    """n0 → n1 → … with so many aliases."""
    return {f"n{number}": f"n{number + 1}" for number in range(length)}


@pytest.mark.parametrize(
    ("aliases", "chain", "ends", "why"),
    [
        ({}, (), True, "no alias"),
        ({"x": "y"}, (), True, "an alias of another name"),
        ({"n0": "a"}, ("a",), True, "one alias"),
        ({"b": "c", "n0": "a", "a": "b"}, ("a", "b", "c"), True, "in whatever order they came"),
        ({"n0": "n0"}, ("n0",), False, "an alias of itself"),
        ({"n0": "a", "a": "n0"}, ("a", "n0"), False, "two that point at each other"),
        (
            {"n0": "a", "a": "b", "b": "a"},
            ("a", "b"),
            False,
            "a loop that does not come back to the beginning",
        ),
        (line_of(10), tuple(f"n{number}" for number in range(1, 11)), True, "as long as it may be"),
        (line_of(11), tuple(f"n{number}" for number in range(1, 11)), False, "longer than that"),
    ],
)
def test_a_chain_is_followed_to_its_end_or_to_where_it_has_none(
    aliases: dict[str, str], chain: tuple[str, ...], ends: bool, why: str
) -> None:
    assert follow_cnames("n0", aliases, 10) == (chain, ends), why


def test_every_status_either_answers_or_fails_or_was_not_asked() -> None:
    others = {DnsStatus.ok, DnsStatus.not_asked}
    assert ANSWERS_NO | FAILURES | others == set(DnsStatus)
    assert not ANSWERS_NO & FAILURES
    assert not others & (ANSWERS_NO | FAILURES)
