"""The survey with an envelope: MAIL and one RCPT, nothing after them, and no word of it in the session's own end."""

import msgspec
import pytest

from scanner.outcomes import Cause, Outcome, Stage
from scanner.records import Transaction
from scanner.smtp.envelope import Envelope
from scanner.smtp.mailboxes import parse_mailbox
from tests.net.certificates import Served, server_context
from tests.net.scripted import Server
from tests.probe.mail_servers import (
    EHLO,
    Answer,
    close,
    mail_server,
    reset,
    say_and_close,
    say_and_reset,
    silence,
    tls_mail_server,
)
from tests.probe.probing import PATIENT, HeldClock, Probe
from tests.probe.transcripts import octets_of

YOU, STRANGE = parse_mailbox("you@good.test"), parse_mailbox("grün@good.test")
ENVELOPE = Envelope(parse_mailbox("me@sender.test"), YOU)
MAIL, RCPT = b"MAIL FROM:<me@sender.test>\r\n", b"RCPT TO:<you@good.test>\r\n"
HELLO, QUIT = b"EHLO me.test\r\n", b"QUIT\r\n"
OFFERS_SMTPUTF8 = b"250-mx.test\r\n250 SMTPUTF8\r\n"


def end_of(transaction: Transaction | None) -> tuple[Stage, Outcome]:
    assert transaction is not None
    return transaction.stage, transaction.outcome


def test_an_accepted_recipient_is_the_end_and_nothing_is_said_but_quit(probe: Probe) -> None:
    probe.envelope = ENVELOPE
    with Server(mail_server()) as server:
        probed = probe(server)
    assert server.heard == HELLO + MAIL + RCPT + QUIT
    assert end_of(probed.transaction) == (Stage.done, Outcome.ok)
    record = probed.record
    assert (record.stage, record.outcome) == (Stage.done, Outcome.ok)
    assert record.replies.mail is not None
    assert record.replies.mail.enhanced_code == "2.1.0"
    assert [reply.enhanced_code for reply in record.replies.rcpt] == ["2.1.5"]
    assert None not in (record.timings_ms.mail, record.timings_ms.rcpt)
    assert record.extensions == {"SIZE": "1000"}


def test_under_tls_both_lists_of_extensions_are_kept_as_they_were(probe: Probe, served: Served) -> None:
    probe.envelope = ENVELOPE
    with Server(tls_mail_server(server_context(served))) as server:
        probed = probe(server)
    assert end_of(probed.transaction) == (Stage.done, Outcome.ok)
    assert octets_of(probed.transcript.lines, "C") == HELLO + b"STARTTLS\r\n" + HELLO + MAIL + RCPT + QUIT
    assert probed.record.extensions == {"SIZE": "1000", "STARTTLS": ""}
    assert probed.record.extensions_after_tls == {"SIZE": "2000", "AUTH": "PLAIN"}


@pytest.mark.parametrize(
    ("envelope", "ehlo", "said"),
    [
        (Envelope(None, YOU), EHLO, b"MAIL FROM:<>\r\n" + RCPT),
        (Envelope(None, STRANGE), OFFERS_SMTPUTF8, "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<grün@good.test>\r\n".encode()),
        (Envelope(STRANGE, YOU), OFFERS_SMTPUTF8, "MAIL FROM:<grün@good.test> SMTPUTF8\r\n".encode() + RCPT),
        (ENVELOPE, OFFERS_SMTPUTF8, MAIL + RCPT),
    ],
    ids=["the null reverse-path", "a recipient in UTF-8", "a sender in UTF-8", "offered and not needed"],
)
def test_an_envelope_is_said_as_it_must_be(probe: Probe, envelope: Envelope, ehlo: bytes, said: bytes) -> None:
    probe.envelope = envelope
    with Server(mail_server(ehlo=ehlo)) as server:
        probed = probe(server)
    assert server.heard == HELLO + said + QUIT
    assert end_of(probed.transaction) == (Stage.done, Outcome.ok)


@pytest.mark.parametrize("envelope", [Envelope(None, STRANGE), Envelope(STRANGE, YOU)])
def test_an_address_that_needs_smtputf8_is_not_said_where_it_is_not_offered(probe: Probe, envelope: Envelope) -> None:
    probe.envelope = envelope
    with Server(mail_server()) as server:
        probed = probe(server)
    assert server.heard == HELLO + QUIT
    assert end_of(probed.transaction) == (Stage.mail, Outcome.permanent_negative)
    assert probed.transaction is not None
    assert probed.transaction.error is not None
    assert "SMTPUTF8" in probed.transaction.error
    assert probed.record.replies.mail is None


TRANSIENT, PERMANENT = Outcome.transient_negative, Outcome.permanent_negative
#: What comes in the place of a reply to MAIL, and to RCPT: how the transaction ends, and whether QUIT is said.
ENDS: list[tuple[str, Answer, Outcome, bool]] = [
    ("550", b"550 5.1.1 user unknown\r\n", PERMANENT, True),
    ("several lines", b"550-5.7.1 no\r\n550 5.7.1 no\r\n", PERMANENT, True),
    ("451", b"451 4.7.1 greylisted\r\n", TRANSIENT, True),
    ("421", b"421 4.3.2 bye\r\n", TRANSIENT, True),
    ("421, and closes", say_and_close(b"421 bye\r\n"), TRANSIENT, False),
    ("554, and resets", say_and_reset(b"554 no\r\n"), PERMANENT, False),
    ("354 is no answer to it", b"354 go\r\n", Outcome.malformed, True),
    ("silence", silence, Outcome.timed_out, True),
    ("closes", close, Outcome.closed, False),
    ("resets", reset, Outcome.reset, False),
    ("garbage", b"\x1b]0;x\x07\r\n", Outcome.not_smtp, True),
    ("codes that differ", b"250-a\r\n550 b\r\n", Outcome.malformed, True),
    ("without an end", b"250-x\r\n" * 300, Outcome.too_long, True),
]  # fmt: skip


@pytest.mark.parametrize("stage", [Stage.mail, Stage.rcpt])
@pytest.mark.parametrize(("answer", "outcome", "quits"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_whatever_comes_of_mail_and_rcpt_the_session_before_it_was_good(
    probe: Probe, stage: Stage, answer: Answer, outcome: Outcome, quits: bool
) -> None:
    if answer is silence:
        probe.limits, probe.clock = msgspec.structs.replace(PATIENT, reply_s=0.2), HeldClock()
    probe.envelope = ENVELOPE
    with Server(mail_server(**{stage.value: answer})) as server:
        probed = probe(server)
    record, transaction = probed.record, probed.transaction
    assert (record.stage, record.outcome, record.limit, record.error) == (Stage.done, Outcome.ok, None, None)
    assert (record.cause, probed.bug) == (None, None)
    assert end_of(transaction) == (stage, outcome)
    said = HELLO + MAIL + (RCPT if stage is Stage.rcpt else b"")
    assert server.heard.startswith(said)
    assert b"DATA" not in octets_of(probed.transcript.lines, "C")
    assert octets_of(probed.transcript.lines, "C").count(b"RCPT") <= 1
    assert server.heard.endswith(QUIT) or not quits


def test_a_refusal_is_told_with_its_cause(probe: Probe) -> None:
    probe.envelope = ENVELOPE
    with Server(mail_server(rcpt=b"451 4.7.1 Greylisted, try again in 300 seconds\r\n")) as server:
        probed = probe(server)
    assert probed.transaction == Transaction(
        session=probed.record.session,
        stage=Stage.rcpt,
        outcome=TRANSIENT,
        cause=Cause.greylisted,
        about_us=True,
    )
    assert [reply.code for reply in probed.record.replies.rcpt] == [451]


def test_a_limit_is_told_by_its_name(probe: Probe) -> None:
    probe.limits, probe.clock = msgspec.structs.replace(PATIENT, reply_s=0.2), HeldClock()
    probe.envelope = ENVELOPE
    with Server(mail_server(rcpt=silence)) as server:
        transaction = probe(server).transaction
    assert transaction is not None
    assert (transaction.limit, transaction.limit_s, transaction.limit_bytes) == ("limits.reply_s", 0.2, None)


@pytest.mark.parametrize("script", [mail_server(b"554 no\r\n"), mail_server(ehlo=b"554 no\r\n"), mail_server(reset)])
def test_a_session_that_was_not_good_has_no_transaction(probe: Probe, script: object) -> None:
    probe.envelope = ENVELOPE
    with Server(script) as server:  # type: ignore[arg-type]
        probed = probe(server)
    assert probed.transaction is None
    assert probed.record.outcome is not Outcome.ok
    assert b"MAIL" not in server.heard


def test_without_an_envelope_nobody_is_named(probe: Probe) -> None:
    with Server(mail_server()) as server:
        probed = probe(server)
    assert (server.heard, probed.transaction) == (HELLO + QUIT, None)


@pytest.mark.parametrize(("address", "literal"), [("", "[127.0.0.1]"), ("::1", "[IPv6:::1]")])
def test_without_a_name_our_address_is_said_and_recorded(probe: Probe, address: str, literal: str) -> None:
    probe.ehlo_name = ""
    with Server(mail_server(), address) as server:
        record = probe(server).record
    assert server.heard == f"EHLO {literal}\r\n".encode() + QUIT
    assert record.ehlo_name == literal


def test_a_name_that_was_never_said_is_not_recorded(probe: Probe) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionRefusedError(111, "refused")

    probe.ehlo_name, probe.connector = "", fail  # type: ignore[assignment]
    assert probe.run(probe.hold("127.64.0.1", 25)).record.ehlo_name == ""
