"""`mxscan send` in this process, towards a lab that stays open; what it printed, and what the lab's servers took."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from scanner.cli import run as run_command
from scanner.lab.child import LabChild
from scanner.lab.mail_store import KeptMessage, read_messages
from scanner.settings import Limits

#: Short, so that what is never answered is over soon; behaviours wait for shares of them.
LIMITS = Limits(
    connect_s=0.6, greeting_s=0.8, reply_s=0.8, tls_s=0.8, quit_s=0.3, session_s=5.0, message_s=1.0, policy_s=1.0
)

SENDER = "you@sender.lab"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Sent:
    """What a call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def found(self) -> dict[str, Any]:
        """The object of --json."""
        found: dict[str, Any] = orjson.loads(self.out)
        return found


class LabMail:
    """An open lab to send mail in."""

    def __init__(self, lab: LabChild, directory: Path) -> None:
        self._lab = lab
        self.roots = lab.roots
        self.config = directory / "config.toml"
        self.config.write_text(_config(lab))
        tomllib.loads(self.config.read_text())

    @property
    def port(self) -> int:
        """The port of all its mail servers."""
        return self._lab.smtp_port

    def relay(self, host: str) -> str:
        """The host as a relay."""
        return f"{host}:{self.port}"

    def messages(self) -> Sequence[KeptMessage]:
        """What its servers took so far."""
        return read_messages(self._lab.messages)

    def send(self, capture: "pytest.CaptureFixture[str]", *arguments: str) -> Sent:
        """Runs the command from SENDER, unless the arguments say otherwise."""
        sender = () if "--from" in arguments else ("--from", SENDER)
        capture.readouterr()
        code = run_command(["send", "--config", str(self.config), *sender, *arguments])
        captured = capture.readouterr()
        return Sent(code, captured.out, captured.err)


@contextmanager
def open_lab_mail(directory: Path) -> Iterator[LabMail]:
    """A lab that is open while the block runs."""
    with LabChild.start(directory / "lab", world="", domains=0, seed=0, limits=LIMITS) as lab:
        yield LabMail(lab, directory)


def _config(lab: LabChild) -> str:
    limits = "\n".join(f"{name} = {getattr(LIMITS, name)}" for name in _SHORTENED)
    return f"""\
[dns]
servers = ["{lab.dns_server}"]
lookup_s = 2.0
[probe]
port = {lab.smtp_port}
ehlo_name = "scanner.lab"
allow_networks = ["127.64.0.0/10"]
[trust]
ca_file = "{lab.roots}"
[vantage]
canary_domains = ["good.lab"]
[limits]
{limits}
"""


_SHORTENED = ("connect_s", "greeting_s", "reply_s", "tls_s", "quit_s", "session_s", "message_s", "policy_s")

SendInLab = Callable[..., Sent]
