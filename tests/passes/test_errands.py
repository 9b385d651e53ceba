"""Errands at an address: what they carry, that they can be taken back, and that others come on the way."""

from collections.abc import Callable
from unittest.mock import patch

import pytest

from scanner.outcomes import Variant
from scanner.passes.pace import Pacer, Ticket
from scanner.passes.pace_queues import Buckets
from scanner.settings import PaceSettings
from tests.passes.virtual_time import group_of


def pacer_of(width: int = 500, **settings: float) -> Pacer:
    return Pacer(PaceSettings(**settings), width, 1, group_of)  # type: ignore[arg-type]


def ticket_of(pacer: Pacer, now: float) -> Ticket:
    ticket = pacer.next_target(now)
    assert ticket is not None
    return ticket


# What they carry --------------------------------------------------------------------------------------


def test_a_ticket_says_what_was_added() -> None:
    pacer = pacer_of()
    pacer.add("a", "n", "x.g")
    first = ticket_of(pacer, 0.0)
    assert (first.address, first.network, first.errand) == ("a", "n", ("x.g", 1, Variant.survey))
    pacer.add("a", "n", "y.g", 2)
    pacer.finished(first, 1.0)
    second = ticket_of(pacer, 1.0)
    assert (second.server_name, second.attempt, second.variant) == ("y.g", 2, Variant.survey)


def test_a_follow_up_comes_before_the_other_names_of_its_address() -> None:
    pacer = pacer_of()
    for number in range(50):
        pacer.add("a", "n", f"h{number}.g")
    first = ticket_of(pacer, 0.0)
    pacer.add("a", "n", first.server_name, 1, Variant.small_hello)
    pacer.finished(first, 0.5)
    second = ticket_of(pacer, 1.0)
    assert second.errand == (first.server_name, 1, Variant.small_hello)


def test_the_same_name_may_wait_as_another_attempt() -> None:
    pacer = pacer_of()
    pacer.add("a", "n", "x.g")
    pacer.add("a", "n", "x.g", 2)
    assert sorted(errand.attempt for errand in pacer.withdraw("a")) == [1, 2]


# Taking them back -------------------------------------------------------------------------------------


def in_a_fresh_queue() -> tuple[Pacer, int]:
    pacer = pacer_of()
    for number in range(4):
        pacer.add("a", "n", f"h{number}.g")
    return pacer, 4


def in_a_fresh_queue_of_one() -> tuple[Pacer, int]:
    pacer = pacer_of()
    pacer.add("a", "n", "h.g")
    return pacer, 1


def in_flight() -> tuple[Pacer, int]:
    pacer, waiting = in_a_fresh_queue()
    ticket_of(pacer, 0.0)
    return pacer, waiting - 1


def waiting_for_its_second() -> tuple[Pacer, int]:
    pacer, waiting = in_a_fresh_queue()
    pacer.finished(ticket_of(pacer, 0.0), 0.1)
    return pacer, waiting - 1


def held_back_by_its_network() -> tuple[Pacer, int]:
    pacer = pacer_of(width=8)
    pacer.add("b", "n", "h.g")
    ticket_of(pacer, 0.0)
    for number in range(4):
        pacer.add("a", "n", f"h{number}.g")
    assert pacer.next_target(0.0) is None
    return pacer, 4


def held_back_with_another() -> tuple[Pacer, int]:
    pacer, waiting = held_back_by_its_network()
    pacer.add("c", "n", "h.g")
    assert pacer.next_target(0.0) is None
    return pacer, waiting


def unknown() -> tuple[Pacer, int]:
    return pacer_of(), 0


PLACES: list[Callable[[], tuple[Pacer, int]]] = [
    in_a_fresh_queue,
    in_a_fresh_queue_of_one,
    in_flight,
    waiting_for_its_second,
    held_back_by_its_network,
    held_back_with_another,
    unknown,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_the_errands_of_an_address_are_taken_back_wherever_it_stands(place: Callable[[], tuple[Pacer, int]]) -> None:
    pacer, waiting = place()
    others = pacer.waiting - waiting
    assert pacer.names_waiting("a") == waiting
    assert len({errand.server_name for errand in pacer.withdraw("a")}) == waiting
    assert (pacer.names_waiting("a"), pacer.waiting) == (0, others)
    assert pacer.withdraw("a") == []
    for now in range(10):
        ticket = pacer.next_target(float(now))
        assert ticket is None or ticket.address != "a"
    assert place is in_flight or "a" not in pacer._queues


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_an_address_whose_errands_were_taken_back_may_get_others(place: Callable[[], tuple[Pacer, int]]) -> None:
    pacer, _ = place()
    pacer.withdraw("a")
    pacer.add("a", "n", "new.g2")
    was_talked_to = place in (in_flight, waiting_for_its_second)
    network_is_full = place in (held_back_by_its_network, held_back_with_another)
    if was_talked_to or network_is_full:
        assert pacer.next_target(0.5) is None
    if place is in_flight or network_is_full:
        assert pacer.next_target(5.0) is None
    else:
        assert ticket_of(pacer, 1.0).server_name == "new.g2"


@pytest.mark.parametrize("withdrawn", ["a0", "a1"])
def test_one_whose_turn_had_come_leaves_it_to_the_next(withdrawn: str) -> None:
    pacer = pacer_of(width=1, group_per_s=1.0)
    pacer.add("before", "n", "h.g")
    pacer.finished(ticket_of(pacer, 0.0), 0.5)
    for number in range(2):
        pacer.add(f"a{number}", f"n{number}", "h.g")
    assert pacer.next_target(0.5) is None, "the group's second is not over"
    for name in ("h.other", "i.other"):
        pacer.add("longer", "m", name)
    # The group's second is over, and one of the two has its turn: but a longer queue takes the only slot.
    longer = ticket_of(pacer, 1.0)
    assert longer.address == "longer"
    pacer.withdraw(withdrawn)
    pacer.finished(longer, 1.5)
    assert {ticket_of(pacer, 1.5).address, withdrawn} == {"a0", "a1"}


# Others on the way ------------------------------------------------------------------------------------


def test_canaries_are_added_first_and_the_rest_once_they_ended() -> None:
    pacer = pacer_of()
    canaries = [("a", "n", "canary.g"), ("b", "m", "canary.g")]
    for canary in canaries:
        pacer.add(*canary)
    tickets = [ticket_of(pacer, number / 10) for number in range(2)]
    assert pacer.next_target(0.2) is None
    for ticket in tickets:
        pacer.finished(ticket, 0.3)
    assert pacer.waiting == pacer.in_flight == 0
    for number in range(20):
        pacer.add(f"c{number}", f"n{number}", f"h{number}.g{number}")
    pacer.add("a", "n", "other.g")
    asked = [ticket_of(pacer, 0.4).address for _ in range(20)]
    assert len(set(asked) - {"a", "b"}) == 20
    assert pacer.next_target(0.9) is None, "a canary's second is not over"
    assert ticket_of(pacer, 1.0).address == "a"


def test_sessions_that_go_on_count_although_no_other_address_of_their_network_waited() -> None:
    with patch.object(Buckets, "FEW", 1):
        pacer = pacer_of(network_sessions=1)
    pacer.add("a", "n", "h.g")
    going_on = ticket_of(pacer, 0.0)
    for number in range(5):
        pacer.add(f"b{number}", f"n{number}", f"h.g{number}")
        ticket_of(pacer, 10.0 + number)
    pacer.add("c", "n", "h.g")
    assert pacer.next_target(20.0) is None
    pacer.finished(going_on, 30.0)
    assert ticket_of(pacer, 30.0).address == "c"
