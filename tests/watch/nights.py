"""Nights of a portfolio in the lab, with a clock of their own: each has a world, and tells what it tells.

Theory of operation. A night is the real thing, in this process: a lab, a scan of it, the comparison, and the outbox.
Only the time is played: the clock jumps from night to night and over every pause, so a month takes a minute. What is
sent ends in a list.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVarTuple

import msgspec

from scanner.commands.lab_scan import open_lab
from scanner.commands.settings_source import load_settings
from scanner.outages.alerts import Alert
from scanner.outages.deliveries import Channel, Delivery, Routing
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run import Invocation
from scanner.passes.run_directory import RunDirectory
from scanner.watch.database import Database
from scanner.watch.night import Night, run_night
from scanner.watch.night_scan import ScanOrder
from scanner.watch.outbox import DeliveryError, DeliveryReport, deliver
from scanner.watch.queue import DeliveryQueue
from scanner.watch.state_directory import StateDirectory
from scanner.watch.store import Store
from tests.faults.scanning import LIMITS

Ts = TypeVarTuple("Ts")

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
GIVE_UP_S = 5 * DAY_S

#: What no session of the lab needs: a wait of this length is a pause, and is jumped over.
PAUSE_S = 60.0

#: Limits as short as a machine with other work keeps them, and the pause of real nights.
_SHORT = {
    **{f"limits.{name}": value for name, value in msgspec.to_builtins(LIMITS).items()},
    "watch.pause_s": 300.0,
}

OPERATOR = "operator@example.org"


class PlayedClock:
    """The machine's clock at another date; pauses are jumped over, and so are the days between two nights.

    It begins at a time given in seconds since the epoch, or at two in the night of today.
    """

    def __init__(self, begins_at: float | None = None) -> None:
        now = time.time()
        # Of the date alone: the time since a machine was started is never negative.
        self._shift_s = (2 * HOUR_S - now % DAY_S) if begins_at is None else begins_at - now
        self._ahead_s = 0.0

    def now_utc(self) -> float:
        return time.time() + self._shift_s + self._ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    def jump(self, seconds: float) -> None:
        self._ahead_s += seconds

    async def sleep(self, seconds: float) -> None:
        if seconds < PAUSE_S:
            await asyncio.sleep(seconds)
        else:
            self.jump(seconds)
            await asyncio.sleep(0)


class PlayedLoop(asyncio.SelectorEventLoop):
    """A loop on which a pause takes no time, by the clock that is played."""

    def __init__(self, clock: PlayedClock) -> None:
        super().__init__()
        self._clock = clock

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        if delay >= PAUSE_S:
            self._clock.jump(delay)
            delay = 0.0
        return super().call_later(delay, callback, *args, context=context)


@dataclass(frozen=True)
class World:
    """A world of one night: mail hosts with their addresses and how these behave, domains with their mail hosts.

    `certificates` are the kinds of those that are not good, `described` is more of the world file, in TOML.
    """

    hosts: Mapping[str, Mapping[str, str]]
    domains: Mapping[str, Sequence[str]]
    certificates: Mapping[str, str] = field(default_factory=dict)
    described: str = ""

    def but(self, **behaviours: str) -> "World":
        """The same, with hosts of providers (by their first label) that behave otherwise at all their addresses."""
        return self.with_hosts(
            {
                name: dict.fromkeys(addresses, behaviours[name.partition(".")[0]])
                if name.partition(".")[0] in behaviours and "provider" in name
                else addresses
                for name, addresses in self.hosts.items()
            }
        )

    def with_hosts(self, hosts: Mapping[str, Mapping[str, str]]) -> "World":
        return replace(self, hosts=hosts)

    def with_domains(self, domains: Mapping[str, Sequence[str]]) -> "World":
        return replace(self, domains=domains)

    def write(self, path: Path) -> None:
        records = [f"{name}. A {address}" for name, addresses in self.hosts.items() for address in addresses]
        records += [
            f"{domain}. MX {10 * place} {host}."
            for domain, hosts in self.domains.items()
            for place, host in enumerate(hosts, 1)
        ]
        # A JSON array of strings is TOML too.
        head = f"entries = []\nrecords = {json.dumps(records)}\n"
        path.write_text(head + "".join(self._servers()) + _BEHAVIOURS + self.described, encoding="ascii")

    def _servers(self) -> Iterator[str]:
        for name, addresses in self.hosts.items():
            for address, behaviour in addresses.items():
                certificate = self.certificates.get(name, "good")
                yield f'[[servers]]\naddress = "{address}"\nhost = "{name}"\n'
                yield f'behaviour = "{behaviour}"\ncertificate = "{certificate}"\n'


_BEHAVIOURS = """
[behaviours.good]
[behaviours.refuses]
listener = false
[behaviours.blackhole]
blackhole = true
[behaviours.silent]
greeting = ["silence"]
[behaviours.tarpit]
greeting = ["wait 1.3", 'send 220 {host} ESMTP\\r\\n']
[behaviours.lost_packet]
visits = ["closes", "good"]
[behaviours.closes]
greeting = ["close"]
[behaviours.lists_us]
greeting = ['send 554 5.7.1 {host} your address is on the block list of dnsbl.example.org\\r\\n']
[behaviours.not_now]
greeting = ['send 421 4.3.2 {host} not now\\r\\n', "close"]
[behaviours.plain]
offers_starttls = false
[behaviours.no_service]
greeting = ['send 554 5.3.2 {host} no SMTP service here\\r\\n']
[certificates.good]
"""


class Mailbox:
    """Where deliveries end; while it is `closed` none gets in, and while it is `refusing` none ever will."""

    def __init__(self) -> None:
        self.taken: list[tuple[Delivery, Alert]] = []
        self.is_closed = False
        self.is_refusing = False

    async def hand_over(self, delivery: Delivery) -> None:
        if self.is_closed:
            raise DeliveryError("the relay does not answer", closes_channel=True)
        if self.is_refusing:
            raise DeliveryError("no such mailbox", is_permanent=True)
        self.taken.append((delivery, msgspec.json.decode(delivery.payload, type=Alert)))

    async def close(self) -> None:
        pass


class Nights:
    """A portfolio that is watched night after night over one state directory."""

    def __init__(self, home: Path, settings: Mapping[str, Any] | None = None, routing: Routing | None = None) -> None:
        self.clock = PlayedClock()
        self.state = StateDirectory.create(home / "state")
        self.mailbox = Mailbox()
        self.routing = routing or Routing(operators=(OPERATOR,))
        self._home = home
        self._settings = {**_SHORT, **(settings or {})}
        self.list = home / "list.csv"

    def play(self, world: World, *, after_s: float = DAY_S) -> Night:
        """The next night, so long after the one before began."""
        self.clock.jump(after_s)
        with self.order(world) as order:
            return self.run(order)

    def run(self, order: ScanOrder) -> Night:
        with self.state.locked():
            return run_night(self.state, order, self.routing, self.deliver)

    async def deliver(self, queue: DeliveryQueue) -> DeliveryReport:
        channels = {Channel.mail: self.mailbox, Channel.file: Mailbox()}
        return await deliver(queue, channels, self.clock, GIVE_UP_S)

    @contextlib.contextmanager
    def order(self, world: World) -> Iterator[ScanOrder]:
        """The order of a night, while its lab is open."""
        file = self._home / "world.toml"
        world.write(file)
        if not self.list.exists():
            self.list.write_text("".join(f"{domain}\n" for domain in world.domains))
        with contextlib.ExitStack() as stack:
            settings = load_settings(None, {**self._settings, "lab.world": str(file)}, lab=True)
            settings, _ = open_lab(RunDirectory(self._home), settings, stack)
            invocation = Invocation(("mxscan",), "asyncio", self._new_loop, self.clock, Progress(), StopRequest())
            yield ScanOrder(str(self.list), settings, invocation, lab=True)

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        return PlayedLoop(self.clock)

    def told(self, world: World, *, after_s: float = DAY_S) -> list[str]:
        """Another night; what its alerts say, in words: `down mx1.example.lab`."""
        return [in_words(alert) for alert in self.play(world, after_s=after_s).compared.alerts]

    def arrived(self) -> list[str]:
        """What arrived since this was asked last, in words."""
        words = [in_words(alert) for _, alert in self.mailbox.taken]
        self.mailbox.taken.clear()
        return words

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        with Database.open(self.state.database) as database:
            yield Store(database)


def in_words(alert: Alert) -> str:
    """Kind, number in its thread above 1, mail hosts, and how many domains."""
    number = f" {alert.sequence}" if alert.sequence > 1 else ""
    names = [host.exchange for host in alert.hosts] or [domain.domain for domain in alert.domains]
    return f"{alert.kind}{number} {' '.join(names)}".strip()
