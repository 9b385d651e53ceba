"""Sending: what is said to each kind of server, in which order, and what becomes of the message."""

import re

import msgspec
import pytest

from scanner.net.tls import TlsSummary
from scanner.outcomes import Cause, Outcome, Stage, Stop, TlsMode
from scanner.probe.sending import SendOrder, size_octets
from scanner.records import SendRecord
from scanner.smtp.mail_data import encode_mail_data
from scanner.smtp.mailboxes import parse_mailbox
from scanner.smtp.parameters import Notify, Return
from scanner.smtp.sasl import Credentials
from tests.net.certificates import Served, server_context
from tests.net.scripted import Conversation, Server
from tests.probe.mail_servers import OFFERS_STARTTLS, Answer, TakesMessage, in_turn, mail_server, tls_mail_server
from tests.probe.probing import Probe
from tests.probe.transcripts import octets_of, remarks_of

SENDER, YOU, TOO = parse_mailbox("me@sender.test"), parse_mailbox("you@good.test"), parse_mailbox("too@good.test")
MESSAGE = b"Subject: test\r\n\r\nHello.\r\n.\r\n..two dots\r\n"
WHO = Credentials("user", "pa55word")


def order(**changes: object) -> SendOrder:
    """A message in the clear to one recipient, but for what is said."""
    fields = {"reverse_path": SENDER, "forward_paths": (YOU,), "message": MESSAGE, "tls_mode": TlsMode.none}
    return SendOrder(**(fields | changes))  # type: ignore[arg-type]


def end_of(record: SendRecord) -> tuple[Stage, Outcome, Stop | None, bool | None]:
    return record.stage, record.outcome, record.stop, record.delivered


SENT = (Stage.done, Outcome.ok, None, True)


def said(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("EHLO me.test", *lines)).encode()


MAIL, RCPT = "MAIL FROM:<me@sender.test> SIZE=40", "RCPT TO:<you@good.test>"


# What is said ---------------------------------------------------------------------------------------------


def test_a_message_is_sent_whole_and_recorded(probe: Probe) -> None:
    takes = TakesMessage()
    with Server(mail_server(data=takes)) as server:
        sent = probe.send(server, order())
    record = sent.record
    assert end_of(record) == SENT
    assert takes.message == MESSAGE
    assert octets_of(sent.transcript.lines, "C") == said(MAIL, RCPT, "DATA", "QUIT")
    assert record.session == "0123456789abcdef.1.send"
    replies = record.replies
    assert (replies.mail and replies.mail.enhanced_code, replies.data and replies.data.code) == ("2.1.0", 354)
    assert [reply.code for reply in replies.rcpt] == [250]
    assert replies.message is not None
    assert replies.message.lines == ("2.0.0 taken",)
    assert replies.quit is not None
    assert None not in (record.timings_ms.mail, record.timings_ms.rcpt, record.timings_ms.message)
    assert [(each.mailbox, each.accepted) for each in record.recipients] == [("you@good.test", True)]
    assert (record.message_octets, sent.bug) == (len(MESSAGE), None)
    assert f"message of {len(MESSAGE)} octets, SHA-256 {record.message_sha256}" in remarks_of(sent.transcript.lines)
    assert msgspec.json.decode(msgspec.json.encode(record), type=SendRecord) == record


def test_a_message_with_other_ends_of_line_is_sent_with_crlf(probe: Probe) -> None:
    takes = TakesMessage()
    with Server(mail_server(data=takes)) as server:
        probe.send(server, order(message=b"Subject: x\n\n.\nbare\rCR"))
    assert takes.message == b"Subject: x\r\n\r\n.\r\nbare\r\nCR\r\n"


@pytest.mark.parametrize("path", [None, SENDER])
def test_the_null_reverse_path_is_said_in_empty_brackets(probe: Probe, path: object) -> None:
    with Server(mail_server(data=TakesMessage())) as server:
        probe.send(server, order(reverse_path=path))
    assert f"MAIL FROM:<{path or ''}> ".encode() in server.heard


def offers(*keywords: str) -> bytes:
    return b"250-mx.test\r\n" + "".join(f"250-{keyword}\r\n" for keyword in keywords).encode() + b"250 HELP\r\n"


UTF8 = "Subject: grün\r\n\r\ngrün\r\n".encode()
BODY8 = "Subject: green\r\n\r\ngrün\r\n".encode()
ASCII = b"Subject: green\r\n\r\ngreen\r\n"
STRANGE = parse_mailbox("grün@good.test")

#: What the server offers, the order, what is said with MAIL (None: nothing is), and what stops us.
OFFERED: list[tuple[str, tuple[str, ...], SendOrder, str | None, Stop | None]] = [
    ("no SIZE", (), order(), "", None),
    ("SIZE without a number", ("SIZE",), order(), " SIZE=40", None),
    ("SIZE 0 is no limit", ("SIZE 0",), order(), " SIZE=40", None),
    ("just as large as is taken", ("SIZE 40",), order(), " SIZE=40", None),
    ("an octet too large", ("SIZE 39",), order(), None, Stop.message_too_large),
    ("a CR that is added counts", ("SIZE 13",), order(message=b"A: b\n\nabcd\n"), None, Stop.message_too_large),
    ("8-bit and 8BITMIME", ("8BITMIME",), order(message=BODY8), " BODY=8BITMIME", None),
    ("8-bit without it", (), order(message=BODY8), None, Stop.eight_bit_mime_not_offered),
    ("8-bit without it, and another form", (), order(message=BODY8, message_7bit=ASCII), "", None),
    ("8-bit with it: the other form is not taken", ("8BITMIME",), order(message=BODY8, message_7bit=ASCII),
     " BODY=8BITMIME", None),
    ("headers in UTF-8", ("8BITMIME", "SMTPUTF8"), order(message=UTF8), " BODY=8BITMIME SMTPUTF8", None),
    ("CRLF ends one line of the headers", ("8BITMIME",), order(message="A: b\r\nC: grün\n\n".encode()), None,
     Stop.smtputf8_not_offered),
    ("an empty line ends them, whatever ends it", ("8BITMIME",), order(message="A: b\n\rgrün".encode()),
     " BODY=8BITMIME", None),
    ("headers in UTF-8 without SMTPUTF8", ("8BITMIME",), order(message=UTF8), None, Stop.smtputf8_not_offered),
    ("and another form", ("8BITMIME",), order(message=UTF8, message_7bit=ASCII), "", None),
    ("an address in UTF-8", ("SMTPUTF8", "8BITMIME"), order(forward_paths=(STRANGE,)), " SMTPUTF8", None),
    ("and no SMTPUTF8", ("8BITMIME",), order(forward_paths=(STRANGE,)), None, Stop.smtputf8_not_offered),
    ("a sender in UTF-8, and no SMTPUTF8", (), order(reverse_path=STRANGE), None, Stop.smtputf8_not_offered),
    ("DSN", ("DSN",), order(ret=Return.headers, envid="id=1"), " RET=HDRS ENVID=id+3D1", None),
    ("no DSN", (), order(ret=Return.headers, envid="id=1", notify=frozenset({Notify.never})), "", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("keywords", "ordered", "parameters", "stop"), [row[1:] for row in OFFERED], ids=[row[0] for row in OFFERED]
)
def test_only_what_is_offered_is_used(
    probe: Probe, keywords: tuple[str, ...], ordered: SendOrder, parameters: str | None, stop: Stop | None
) -> None:
    takes = TakesMessage()
    with Server(mail_server(ehlo=offers(*keywords), data=takes)) as server:
        record = probe.send(server, ordered).record
    path = "" if ordered.reverse_path is None else str(ordered.reverse_path)
    if parameters is None:
        assert end_of(record) == (Stage.mail, Outcome.permanent_negative, stop, False)
        assert server.heard == said("QUIT")
        assert (record.replies.mail, record.message_octets) == (None, None)
        assert record.error is not None
    else:
        assert end_of(record) == SENT
        assert f"MAIL FROM:<{path}>{parameters}\r\n".encode() in server.heard
        assert record.dsn_left_out is (ordered.wants_dsn and "DSN" not in keywords)


@pytest.mark.parametrize("message", [b"a", b"a\n", b"a\r", b"a\r\n", b"\r\r\n\n", b"a\n\rb", b".\r\n..", b"\n\r\n\r"])
def test_the_size_of_a_message_is_that_of_its_lines_with_crlf(message: bytes) -> None:
    sent = encode_mail_data(message).removesuffix(b".\r\n")
    assert size_octets(message) == len(re.sub(rb"^\.\.", b".", sent, flags=re.MULTILINE))


def test_a_report_is_asked_for_with_each_recipient_where_dsn_is_offered(probe: Probe) -> None:
    notify = frozenset({Notify.success, Notify.failure})
    with Server(mail_server(ehlo=offers("DSN"), data=TakesMessage())) as server:
        probe.send(server, order(forward_paths=(YOU, TOO), notify=notify))
    assert b"RCPT TO:<you@good.test> NOTIFY=SUCCESS,FAILURE\r\n" in server.heard
    assert b"RCPT TO:<too@good.test> NOTIFY=SUCCESS,FAILURE\r\n" in server.heard


# Recipients -----------------------------------------------------------------------------------------------

OK, UNKNOWN, LATER = b"250 ok\r\n", b"550 5.1.1 user unknown\r\n", b"451 4.7.1 greylisted, come back\r\n"
TRANSIENT, PERMANENT = Outcome.transient_negative, Outcome.permanent_negative
RECIPIENTS: list[tuple[str, list[bytes], tuple[Stage, Outcome, Stop | None, bool | None], list[bool]]] = [
    ("all", [OK, OK], SENT, [True, True]),
    ("251 will forward", [b"251 ok\r\n", OK], SENT, [True, True]),
    ("the first is unknown", [UNKNOWN, OK], SENT, [False, True]),
    ("the last later", [OK, LATER], SENT, [True, False]),
    ("none", [UNKNOWN, UNKNOWN], (Stage.rcpt, PERMANENT, Stop.no_recipient, False), [False, False]),
    ("none, one of them perhaps later", [LATER, UNKNOWN], (Stage.rcpt, TRANSIENT, Stop.no_recipient, False),
     [False, False]),
    ("421 at the first: nothing is said after that", [b"421 bye\r\n"], (Stage.rcpt, TRANSIENT, None, False),
     [False, False]),
    ("421 at the last", [OK, b"421 bye\r\n"], (Stage.rcpt, TRANSIENT, None, False), [True, False]),
    ("a reply that RCPT cannot have", [b"354 go\r\n"], (Stage.rcpt, Outcome.malformed, None, False), [False, False]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("replies", "end", "accepted"), [row[1:] for row in RECIPIENTS], ids=[row[0] for row in RECIPIENTS]
)
def test_who_is_refused_does_not_keep_the_others_from_their_mail(
    probe: Probe, replies: list[bytes], end: tuple[Stage, Outcome, Stop | None, bool | None], accepted: list[bool]
) -> None:
    with Server(mail_server(rcpt=in_turn(*replies), data=TakesMessage())) as server:
        sent = probe.send(server, order(forward_paths=(YOU, TOO)))
    assert end_of(sent.record) == end
    assert [each.accepted for each in sent.record.recipients] == accepted
    assert [each.mailbox for each in sent.record.recipients] == ["you@good.test", "too@good.test"]
    assert len(sent.record.replies.rcpt) == len(replies)
    assert (b"DATA" in server.heard) is (end == SENT)
    assert server.heard.endswith(b"QUIT\r\n")


def test_why_a_recipient_was_refused_is_told_of_each(probe: Probe) -> None:
    with Server(mail_server(rcpt=in_turn(UNKNOWN, LATER))) as server:
        record = probe.send(server, order(forward_paths=(YOU, TOO))).record
    first, second = record.recipients
    assert (first.cause, first.about_us) == (Cause.user_unknown, False)
    assert (second.cause, second.about_us) == (Cause.greylisted, True)
    assert first.reply is not None
    assert first.reply.code == 550


# TLS ------------------------------------------------------------------------------------------------------


def test_with_starttls_the_message_is_said_under_tls_alone(probe: Probe, served: Served) -> None:
    takes = TakesMessage()
    with Server(tls_mail_server(server_context(served), data=takes)) as server:
        sent = probe.send(server, order(tls_mode=TlsMode.starttls))
    assert end_of(sent.record) == SENT
    assert takes.message == MESSAGE
    lines = octets_of(sent.transcript.lines, "C")
    assert lines == said("STARTTLS", "EHLO me.test", MAIL, RCPT, "DATA", "QUIT")
    assert sent.record.extensions == {"SIZE": "1000", "STARTTLS": ""}
    assert sent.record.extensions_after_tls == {"SIZE": "2000", "AUTH": "PLAIN"}
    assert sent.chain == served.chain


def test_with_implicit_tls_nothing_is_said_in_the_clear(probe: Probe, served: Served) -> None:
    takes = TakesMessage()

    def secure(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        mail_server(ehlo=OFFERS_STARTTLS, data=takes)(conversation)

    with Server(secure) as server:
        sent = probe.send(server, order(tls_mode=TlsMode.implicit))
    assert end_of(sent.record) == SENT
    assert takes.message == MESSAGE
    assert b"STARTTLS" not in octets_of(sent.transcript.lines, "C")


TLS_REFUSALS: list[tuple[str, TlsMode, bytes, Answer, tuple[Stage, Outcome, Stop | None, bool | None]]] = [
    ("not offered", TlsMode.starttls, offers(), OK,
     (Stage.starttls, PERMANENT, Stop.starttls_not_offered, False)),
    ("refused", TlsMode.starttls, OFFERS_STARTTLS, b"454 no\r\n", (Stage.starttls, TRANSIENT, None, False)),
    ("not offered to an opportunist", TlsMode.opportunistic, offers(), OK, SENT),
    ("refused to one", TlsMode.opportunistic, OFFERS_STARTTLS, b"454 no\r\n", SENT),
    ("refused to one for good", TlsMode.opportunistic, OFFERS_STARTTLS, b"554 no\r\n", SENT),
    ("421 to one", TlsMode.opportunistic, OFFERS_STARTTLS, b"421 bye\r\n",
     (Stage.starttls, TRANSIENT, None, False)),
    ("250 to STARTTLS", TlsMode.opportunistic, OFFERS_STARTTLS, b"250 ok\r\n",
     (Stage.starttls, Outcome.malformed, None, False)),
    ("offered, and not wanted", TlsMode.none, OFFERS_STARTTLS, b"220 go\r\n", SENT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "ehlo", "starttls", "end"), [row[1:] for row in TLS_REFUSALS], ids=[row[0] for row in TLS_REFUSALS]
)
def test_without_tls_a_message_goes_only_where_that_was_asked_for(
    probe: Probe, mode: TlsMode, ehlo: bytes, starttls: Answer, end: tuple[Stage, Outcome, Stop | None, bool | None]
) -> None:
    with Server(mail_server(ehlo=ehlo, starttls=starttls, data=TakesMessage())) as server:
        record = probe.send(server, order(tls_mode=mode)).record
    assert end_of(record) == end
    assert (b"MAIL" in server.heard) is (end == SENT)
    assert server.heard.endswith(b"QUIT\r\n")


@pytest.mark.parametrize(
    ("mode", "credentials", "insecure", "is_sent"),
    [
        (TlsMode.starttls, None, False, False),
        (TlsMode.starttls, None, True, True),
        (TlsMode.opportunistic, None, False, True),
        (TlsMode.opportunistic, WHO, False, False),
        (TlsMode.opportunistic, WHO, True, True),
    ],
)
def test_tls_with_a_problem_is_relied_on_only_where_nothing_depends_on_it(
    probe: Probe, served: Served, mode: TlsMode, credentials: Credentials | None, insecure: bool, is_sent: bool
) -> None:
    judged: list[TlsSummary] = []

    def judge(summary: TlsSummary) -> str:
        judged.append(summary)
        return "it is for another name"

    ordered = order(tls_mode=mode, credentials=credentials, insecure=insecure, judge_tls=judge)
    with Server(tls_mail_server(server_context(served), data=TakesMessage())) as server:
        record = probe.send(server, ordered).record
    assert [summary.chain for summary in judged] == [served.chain]
    assert record.tls_problem == "it is for another name"
    if is_sent:
        assert end_of(record) == SENT
    else:
        assert end_of(record) == (Stage.tls, Outcome.tls_failed, Stop.tls_not_trusted, False)
        assert record.error == "it is for another name"
        assert b"AUTH" not in server.heard
        assert b"MAIL" not in server.heard
        assert server.heard.endswith(b"QUIT\r\n")


# Stopping as asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "lines"),
    [
        (Stage.connect, ""),
        (Stage.ehlo, "EHLO"),
        (Stage.tls, "EHLO"),
        (Stage.auth, "EHLO AUTH"),
        (Stage.mail, "EHLO AUTH MAIL"),
        (Stage.rcpt, "EHLO AUTH MAIL RCPT"),
    ],
)
def test_after_the_stage_that_was_named_comes_quit_and_nothing_is_sent(probe: Probe, stage: Stage, lines: str) -> None:
    ordered = order(quit_after=stage, credentials=WHO, insecure=True)
    with Server(mail_server(ehlo=offers("AUTH PLAIN"), data=TakesMessage())) as server:
        record = probe.send(server, ordered).record
    assert end_of(record) == (stage, Outcome.ok, Stop.as_asked, False)
    assert [line.split()[0].decode() for line in server.heard.splitlines()] == [*lines.split(), "QUIT"]


def test_a_bug_of_ours_is_an_outcome_and_its_words_are_not_told(probe: Probe, served: Served) -> None:
    def fail(summary: TlsSummary) -> str:
        raise ValueError(WHO.password)

    def secure(conversation: Conversation) -> None:
        conversation.secure(context)
        mail_server()(conversation)

    context = server_context(served)
    with Server(secure) as server:
        sent = probe.send(server, order(tls_mode=TlsMode.implicit, judge_tls=fail, credentials=WHO))
    assert (sent.record.outcome, sent.record.error) == (Outcome.scanner_bug, "ValueError")
    assert sent.bug is not None
    assert "in fail" in sent.bug
    assert "pa55word" not in sent.bug
