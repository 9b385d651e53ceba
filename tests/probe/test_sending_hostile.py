"""Servers that do not do what they should, at each stage of a sending: how it ends, and whether the message arrived."""

import threading
import time

import msgspec
import pytest

from scanner.outcomes import Outcome, Stage, Stop, TlsMode
from scanner.probe.mail_peer import PIECE_OCTETS
from scanner.settings import Limits
from tests.net.certificates import Served, server_context
from tests.net.scripted import PATIENCE_S, Conversation, Server
from tests.probe.mail_servers import (
    Answer,
    TakesMessage,
    close,
    give,
    mail_server,
    reset,
    say_and_close,
    say_and_reset,
    silence,
    tls_mail_server,
)
from tests.probe.probing import PATIENT, HeldClock, Probe
from tests.probe.test_sending import WHO, end_of, offers, order
from tests.probe.transcripts import octets_of, remarks_of

#: For limits that fire whatever happens.
SHORT_S = 0.05

End = tuple[Stage, Outcome, Stop | None, bool | None]
CLOSED, RESET, TIMED_OUT, NOT_SMTP, TOO_LONG, MALFORMED = (
    Outcome.closed,
    Outcome.reset,
    Outcome.timed_out,
    Outcome.not_smtp,
    Outcome.too_long,
    Outcome.malformed,
)
TRANSIENT, PERMANENT = Outcome.transient_negative, Outcome.permanent_negative

#: What may stand in the place of a reply to any command, how that ends the session, and whether QUIT is said.
ENDS: list[tuple[str, Answer, Outcome, bool]] = [
    ("silence", silence, TIMED_OUT, True),
    ("closes", close, CLOSED, False),
    ("resets", reset, RESET, False),
    ("garbage", b"\x00\x1b[2Jwhat?\r\n", NOT_SMTP, True),
    ("no code, then closes", say_and_close(b"what"), NOT_SMTP, False),
    ("half a reply, then resets", say_and_reset(b"250"), RESET, False),
    ("codes that differ", b"250-a\r\n550 b\r\n", MALFORMED, True),
    ("a reply without an end", b"250-x\r\n" * 300, TOO_LONG, True),
    ("an endless line", b"250 " + b"x" * 9000 + b"\r\n", TOO_LONG, True),
    ("421 and resets", say_and_reset(b"421 bye\r\n"), TRANSIENT, False),
    ("several lines of refusal", b"550-5.7.1 no\r\n550-5.7.1 really\r\n550 5.7.1 no\r\n", PERMANENT, True),
    ("a continuation", b"334 \r\n", MALFORMED, True),
]  # fmt: skip

#: The stages, as the keyword of the server's answer.
STAGES = {Stage.auth: "auth", Stage.mail: "mail", Stage.rcpt: "rcpt", Stage.data: "data"}


#: Where another thing than an end is right: AUTH has continuations, and who is refused does not end a sending.
NO_END = {(Stage.auth, "a continuation"), (Stage.rcpt, "several lines of refusal")}
CASES = [(stage, *row) for stage in STAGES for row in ENDS if (stage, row[0]) not in NO_END]


@pytest.mark.parametrize(
    ("stage", "answer", "outcome", "quits"),
    [(stage, *row) for stage, _, *row in CASES],
    ids=[f"{stage}: {name}" for stage, name, *_ in CASES],
)
def test_whatever_a_server_does_instead_of_a_reply_ends_the_sending_there(
    probe: Probe, stage: Stage, answer: Answer, outcome: Outcome, quits: bool
) -> None:
    if answer is silence:
        probe.limits, probe.clock = msgspec.structs.replace(PATIENT, reply_s=SHORT_S * 4), HeldClock()
    server_does = mail_server(ehlo=offers("AUTH PLAIN"), **{STAGES[stage]: answer})
    with Server(server_does) as server:
        sent = probe.send(server, order(credentials=WHO, insecure=True))
    record = sent.record
    assert (record.stage, record.outcome, record.delivered, sent.bug) == (stage, outcome, False, None)
    if outcome is TIMED_OUT:
        assert (record.limit, record.limit_s) == ("limits.reply_s", SHORT_S * 4)
    assert server.heard.endswith(b"QUIT\r\n") or not quits
    assert b"Hello" not in server.heard


def test_a_refusal_of_several_lines_is_kept_whole(probe: Probe) -> None:
    with Server(mail_server(mail=b"550-5.7.1 go\r\n550 5.7.1 away\r\n")) as server:
        record = probe.send(server, order()).record
    assert record.replies.mail is not None
    assert record.replies.mail.lines == ("5.7.1 go", "5.7.1 away")


# The message ----------------------------------------------------------------------------------------------

AFTER_THE_DOT: list[tuple[str, Answer, Outcome, bool | None]] = [
    ("refuses", b"554 5.7.1 spam\r\n", PERMANENT, False),
    ("refuses for now", b"451 4.3.0 later\r\n", TRANSIENT, False),
    ("refuses and resets", say_and_reset(b"554 5.7.1 spam\r\n"), PERMANENT, False),
    ("421", b"421 4.3.2 bye\r\n", TRANSIENT, False),
    ("closes", close, CLOSED, None),
    ("resets", reset, RESET, None),
    ("is silent", silence, TIMED_OUT, None),
    ("garbage", b"what?\r\n", NOT_SMTP, None),
    ("too much", b"250-x\r\n" * 300, TOO_LONG, None),
    ("a reply that it cannot have", b"354 go on\r\n", MALFORMED, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "outcome", "delivered"), [row[1:] for row in AFTER_THE_DOT], ids=[row[0] for row in AFTER_THE_DOT]
)
def test_after_its_end_a_message_may_have_arrived_though_nobody_said_so(
    probe: Probe, reply: Answer, outcome: Outcome, delivered: bool | None
) -> None:
    if reply is silence:
        probe.limits = msgspec.structs.replace(PATIENT, message_s=SHORT_S * 4)
    takes = TakesMessage(reply)
    with Server(mail_server(data=takes)) as server:
        sent = probe.send(server, order())
    record = sent.record
    assert takes.mail_data
    assert end_of(record) == (Stage.message, outcome, None, delivered)
    # Whoever is still there is told that we go.
    quits = outcome in (PERMANENT, TRANSIENT, TIMED_OUT, NOT_SMTP, TOO_LONG, MALFORMED)
    assert (octets_of(sent.transcript.lines, "C").splitlines()[-1] == b"QUIT") is quits
    limits = {TIMED_OUT: "limits.message_s", TOO_LONG: "limits.reply_lines"}
    assert record.limit == limits.get(outcome)


#: A message that does not fit into what the kernels and asyncio hold between us. Its lines are long: they are looked
#: at one by one.
BIG = b"Subject: big\r\n\r\n" + (b"." + b"x" * 997 + b"\r\n" + b"y" * 998 + b"\r\n") * 2600


def test_a_message_of_five_megabytes_arrives_octet_by_octet(probe: Probe, served: Served) -> None:
    takes = TakesMessage()
    with Server(tls_mail_server(server_context(served), ehlo=offers(), data=takes)) as server:
        record = probe.send(server, order(message=BIG, tls_mode=TlsMode.starttls)).record
    assert end_of(record) == (Stage.done, Outcome.ok, None, True)
    assert takes.message == BIG
    assert record.message_octets == len(BIG)


def test_no_more_of_a_message_is_held_than_a_slow_server_leaves(probe: Probe) -> None:
    """It reads nothing for a while; what we hold of the message meanwhile is bounded."""
    held: list[int] = []

    def look() -> None:
        writer = probe.connected[0]._writer
        assert writer is not None
        held.append(writer.transport.get_write_buffer_size())

    def wait(conversation: Conversation) -> None:
        for _ in range(5):
            time.sleep(SHORT_S)
            probe.in_the_loop(look)

    takes = TakesMessage(first=wait)
    with Server(mail_server(ehlo=offers(), data=takes)) as server:
        record = probe.send(server, order(message=BIG)).record
    assert end_of(record) == (Stage.done, Outcome.ok, None, True)
    assert takes.message == BIG
    assert max(held) > 0, "the server did read meanwhile"
    assert max(held) <= 3 * PIECE_OCTETS


# In the middle of a message -------------------------------------------------------------------------------


class Interrupts:
    """Answers DATA, and does something else when the first octets of the message are there."""

    def __init__(self, answer: Answer, *, reads_on: bool = False) -> None:
        self._answer = answer
        self._reads_on = reads_on
        self.gone = threading.Event()

    def __call__(self, conversation: Conversation) -> None:
        conversation.say(b"354 go\r\n")
        conversation.hear()
        give(conversation, self._answer)
        if self._reads_on:
            conversation.hear_all()
        assert self.gone.wait(PATIENCE_S)
        conversation.close()


INTERRUPTIONS: list[tuple[str, Answer, bool, Outcome]] = [
    ("refuses and reads on", b"552 5.3.4 too large\r\n", True, PERMANENT),
    ("refuses and stops to read", b"552 5.3.4 too large\r\n", False, PERMANENT),
    ("421, and closes", say_and_close(b"421 4.3.2 bye\r\n"), True, TRANSIENT),
    ("refuses and resets", say_and_reset(b"552 5.3.4 too large\r\n"), True, PERMANENT),
    ("resets", reset, True, RESET),
    ("says what is no reply", b"what?\r\n", False, NOT_SMTP),
    ("calls it taken", b"250 taken\r\n", False, MALFORMED),
    ("calls it taken, and closes", say_and_close(b"250 taken\r\n"), True, MALFORMED),
]  # fmt: skip


#: Under TLS too, where octets come and go through another layer.
UNDER_TLS = ("refuses and stops to read", "refuses and resets", "calls it taken")
HOW = [(False, *row) for row in INTERRUPTIONS] + [(True, *row) for row in INTERRUPTIONS if row[0] in UNDER_TLS]


@pytest.mark.parametrize(
    ("under_tls", "answer", "reads_on", "outcome"),
    [(under_tls, *row) for under_tls, _, *row in HOW],
    ids=[f"{name}{', under TLS' if under_tls else ''}" for under_tls, name, *_ in HOW],
)
def test_a_server_that_interrupts_a_message_is_heard_and_has_not_taken_it(
    probe: Probe, served: Served, answer: Answer, reads_on: bool, outcome: Outcome, under_tls: bool
) -> None:
    interrupts = Interrupts(answer, reads_on=reads_on)
    plain = mail_server(ehlo=offers(), data=interrupts)
    script = tls_mail_server(server_context(served), ehlo=offers(), data=interrupts) if under_tls else plain
    with Server(script) as server:
        mode = TlsMode.starttls if under_tls else TlsMode.none
        sent = probe.send(server, order(message=BIG, tls_mode=mode))
        interrupts.gone.set()
    record = sent.record
    assert end_of(record) == (Stage.message, outcome, None, False)
    assert record.timings_ms.message is not None
    assert record.timings_ms.message < 5000, "it did not wait for a server that had answered"
    assert b"\r\n.\r\n" not in server.heard, "without its end, nobody may take a message"
    assert b"QUIT" not in server.heard, "within mail data it would be text"


def test_a_server_that_closes_in_the_middle_has_not_taken_the_message(probe: Probe) -> None:
    interrupts = Interrupts(close)
    with Server(mail_server(ehlo=offers(), data=interrupts)) as server:
        record = probe.send(server, order(message=BIG)).record
        interrupts.gone.set()
    # Whoever closes with octets unread resets (RFC 1122 §4.2.2.13).
    assert record.outcome in (CLOSED, RESET)
    assert (record.stage, record.delivered) == (Stage.message, False)


def test_a_server_that_stops_to_read_is_waited_for_as_long_as_its_limit_says(probe: Probe) -> None:
    probe.limits = msgspec.structs.replace(PATIENT, message_s=SHORT_S * 4)
    interrupts = Interrupts(b"")
    with Server(mail_server(ehlo=offers(), data=interrupts)) as server:
        sent = probe.send(server, order(message=BIG))
        interrupts.gone.set()
    assert end_of(sent.record) == (Stage.message, TIMED_OUT, None, False)
    assert (sent.record.limit, sent.record.limit_s) == ("limits.message_s", 0.2)
    assert "limit fired: limits.message_s = 0.2 s" in remarks_of(sent.transcript.lines)
    assert b"QUIT" not in octets_of(sent.transcript.lines, "C")


def test_half_a_reply_in_the_middle_of_a_message_stops_nobody(probe: Probe) -> None:
    takes = TakesMessage(b" at last\r\n", first=b"250")
    with Server(mail_server(ehlo=offers(), data=takes)) as server:
        record = probe.send(server, order(message=BIG)).record
    assert end_of(record) == (Stage.done, Outcome.ok, None, True)
    assert record.replies.message is not None
    assert record.replies.message.lines == ("at last",)


def test_the_time_of_a_message_is_not_the_sessions(probe: Probe) -> None:
    """A session may last 90 s and its message ten minutes, after which there is still time for QUIT."""
    clock = HeldClock()

    def take_a_while(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(590))
        conversation.say(b"250 taken\r\n")

    probe.limits, probe.clock = Limits(), clock

    def think(conversation: Conversation) -> None:
        time.sleep(SHORT_S)  # with no time left for the session, this would be too long
        conversation.say(b"221 bye\r\n")

    probe.limits, probe.clock = Limits(), clock
    with Server(mail_server(data=TakesMessage(take_a_while), quit_=think)) as server:
        record = probe.send(server, order()).record
    assert end_of(record) == (Stage.done, Outcome.ok, None, True)
    assert record.timings_ms.message == 590_000
    assert record.replies.quit is not None
