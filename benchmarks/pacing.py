"""Whom a slow, silent or impatient server makes wait: runs of the pacer in virtual time, without any I/O.

`python -m benchmarks.pacing` prints the table. A run with such servers may take as long as a run without them
or, if that is longer, as long as these servers alone would: nobody else waits for them.
"""

import heapq
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from scanner.passes.pace import Pacer, Ticket
from scanner.settings import Limits, PaceSettings, ProbeSettings

TARGETS = 20_000
WIDTH = ProbeSettings().width
PACE = PaceSettings()
_SEED = 20261122

#: What we hold: a run is so many times longer than the longer of the two, at most.
MAX_RATIO = 1.1

_HOW = """\
alone     how long the servers of this line would take if there were no others
without   how long the others take without them
together  how long the run takes; × is against the longer of both
All in virtual time: {width} sessions at a time at the default pace, a good one lasts 0.25 to 0.75 s"""


@dataclass(frozen=True)
class Server:
    """An address under some names. A session lasts `session_s`. After `names_asked` of them the others need not be
    asked for; after `patience` sessions it says that it is too much, until it has been left alone for `back_off_s`.
    """

    address: str
    network: str
    names: Sequence[str]
    session_s: float = 0.5
    names_asked: float = inf
    patience: float = inf


@dataclass
class _Server:
    """How a server's sessions have gone so far."""

    server: Server
    sessions: int = 0
    since_left_alone: int = 0
    last_at: float = -inf

    def has_enough(self, now: float) -> bool:
        """One more session; True if it is one too many."""
        if now - self.last_at >= PACE.back_off_s:
            self.since_left_alone = 0
        self.sessions += 1
        self.since_left_alone += 1
        self.last_at = now
        return self.since_left_alone > self.server.patience


@dataclass
class Run:
    """A run over some servers: how many sessions it held, and in how many seconds."""

    servers: Iterable[Server]
    sessions: int = 0
    seconds: float = 0.0
    _running: list[tuple[float, int, Ticket]] = field(default_factory=list)

    def hold(self) -> "Run":
        """Holds all sessions."""
        self._pacer = Pacer(PACE, WIDTH, _SEED, lambda name: name.partition(".")[2])
        self._by_address = {server.address: _Server(server) for server in self.servers}
        for server in self.servers:
            for name in server.names:
                self._pacer.add(server.address, server.network, name)
        while self._pacer.waiting or self._pacer.in_flight:
            self._start()
            self._go_on()
        return self

    def _start(self) -> None:
        while (ticket := self._pacer.next_target(self.seconds)) is not None:
            self.sessions += 1
            ends = self.seconds + self._by_address[ticket.address].server.session_s
            heapq.heappush(self._running, (ends, self.sessions, ticket))

    def _go_on(self) -> None:
        """To the next moment at which something may change."""
        times = [self._running[0][0]] if self._running else []
        next_time = self._pacer.next_time()
        if self._pacer.in_flight < WIDTH and next_time is not None:
            times.append(next_time)
        self.seconds = min(times)
        while self._running and self._running[0][0] <= self.seconds:
            self._end(heapq.heappop(self._running)[2])

    def _end(self, ticket: Ticket) -> None:
        server = self._by_address[ticket.address]
        if server.has_enough(self.seconds):
            is_over = self._pacer.back_off(ticket, self.seconds)
        else:
            self._pacer.accepted(ticket)
            is_over = server.sessions >= server.server.names_asked
        if is_over:
            self._pacer.withdraw(ticket.address)
        self._pacer.finished(ticket, self.seconds)


# Worlds -----------------------------------------------------------------------------------------------


def good(targets: int) -> Iterator[Server]:
    """Half of the targets at ten providers, of eight addresses in two networks each; the others have their own."""
    session_s = random.Random(_SEED).uniform
    shared = targets // 2
    for number in range(80):
        provider, address = divmod(number, 8)
        names = [f"c{customer}.provider{provider}" for customer in range(number, shared, 80)]
        yield Server(f"p{provider}.{address}", f"p{provider}.{address % 2}", names, session_s(0.25, 0.75))
    for number in range(targets - shared):
        yield Server(f"o{number}", f"o{number}", [f"mx.o{number}"], session_s(0.25, 0.75))


def provider(targets: int, **how: float) -> Iterator[Server]:
    """One with that many names, on 24 addresses in 8 networks, all of one pace group."""
    for number in range(24):
        names = [f"c{customer}.big" for customer in range(number, targets, 24)]
        yield Server(f"b{number}", f"b{number % 8}", names, **how)


def one_address(targets: int, **how: float) -> Server:
    """One with that many names of as many owners."""
    return Server("x", "x", [f"mx.customer{number}" for number in range(targets)], **how)


@dataclass(frozen=True)
class Case:
    """Servers that may hold others up, in a run of that many targets in all."""

    name: str
    targets: int
    servers: tuple[Server, ...]


def cases(targets: int) -> list[Case]:
    """What the table shows."""
    limits, asked = Limits(), ProbeSettings().names_per_address
    third = targets // 3
    shown: dict[str, tuple[Server, ...]] = {
        "good servers only": (),
        "a tarpit with 20 names": (one_address(20, session_s=limits.session_s),),
        "a third at a blackhole": tuple(provider(third, session_s=limits.connect_s, names_asked=2)),
        "a third where 20 are too much": tuple(provider(third, patience=20)),
        f"half at one address, {asked} asked": (one_address(targets // 2, names_asked=asked),),
    }
    return [Case(name, targets, servers) for name, servers in shown.items()]


# The table --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paced:
    """A line of the table: seconds of virtual time."""

    name: str
    targets: int
    sessions: int
    alone_s: float
    without_s: float
    together_s: float

    @property
    def ratio(self) -> float:
        """The run's length to the longer of both."""
        return self.together_s / max(self.alone_s, self.without_s)

    @property
    def is_held(self) -> bool:
        """Whether the limit is kept."""
        return self.ratio <= MAX_RATIO


def pace(case: Case) -> Paced:
    """Three runs: with the servers of a case, without them, and with no others."""
    others = tuple(good(case.targets - sum(len(server.names) for server in case.servers)))
    together = Run((*case.servers, *others)).hold()
    return Paced(
        case.name,
        case.targets,
        together.sessions,
        Run(case.servers).hold().seconds,
        Run(others).hold().seconds,
        together.seconds,
    )


def render(lines: Iterable[Paced]) -> str:
    """The lines in columns, and what they mean."""
    header = ("", "targets", "sessions", "alone", "without", "together", "×", "limit", "")
    rows = [header, *(_row(line) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return "\n".join([*table, "", _HOW.format(width=WIDTH)])


def _row(line: Paced) -> tuple[str, ...]:
    seconds = (f"{value:,.0f} s" for value in (line.alone_s, line.without_s, line.together_s))
    held = "held" if line.is_held else "NOT HELD"
    return line.name, f"{line.targets:,}", f"{line.sessions:,}", *seconds, f"{line.ratio:.2f}", f"≤ {MAX_RATIO}", held


def main() -> int:
    """0, whatever the table says."""
    print(render([pace(case) for case in cases(TARGETS)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
