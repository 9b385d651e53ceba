"""Which target may be talked to now: a pure function of queues and time.

Theory of operation. Every address has a queue of server names. A network and a pace group are buckets, each
with a number of sessions at a time and an interval between new ones. The addresses of one network whose next
names are of one pace group form a lane: what holds one of them back holds them all. A lane stands in the
`_ready` line or, when a bucket does not admit it, in that bucket's own, out of everybody's way, until the
bucket's time has come or a session of it has ended. In every line the lane with the longest queue comes
first, because that queue would end last; equals come in random order. So a slow or paced server costs
nothing while it waits, and no other waits for it. Addresses that had no turn yet stand in a plain heap of the
same order, and join a lane when their turn comes: most of a large plan is never more than that.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from scanner.settings import PaceSettings

#: Longer queues are less; then a random number, drawn once an address.
_Rank = tuple[int, float]


@dataclass(eq=False, slots=True)
class _Queue:
    """The server names to ask at one address; `next_name` was taken out of them when its turn came."""

    address: str
    network: str
    order: float
    names: list[str] = field(default_factory=list)
    next_name: str = ""
    in_flight: int = 0
    free_at: float = 0.0
    is_waiting: bool = False


class _Line:
    """Lanes, the one with the longest queue first. A lane stands in one line at a time."""

    def __init__(self) -> None:
        # Entries of lanes that stand elsewhere by now, or here with a better rank, are passed over.
        self._heap: list[tuple[_Rank, int, _Lane]] = []
        self._number = 0

    def put(self, lane: "_Lane") -> None:
        self._number += 1
        lane.line, lane.rank = self, lane.queues[0][0]
        heapq.heappush(self._heap, (lane.rank, self._number, lane))

    def take(self) -> "_Lane | None":
        """The first lane, which then stands in no line."""
        if not self:
            return None
        lane = heapq.heappop(self._heap)[-1]
        lane.line = None
        return lane

    def first_rank(self) -> _Rank | None:
        """The rank of the first lane; None if there is none."""
        return self._heap[0][0] if self else None

    def __bool__(self) -> bool:
        while self._heap:
            rank, _, lane = self._heap[0]
            if lane.line is self and lane.rank == rank:
                return True
            heapq.heappop(self._heap)
        return False


@dataclass(eq=False, slots=True)
class _Bucket:
    """What the addresses of a network or a pace group share."""

    most: int
    interval_s: float
    in_flight: int = 0
    free_at: float = 0.0
    parked: _Line = field(default_factory=_Line)
    is_timed: bool = False

    def admits(self, now: float) -> bool:
        return self.in_flight < self.most and self.free_at <= now


@dataclass(eq=False, slots=True)
class _Lane:
    """Addresses whose next sessions count for the same network and the same pace group; the line it stands in."""

    key: tuple[str, str]
    buckets: tuple[_Bucket, _Bucket]
    queues: list[tuple[_Rank, int, _Queue]] = field(default_factory=list)
    line: _Line | None = None
    rank: _Rank = (0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """Leave to talk to an address under a server name now; to be handed back by `finished`."""

    address: str
    server_name: str
    queue: _Queue
    buckets: tuple[_Bucket, _Bucket]


class Pacer:
    """Gives out targets at the pace of the settings, `width` sessions at a time at most.

    No network gets more than an eighth of the width and no pace group more than a quarter, so that one
    that answers slowly leaves room for the rest.
    """

    NETWORK_SHARE: Final = 8
    GROUP_SHARE: Final = 4

    def __init__(self, pace: PaceSettings, width: int, seed: int, group_of: Callable[[str], str]) -> None:
        self._pace = pace
        self._width = width
        self._random = random.Random(seed)
        self._group_of = group_of
        self._queues: dict[str, _Queue] = {}
        self._networks: dict[str, _Bucket] = {}
        self._groups: dict[str, _Bucket] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._added: list[_Queue] = []
        self._fresh: list[tuple[_Rank, int, _Queue]] = []
        self._ready = _Line()
        self._timed: list[tuple[float, int, _Queue | _Bucket]] = []
        self._number = 0
        self.waiting = 0
        self.in_flight = 0

    def add(self, address: str, network: str, server_name: str) -> None:
        """Puts a target into the queue of its address."""
        queue = self._queues.get(address)
        if queue is None:
            queue = self._queues[address] = _Queue(address, network, self._random.random(), is_waiting=True)
            self._added.append(queue)
        # A random place among the names of the address: equals are not asked in the order of the list.
        queue.names.append(server_name)
        place = self._random.randrange(len(queue.names))
        queue.names[place], queue.names[-1] = queue.names[-1], queue.names[place]
        self.waiting += 1
        self._let_wait(queue)

    def next_target(self, now: float) -> Ticket | None:
        """A target whose time has come, or None. `now` is monotonic seconds."""
        if self.in_flight >= self._width:
            return None
        while True:
            self._wake_the_due(now)
            self._let_fresh_ones_join()
            lane = self._ready.take()
            if lane is None:
                return None
            held_by = next((bucket for bucket in lane.buckets if not bucket.admits(now)), None)
            if held_by is None:
                return self._start(lane, now)
            held_by.parked.put(lane)
            # The other bucket may have woken this lane: others that it holds have their turn instead.
            for bucket in lane.buckets:
                self._let_wake(bucket, now)

    def next_time(self) -> float | None:
        """When `next_target` may have something again by time alone; None if only an ending session helps."""
        if self._ready or self._fresh or self._added:
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

    def _start(self, lane: _Lane, now: float) -> Ticket:
        queue = heapq.heappop(lane.queues)[-1]
        queue.is_waiting = False
        queue.in_flight += 1
        queue.free_at = now + 1 / self._pace.address_per_s
        self._let_wait(queue)
        for bucket in lane.buckets:
            bucket.in_flight += 1
            bucket.free_at = now + bucket.interval_s
            self._let_wake(bucket, now)
        if lane.queues:
            self._ready.put(lane)
        else:
            del self._lanes[lane.key]
        self.in_flight += 1
        self.waiting -= 1
        return Ticket(queue.address, queue.next_name, queue, lane.buckets)

    def _let_fresh_ones_join(self) -> None:
        """Gives their turn to addresses that had none yet and come before every lane that is ready."""
        if self._added:
            for queue in self._added:
                self._number += 1
                self._fresh.append(((-len(queue.names), queue.order), self._number, queue))
            self._added.clear()
            heapq.heapify(self._fresh)
        while self._fresh:
            first = self._ready.first_rank()
            if first is not None and first <= self._fresh[0][0]:
                return
            self._take_turn(heapq.heappop(self._fresh)[-1])

    # Waiting for a time --------------------------------------------------------------------------------

    def _let_wait(self, queue: _Queue) -> None:
        """Lets an address wait for its time, if it may be talked to then and is not waiting already."""
        if not queue.is_waiting and queue.in_flight < self._pace.address_sessions:
            queue.is_waiting = True
            self._at(queue.free_at, queue)

    def _let_wake(self, bucket: _Bucket, now: float) -> None:
        """Has a bucket looked at when its next session may begin, if it holds anybody back."""
        if not bucket.is_timed and bucket.in_flight < bucket.most and bucket.parked:
            bucket.is_timed = True
            self._at(max(now, bucket.free_at), bucket)

    def _at(self, time: float, what: _Queue | _Bucket) -> None:
        self._number += 1
        heapq.heappush(self._timed, (time, self._number, what))

    def _wake_the_due(self, now: float) -> None:
        while self._timed and self._timed[0][0] <= now:
            due = heapq.heappop(self._timed)[-1]
            if isinstance(due, _Queue):
                self._take_turn(due)
                continue
            due.is_timed = False
            lane = due.parked.take()
            if lane is not None:
                self._ready.put(lane)

    def _take_turn(self, queue: _Queue) -> None:
        """An address's time has come: it joins the lane of its next name, or is forgotten if it has none."""
        if queue.names:
            rank = (-len(queue.names), queue.order)
            queue.next_name = queue.names.pop()
            self._join(self._lane(queue.network, self._group_of(queue.next_name)), rank, queue)
            return
        queue.is_waiting = False
        if not queue.in_flight:
            del self._queues[queue.address]

    def _join(self, lane: _Lane, rank: _Rank, queue: _Queue) -> None:
        self._number += 1
        heapq.heappush(lane.queues, (rank, self._number, queue))
        if lane.line is None:
            self._ready.put(lane)
        elif rank < lane.rank:
            lane.line.put(lane)

    # Lanes and buckets ---------------------------------------------------------------------------------

    def _lane(self, network: str, group: str) -> _Lane:
        lane = self._lanes.get((network, group))
        if lane is None:
            pace = self._pace
            buckets = (
                self._bucket(self._networks, network, pace.network_sessions, pace.network_per_s, self.NETWORK_SHARE),
                self._bucket(self._groups, group, pace.group_sessions, pace.group_per_s, self.GROUP_SHARE),
            )
            lane = self._lanes[network, group] = _Lane((network, group), buckets)
        return lane

    def _bucket(self, buckets: dict[str, _Bucket], key: str, sessions: int, per_s: float, share: int) -> _Bucket:
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = _Bucket(min(sessions, max(1, self._width // share)), 1 / per_s)
        return bucket
