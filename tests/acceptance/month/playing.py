"""A month of nights: each is the whole command in a process of its own, and only the clock is played.

Theory of operation. A night has a lab over its world, a relay that takes mail (or does not), and one start of
`mxscan watch`; where a power cut ends that, another start an hour later, as a timer would make it. The processes are
forks of this one, so they have its clock; a pause within a night is jumped over by the night that makes it. All that
arrives at the relay, at the alert command and in the metrics is kept by night.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.commands import lab_scan
from scanner.commands import watch as watch_command
from scanner.lab.lab_directory import LabDirectory, write_whole
from scanner.lab.order import LabFaults, LabPorts
from scanner.lab.service import Lab
from scanner.lab.world_file import load_world
from scanner.outages.alerts import Alert
from tests.acceptance.month.nights import Night
from tests.acceptance.month.portfolio import World
from tests.faults.command import Ended, Fork, SharedLab, mxscan, start_mxscan
from tests.faults.scanning import LIMITS
from tests.net.mail_relay import Behaviour, MailRelay
from tests.net.certificates import Served, server_context
from tests.net.scripted import new_address, unused_port
from tests.tls.issuing import DAY, authority, issue
from tests.watch.nights import DAY_S, HOUR_S, PlayedClock, PlayedLoop

#: The first night; the certificates of the portfolio are dated from this day.
FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)
#: A timer is not exact: each night begins a little later on its day than the one before.
LATER_S = 10.0

OPERATORS = ("ops@monitor.example", "deputy@monitor.example")
#: What a relay says other than usual.
_RELAYS = {"takes mail": {}, "has no time": {"MAIL": "451 4.3.2 no time now"}}
USER, PASSWORD = "watch", "correct horse"


@dataclass(frozen=True)
class Arrived:
    """A mail that the relay took: for whom, and the message."""

    recipient: str
    message: EmailMessage


@dataclass(frozen=True)
class Played:
    """A night that was played: its date, its starts, what arrived, what the command was told, and the figures."""

    number: int
    night: Night
    date: str
    starts: tuple[Ended, ...]
    mails: tuple[Arrived, ...]
    told: tuple[Alert, ...]
    metrics: str


class MonthClock(PlayedClock):
    """It begins with the first night, on whatever day that is played."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        # Of the date alone: the time since a machine was started is never negative.
        self._to_first_s = FIRST.timestamp() - time.time()

    def now_utc(self) -> float:
        return super().now_utc() + self._to_first_s

    def go_to(self, at: datetime) -> None:
        self.jump(at.timestamp() - self.now_utc())


class Month:
    """The state directory that is watched over, and everything around it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        self.clock = MonthClock()
        self._ports = LabPorts()
        self._relay_address = new_address()
        (home / "password").write_text(PASSWORD)
        self._tls = _relay_certificate(home, self._relay_address)
        self._config = _write_config(home)

    def play(self, number: int, night: Night) -> Played:
        """The night of this number, 1 being the first."""
        at = FIRST + (number - 1) * timedelta(days=1, seconds=LATER_S)
        self.clock.go_to(at)
        starts: list[Ended] = []
        mails: list[Arrived] = []
        if night.world is not None:
            with self._lab(night.world) as lab:
                for crash in (night.crash, None) if night.crash else (None,):
                    ended, arrived = self._start(lab, night.relay, crash)
                    starts.append(ended)
                    mails += arrived
                    self.clock.jump(HOUR_S)
        return Played(
            number, night, f"{at:%Y-%m-%d}", tuple(starts), tuple(mails), tuple(self._told()), self._metrics()
        )

    def rehearse(self, number: int, world: World) -> Ended:
        """What `--dry-run` says on the evening before a night."""
        at = FIRST + (number - 1) * timedelta(days=1) - timedelta(hours=4)
        self.clock.go_to(at)
        with self._lab(world) as lab:
            arguments = (*self._arguments(self._nowhere()), "--dry-run")
            return start_mxscan(self.home, *arguments, preparations=[self._prepared(lab)]).ended()

    def ask(self, *options: str) -> Ended:
        """`mxscan watch` about what it knows."""
        return mxscan(self.home, "watch", "--state", self.state, *options)

    # A start -------------------------------------------------------------------------------------------

    def _start(
        self, lab: SimpleNamespace, relay: str, crash: Callable[[], None] | None
    ) -> tuple[Ended, list[Arrived]]:
        preparations = [self._prepared(lab), *([crash] if crash else [])]
        if relay == "is gone":
            return start_mxscan(self.home, *self._arguments(self._nowhere()), preparations=preparations).ended(), []
        # Its thread begins after the fork: until then the kernel takes connections.
        server = MailRelay(self._behaviour(relay), self._relay_address)
        fork = start_mxscan(
            self.home, *self._arguments(f"{server.address}:{server.port}"), preparations=preparations
        )
        with server:
            ended = fork.ended()
        return ended, [
            Arrived(recipient, message_from_bytes(mail.message, EmailMessage, policy=policy.default))
            for mail in server.mails
            for recipient in mail.recipients
        ]

    def _arguments(self, relay: str) -> list[str]:
        options = {
            "--state": self.state,
            "--config": self._config,
            "--owner-column": "owner",
            "--expect-mx": "metadata:mx",
            "--relay": relay,
            "--user": USER,
            "--password-file": self.home / "password",
            "--timezone": "Europe/Berlin",
            "--alert-command": f"tee -a '{self.home / 'told.jsonl'}'",
            "--metrics": self.home / "watch.prom",
        }
        words = [f"{word}" for option in options.items() for word in option]
        to = [word for operator in OPERATORS for word in ("--alert-to", operator)]
        return ["watch", f"{self.home / 'portfolio.csv'}", "--lab", "--quiet", *words, *to]

    def _prepared(self, lab: SimpleNamespace) -> Callable[[], None]:
        def prepare() -> None:
            lab_scan.LabChild = SharedLab(lab)  # type: ignore[assignment,attr-defined,arg-type]
            watch_command.SystemClock = lambda: self.clock  # type: ignore[assignment,misc]
            watch_command.foreground_loop = lambda _: ("asyncio", lambda: PlayedLoop(self.clock))

        return prepare

    def _behaviour(self, relay: str) -> Behaviour:
        offers = ("SIZE 10000000", "ENHANCEDSTATUSCODES", "AUTH PLAIN")
        return Behaviour(_RELAYS[relay], offers, tls=server_context(self._tls))

    def _nowhere(self) -> str:
        return f"{self._relay_address}:{unused_port(self._relay_address)}"

    # Around it -----------------------------------------------------------------------------------------

    @contextmanager
    def _lab(self, world: World) -> Iterator[SimpleNamespace]:
        """A lab over the night's world, in a process of its own; its ports are the same every night."""
        (self.home / "world.toml").write_text(world.file())
        (self.home / "portfolio.csv").write_text(world.list())
        (self.home / "faults.json").write_bytes(msgspec.json.encode(LabFaults(dns_loss=world.dns_loss)))
        files = LabDirectory(self.home / "lab")
        ready = self.home / "ready.json"
        ready.unlink(missing_ok=True)
        process = Fork(self.home / "lab-process", lambda: _serve(self.home, self._ports))
        try:
            process.wait_until(ready.exists)
            self._ports = msgspec.json.decode(ready.read_bytes(), type=LabPorts)
            yield SimpleNamespace(
                dns_server=f"127.64.0.1:{self._ports.dns}",
                smtp_port=self._ports.smtp,
                https_port=self._ports.https,
                roots=files.roots,
                domain_list=files.domain_list,
            )
        finally:
            if not process.has_ended():
                process.signal(signal.SIGTERM)
            assert process.ended().exit_code == 0

    def _told(self) -> Iterator[Alert]:
        """What the alert command was told since this was asked last."""
        told = self.home / "told.jsonl"
        if told.exists():
            yield from (msgspec.json.decode(line, type=Alert) for line in told.read_bytes().splitlines())
            told.unlink()

    def _metrics(self) -> str:
        path = self.home / "watch.prom"
        return path.read_text() if path.exists() else ""


def _serve(home: Path, ports: LabPorts) -> int:
    """A lab until SIGTERM comes, or nobody is left to send it; whatever the night, it is the first day there."""
    parent = os.getppid()

    async def serve() -> None:
        faults = msgspec.json.decode((home / "faults.json").read_bytes(), type=LabFaults)
        lab = Lab(load_world(home / "world.toml"), home / "lab", LIMITS, now_utc=lambda: FIRST, faults=faults)
        await lab.open(ports)
        write_whole(home / "ready.json", msgspec.json.encode(lab.ports))
        end = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
        while not end.is_set() and os.getppid() == parent:
            try:
                async with asyncio.timeout(0.5):
                    await end.wait()
            except TimeoutError:
                continue
        await lab.close()

    asyncio.run(serve())
    return 0


def _relay_certificate(home: Path, address: str) -> Served:
    """For the relay's address, by a root that the settings name; its dates are not played."""
    now = datetime.now(UTC)
    dates = {"starts": now - DAY, "ends": now + DAY}
    root = authority(**dates)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    leaf = issue("relay", by=root, extensions=[(names, False)], **dates)
    (home / "relay-root.pem").write_bytes(root.pem)
    file = home / "relay.pem"
    file.write_bytes(leaf.pem + leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Served((leaf.der,), file)


def _write_config(home: Path) -> Path:
    tables: dict[str, dict[str, object]] = {
        "limits": {**msgspec.to_builtins(LIMITS), "policy_s": 5.0},
        "watch": {"unstable_runs": 8, "keep_runs": 5},
        # A wait that is longer than 60 s is a pause, and jumped over.
        "alerts": {"ca_file": f"{home / 'relay-root.pem'}", **dict.fromkeys(("reply_s", "message_s", "mail_s", "command_s"), 50.0)},
    }
    lines = [
        line
        for table, values in tables.items()
        for line in (f"[{table}]", *(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in values.items()))
    ]
    path = home / "watch.toml"
    path.write_text("\n".join([*lines, ""]))
    return path


def play(home: Path, nights: Sequence[Night]) -> Iterator[Played]:
    """All nights, one after the other."""
    month = Month(home)
    for number, night in enumerate(nights, 1):
        yield month.play(number, night)
