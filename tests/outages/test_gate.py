"""The gate: too much that fails at once is not believed."""

from collections.abc import Iterable

import pytest

from scanner.outages.alerts import State
from scanner.outages.gate import judge_gate
from scanner.outages.host_health import HostSeen
from scanner.outages.known import KnownHost

from .watching import RULES, Portfolio, rules, seen, told

UP, DOWN, UNKNOWN = State.up, State.down, State.unknown


def portfolio_of(hosts: int, groups: int) -> list[str]:
    """So many mail hosts, each in a network of its own, of so many providers."""
    return [f"mx{number}.provider-{'abcdefghij'[number % groups]}.example" for number in range(hosts)]


def tonight(names: Iterable[str], down: int, state: State = DOWN) -> list[HostSeen]:
    """The first so many of them have failed."""
    return [seen(state if place < down else UP, name) for place, name in enumerate(names)]


def is_gated(names: list[str], down: int, state: State = DOWN) -> bool:
    known = [
        KnownHost(name=host.exchange, pace_group=host.pace_group, networks_up=host.networks_up)
        for host in tonight(names, 0)
    ]
    seen_tonight = {host.exchange: host for host in tonight(names, down, state)}
    return judge_gate(known, seen_tonight, RULES) is not None


@pytest.mark.parametrize(
    ("hosts", "groups", "down", "gated", "why"),
    [
        (20, 10, 6, True, "six of twenty networks, of six providers"),
        (20, 10, 5, False, "five are not more than five"),
        (40, 10, 8, False, "a fifth is not more than a fifth"),
        (40, 10, 9, True, "more than a fifth"),
        (20, 2, 20, False, "two providers are an outage of two providers"),
        (20, 3, 6, True, "three are us, or what lies between"),
        (20, 1, 20, False, "one provider that goes down is an outage, however large"),
    ],
)
def test_what_fails_at_once_is_counted_by_network_and_provider(
    hosts: int, groups: int, down: int, gated: bool, why: str
) -> None:
    assert is_gated(portfolio_of(hosts, groups), down) is gated, why


def test_what_could_not_be_told_has_not_failed() -> None:
    assert not is_gated(portfolio_of(20, 10), 20, UNKNOWN)


def test_one_provider_with_two_fifths_of_a_portfolio_is_an_outage() -> None:
    """400 of 1,000 domains have its mail hosts: what counts are its networks."""
    large = [f"mx{number}.large.example" for number in range(1, 5)]
    others = [f"mx{number}.small-{number}.example" for number in range(5, 65)]
    portfolio = Portfolio()
    portfolio.look([seen(UP, name) for name in [*large, *others]])
    drafts = portfolio.look([*(seen(DOWN, name) for name in large), *(seen(UP, name) for name in others)])
    assert told(drafts) == [f"down {' '.join(large)}"]


def test_networks_that_were_down_before_do_not_count() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    portfolio.look(tonight(names, 10))
    assert told(portfolio.look(tonight(names, 12)))[0].startswith("down")


def test_outages_of_many_nights_do_not_add_up() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    nights = [told(portfolio.look(tonight(names, down))) for down in (0, 4, 8, 12)]
    assert all(word.startswith("down") for words in nights for word in words)


def test_a_network_in_which_a_host_is_not_any_more_has_not_failed() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    portfolio.look(tonight(names, 0))
    moved = [seen(UP, name, networks={f"198.51.{place}.0/24": UP}) for place, name in enumerate(names)]
    assert portfolio.look(moved) == []


def test_a_network_with_another_host_that_is_up_has_not_failed() -> None:
    names = portfolio_of(20, 10)
    known = [
        KnownHost(name=host.exchange, pace_group=host.pace_group, networks_up=("192.0.2.0/24",))
        for host in tonight(names, 0)
    ]
    hosts = [
        seen(DOWN if place else UP, name, networks={"192.0.2.0/24": DOWN if place else UP})
        for place, name in enumerate(names)
    ]
    assert judge_gate(known, {host.exchange: host for host in hosts}, rules(gate_networks=0)) is None


def test_a_gated_run_changes_nothing_and_is_told_once() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    portfolio.look(tonight(names, 0))
    before = dict(portfolio.hosts)
    assert told(portfolio.look(tonight(names, 15))) == ["monitor_trouble"]
    assert portfolio.look(tonight(names, 15)) == []
    assert portfolio.hosts == before
    assert portfolio.look(tonight(names, 0)) == [], "nobody was told that anything was down"
    assert told(portfolio.look(tonight(names, 15))) == ["monitor_trouble"], "another time"


def test_an_outage_that_was_told_before_the_gate_has_its_end_after_it() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    portfolio.look(tonight(names, 0))
    portfolio.look(tonight(names, 1))
    portfolio.look(tonight(names, 15))
    assert told(portfolio.look(tonight(names, 0))) == [f"back_online 2 {names[0]}"]


def test_the_gate_says_what_it_counted() -> None:
    names = portfolio_of(20, 10)
    portfolio = Portfolio()
    portfolio.look(tonight(names, 0))
    gate = portfolio.look(tonight(names, 8))[0].gate
    assert gate is not None
    assert (gate.networks_failed, gate.networks_up_before, gate.pace_groups_failed) == (8, 20, 8)
    assert gate.examples[0].endswith("/24")
