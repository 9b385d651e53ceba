"""Targets one at a time and in a given order, for somebody who looks on: the mail hosts as a sender tries them."""

from collections.abc import Callable
from typing import NamedTuple

from scanner.outcomes import Variant
from scanner.passes.back_off import BackOff
from scanner.passes.pace import Ticket
from scanner.passes.pace_queues import Errand, Queue
from scanner.settings import PaceSettings


class _Waiting(NamedTuple):
    """An errand, where it leads, and its place in the order: what follows up on a session comes first."""

    place: tuple[bool, int, int]
    address: str
    network: str
    errand: Errand


class InOrder:
    """Gives out targets without a pace (turns.Turns); `rank` gives a server name's place, the lowest first.

    Only who asks for less is left alone for a while; others have their turn meanwhile.
    """

    def __init__(self, pace: PaceSettings, rank: Callable[[str], int]) -> None:
        self._rank = rank
        self._back_off = BackOff(pace)
        self._queue: list[_Waiting] = []
        self._free_at: dict[str, float] = {}
        self._number = 0
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def add(
        self, address: str, network: str, server_name: str, attempt: int = 1, variant: Variant = Variant.survey
    ) -> None:
        """Puts an errand in its place."""
        self._number += 1
        place = (variant is not Variant.small_hello, self._rank(server_name), self._number)
        self._queue.append(_Waiting(place, address, network, Errand(server_name, attempt, variant)))

    def next_target(self, now: float) -> Ticket | None:
        """The first in the order whose address may be talked to; None while a session goes on."""
        free = [each for each in self._queue if self._time_of(each) <= now]
        if self.in_flight or not free:
            return None
        first = min(free)
        self._queue.remove(first)
        self.in_flight += 1
        return Ticket(first.errand, Queue(first.address, first.network, []), (), now)

    def next_time(self) -> float | None:
        """When the next address may be talked to; None if only an ending session helps."""
        return min(map(self._time_of, self._queue), default=None) if not self.in_flight else None

    def finished(self, ticket: Ticket, now: float) -> None:  # noqa: ARG002 - no interval between sessions here
        """The session of a ticket has ended."""
        self.in_flight -= 1

    def accepted(self, ticket: Ticket) -> None:
        """A session was let in."""
        self._back_off.accepted(ticket.address, ticket.network)

    def back_off(self, ticket: Ticket, now: float) -> bool:
        """A session was told that it is too much; True if its address is given up."""
        self._back_off.refused(ticket.address, ticket.network, ticket.began, now)
        for place in (ticket.address, ticket.network):
            # Who is given up is asked once more at the end, without a wait: so that there is a session that shows why.
            if not self._back_off.gives_up(place):
                self._free_at[place] = now + self._back_off.wait_s(place)
        return self._back_off.gives_up(ticket.address) or self._back_off.gives_up(ticket.network)

    def names_waiting(self, address: str) -> int:
        """How many errands wait at an address."""
        return sum(each.address == address for each in self._queue)

    def withdraw(self, address: str) -> list[Errand]:
        """Takes all errands of an address out of the order."""
        withdrawn = [each.errand for each in self._queue if each.address == address]
        self._queue = [each for each in self._queue if each.address != address]
        return withdrawn

    def _time_of(self, waiting: _Waiting) -> float:
        return max(self._free_at.get(place, 0.0) for place in (waiting.address, waiting.network))
