"""`mxscan watch` of a real Postfix: it goes down, which a mail through another one tells and proves, and comes back."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from scanner.exit_codes import OK, PROBLEM
from tests.acceptance.running import mxscan

from . import name_servers
from .mail_taking import MailTaking, mail_taking
from .name_servers import Nsd, Unbound
from .postfix import Postfix, configured_postfix
from .scans import place_options
from .smtpds import Smtpd

pytestmark = [pytest.mark.acceptance, pytest.mark.servers]

#: The other one, which takes the alerts, is watched too: it is what tells an outage from a fault of ours.
_ZONE = """\
$ORIGIN real.test.
$TTL 300
@            SOA  ns.real.test. hostmaster.real.test. 1 3600 600 86400 60
@            NS   ns.real.test.
@            MX   10 in.mx
in.mx        A    127.82.0.3
watched      MX   10 watched.mx
watched.mx   A    127.83.0.1
"""


@pytest.fixture(scope="module")
def alerted_postfix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailTaking]:
    """The one through which alerts are sent."""
    with mail_taking(tmp_path_factory.mktemp("alerted")) as taking:
        yield taking


@pytest.fixture(scope="module")
def watched_postfix(alerted_postfix: MailTaking) -> Iterator[Postfix]:
    """The one that goes down; a watch has one port for all servers."""
    service = Smtpd("watched", "127.83.0.1", "good", ("smtpd_tls_security_level=may",))
    with configured_postfix([service], port=alerted_postfix.postfix.port) as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def watching_nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    with name_servers.nsd(tmp_path_factory.mktemp("nsd"), {"real.test.": _ZONE}) as server:
        yield server


@pytest.fixture(scope="module")
def watching_unbound(tmp_path_factory: pytest.TempPathFactory, watching_nsd: Nsd) -> Iterator[Unbound]:
    with name_servers.unbound(tmp_path_factory.mktemp("unbound"), watching_nsd.port, ["real.test."]) as server:
        yield server


@dataclass(frozen=True)
class Watching:
    """A watch over both, whose alerts are delivered by the second."""

    directory: Path
    resolver: Unbound
    alerted: MailTaking

    def night(self) -> int:
        """A run; its exit code."""
        listed = self.directory / "list.txt"
        listed.write_text("watched.real.test\nreal.test\n")
        options = place_options(
            self.directory,
            self.resolver.port,
            self.alerted.postfix.port,
            watch={"pause_s": 1.0},
            trust={"ca_file": f"{self.alerted.postfix.ca_file}"},
        )
        options[options.index("--allow-network") + 1] = "127.82.0.0/15"
        relay = ("--relay", f"127.82.0.3:{self.alerted.postfix.port}", "--relay-tls", "none")
        ended = mxscan(
            "watch", listed, "--state", self.directory / "state", *options, *relay, "--alert-to", "you@real.test",
            "--quiet",
        )  # fmt: skip
        assert ended.stderr == b"", ended.stderr.decode()
        return ended.returncode

    def alert(self, subject: str) -> EmailMessage:
        """The alert of this subject as it was delivered."""
        octets = self.alerted.delivered("you", f"Subject: [mxscan] watched.mx.real.test: {subject}")
        return message_from_bytes(octets, EmailMessage, policy=policy.default)

    @property
    def mailbox(self) -> list[Path]:
        return list((self.alerted.postfix.directory / "mail/you/new").glob("*"))


@pytest.fixture
def watching(tmp_path: Path, watching_unbound: Unbound, alerted_postfix: MailTaking) -> Iterator[Watching]:
    watch = Watching(tmp_path, watching_unbound, alerted_postfix)
    yield watch
    for path in watch.mailbox:
        path.unlink()


@contextlib.contextmanager
def stopped(postfix: Postfix) -> Iterator[None]:
    """`postfix stop` and `postfix start`."""
    postfix.stop()
    try:
        yield
    finally:
        postfix.start()


@contextlib.contextmanager
def frozen(postfix: Postfix) -> Iterator[None]:
    """Its master stands still, and starts no smtpd: the kernel takes connections, and nobody speaks."""
    postfix.stop()  # with those that wait for another client
    postfix.start()
    master = int((postfix.directory / "spool/pid/master.pid").read_text())
    os.kill(master, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(master, signal.SIGCONT)


Outage = Callable[[Postfix], contextlib.AbstractContextManager[None]]

#: How it is down, and what the mail says of each attempt, how it ended, and its transcript.
OUTAGES: list[tuple[Outage, str, list[str], list[str]]] = [
    (
        stopped,
        "stage connect, refused: the connection was refused",
        ["error Connection refused (ECONNREFUSED)"] * 2,
        [
            "connect 127.83.0.1:{port} limit 1 s",
            "connect 127.83.0.1:{port} limit 1.2 s",
            "ECONNREFUSED: Connection refused",
        ],
    ),
    (
        frozen,
        "stage greeting, timed_out: the connection came up, but no greeting came within the limit",
        ["limit limits.greeting_s = 3 s", "limit limits.greeting_s = 3.6 s"],
        ["connect 127.83.0.1:{port} limit 1 s", "connected"],
    ),
]


@pytest.mark.parametrize(("outage", "ended", "why", "transcript"), OUTAGES, ids=["stopped", "frozen"])
def test_a_postfix_goes_down_and_comes_back(
    watched_postfix: Postfix,
    watching: Watching,
    outage: Outage,
    ended: str,
    why: list[str],
    transcript: list[str],
) -> None:
    assert watching.night() == OK
    assert watching.mailbox == []
    with outage(watched_postfix):
        assert watching.night() == PROBLEM
    down = watching.alert("DOWN (1 domain)")
    said = _words(down)
    assert said.count(f"ended {ended}") == 2
    for words in why:
        assert words in said
    [attached] = (part.get_content() for part in down.iter_attachments())
    for words in transcript:
        assert words.format(port=watched_postfix.port) in attached
    assert watching.night() == OK
    back = watching.alert("back online after")
    assert re.search(r"after [1-9]\d*(\.\d)? s \(1 domain\)$", back["Subject"])
    assert back["In-Reply-To"] == down["Message-ID"]
    assert "1 domain receives mail again" in _words(back)
    assert len(watching.mailbox) == 2


def _words(message: EmailMessage) -> str:
    """The body, its columns and line ends as single spaces."""
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())
