"""Targets one at a time, in the order in which a sender tries mail hosts."""

from scanner.outcomes import Variant
from scanner.passes.in_order import InOrder
from scanner.passes.pace import Ticket
from scanner.settings import PaceSettings

PACE = PaceSettings(back_off_s=5.0, back_off_times=2)
RANKS = {"mx1": 0, "mx2": 1, "mx3": 2}


def in_order(*names: str) -> InOrder:
    turns = InOrder(PACE, lambda name: RANKS.get(name, 99))
    for number, name in enumerate(names):
        turns.add(f"192.0.2.{number}", "192.0.2.0/24", name)
    return turns


def taken(turns: InOrder, now: float = 0.0) -> Ticket:
    ticket = turns.next_target(now)
    assert ticket is not None
    return ticket


def all_names(turns: InOrder) -> list[str]:
    names = []
    while (ticket := turns.next_target(0.0)) is not None:
        names.append(ticket.server_name)
        turns.finished(ticket, 0.0)
    return names


def test_the_lowest_rank_comes_first_however_the_targets_were_added() -> None:
    assert all_names(in_order("mx3", "mx1", "elsewhere", "mx2")) == ["mx1", "mx2", "mx3", "elsewhere"]


def test_equals_come_as_they_were_added() -> None:
    turns = in_order("mx1", "mx1", "mx1")
    addresses = []
    while (ticket := turns.next_target(0.0)) is not None:
        addresses.append(ticket.address)
        turns.finished(ticket, 0.0)
    assert addresses == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]


def test_nothing_begins_while_a_session_goes_on() -> None:
    turns = in_order("mx1", "mx2")
    first = taken(turns)
    assert (turns.next_target(0.0), turns.next_time(), turns.waiting, turns.in_flight) == (None, None, 1, 1)
    turns.finished(first, 1.0)
    assert taken(turns, 1.0).server_name == "mx2"


def test_a_small_hello_follows_its_session_at_once() -> None:
    turns = in_order("mx1", "mx2")
    first = taken(turns)
    turns.finished(first, 0.0)
    turns.add(first.address, first.network, first.server_name, 1, Variant.small_hello)
    assert taken(turns).variant is Variant.small_hello


def test_who_asks_for_less_is_left_alone_while_others_have_their_turn() -> None:
    turns = in_order("mx1", "mx2")
    first = taken(turns)
    assert not turns.back_off(first, 1.0)
    turns.finished(first, 1.0)
    turns.add(first.address, first.network, first.server_name, 2)
    second = taken(turns, 1.0)
    assert second.server_name == "mx2"
    turns.finished(second, 2.0)
    assert (turns.next_target(2.0), turns.next_time()) == (None, 6.0)
    assert taken(turns, 6.0).attempt == 2


def test_who_keeps_asking_for_less_is_given_up_unless_it_let_us_in_between() -> None:
    turns = in_order("mx1")
    ticket = taken(turns)
    assert [turns.back_off(ticket._replace(began=float(now)), now) for now in (1, 2)] == [False, True]
    turns.accepted(ticket)
    assert not turns.back_off(ticket._replace(began=9.0), 9.0)


def test_what_waits_at_an_address_can_be_withdrawn() -> None:
    turns = in_order("mx1", "mx2")
    turns.add("192.0.2.0", "192.0.2.0/24", "mx3", 2)
    assert turns.names_waiting("192.0.2.0") == 2
    assert [(errand.server_name, errand.attempt) for errand in turns.withdraw("192.0.2.0")] == [("mx1", 1), ("mx3", 2)]
    assert (turns.waiting, turns.names_waiting("192.0.2.0")) == (1, 0)
