"""Is it us? A pure state machine over the connects of a pass: when no connection comes up, and since when.

Theory of operation. A server that is down says nothing about the others; twenty unrelated ones that are down one
after the other, or four fifths of the last hundred, may be our own network, a firewall or a provider that
blocks port 25. Then the canaries are asked, servers to which a connection came up before. If one answers it was a
list with many dead servers, and the next suspicion takes twice as many. If none does, everything since the
last sign of life is lost: what was not reached in that window says nothing about anybody.
"""

from collections import Counter, deque
from dataclasses import dataclass

from scanner.judgement.vantage_windows import family_of
from scanner.outcomes import Outcome, Stage
from scanner.passes.plan import target_of
from scanner.records import SessionRecord, Target
from scanner.times import parse_utc

#: The share rule: of so many connects, to so many networks at least that failed, this share did not come up.
RECENT_CONNECTS = 100
RECENT_NETWORKS = 20
LOST_SHARE = 0.8

#: Fewer networks than this are no evidence, whatever the settings say.
LEAST_NETWORKS = 5

#: So many servers that were up are remembered for each family, of different networks and pace groups.
REMEMBERED = 8

#: Suspicions that were wrong make the next one take longer, up to so many times as long.
MAX_PATIENCE = 64

#: A session that ended so ended with a reply: we heard the server then, not only when it connected.
_HEARD_AT_THE_END = frozenset({Outcome.ok, Outcome.transient_negative, Outcome.permanent_negative})


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when we did not reach anybody, in seconds since the epoch; `family` is ipv4 or ipv6."""

    family: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Connect:
    """What a session says about our way out. `heard_at` is the last moment at which the server was heard."""

    target: Target
    family: str
    began: float
    heard_at: float | None

    @property
    def came_up(self) -> bool:
        return self.heard_at is not None


def connect_of(record: SessionRecord) -> Connect:
    """How a session's connect went. A fault of ours counts as not come up: nothing was heard."""
    began = parse_utc(record.started_at).timestamp()
    heard_at = None
    if record.outcome in _HEARD_AT_THE_END:
        heard_at = parse_utc(record.ended_at).timestamp()
        if record.replies.quit is None:  # for its reply to QUIT we waited in vain
            heard_at -= (record.timings_ms.quit or 0.0) / 1000
    elif record.stage is not Stage.connect and record.outcome is not Outcome.local_fault:
        heard_at = began + (record.timings_ms.connect or 0.0) / 1000
    target = target_of(record.address, record.port, record.server_name)
    return Connect(target, family_of(record.address), began, heard_at)


class VantageMonitor:
    """Watches the connects of one start, each family by itself."""

    def __init__(self, networks_in_a_row: int) -> None:
        self._families: dict[str, _Family] = {}
        self._networks_in_a_row = max(LEAST_NETWORKS, networks_in_a_row)

    def take(self, connect: Connect) -> None:
        """A session is over; in the order in which they end."""
        self._of(connect.family).take(connect)

    @property
    def suspected(self) -> list[str]:
        """The families that seem to be lost."""
        return [name for name, family in self._families.items() if family.seems_lost]

    def dismiss(self, family: str, heard_at: float) -> None:
        """A canary answered at once: it is not us, and the next suspicion needs twice as many."""
        self._of(family).begin_anew(heard_at, MAX_PATIENCE)

    def came_back(self, family: str, heard_at: float) -> None:
        """The canaries answer again, after they did not."""
        self._of(family).begin_anew(heard_at, 1)

    def heard_at(self, family: str) -> float | None:
        """When a server of a family was heard last in this start; None if none was."""
        return self._of(family).heard_at

    def lost_since(self, family: str) -> float:
        """Since when nothing of a suspected family is sure: when a server of it was heard last."""
        return self._of(family).lost_since

    def in_doubt_since(self, family: str) -> float | None:
        """When a server of a family was heard last, if no connection came up since; None if all is well."""
        return self._of(family).in_doubt_since

    def networks_lost(self, family: str) -> int:
        """To how many networks no connection came up lately."""
        return self._of(family).networks_lost

    def known_good(self, family: str) -> tuple[Target, ...]:
        """Servers that were up in this start, of different networks and pace groups; the last heard first."""
        return tuple(reversed(self._of(family).good.values()))

    def _of(self, family: str) -> "_Family":
        return self._families.setdefault(family, _Family(self._networks_in_a_row))


class _Family:
    """One family's connects."""

    def __init__(self, networks_in_a_row: int) -> None:
        self._networks_in_a_row = networks_in_a_row
        self._patience = 1
        self._began: float | None = None
        self.heard_at: float | None = None
        self._recent = _Recent()
        #: The networks that were tried in vain since a server was heard → when the last connect to each began.
        self._row: dict[str, float] = {}
        #: Pace group → a server of it that was up.
        self.good: dict[str, Target] = {}

    def take(self, connect: Connect) -> None:
        self._began = connect.began if self._began is None else min(self._began, connect.began)
        self._recent.take(connect, self._span)
        if connect.heard_at is None:
            self._row[connect.target.queue] = connect.began
            return
        heard_at = connect.heard_at
        self.heard_at = max(heard_at, self.heard_at or heard_at)
        # A long session that ends now was perhaps heard long ago: it says nothing about who was tried later.
        self._row = {network: began for network, began in self._row.items() if began > heard_at}
        self._remember(connect.target)

    @property
    def seems_lost(self) -> bool:
        return self._is_row_lost or self._recent.is_mostly_lost(self._span)

    @property
    def lost_since(self) -> float:
        return self._row_since if self._is_row_lost else self._recent.lost_since

    @property
    def in_doubt_since(self) -> float | None:
        return self._row_since if self._row else None

    @property
    def networks_lost(self) -> int:
        return max(len(self._row), self._recent.networks_lost)

    def begin_anew(self, heard_at: float, most_patience: int) -> None:
        """Forgets what was lost, because a server was heard; patience doubles up to a bound."""
        self.heard_at = heard_at
        self._patience = min(2 * self._patience, most_patience)
        self._recent = _Recent()
        self._row = {}

    @property
    def _span(self) -> int:
        return RECENT_CONNECTS * self._patience

    @property
    def _row_since(self) -> float:
        return self.heard_at if self.heard_at is not None else self._began or 0.0

    @property
    def _is_row_lost(self) -> bool:
        return len(self._row) >= self._networks_in_a_row * self._patience

    def _remember(self, target: Target) -> None:
        unrelated = {group: good for group, good in self.good.items() if good.queue != target.queue}
        unrelated.pop(target.pace_group, None)
        unrelated[target.pace_group] = target
        if len(unrelated) > REMEMBERED:
            del unrelated[next(iter(unrelated))]
        self.good = unrelated


class _Recent:
    """The last connects: which did not come up, and to how many networks."""

    def __init__(self) -> None:
        self._connects: deque[Connect] = deque()
        self._lost_by_network: Counter[str] = Counter()
        self._lost = 0

    def take(self, connect: Connect, span: int) -> None:
        """One more; of more than `span` the first is forgotten."""
        self._connects.append(connect)
        self._count(connect, 1)
        if len(self._connects) > span:
            self._count(self._connects.popleft(), -1)

    def is_mostly_lost(self, span: int) -> bool:
        """Whether four fifths of a whole span did not come up, to unrelated networks."""
        is_whole = len(self._connects) >= span
        return is_whole and self._lost >= LOST_SHARE * span and self.networks_lost >= RECENT_NETWORKS

    @property
    def networks_lost(self) -> int:
        return len(self._lost_by_network)

    @property
    def lost_since(self) -> float:
        """When the first of those that did not come up began."""
        return min(connect.began for connect in self._connects if not connect.came_up)

    def _count(self, connect: Connect, by: int) -> None:
        if connect.came_up:
            return
        self._lost += by
        network = connect.target.queue
        self._lost_by_network[network] += by
        if not self._lost_by_network[network]:
            del self._lost_by_network[network]
