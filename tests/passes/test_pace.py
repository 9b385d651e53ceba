"""The pacer: nobody is talked to too often, nobody waits for another, nothing is lost; all in virtual time."""

from collections.abc import Callable, Hashable
from itertools import groupby, pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.passes.pace import Pacer
from scanner.passes.pace_queues import Buckets
from scanner.settings import PaceSettings
from tests.passes.virtual_time import ROUNDING_S, Held, Simulation, Wanted, group_of, least_gap, most_at_once, spread

#: No limit but the one that a test is about.
FREE = {
    "address_sessions": 1000,
    "address_per_s": 100_000.0,
    "network_sessions": 1000,
    "network_per_s": 100_000.0,
    "group_sessions": 1000,
    "group_per_s": 100_000.0,
}
WIDE = 100_000


def pace_of(**limits: float) -> PaceSettings:
    return PaceSettings(**(FREE | limits))  # type: ignore[arg-type]


def by(sessions: list[Held], key: Callable[[Held], str]) -> dict[str, list[Held]]:
    return {name: list(group) for name, group in groupby(sorted(sessions, key=key), key)}


LIMITS: list[tuple[str, dict[str, float], list[Wanted], Callable[[Held], str], int, float]] = [
    ("one session at a time on an address", {"address_sessions": 1}, spread(20, addresses=2),
     lambda held: held.wanted.address, 1, 0.5),
    ("three of them if so set", {"address_sessions": 3}, spread(20, addresses=2),
     lambda held: held.wanted.address, 3, 0.0),
    ("one new one a second on an address", {"address_per_s": 1.0}, spread(8, addresses=2, lasts_s=0.1),
     lambda held: held.wanted.address, 1, 1.0),
    ("also when sessions overlap", {"address_per_s": 1.0}, spread(8, addresses=2, lasts_s=3.5),
     lambda held: held.wanted.address, 4, 1.0),
    ("eight sessions at a time in a network", {"network_sessions": 8}, spread(60, addresses=30, networks=2),
     lambda held: held.wanted.network, 8, 0.0),
    ("eight new ones a second in a network", {"network_per_s": 8.0}, spread(60, addresses=30, networks=2, lasts_s=0.1),
     lambda held: held.wanted.network, 1, 0.125),
    ("32 sessions at a time in a pace group", {"group_sessions": 32}, spread(200, addresses=100, groups=2),
     lambda held: group_of(held.wanted.name), 32, 0.0),
    ("32 new ones a second in a pace group", {"group_per_s": 32.0}, spread(200, addresses=100, groups=2, lasts_s=0.03),
     lambda held: group_of(held.wanted.name), 1, 1 / 32),
]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "wanted", "shared", "at_once", "gap_s"), [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS]
)
def test_a_limit_is_used_up_and_never_broken(
    limits: dict[str, float], wanted: list[Wanted], shared: Callable[[Held], str], at_once: int, gap_s: float
) -> None:
    sessions = by(Simulation(pace_of(**limits), WIDE, wanted).run(), shared)
    assert len(sessions) > 1
    for held in sessions.values():
        assert most_at_once(held) == at_once
        assert least_gap(held) >= gap_s - ROUNDING_S
        if gap_s:
            assert least_gap(held) <= gap_s + ROUNDING_S


def test_the_width_is_used_up_and_never_exceeded() -> None:
    assert most_at_once(Simulation(pace_of(), 7, spread(50, addresses=50, networks=50, groups=50)).run()) == 7


@pytest.mark.parametrize(
    ("width", "network", "group"), [(500, 62, 125), (64, 8, 16), (16, 2, 4), (8, 1, 2), (4, 1, 1), (1, 1, 1)]
)
def test_no_network_gets_more_than_an_eighth_and_no_group_more_than_a_quarter(
    width: int, network: int, group: int
) -> None:
    in_one_network = spread(300, addresses=300, groups=300)
    assert most_at_once(Simulation(pace_of(), width, in_one_network).run()) == network
    in_one_group = spread(300, addresses=300, networks=300)
    assert most_at_once(Simulation(pace_of(), width, in_one_group).run()) == group


def test_an_address_is_given_back_its_place_only_after_its_second_even_if_its_queue_was_empty() -> None:
    pacer = Pacer(PaceSettings(), 10, 1, group_of)
    pacer.add("a", "n", "x.g")
    ticket = pacer.next_target(100.0)
    assert ticket is not None
    pacer.finished(ticket, 100.1)
    pacer.add("a", "n", "y.g")
    assert pacer.next_target(100.2) is None
    assert pacer.next_time() == 101.0
    later = pacer.next_target(101.0)
    assert later is not None
    assert later.server_name == "y.g"


def test_a_name_that_is_added_on_the_way_has_its_turn() -> None:
    pacer = Pacer(pace_of(address_sessions=1), 10, 1, group_of)
    pacer.add("a", "n", "x.g")
    first = pacer.next_target(0.0)
    pacer.add("a", "n", "y.g")
    assert first is not None
    assert (pacer.waiting, pacer.in_flight) == (1, 1)
    assert pacer.next_target(5.0) is None
    assert pacer.next_time() is None
    pacer.finished(first, 6.0)
    second = pacer.next_target(6.0)
    assert second is not None
    assert (second.address, second.server_name) == ("a", "y.g")


def test_without_targets_there_is_nothing_to_wait_for() -> None:
    pacer = Pacer(PaceSettings(), 10, 1, group_of)
    assert pacer.next_target(0.0) is None
    assert pacer.next_time() is None


# Order ----------------------------------------------------------------------------------------------------


def lengths_of(sessions: list[Held], wanted: list[Wanted]) -> list[int]:
    queues = by([Held(each, 0, 0) for each in wanted], lambda held: held.wanted.address)
    return [len(queues[held.wanted.address]) for held in sessions]


def queues_of(*lengths: int, network: str = "n{}", group: str = "g{}") -> list[Wanted]:
    """One address for each length."""
    return [
        Wanted(f"a{place}", network.format(place), f"h{number}.{group.format(place)}")
        for place, length in enumerate(lengths)
        for number in range(length)
    ]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (queues_of(1, 5, 2, 9, 3), "unrelated addresses"),
        (queues_of(1, 5, 2, 9, 3, network="n"), "in one network, one at a time"),
        (queues_of(1, 5, 2, 9, 3, group="g"), "in one pace group"),
        (queues_of(1, 5, 2, 9, 3, network="n", group="g"), "in both"),
    ],
)
def test_the_longest_queue_comes_first(wanted: list[Wanted], why: str) -> None:
    pace = pace_of(address_sessions=1, address_per_s=0.001, network_per_s=1.0, group_per_s=1.0)
    first = Simulation(pace, WIDE, wanted).run()[:5]
    assert lengths_of(first, wanted) == [9, 5, 3, 2, 1], why


def test_the_longest_comes_first_also_among_those_that_had_no_turn_yet_and_those_that_had() -> None:
    wanted = queues_of(6, 5, 3, 1)
    left = [6, 5, 3, 1]
    for held in Simulation(pace_of(), 1, wanted).run():
        place = int(held.wanted.address.removeprefix("a"))
        assert left[place] == max(left)
        left[place] -= 1


def test_a_long_queue_ends_as_if_it_were_alone_though_its_network_is_slow() -> None:
    others = [Wanted(f"b{number % 100}", "n", f"h{number}.g{number}", 0.1) for number in range(2000)]
    long = [Wanted("a", "n", f"h{number}.long", 0.1) for number in range(500)]
    # The network's time never falls together with the address's own.
    held = Simulation(PaceSettings(network_per_s=7.3), 500, others + long).run()
    assert max(each.ended for each in held if each.wanted.address == "a") < 560


@pytest.mark.parametrize("seed", range(5))
def test_a_long_queue_has_its_turn_in_a_slow_group_before_other_networks_with_short_ones(seed: int) -> None:
    short = [Wanted(f"a{number % 8}", f"n{number % 2}", f"h{number}.g", 0.1) for number in range(80)]
    long = [Wanted("long", "n0", f"l{number}.g", 0.1) for number in range(30)]
    held = Simulation(pace_of(address_per_s=1.0, group_per_s=1.3), 500, short + long, seed=seed).run()
    began = [each.began for each in held if each.wanted.address == "long"]
    # Its own second is over in the middle of the group's interval: it has every other place while it is the longest.
    assert max(later - earlier for earlier, later in pairwise(began[:15])) <= 2 / 1.3 + ROUNDING_S


def order_by_seed(wanted: list[Wanted], seed: int) -> list[Wanted]:
    return [held.wanted for held in Simulation(PaceSettings(), 500, wanted, seed=seed).run()]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (spread(60, addresses=20, networks=20, groups=3), "addresses with several names"),
        (spread(60, addresses=60, networks=60, groups=60), "addresses with one name each"),
    ],
)
def test_the_order_among_equals_is_random_and_told_by_the_seed(wanted: list[Wanted], why: str) -> None:
    assert order_by_seed(wanted, 1) == order_by_seed(wanted, 1), why
    assert order_by_seed(wanted, 1) != order_by_seed(wanted, 2), why
    assert order_by_seed(wanted, 1) != wanted, why


def test_the_names_of_one_address_are_not_asked_in_the_order_of_the_list() -> None:
    wanted = spread(50)
    names = [held.wanted.name for held in Simulation(PaceSettings(), 500, wanted).run()]
    assert names != [each.name for each in wanted]
    assert sorted(names) == sorted(each.name for each in wanted)


# Nobody waits for another ---------------------------------------------------------------------------------


def test_a_group_that_is_full_holds_back_nobody_else_in_its_networks() -> None:
    slow = [Wanted(f"s{number}", "n", f"h{number}.slow", 1000.0) for number in range(100)]
    others = [Wanted(f"o{number}", "n", f"h{number}.g{number}", 0.1) for number in range(20)]
    pace = pace_of(group_sessions=1, network_sessions=4)
    held = Simulation(pace, 500, slow + others).run()
    assert max(each.ended for each in held if each.wanted.name.endswith("slow")) > 90_000
    assert max(each.ended for each in held if not each.wanted.name.endswith("slow")) < 5


def test_a_network_that_is_full_holds_back_nobody_else_in_its_groups() -> None:
    slow = [Wanted(f"s{number}", "slow", f"h{number}.g", 1000.0) for number in range(100)]
    others = [Wanted(f"o{number}", f"n{number}", f"h{number}.g", 0.1) for number in range(20)]
    held = Simulation(pace_of(network_sessions=1, group_sessions=4), 500, slow + others).run()
    assert max(each.ended for each in held if each.wanted.network != "slow") < 5


def test_an_address_with_many_names_holds_back_nobody() -> None:
    long = [Wanted("a", "n0", f"h{number}.g0") for number in range(300)]
    held = Simulation(PaceSettings(), 500, long + spread(200, addresses=200, networks=200, groups=200)).run()
    assert max(each.ended for each in held if len(each.wanted.name.partition(".")[2]) > 2) < 3


# Every world ----------------------------------------------------------------------------------------------


def targets(
    addresses: st.SearchStrategy[int], groups: Callable[[int, int], int], names: int = 9
) -> st.SearchStrategy[Wanted]:
    """Targets in three networks; `groups` tells the pace group from the address and another number."""
    return st.builds(
        lambda address, other, number, *how: Wanted(
            f"a{address}", f"n{address % 3}", f"h{number}.g{groups(address, other)}", *how
        ),
        addresses,
        st.integers(0, 3),
        st.integers(0, names),
        st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 7.0]),
        st.sampled_from([False, False, True]),
        st.sampled_from([False, False, False, True]),
    )


WORLDS = [
    targets(st.integers(0, 7), lambda _, other: other),
    targets(st.integers(0, 11), lambda address, _: address % 4),
    targets(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5]), lambda address, _: address % 2, names=30),
]
PACES = st.builds(
    PaceSettings,
    address_sessions=st.integers(1, 2),
    address_per_s=st.sampled_from([0.5, 1.0, 4.0]),
    network_sessions=st.integers(1, 4),
    network_per_s=st.sampled_from([1.0, 2.0, 8.0]),
    group_sessions=st.integers(1, 4),
    group_per_s=st.sampled_from([1.0, 4.0, 32.0]),
    back_off_s=st.sampled_from([0.05, 0.5, 3.0]),
    back_off_times=st.integers(1, 4),
)


def key_of(wanted: Wanted) -> Hashable:
    return wanted.address, wanted.name


@given(
    st.one_of([st.lists(kind, max_size=30, unique_by=key_of) for kind in WORLDS]),
    PACES,
    st.sampled_from([1, 2, 8, 24, 64]),
    st.integers(0, 5),
    st.sampled_from([1, Buckets.FEW]),
)
def test_in_every_world_all_is_held_once_as_early_as_allowed_and_never_earlier(
    wanted: list[Wanted], pace: PaceSettings, width: int, seed: int, few_buckets: int
) -> None:
    simulation = Simulation(pace, width, wanted, seed=seed, check=True)
    with patch.object(Buckets, "FEW", few_buckets):
        simulation.run()
    assert len(simulation.held) + len(simulation.withdrawn) == len(wanted)
