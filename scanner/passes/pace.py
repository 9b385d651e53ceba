"""Which target may be talked to now: a pure function of queues and time.

Theory of operation. Every address has a queue of errands. A network and a pace group are buckets, each with a
number of sessions at a time and an interval between new ones. The addresses of one network whose next errands
are of one pace group form a lane: what holds one of them back holds them all. A lane stands in the `_ready`
line or, when a bucket does not admit it, in that bucket's own, out of everybody's way, until the bucket's time
has come or a session of it has ended. In every line the lane with the longest queue comes first, because that
queue would end last; equals come in random order. So a slow or paced server costs nothing while it waits, and
no other waits for it. Addresses that had no turn yet stand apart, in the same order, and join a lane when their
turn comes.

A server that says it is too much moves its address's own time, or its network's, into the future; that is all,
so who backs off stands in nobody's way either. Nor does it change the order: while a queue waits it stays as
long as it is and the others get shorter, so that it comes the sooner when its time has come.
"""

import heapq
import random
from collections.abc import Callable
from typing import Final, NamedTuple

from scanner.outcomes import Variant
from scanner.passes.back_off import BackOff
from scanner.passes.fresh_addresses import FreshAddresses
from scanner.passes.pace_queues import (
    Bucket,
    Buckets,
    Errand,
    Lane,
    Line,
    Queue,
    errand_of,
    name_of,
    waiting_errand,
)
from scanner.settings import PaceSettings


class Ticket(NamedTuple):
    """Leave to run an errand at an address now; to be handed back by `finished`. `began` is monotonic seconds."""

    errand: Errand
    queue: Queue
    buckets: tuple[Bucket, ...]
    began: float

    @property
    def address(self) -> str:
        return self.queue.address

    @property
    def network(self) -> str:
        return self.queue.network

    @property
    def server_name(self) -> str:
        return self.errand.server_name

    @property
    def attempt(self) -> int:
        return self.errand.attempt

    @property
    def variant(self) -> Variant:
        return self.errand.variant


class Pacer:
    """Gives out targets at the pace of the settings, `width` sessions at a time at most.

    No network gets more than an eighth of the width and no pace group more than a quarter, so that one
    that answers slowly leaves room for the rest.
    """

    NETWORK_SHARE: Final = 8
    GROUP_SHARE: Final = 4

    def __init__(self, pace: PaceSettings, width: int, seed: int, group_of: Callable[[str], str]) -> None:
        self._address_sessions = pace.address_sessions
        self._address_interval_s = 1 / pace.address_per_s
        self._width = width
        self._random = random.Random(seed)
        self._group_of = group_of
        self._networks = Buckets(min(pace.network_sessions, max(1, width // self.NETWORK_SHARE)), pace.network_per_s)
        self._groups = Buckets(min(pace.group_sessions, max(1, width // self.GROUP_SHARE)), pace.group_per_s)
        self._back_off = BackOff(pace)
        self._fresh = FreshAddresses(self._random.random)
        self._queues: dict[str, Queue] = {}
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._ready: Line[Lane] = Line()
        self._timed: list[tuple[float, int, Queue | Bucket]] = []
        self._number = 0
        self.waiting = 0
        self.in_flight = 0

    def add(
        self, address: str, network: str, server_name: str, attempt: int = 1, variant: Variant = Variant.survey
    ) -> None:
        """Puts an errand into the queue of an address, at any time. What is no survey follows up, and comes first."""
        errand = waiting_errand(server_name, attempt, variant)
        self.waiting += 1
        queue = self._queues.get(address)
        if queue is None:
            self._fresh.add(address, network, errand)
        else:
            queue.errands.append(errand)
            self._let_wait(queue)

    def next_target(self, now: float) -> Ticket | None:
        """A target whose time has come, or None. `now` is monotonic seconds."""
        if self.in_flight >= self._width:
            return None
        while True:
            self._wake_the_due(now)
            self._let_fresh_ones_join(now)
            lane = self._ready.take()
            if lane is None:
                return None
            held_by = next((bucket for bucket in lane.buckets if not bucket.admits(now)), None)
            if held_by is None:
                return self._start(lane, now)
            self._stand(lane, held_by.parked)
            # The other bucket may have woken this lane: others that it holds have their turn instead.
            for bucket in lane.buckets:
                self._let_wake(bucket, now)

    def next_time(self) -> float | None:
        """When `next_target` may have something again by time alone; None if only an ending session helps."""
        if self._ready.length or self._fresh.length:
            return 0.0
        return self._timed[0][0] if self._timed else None

    def finished(self, ticket: Ticket, now: float) -> None:
        """The session of a ticket has ended."""
        self.in_flight -= 1
        ticket.queue.in_flight -= 1
        self._let_wait(ticket.queue)
        for bucket in ticket.buckets:
            bucket.in_flight -= 1
            self._let_wake(bucket, now)

    # What servers say about the pace -------------------------------------------------------------------

    def accepted(self, ticket: Ticket) -> None:
        """A session was let in: how often its address and its network refused before is forgotten."""
        self._back_off.accepted(ticket.address, ticket.network)

    def back_off(self, ticket: Ticket, now: float) -> bool:
        """A session, not `finished` yet, was told that it is too much: no new one goes there for a while.

        True if the address, or its whole network, has refused so often in a row that it is given up; what waits
        at the address is then the caller's to withdraw. The other addresses of such a network are not waited
        for any more: each is still asked once, so that it has a session that shows why the rest is not known.
        """
        queue, network = ticket.queue, ticket.buckets[0]
        self._back_off.refused(ticket.address, ticket.network, ticket.began, now)
        queue.free_at = max(queue.free_at, now + self._back_off.wait_s(ticket.address))
        if not self._back_off.gives_up(ticket.network):
            network.free_at = max(network.free_at, now + self._back_off.wait_s(ticket.network))
        self._leave_lane(queue)
        self._let_wait(queue)
        return self._back_off.gives_up(ticket.address) or self._back_off.gives_up(ticket.network)

    def names_waiting(self, address: str) -> int:
        """How many errands wait at an address, those in flight not counted."""
        queue = self._queues.get(address)
        return len(self._fresh.errands_at(address) if queue is None else queue)

    def withdraw(self, address: str) -> list[Errand]:
        """Takes all errands of an address that wait out of its queue."""
        queue = self._queues.get(address)
        if queue is None:
            errands = self._fresh.withdraw(address)
        else:
            self._leave_lane(queue)
            errands, queue.errands = queue.errands, []
            # With nothing to do, it is forgotten when its time has come, and not before.
            self._let_wait(queue)
        self.waiting -= len(errands)
        return [errand_of(each) for each in errands]

    # Turns ---------------------------------------------------------------------------------------------

    def _start(self, lane: Lane, now: float) -> Ticket:
        queue = lane.queues.take()
        assert queue is not None
        assert queue.next_errand is not None
        errand, queue.next_errand = errand_of(queue.next_errand), None
        queue.is_waiting = False
        queue.in_flight += 1
        queue.free_at = now + self._address_interval_s
        self._let_wait(queue)
        for bucket in lane.buckets:
            bucket.in_flight += 1
            bucket.free_at = now + bucket.interval_s
            self._let_wake(bucket, now)
        self._stand(lane, self._ready)
        self.in_flight += 1
        self.waiting -= 1
        return Ticket(errand, queue, lane.buckets, now)

    def _let_fresh_ones_join(self, now: float) -> None:
        """Gives their turn to addresses that had none yet and come before every lane that is ready."""
        while self._fresh.length > self._ready.length:
            queue = self._fresh.take()
            self._queues[queue.address] = queue
            self._take_turn(queue, now)

    def _take_turn(self, queue: Queue, now: float) -> None:
        """An address's time has come: it joins the lane of its next errand, or is forgotten if it has none."""
        if queue.errands:
            queue.is_waiting = True
            length = len(queue.errands)
            group = self._group_of(name_of(queue.choose(self._random.random)))
            self._join(self._lane(queue.network, group, now), queue, length)
            return
        queue.is_waiting = False
        if not queue.in_flight:
            del self._queues[queue.address]

    # Waiting for a time --------------------------------------------------------------------------------

    def _let_wait(self, queue: Queue) -> None:
        """Lets an address wait for its time, if it may be talked to then and is not waiting already."""
        if not queue.is_waiting and queue.in_flight < self._address_sessions:
            queue.is_waiting = True
            self._at(queue.free_at, queue)

    def _let_wake(self, bucket: Bucket, now: float) -> None:
        """Has a bucket looked at when its next session may begin, if it holds anybody back."""
        if not bucket.is_timed and bucket.in_flight < bucket.most and bucket.parked:
            bucket.is_timed = True
            self._at(max(now, bucket.free_at), bucket)

    def _at(self, time: float, what: Queue | Bucket) -> None:
        self._number += 1
        heapq.heappush(self._timed, (time, self._number, what))

    def _wake_the_due(self, now: float) -> None:
        while self._timed and self._timed[0][0] <= now:
            due = heapq.heappop(self._timed)[-1]
            if isinstance(due, Bucket):
                due.is_timed = False
                if (lane := due.parked.take()) is not None:
                    self._stand(lane, self._ready)
            elif due.free_at > now:  # it was told to back off since
                self._at(due.free_at, due)
            else:
                self._take_turn(due, now)

    # Lanes ---------------------------------------------------------------------------------------------

    def _lane(self, network: str, group: str, now: float) -> Lane:
        lane = self._lanes.get((network, group))
        if lane is None:
            buckets = self._networks.of(network, now), self._groups.of(group, now)
            lane = self._lanes[network, group] = Lane((network, group), buckets)
            for bucket in buckets:
                bucket.lanes += 1
        return lane

    def _stand(self, lane: Lane, line: Line[Lane] | None) -> None:
        """Puts a lane into a line, or among those that are ready; one in which no address stands is no more."""
        first = lane.queues.first
        if first is not None:
            (self._ready if line is None else line).put(lane, -first[0], first[1])
            return
        lane.leave()
        del self._lanes[lane.key]
        for bucket in lane.buckets:
            bucket.lanes -= 1

    def _join(self, lane: Lane, queue: Queue, length: int) -> None:
        is_longest = length > lane.queues.length
        lane.queues.put(queue, length, self._random.random())
        if is_longest:
            self._stand(lane, lane.line)

    def _leave_lane(self, queue: Queue) -> None:
        """Takes an address out of its lane, if it stands in one; it waits for nothing then."""
        if queue.next_errand is None:
            return
        lane = self._lanes[queue.network, self._group_of(name_of(queue.next_errand))]
        queue.leave()
        queue.errands.insert(0, queue.next_errand)
        queue.next_errand, queue.is_waiting = None, False
        self._stand(lane, lane.line)
        # If the lane is no more, and a bucket had woken it, others that this one holds have their turn instead.
        for bucket in lane.buckets:
            self._let_wake(bucket, bucket.free_at)
