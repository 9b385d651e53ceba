"""What the pacer is made of: queues of errands, lines in which the longest comes first, lanes and buckets."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from scanner.outcomes import Variant


class Errand(NamedTuple):
    """What is asked for at an address."""

    server_name: str
    attempt: int = 1
    variant: Variant = Variant.survey


#: An errand as it waits: of the common one, a first survey, its server name alone.
Waiting = str | Errand


def waiting_errand(server_name: str, attempt: int, variant: Variant) -> Waiting:
    """An errand as it waits."""
    if attempt == 1 and variant is Variant.survey:
        return server_name
    return Errand(server_name, attempt, variant)


def errand_of(waiting: Waiting) -> Errand:
    """What waited, in full."""
    return Errand(waiting) if isinstance(waiting, str) else waiting


def name_of(waiting: Waiting) -> str:
    """The server name of what waits."""
    return waiting if isinstance(waiting, str) else waiting.server_name


# Lines ------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Standing:
    """Stands in one line at a time, or in none; in its entry of that line, by its length."""

    line: "Line[Any] | None" = field(default=None, init=False)
    entry: tuple[int, float, Any] | None = field(default=None, init=False)

    def leave(self) -> None:
        """Stands in no line from now on."""
        self.line = self.entry = None

    def __lt__(self, _: "Standing") -> bool:
        # Asked only of two with the same length and the same draw: their order is all one.
        return False


_Stander = TypeVar("_Stander", bound=Standing)


class Line(list[tuple[int, float, _Stander]], Generic[_Stander]):
    """The longest first; the lowest draw first among equals. It is true if anybody may stand in it."""

    # A heap. Entries of those that have left by now, or stand here by another length, are passed over. It is a
    # list, it has none: each lane and each bucket has a line, and a second object would cost a tenth of a turn.
    __slots__ = ()

    def put(self, stander: _Stander, length: int, draw: float) -> None:
        """Takes the stander out of the line where it stands, and puts it into this one."""
        entry = (-length, draw, stander)
        stander.line, stander.entry = self, entry
        heapq.heappush(self, entry)

    def take(self) -> _Stander | None:
        """The first, which then stands in no line."""
        while self:
            entry = heapq.heappop(self)
            stander = entry[2]
            if stander.entry is entry:
                stander.line = stander.entry = None
                return stander
        return None

    @property
    def first(self) -> tuple[int, float, _Stander] | None:
        """The entry of the first: its length, negative, its draw, and itself."""
        while self:
            entry = self[0]
            if entry[2].entry is entry:
                return entry
            heapq.heappop(self)
        return None

    @property
    def length(self) -> int:
        """That of the first; 0 if nobody stands here."""
        first = self.first
        return 0 if first is None else -first[0]


@dataclass(eq=False, slots=True)
class Queue(Standing):
    """The errands at one address. One that stands in a lane has its next one taken out of them.

    No session begins before `free_at` (monotonic seconds). `is_waiting`: for its time, or in a lane.
    """

    address: str
    network: str
    errands: list[Waiting]
    next_errand: Waiting | None = None
    in_flight: int = 0
    free_at: float = 0.0
    is_waiting: bool = False

    def __len__(self) -> int:
        return len(self.errands) + (self.next_errand is not None)

    def choose(self, random: Callable[[], float]) -> Waiting:
        """Takes out the next errand: one that follows up on the last session; else any, not the first of the list."""
        errands = self.errands
        last = errands[-1]
        if isinstance(last, str) or last.variant is Variant.survey:
            place = int(random() * len(errands))
            errands[place], errands[-1] = last, errands[place]
        self.next_errand = errands.pop()
        return self.next_errand


# Lanes and buckets ------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Bucket:
    """What the addresses of a network or a pace group share; `parked` are the lanes that it holds back."""

    most: int
    interval_s: float
    in_flight: int = 0
    free_at: float = 0.0
    lanes: int = 0
    parked: "Line[Lane]" = field(default_factory=Line)
    is_timed: bool = False

    def admits(self, now: float) -> bool:
        """True if a session may begin now."""
        return self.in_flight < self.most and self.free_at <= now

    def is_idle(self, now: float) -> bool:
        """True if it is as good as a new one."""
        return not (self.in_flight or self.lanes) and self.free_at <= now


@dataclass(eq=False, slots=True)
class Lane(Standing):
    """Addresses whose next sessions count for the same network and the same pace group."""

    key: tuple[str, str]
    buckets: tuple[Bucket, Bucket]
    queues: Line[Queue] = field(default_factory=Line)


class Buckets:
    """The buckets of all networks, or of all pace groups: made when first needed, dropped once they are idle."""

    #: So many are never looked through for idle ones; later, twice as many as were left.
    FEW: Final = 1000

    def __init__(self, most: int, per_s: float) -> None:
        self._most = most
        self._interval_s = 1 / per_s
        self._buckets: dict[str, Bucket] = {}
        self._many = self.FEW

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, key: str, now: float) -> Bucket:
        """That of a network, or of a pace group."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._many:
                self._drop_idle(now)
            bucket = self._buckets[key] = Bucket(self._most, self._interval_s)
        return bucket

    def _drop_idle(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle(now)}
        self._many = max(self.FEW, 2 * len(self._buckets))
