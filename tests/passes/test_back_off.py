"""A server that says it is too much is left alone, then its network; nobody else notices; all in virtual time."""

import pytest

from scanner.passes.pace import Pacer, Ticket
from scanner.settings import PaceSettings
from tests.passes.virtual_time import Held, Simulation, Wanted, group_of

PACE = PaceSettings(back_off_s=60.0, back_off_times=4)


def pacer_of(**settings: float) -> Pacer:
    return Pacer(PaceSettings(**settings), 500, 1, group_of)  # type: ignore[arg-type]


def ticket_of(pacer: Pacer, now: float) -> Ticket:
    ticket = pacer.next_target(now)
    assert ticket is not None
    return ticket


def names_at(address: str, count: int, *, network: str = "n", refuses: bool = False) -> list[Wanted]:
    return [Wanted(address, network, f"h{number}.{address}", lasts_s=0.25, refuses=refuses) for number in range(count)]


def began(held: list[Held], *addresses: str) -> list[float]:
    return [each.began for each in held if each.wanted.address in addresses]


# One address ------------------------------------------------------------------------------------------


def test_each_refusal_in_a_row_doubles_the_wait_until_the_address_is_given_up() -> None:
    simulation = Simulation(PACE, 500, names_at("a", 10, refuses=True))
    held = simulation.run()
    assert began(held, "a") == [0.0, 60.25, 180.5, 420.75]
    assert len(simulation.withdrawn) == 6


def test_an_accepted_session_has_the_refusals_forgotten() -> None:
    pacer = pacer_of()
    for number in range(9):
        pacer.add("a", "n", f"h{number}.g")
    now, waits = 0.0, []
    for is_refused in (True, True, False, True, True, True, True):
        ticket = ticket_of(pacer, now)
        if is_refused:
            is_given_up = pacer.back_off(ticket, now)
        else:
            pacer.accepted(ticket)
        pacer.finished(ticket, now)
        assert pacer.next_target(now) is None
        next_time = pacer.next_time()
        assert next_time is not None
        waits.append(next_time - now)
        now = next_time
    assert waits == [60.0, 120.0, 1.0, 60.0, 120.0, 240.0, 480.0]
    assert is_given_up
    assert pacer.names_waiting("a") == 2


def test_sessions_that_are_refused_at_the_same_moment_are_one_refusal() -> None:
    pacer = pacer_of(
        address_sessions=3, address_per_s=1000.0, network_per_s=1000.0, group_per_s=1000.0, back_off_times=2
    )
    for number in range(5):
        pacer.add("a", "n", f"h{number}.g")
    tickets = [ticket_of(pacer, number / 100) for number in range(3)]
    for number, ticket in enumerate(tickets):
        assert not pacer.back_off(ticket, 1.0 + number / 10)
        pacer.finished(ticket, 1.0 + number / 10)
    # The wait begins with the last of them.
    assert pacer.next_target(61.1) is None
    later = ticket_of(pacer, 61.2)
    assert pacer.back_off(later, 61.3)


def test_what_had_its_turn_already_waits_too() -> None:
    pacer = pacer_of(address_sessions=2, network_sessions=1, back_off_s=60.0)
    for number in range(2):
        pacer.add("a", "n", f"h{number}.g")
    refused = ticket_of(pacer, 0.0)
    # Its second name has its turn after a second, and is held back by the network only.
    assert pacer.next_target(1.0) is None
    pacer.back_off(refused, 5.0)
    pacer.finished(refused, 5.0)
    assert pacer.names_waiting("a") == 1
    assert pacer.next_target(64.9) is None
    assert ticket_of(pacer, 65.0).address == "a"


# Its network ------------------------------------------------------------------------------------------

#: Sessions of two addresses, each a second long, one after the other: (address, refused?); the seconds from the
#: end of the last of them until a third address of the network may be talked to.
NETWORK: list[tuple[str, list[tuple[str, bool]], float]] = [
    ("one address that asked for it", [("a", True)], 0.0),
    ("one that asked for it twice", [("a", True), ("a", True)], 0.0),
    ("two of them", [("a", True), ("b", True)], 60.0),
    ("twice as long the next time", [("a", True), ("b", True), ("a", True)], 120.0),
    ("not if the network let one in between", [("a", True), ("b", False), ("b", True)], 0.0),
    ("the count begins anew then", [("a", True), ("b", True), ("b", False), ("b", True), ("a", True)], 60.0),
]


@pytest.mark.parametrize(("sessions", "waits_s"), [row[1:] for row in NETWORK], ids=[row[0] for row in NETWORK])
def test_a_network_waits_once_two_of_its_addresses_asked_for_it(
    sessions: list[tuple[str, bool]], waits_s: float
) -> None:
    pacer = pacer_of(network_sessions=8, network_per_s=1000.0)
    now = 0.0
    for address, is_refused in sessions:
        now += 1000.0
        pacer.add(address, "n", "h.g")
        ticket = ticket_of(pacer, now)
        now += 1.0
        if is_refused:
            pacer.back_off(ticket, now)
        else:
            pacer.accepted(ticket)
        pacer.finished(ticket, now)
    pacer.add("c", "n", "h.g")
    pacer.add("elsewhere", "other", "h.g")
    assert ticket_of(pacer, now).address == ("elsewhere" if waits_s else "c")
    if waits_s:
        assert pacer.next_target(now + waits_s - 0.001) is None
        assert ticket_of(pacer, now + waits_s).address == "c"


def test_a_network_that_refuses_everybody_is_given_up_after_its_waits_and_each_address_asked_once_more_at_most() -> (
    None
):
    refusing = [each for number in range(40) for each in names_at(f"a{number}", 3, refuses=True)]
    simulation = Simulation(PACE, 500, refusing)
    held = simulation.run()
    assert len(simulation.withdrawn) + len(held) == len(refusing)
    # It waits for 60, 120 and 240 s, and goes on at the pace of any network; nobody is left out.
    given_up_at = 60 + 120 + 240
    assert max(each.ended for each in held) < given_up_at + 10
    assert len({each.wanted.address for each in held}) == 40
    later = [each.wanted.address for each in held if each.began > given_up_at + 1]
    assert len(later) == len(set(later)) > 30


def test_an_address_that_is_given_up_takes_no_other_of_its_network_with_it() -> None:
    simulation = Simulation(PACE, 500, [*names_at("a", 9, refuses=True), *names_at("b", 3)])
    simulation.run()
    assert {each.address for each in simulation.withdrawn} == {"a"}


# Nobody else ------------------------------------------------------------------------------------------


def test_who_backs_off_holds_nobody_back() -> None:
    others = [Wanted(f"o{number % 50}", f"n{number % 10}", f"h{number}.g", 0.25) for number in range(1000)]
    refusing = [Wanted("a", "n0", f"r{number}.g", 0.25, refuses=True) for number in range(500)]
    alone = Simulation(PACE, 500, others).run()
    together = Simulation(PACE, 500, [*refusing, *others]).run()
    assert len(began(together, "a")) == 4
    ends = max(each.ended for each in together if each.wanted.address != "a")
    assert ends <= max(each.ended for each in alone) + 1.0


def test_a_network_that_backs_off_leaves_the_slots_to_others() -> None:
    # A width of 8 is one slot for each network.
    refusing = [each for address in "abcdefgh" for each in names_at(address, 20, network="n", refuses=True)]
    others = names_at("x", 100, network="other")
    held = Simulation(PACE, 8, [*refusing, *others]).run()
    assert max(each.ended for each in held if each.wanted.address == "x") < 101
