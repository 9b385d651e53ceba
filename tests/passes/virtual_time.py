"""A world in virtual time: sessions that last, a pacer that gives them out, and what must hold at every moment."""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from scanner.passes.pace import Pacer, Ticket
from scanner.settings import PaceSettings

#: Two times closer than this are the same one: sums of intervals are rounded.
ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Wanted:
    """A target to be talked to, for so long.

    It `refuses` if its server says that it is too much; once it `is_enough`, no other name of its address is
    asked for any more.
    """

    address: str
    network: str
    name: str
    lasts_s: float = 0.5
    refuses: bool = False
    is_enough: bool = False


def spread(count: int, *, addresses: int = 1, networks: int = 1, groups: int = 1, lasts_s: float = 0.5) -> list[Wanted]:
    """Targets dealt out in turn."""
    return [
        Wanted(f"a{number % addresses}", f"n{number % addresses % networks}", f"h{number}.g{number % groups}", lasts_s)
        for number in range(count)
    ]


@dataclass(frozen=True)
class Held:
    """A session that was held."""

    wanted: Wanted
    began: float
    ended: float


def group_of(name: str) -> str:
    """The pace group: what follows the first label."""
    return name.partition(".")[2]


@dataclass
class Simulation:
    """Runs a pacer over a world to the end. What is given up, and what need not be asked for, is withdrawn.

    `check` looks at every moment at what is allowed. What is not given although it is allowed can be told
    only where all names of an address are of one group: which name of an address is the next, is random.
    """

    pace: PaceSettings
    width: int
    wanted: list[Wanted]
    seed: int = 1
    check: bool = False
    held: list[Held] = field(default_factory=list)
    withdrawn: list[Wanted] = field(default_factory=list)
    now: float = 0.0

    def run(self) -> list[Held]:
        """All sessions in the order in which they began."""
        self._pacer = Pacer(self.pace, self.width, self.seed, group_of)
        self._by_key = {(each.address, each.name): each for each in self.wanted}
        self._waiting = dict.fromkeys(self._by_key)
        self._ended: list[Held] = []
        groups = {(each.address, group_of(each.name)) for each in self.wanted}
        self._next_is_known = len(groups) == len({each.address for each in self.wanted})
        self._running: list[tuple[float, int, Ticket]] = []
        for each in self.wanted:
            self._pacer.add(each.address, each.network, each.name)
        while self._pacer.waiting or self._pacer.in_flight:
            self._start_all()
            self._go_on()
        assert not self._waiting, "a target was lost"
        assert self._pacer.next_target(self.now + 1e9) is None, "a target from nowhere"
        assert not self._pacer._queues, "an address was not forgotten"
        return self.held

    def _start_all(self) -> None:
        while (ticket := self._pacer.next_target(self.now)) is not None:
            wanted = self._by_key[ticket.address, ticket.server_name]
            if self.check:
                self._is_the_right_one(wanted)
            del self._waiting[ticket.address, ticket.server_name]  # fails if it was given already
            ends = self.now + wanted.lasts_s
            self.held.append(Held(wanted, self.now, ends))
            heapq.heappush(self._running, (ends, len(self.held), ticket))
        assert self._pacer.in_flight == len(self._running) <= self.width
        assert self._pacer.waiting == len(self._waiting)
        if self.check and self._next_is_known and self._pacer.in_flight < self.width:
            assert self._allowed() == [], "held back without a reason"

    def _go_on(self) -> None:
        """To the next moment at which something may change."""
        times = [self._running[0][0]] if self._running else []
        if self._pacer.in_flight < self.width and (next_time := self._pacer.next_time()) is not None:
            assert next_time > self.now, "the caller would spin"
            times.append(next_time)
        assert times or not self._pacer.waiting, "nothing will ever happen again"
        self.now = min(times, default=self.now)
        while self._running and self._running[0][0] <= self.now:
            _, number, ticket = heapq.heappop(self._running)
            self._end(self.held[number - 1], ticket)

    def _end(self, held: Held, ticket: Ticket) -> None:
        self._ended.append(held)
        if held.wanted.refuses:
            is_given_up = self._pacer.back_off(ticket, self.now)
            if self.check:
                assert is_given_up == self._has_had_enough(held.wanted), "given up at another time"
            if is_given_up:
                self._withdraw(ticket.address)
        else:
            self._pacer.accepted(ticket)
        if held.wanted.is_enough:
            self._withdraw(ticket.address)
        self._pacer.finished(ticket, self.now)

    def _withdraw(self, address: str) -> None:
        names = [name for where, name in self._waiting if where == address]
        assert self._pacer.names_waiting(address) == len(names)
        assert sorted(errand.server_name for errand in self._pacer.withdraw(address)) == sorted(names)
        for name in names:
            del self._waiting[address, name]
            self.withdrawn.append(self._by_key[address, name])

    # What is allowed, thought of in another way: by looking at every session there was -----------------

    def _is_the_right_one(self, wanted: Wanted) -> None:
        allowed = self._allowed()
        assert wanted.address in allowed, "given too early"
        if not self._next_is_known:
            return
        left = Counter(address for address, _ in self._waiting)
        assert left[wanted.address] == max(left[address] for address in allowed), "not the longest queue"

    def _allowed(self) -> list[str]:
        """Addresses that may be talked to now, under one of their names at least."""
        return sorted({each.address for key, each in self._by_key.items() if key in self._waiting and self._may(each)})

    def _may(self, wanted: Wanted) -> bool:
        pace = self.pace
        return (
            max(self._of_address(wanted)[1], self._of_network(wanted)[1]) <= self.now
            and self._has_room(lambda held: held.address == wanted.address, pace.address_sessions, pace.address_per_s)
            and self._has_room(
                lambda held: held.network == wanted.network,
                min(pace.network_sessions, max(1, self.width // 8)),
                pace.network_per_s,
            )
            and self._has_room(
                lambda held: group_of(held.name) == group_of(wanted.name),
                min(pace.group_sessions, max(1, self.width // 4)),
                pace.group_per_s,
            )
        )

    def _has_room(self, shares: Callable[[Wanted], bool], most: int, per_s: float) -> bool:
        began = [held.began for held in self.held if shares(held.wanted)]
        running = sum(shares(self.held[number - 1].wanted) for _, number, _ in self._running)
        return running < most and (not began or max(began) + 1 / per_s <= self.now)

    def _has_had_enough(self, wanted: Wanted) -> bool:
        return max(self._of_address(wanted)[0], self._of_network(wanted)[0]) >= self.pace.back_off_times

    def _of_address(self, wanted: Wanted) -> tuple[int, float]:
        return self._refusals([held for held in self._ended if held.wanted.address == wanted.address], askers=1)

    def _of_network(self, wanted: Wanted) -> tuple[int, float]:
        return self._refusals([held for held in self._ended if held.wanted.network == wanted.network], askers=2)

    def _refusals(self, ended: list[Held], askers: int) -> tuple[int, float]:
        """How often in a row these sessions were refused, once so many addresses were, and until when to wait."""
        in_a_row, last, until, times = 0, -inf, 0.0, self.pace.back_off_times
        asked: set[str] = set()
        for held in ended:
            if not held.wanted.refuses:
                in_a_row, last = 0, -inf
                asked.clear()
                continue
            asked.add(held.wanted.address)
            if len(asked) >= askers:
                in_a_row += held.began > last
                last = held.ended
                if askers > 1 and in_a_row >= times:
                    continue  # a network that was given up is not waited for any more
                until = max(until, last + self.pace.back_off_s * 2 ** (min(in_a_row, times) - 1))
        return in_a_row, until


def most_at_once(sessions: list[Held]) -> int:
    """How many of these sessions ran at the same time."""
    changes = sorted([(held.began, 1) for held in sessions] + [(held.ended, -1) for held in sessions])
    most = running = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def least_gap(sessions: list[Held]) -> float:
    """The shortest time between the beginnings of two of these sessions."""
    began = sorted(held.began for held in sessions)
    return min((later - earlier for earlier, later in pairwise(began)), default=float("inf"))
