"""What Postfix delivers of what `mxscan send` sent: octet for octet, to whom, and the reports that were asked for."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import orjson
import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, PROBLEM

from .delivering import USER, DeliveringPostfix
from .foreground import Ran, run_all
from .mail_world import MailWorld

#: Everything that a transport could break: dots, line ends, NULs, all octets.
NASTY = b".\r\n..\r\n\n.\r\nFrom me\rto you\0" + bytes(range(256)) * 50
#: The same for text: a line of a dot, of two, one like a mailbox's separator, one too long, white space at the end.
TEXT = f"Grüße\n.\n..\n.hidden\nFrom me to you\n{'too long ' * 300}\ntrailing \t\n\n\nThe end \U0001f600\n"

#: What Postfix puts above a message, folded lines and all.
_TRACE = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To|Received):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+")


class Sending:
    """Sends by one command, and finds what was delivered."""

    def __init__(self, world: MailWorld, directory: Path) -> None:
        self._world = world
        self._kept = directory / "kept"

    def send(self, *arguments: str | Path) -> Ran:
        relay = [self._world.mail.relay(str(it)[6:]) if str(it).startswith("RELAY:") else it for it in arguments]
        port = () if "--relay" in arguments else self._world.port
        command = ["send", "--from", USER, *relay, *self._world.options(*port), "--save", self._kept]
        return run_all({"": command})[""]

    @property
    def result(self) -> Any:
        return orjson.loads((self._kept / "result.json").read_bytes())

    @property
    def message(self) -> bytes:
        """What `--save` says was sent."""
        return (self._kept / "message.eml").read_bytes()

    def delivered_to(self, mailbox: str) -> bytes:
        """The same message as it stands in a mailbox, without the trace fields that Postfix put above it."""
        message_id = self.result["message"]["message_id"].encode()
        (found,) = self._world.mail.delivered(mailbox, message_id)
        trace = _TRACE.match(found)
        assert trace is not None, found[:1000]
        return found[trace.end() :]


@pytest.fixture
def sending(mail_world: MailWorld, tmp_path: Path) -> Sending:
    return Sending(mail_world, tmp_path)


def parsed(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=default)


SERVERS = (
    ("8BITMIME and SMTPUTF8 are offered", "they@taken.real.test", ("--relay", "RELAY:plain-relay")),
    ("nothing is offered", "they@taken.real.test", ("--relay", "RELAY:old")),
    ("an address that needs SMTPUTF8", "jörg@taken.real.test", ("--relay", "RELAY:plain-relay")),
    ("the recipient's own MX, without TLS", "they@no-tls.real.test", ()),
)


@pytest.mark.parametrize(("mailbox", "relay"), [row[1:] for row in SERVERS], ids=[row[0] for row in SERVERS])
def test_a_message_arrives_octet_for_octet(
    sending: Sending, tmp_path: Path, mailbox: str, relay: tuple[str, ...]
) -> None:
    files = {"nasty.bin": NASTY, "Übersicht.pdf": b"%PDF-1.7\n", "lines.txt": b"a\nb\r\nc", "empty": b""}
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    attached = [word for name in files for word in ("--attach", tmp_path / name)]
    ran = sending.send("--to", mailbox, *relay, "--subject", "Grüße", "--body-file", tmp_path / "text", *attached)
    assert ran.exit_code == OK, ran.said
    delivered = sending.delivered_to(mailbox)
    assert delivered == sending.message
    found = parsed(delivered)
    assert {part.get_filename(): part.get_payload(decode=True) for part in found.iter_attachments()} == files
    body = found.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == TEXT
    assert (found["Subject"], found["From"]) == ("Grüße", USER)


def test_copies_arrive_and_nobody_sees_the_hidden_recipient(sending: Sending) -> None:
    you, me, they = "you@taken.real.test", "me@wants-tls.real.test", "they@taken.real.test"
    assert sending.send("--to", you, "--cc", me, "--bcc", they).exit_code == OK
    seen = {sending.delivered_to(mailbox) for mailbox in (you, they)}
    assert seen == {sending.message}
    assert b"they@" not in sending.message
    assert (parsed(sending.message)["To"], parsed(sending.message)["Cc"]) == (you, me)
    assert [each["fate"] for each in sending.result["recipients"]] == ["taken"] * 3


def test_a_partial_refusal_is_told_per_recipient_and_the_others_get_it(sending: Sending) -> None:
    ran = sending.send(
        *("--to", "you@taken.real.test", "--cc", "ghost@taken.real.test"),
        *("--bcc", "they@full.real.test", "--bcc", "all@greylists.real.test"),
    )
    assert ran.exit_code == PROBLEM
    told = ran.said.partition("\nrecipients\n")[2].splitlines()
    assert [" ".join(line.split()[:4]) for line in told[:4]] == [
        "you@taken.real.test taken 250 2.0.0",
        "ghost@taken.real.test NOT TAKEN 550",
        "they@full.real.test NOT TAKEN 452",
        "all@greylists.real.test NOT TAKEN 450",
    ]
    assert "SENT IN PART: The message was taken by taken.mx.real.test [127.80.50.1] for you@taken.real.test" in ran.said
    assert sending.delivered_to("you@taken.real.test") == sending.message


def test_who_was_greylisted_gets_it_when_it_is_sent_again(mail_world: MailWorld, tmp_path: Path) -> None:
    codes = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        codes.append(Sending(mail_world, tmp_path / str(number)).send("--to", "you@greylists.real.test").exit_code)
    assert codes == [INCONCLUSIVE, OK]


def test_a_report_comes_back_as_it_was_asked_for(
    sending: Sending, mail_postfix: DeliveringPostfix, tmp_path: Path
) -> None:
    envid = f"ticket 4711 of {tmp_path}"
    asked = ("--dsn-notify", "success,failure", "--dsn-return", "headers", "--dsn-envid", envid)
    assert sending.send("--to", "you@taken.real.test", *asked).exit_code == OK
    (report,) = mail_postfix.delivered(USER, f"Original-Envelope-Id: {envid}\r\n".encode())
    assert parsed(report).get_content_type() == "multipart/report"
    assert b"Action: delivered" in report
    assert b"text/rfc822-headers" in report
    assert sending.result["message"]["message_id"].encode() in report
