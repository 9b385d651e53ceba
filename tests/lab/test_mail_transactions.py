"""Mail at the lab's servers: what is taken, from whom, for whom, and what is kept of it."""

import time
from pathlib import Path

import pytest

from scanner.lab import mail_transaction
from scanner.lab.mail_store import KeptMessage, read_messages
from scanner.lab.world import Behaviour

from .conftest import OpenLab
from .running import ADDRESS, HOST, LIMITS, Client, RunningLab, start_tls, world_of


def greeted(open_lab: OpenLab, **behaviour: object) -> tuple[RunningLab, Client]:
    lab = open_lab(world_of(Behaviour(**behaviour)))  # type: ignore[arg-type]
    client = lab.connect()
    client.hear_reply()
    client.ask(b"EHLO client.lab")
    return lab, client


def codes(client: Client, *commands: bytes) -> list[bytes]:
    return [client.ask(command)[:3] for command in commands]


def kept(lab: RunningLab) -> list[KeptMessage]:
    return read_messages(lab.directory / "messages")


# What is in order -----------------------------------------------------------------------------------------

MAIL, RCPT = b"MAIL FROM:<you@sender.lab>", b"RCPT TO:<me@here.lab>"

SEQUENCES = [
    ((MAIL, MAIL), [b"250", b"503"], "one sender"),
    ((MAIL, RCPT, RCPT, b"RSET", RCPT), [b"250", b"250", b"250", b"250", b"503"], "RSET forgets"),
    ((MAIL, b"EHLO client.lab", MAIL), [b"250", b"250", b"250"], "RFC 5321 §4.1.4: so does EHLO"),
    ((MAIL, b"DATA"), [b"250", b"503"], "no recipient"),
    ((MAIL, b"RCPT TO:<>", b"DATA"), [b"250", b"501", b"503"], "no recipient that was taken"),
    ((MAIL, b"BDAT 0 LAST"), [b"250", b"503"], "chunks neither"),
    ((MAIL, RCPT, b"BDAT"), [b"250", b"250", b"501"], "a chunk without a size"),
    ((MAIL, RCPT, b"BDAT 0", b"DATA"), [b"250", b"250", b"250", b"503"], "RFC 3030 §2: DATA after a chunk"),
    ((b"MAIL FROM:<a@b.lab> SIZE=35882577",), [b"250"], "as large as is offered"),
    ((b"MAIL FROM:<a@b.lab> SIZE=35882578",), [b"552"], "larger"),
    ((b"MAIL FROM:<a@b.lab> SMTPUTF8",), [b"555"], "not offered"),
]


@pytest.mark.parametrize(("commands", "replies", "why"), SEQUENCES, ids=[row[-1] for row in SEQUENCES])
def test_commands_are_taken_in_their_order(
    open_lab: OpenLab, commands: tuple[bytes, ...], replies: list[bytes], why: str
) -> None:
    _, client = greeted(open_lab)
    assert codes(client, *commands) == replies


def test_bdat_is_unknown_where_chunking_is_not_offered(open_lab: OpenLab) -> None:
    _, client = greeted(open_lab, extensions=("SIZE 1000",))
    assert codes(client, MAIL, RCPT, b"BDAT 0 LAST") == [b"250", b"250", b"500"]


def test_recipients_have_an_end(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_transaction, "MAX_RECIPIENTS", 2)
    _, client = greeted(open_lab)
    assert codes(client, MAIL, RCPT, RCPT, RCPT) == [b"250", b"250", b"250", b"452"]


# What a behaviour says of it ------------------------------------------------------------------------------

STAGES = [
    ("mail", (MAIL,)),
    ("rcpt", (MAIL, RCPT)),
    ("data", (MAIL, RCPT, b"DATA")),
    ("message", (MAIL, RCPT, b"DATA", b"hello\r\n.")),
]


@pytest.mark.parametrize(("stage", "commands"), STAGES, ids=[row[0] for row in STAGES])
def test_what_is_refused_has_not_happened(open_lab: OpenLab, stage: str, commands: tuple[bytes, ...]) -> None:
    lab, client = greeted(open_lab, **{stage: ("send 450 4.2.0 not now\\r\\n",)})
    assert codes(client, *commands)[-1] == b"450"
    after = {"mail": RCPT, "rcpt": b"DATA", "data": b"NOOP", "message": RCPT}[stage]
    assert codes(client, after) == [b"250" if stage == "data" else b"503"]
    assert kept(lab) == []


@pytest.mark.parametrize(("stage", "commands"), STAGES, ids=[row[0] for row in STAGES])
def test_a_wait_is_a_share_of_the_limit_of_its_stage(
    open_lab: OpenLab, stage: str, commands: tuple[bytes, ...]
) -> None:
    _, client = greeted(open_lab, **{stage: ("wait 0.5", "send 299 now\\r\\n")})
    codes(client, *commands[:-1])
    started_s = time.monotonic()
    assert codes(client, commands[-1]) == [b"299"]
    limit_s = LIMITS.message_s if stage == "message" else LIMITS.reply_s
    assert limit_s * 0.5 <= time.monotonic() - started_s + 0.002 < limit_s * 0.5 + 1


def test_a_sender_and_a_recipient_may_be_answered_in_their_own_way(open_lab: OpenLab) -> None:
    lab, client = greeted(
        open_lab,
        mail=("send 550 5.1.8 nobody else\\r\\n",),
        senders={"*@sender.lab": (), "": ("send 250 2.1.0 a bounce\\r\\n",)},
        recipients={"me@*": ("send 250-2.1.5 it is\\r\\n250 2.1.5 you\\r\\n",), "*@here.lab": ("send 550 no\\r\\n",)},
    )
    assert client.ask(b"MAIL FROM:<a@b.lab>").startswith(b"550 5.1.8")
    assert client.ask(b"MAIL FROM:<>") == b"250 2.1.0 a bounce\r\n"
    client.ask(b"RSET")
    assert client.ask(b"MAIL FROM:<You@Sender.LAB>") == b"250 2.1.0 Sender OK\r\n"
    assert codes(client, RCPT, b"RCPT TO:<you@here.lab>", b"RCPT TO:<x@b.lab>") == [b"250", b"550", b"250"]
    assert codes(client, b"DATA", b".") == [b"354", b"250"]
    (message,) = kept(lab)
    assert [each.forward_path for each in message.envelope.recipients] == ["me@here.lab", "x@b.lab"]


def test_what_is_required_is_asked_for_before_mail(open_lab: OpenLab) -> None:
    lab, client = greeted(open_lab, requires_tls=True)
    for command in (MAIL, b"RSET", b"VRFY you"):
        assert client.ask(command).startswith(b"530 5.7.0 Must issue a STARTTLS"), command
    assert codes(client, b"NOOP", b"QUIT") == [b"250", b"221"]
    assert start_tls(lab).ask(MAIL)[:3] == b"250"


def test_strangers_may_send_to_local_domains_only(open_lab: OpenLab) -> None:
    _, client = greeted(open_lab, local_domains=("here.lab",))
    recipients = (b"RCPT TO:<a@HERE.lab>", b"RCPT TO:<postmaster>", b"RCPT TO:<a@sub.here.lab>", b"RCPT TO:<a@b.lab>")
    assert codes(client, MAIL, *recipients) == [b"250", b"250", b"250", b"554", b"554"]
    assert client.ask(b"RCPT TO:<a@b.lab>") == b"554 5.7.1 <a@b.lab>: Relay access denied\r\n"


def test_a_server_may_have_enough_before_the_end_of_a_message(open_lab: OpenLab) -> None:
    lab, client = greeted(
        open_lab, data=("send 354 on\\r\\n", "deafen", "wait 0.2", "send 552 5.3.4 stop\\r\\n", "silence")
    )
    assert codes(client, MAIL, RCPT, b"DATA") == [b"250", b"250", b"354"]
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.say(b"x" * 50_000_000)
    client.socket.settimeout(5)
    assert client.hear_reply() == b"552 5.3.4 stop\r\n"
    lab.stop()


# What is kept ---------------------------------------------------------------------------------------------

MESSAGES = [
    ((b"DATA", b"Subject: x\r\n\r\nHello\r\n."), b"Subject: x\r\n\r\nHello\r\n", "data", "lines"),
    ((b"DATA", b"."), b"", "data", "nothing"),
    ((b"DATA", b"a\r\n..\r\n..b\r\nQUIT\r\n."), b"a\r\n.\r\n.b\r\nQUIT\r\n", "data", "dots, and a command"),
    ((b"DATA", bytes(range(256)).replace(b"\r", b"\r\n") + b"\r\n."), None, "data", "every octet"),
    ((b"BDAT 5\r\nab\r\nc", b"BDAT 4 LAST\r\n.\r\nx"), b"ab\r\nc.\r\nx", "bdat", "chunks"),
]


@pytest.mark.parametrize(("said", "meant", "by", "why"), MESSAGES, ids=[row[-1] for row in MESSAGES])
def test_a_message_is_kept_octet_by_octet(
    open_lab: OpenLab, said: tuple[bytes, ...], meant: bytes | None, by: str, why: str
) -> None:
    lab, client = greeted(open_lab)
    for _ in range(2):  # a second transaction finds nothing left of the first
        codes(client, MAIL, RCPT)
        for octets in said:
            client.say(octets if octets.startswith(b"BDAT") else octets + b"\r\n")
            client.hear_reply()
    first, second = kept(lab)
    assert first == second
    assert first.octets == (said[1].removesuffix(b".") if meant is None else meant)
    assert (first.envelope.octets, first.envelope.by) == (len(first.octets), by)


def test_the_envelope_says_how_a_message_came(open_lab: OpenLab) -> None:
    behaviour = Behaviour(extensions=("SIZE", "8BITMIME", "SMTPUTF8", "DSN"))
    lab = open_lab(world_of(behaviour))
    client = start_tls(lab)
    client.ask(b"EHLO inner.lab")
    client.ask("MAIL FROM:<jörg@sender.lab> SMTPUTF8 BODY=8BITMIME SIZE=3".encode())
    client.ask(b"RCPT TO:<a@here.lab> NOTIFY=NEVER")
    client.ask(b"DATA")
    client.ask("ü\r\n.".encode())
    (message,) = kept(lab)
    envelope = message.envelope
    assert (envelope.host, envelope.address, envelope.helo, envelope.tls) == (HOST, ADDRESS, "inner.lab", True)
    assert (envelope.user, envelope.client_certificate) == (None, None)
    assert (envelope.reverse_path, envelope.mail_parameters) == (
        "jörg@sender.lab",
        ("SMTPUTF8", "BODY=8BITMIME", "SIZE=3"),
    )
    assert [(each.forward_path, each.parameters) for each in envelope.recipients] == [("a@here.lab", ("NOTIFY=NEVER",))]


@pytest.mark.parametrize("behaviour", [{"extensions": ("SIZE 100",)}, {"max_message_bytes": 100}])
def test_what_is_too_large_is_refused_after_its_end(open_lab: OpenLab, behaviour: dict[str, object]) -> None:
    lab, client = greeted(open_lab, **behaviour)
    for octets, code in ((98, b"250"), (99, b"552"), (100_000, b"552"), (98, b"250")):
        assert codes(client, MAIL, RCPT, b"DATA", b"x" * octets + b"\r\n.")[-1] == code
    assert [message.envelope.octets for message in kept(lab)] == [100, 100]


def test_a_lab_without_room_says_so(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.lab.mail_store.MailStore.__init__.__defaults__", (1, 1 << 20))
    lab, client = greeted(open_lab)
    assert codes(client, MAIL, RCPT, b"DATA", b"1\r\n.")[-1] == b"250"
    assert codes(client, MAIL, RCPT, b"DATA", b"2\r\n.")[-1] == b"452"
    assert len(kept(lab)) == 1


def test_a_message_that_breaks_off_is_neither_kept_nor_taken_for_commands(open_lab: OpenLab) -> None:
    lab, client = greeted(open_lab)
    codes(client, MAIL, RCPT, b"DATA")
    client.say(b"secret\r\nwords\r\n")
    client.close()
    with lab.connect() as later:
        later.hear_reply()
    first, _ = lab.sessions()
    assert first.commands == ["EHLO", "MAIL", "RCPT", "DATA"]
    assert kept(lab) == []


def test_a_message_that_nobody_reads_is_not_taken_for_commands(open_lab: OpenLab) -> None:
    lab, client = greeted(open_lab, data=("send 354 on\\r\\n", "silence"))
    codes(client, MAIL, RCPT, b"DATA")
    client.say(b"secret\r\nwords\r\n.\r\n")
    (session,) = lab.sessions()
    assert session.commands == ["EHLO", "MAIL", "RCPT", "DATA"]


def test_the_deaf_stay_deaf_whoever_comes_next(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=("send 220 hello\\r\\n", "deafen"))))
    first = lab.connect()
    first.hear_reply()
    first.say(b"NOOP\r\n")
    assert lab.connect().hear_reply()[:3] == b"220"
    assert first.hears_nothing_for(0.1)


def test_the_log_has_the_paths_as_they_came(open_lab: OpenLab) -> None:
    lab, client = greeted(open_lab)
    codes(client, b"mail FROM:<a@b.lab> SIZE=1", b"RCPT TO:<\xff@b.lab>", b"RCPT", b"QUIT")
    (session,) = lab.sessions()
    assert session.paths == ["mail FROM:<a@b.lab> SIZE=1", "RCPT TO:<\\xff@b.lab>", "RCPT"]


def test_messages_outlive_a_lab_and_the_next_one_goes_on(open_lab: OpenLab, tmp_path: Path) -> None:
    for number in range(2):
        lab, client = greeted(open_lab)
        assert codes(client, MAIL, RCPT, b"DATA", b"%d\r\n." % number)[-1] == b"250"
        lab.stop()
    assert [message.octets for message in read_messages(tmp_path / "messages")] == [b"0\r\n", b"1\r\n"]
