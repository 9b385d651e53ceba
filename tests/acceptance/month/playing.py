"""A month of nights: each is the whole command in a process of its own, and only the clock is played.

Theory of operation. A night has a lab over its world, a relay that takes mail (or does not), and one start of
`mxscan watch`; where the power fails, another start an hour later, as a timer would make it. The processes are forks
of this one, so they have its clock; a pause within a night is jumped over by the night that makes it. All that
arrives at the relay, at the alert command and in the metrics is kept by night.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import msgspec

from scanner.commands import lab_scan
from scanner.commands import watch as watch_command
from scanner.outages.alerts import Alert
from tests.acceptance.month.nights import Night
from tests.acceptance.month.portfolio import World
from tests.acceptance.month.relay import USER, Relay
from tests.acceptance.month.served_lab import FIRST, Labs, ServedLab
from tests.faults.command import Ended, Fork, SharedLab, mxscan, start_mxscan
from tests.faults.scanning import LIMITS
from tests.net.mail_relay import MailRelay
from tests.watch.nights import HOUR_S, PlayedClock, PlayedLoop

#: A timer is not exact: each night begins a minute later than the one before, the first at 02:00.
LATER_S = 60

OPERATORS = ("ops@monitor.example", "deputy@monitor.example")


@dataclass(frozen=True)
class Arrived:
    """A mail that the relay took: for whom, and the message."""

    recipient: str
    message: EmailMessage


@dataclass(frozen=True)
class Played:
    """A night that was played: its starts, what arrived, what the relay heard and the command was told, the figures."""

    number: int
    night: Night
    began: datetime
    starts: tuple[Ended, ...]
    mails: tuple[Arrived, ...]
    heard: tuple[str, ...]
    told: tuple[Alert, ...]
    metrics: str


@dataclass(frozen=True)
class Rehearsed:
    """What `--dry-run` said, and the files of the state that it changed."""

    ended: Ended
    changed: frozenset[Path]


class Month:
    """The state directory that is watched over, and everything around it."""

    def __init__(self, home: Path) -> None:
        self.state = home / "state"
        self._home = home
        self._clock = PlayedClock(FIRST.timestamp())
        self._labs = Labs(home / "lab")
        self._relay = Relay(home)
        self._config = self._write_config()

    def play(self, number: int, night: Night) -> Played:
        """The night of this number, 1 being the first."""
        began = FIRST + (number - 1) * timedelta(days=1, seconds=LATER_S)
        self._go_to(began)
        starts: list[Ended] = []
        mails: list[Arrived] = []
        heard: list[str] = []
        if night.world is not None:
            with self._lab(night.world) as lab:
                for crash in (night.crash, None) if night.crash else (None,):
                    server = self._relay.tonight(night.relay)
                    starts.append(self._start(lab, server, crash))
                    mails += _arrived(server)
                    heard += server.commands if server else ()
                    self._clock.jump(HOUR_S)
        told, metrics = tuple(self._told()), (self._home / "watch.prom").read_text()
        return Played(number, night, began, tuple(starts), tuple(mails), tuple(heard), told, metrics)

    def rehearse(self, number: int, world: World) -> Rehearsed:
        """The command with `--dry-run`, on the evening before a night."""
        self._go_to(FIRST + (number - 1) * timedelta(days=1) - timedelta(hours=4))
        before = self._files()
        with self._lab(world) as lab:
            arguments = (*self._arguments(self._relay.place(None)), "--dry-run")
            ended = start_mxscan(self._home, *arguments, preparations=[self._prepared(lab)]).ended()
        return Rehearsed(ended, frozenset(path for path, _ in before.items() ^ self._files().items()))

    def ask(self, *options: str) -> Ended:
        """`mxscan watch` about what it knows."""
        return mxscan(self._home, "watch", "--state", self.state, *options)

    # A start -------------------------------------------------------------------------------------------

    def _lab(self, world: World) -> AbstractContextManager[ServedLab]:
        (self._home / "portfolio.csv").write_text(world.list())
        return self._labs.serving(world)

    def _start(self, lab: ServedLab, server: MailRelay | None, crash: Callable[[], None] | None) -> Ended:
        preparations = [self._prepared(lab), *([crash] if crash else [])]
        fork: Fork = start_mxscan(self._home, *self._arguments(self._relay.place(server)), preparations=preparations)
        if server is None:
            return fork.ended()
        with server:  # its thread begins after the fork
            return fork.ended()

    def _arguments(self, relay: str) -> list[str]:
        options = {
            "--state": self.state,
            "--config": self._config,
            "--owner-column": "owner",
            "--expect-mx": "metadata:mx",
            "--relay": relay,
            "--user": USER,
            "--password-file": self._relay.password_file,
            "--timezone": "Europe/Berlin",
            "--alert-command": f"tee -a '{self._home / 'told.jsonl'}'",
            "--metrics": self._home / "watch.prom",
        }
        words = [f"{word}" for option in options.items() for word in option]
        to = [word for operator in OPERATORS for word in ("--alert-to", operator)]
        return ["watch", f"{self._home / 'portfolio.csv'}", "--lab", "--quiet", *words, *to]

    def _prepared(self, lab: ServedLab) -> Callable[[], None]:
        replaced: list[tuple[object, str, object]] = [
            (lab_scan, "LabChild", SharedLab(lab)),  # type: ignore[arg-type]
            (watch_command, "SystemClock", lambda: self._clock),
            (watch_command, "chosen_loop", lambda _: ("asyncio", lambda: PlayedLoop(self._clock))),
        ]

        def prepare() -> None:
            for module, name, by in replaced:
                setattr(module, name, by)

        return prepare

    # Around it -----------------------------------------------------------------------------------------

    def _write_config(self) -> Path:
        # What is longer than a minute is a pause, and jumped over: no limit may be.
        tables: dict[str, dict[str, object]] = {
            "limits": {**msgspec.to_builtins(LIMITS), "policy_s": 5.0},
            "watch": {"pause_s": 300.0, "unstable_runs": 8, "keep_runs": 5},
            "alerts": {
                "ca_file": f"{self._relay.roots}",
                **dict.fromkeys(("reply_s", "message_s", "mail_s", "command_s"), 50.0),
            },
        }
        path = self._home / "watch.toml"
        path.write_text("".join(f"[{name}]\n{_toml(values)}" for name, values in tables.items()))
        return path

    def _go_to(self, at: datetime) -> None:
        self._clock.jump(at.timestamp() - self._clock.now_utc())

    def _files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.state.rglob("*") if path.is_file()}

    def _told(self) -> Iterator[Alert]:
        """What the alert command was told since this was asked last."""
        told = self._home / "told.jsonl"
        if told.exists():
            yield from (msgspec.json.decode(line, type=Alert) for line in told.read_bytes().splitlines())
            told.unlink()


def _arrived(server: MailRelay | None) -> Iterator[Arrived]:
    for mail in server.mails if server else ():
        message = message_from_bytes(mail.message, EmailMessage, policy=policy.default)
        yield from (Arrived(recipient, message) for recipient in mail.recipients)


def _toml(values: dict[str, object]) -> str:
    return "".join(f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in values.items())
