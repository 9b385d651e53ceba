"""Deadlines: a limit for each stage and one for all, and none that fires because our own loop was late."""

import socket
import time
from dataclasses import dataclass

import msgspec
import pytest

from scanner.net.streams import TcpStream
from scanner.outcomes import Outcome, Stage, StarttlsResult
from scanner.probe.deadlines import Deadlines
from scanner.settings import Limits
from tests.net.certificates import Served, server_context
from tests.net.scripted import Conversation, Script, Server
from tests.probe.mail_servers import EHLO, GREETING, OFFERS_STARTTLS, Answer, mail_server, silence, tls_mail_server
from tests.probe.probing import PATIENT, HeldClock, Probe
from tests.probe.transcripts import octets_of, remarks_of

#: For limits that fire whatever happens, and for those before which something has to happen.
SHORT_S = 0.05
LONGER_S = 0.15


def short(**limits: float) -> Limits:
    """Patient limits but for these."""
    return msgspec.structs.replace(PATIENT, **limits)


def say_and_wait(octets: bytes) -> Answer:
    def answer(conversation: Conversation) -> None:
        conversation.say(octets)
        silence(conversation)

    return answer


def drip(conversation: Conversation) -> None:
    """An octet at a time, each well within the limit; the reply as a whole is not."""
    for octet in b"220 " + b"x" * 100:
        conversation.say(bytes([octet]))
        time.sleep(SHORT_S / 3)


EHLO_ME, STARTTLS, QUIT = b"EHLO me.test\r\n", b"STARTTLS\r\n", b"QUIT\r\n"

#: A server, the limits that are short, the stage at which one fires, its name, and what was said to the server.
SILENT: list[tuple[str, Script, dict[str, float], Stage, str, bytes]] = [
    ("no greeting", mail_server(silence), {"greeting_s": SHORT_S}, Stage.greeting, "limits.greeting_s", b""),
    ("half a greeting", mail_server(say_and_wait(b"220 m")), {"greeting_s": SHORT_S}, Stage.greeting,
     "limits.greeting_s", b""),
    ("a teaser", mail_server(say_and_wait(b"220-m\r\n")), {"greeting_s": SHORT_S}, Stage.greeting,
     "limits.greeting_s", b""),
    ("an octet at a time", mail_server(drip), {"greeting_s": SHORT_S}, Stage.greeting, "limits.greeting_s", b""),
    ("no answer to EHLO", mail_server(ehlo=silence), {"reply_s": SHORT_S}, Stage.ehlo, "limits.reply_s",
     EHLO_ME + QUIT),
    ("no answer to HELO", mail_server(ehlo=b"502 x\r\n", helo=silence), {"reply_s": LONGER_S}, Stage.helo,
     "limits.reply_s", EHLO_ME + b"HELO me.test\r\n" + QUIT),
    ("no answer to STARTTLS", mail_server(ehlo=OFFERS_STARTTLS, starttls=silence), {"reply_s": LONGER_S},
     Stage.starttls, "limits.reply_s", EHLO_ME + STARTTLS + QUIT),
    ("no handshake", mail_server(ehlo=OFFERS_STARTTLS, starttls=say_and_wait(b"220 go\r\n")), {"tls_s": SHORT_S},
     Stage.tls, "limits.tls_s", EHLO_ME + STARTTLS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "limits", "stage", "limit", "said"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT]
)
def test_a_stage_that_does_not_end_is_ended_by_its_own_limit(
    probe: Probe, script: Script, limits: dict[str, float], stage: Stage, limit: str, said: bytes
) -> None:
    probe.limits, probe.clock = short(**limits), HeldClock()
    with Server(script) as server:
        probed = probe(server)
    record = probed.record
    assert (record.stage, record.outcome) == (stage, Outcome.timed_out)
    short_s = max(limits.values())
    assert (record.limit, record.limit_s, record.limit_bytes) == (limit, short_s, None)
    assert octets_of(probed.transcript.lines, "C") == said
    assert server.heard.startswith(said)
    assert f"limit fired: {limit} = {short_s} s" in remarks_of(probed.transcript.lines)


def test_no_answer_under_tls_is_ended_too_and_quit_is_said_there(probe: Probe, served: Served) -> None:
    probe.limits, probe.clock = short(reply_s=LONGER_S), HeldClock()
    with Server(tls_mail_server(server_context(served), ehlo=silence)) as server:
        probed = probe(server)
    record = probed.record
    assert (record.stage, record.outcome, record.limit) == (
        Stage.ehlo_after_tls,
        Outcome.timed_out,
        "limits.reply_s",
    )
    assert record.starttls.result is StarttlsResult.done
    assert server.heard.endswith(EHLO_ME + QUIT)


def test_an_answer_to_quit_is_not_waited_for_long_and_changes_nothing(probe: Probe) -> None:
    probe.limits, probe.clock = short(quit_s=SHORT_S), HeldClock()
    with Server(mail_server(quit_=silence)) as server:
        probed = probe(server)
    assert (probed.record.stage, probed.record.outcome, probed.record.limit) == (Stage.done, Outcome.ok, None)
    assert probed.record.replies.quit is None
    assert "no reply to QUIT: timed_out" in remarks_of(probed.transcript.lines)


def test_another_protocol_that_waits_for_us_is_not_called_silent(probe: Probe) -> None:
    probe.limits, probe.clock = short(greeting_s=LONGER_S), HeldClock()
    with Server(mail_server(say_and_wait(b"\x15\x03\x01\x00\x02\x02"))) as server:
        record = probe(server).record
    assert (record.stage, record.outcome, record.limit) == (Stage.greeting, Outcome.not_smtp, None)


# The whole session ----------------------------------------------------------------------------------------


def test_a_session_of_replies_each_within_its_limit_is_ended_by_its_own(probe: Probe) -> None:
    """90 s for all, 30 s for each: three replies of nearly 30 s leave nothing for the fourth."""
    clock = HeldClock()

    def slowly(octets: bytes) -> Answer:
        def answer(conversation: Conversation) -> None:
            probe.in_the_loop(lambda: clock.advance(29.97))  # while it waits, not while it connects
            conversation.say(octets)

        return answer

    def go(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(29.97))
        conversation.say(b"220 go\r\n")
        silence(conversation)

    probe.limits, probe.clock = Limits(), clock
    script = mail_server(slowly(GREETING), ehlo=slowly(OFFERS_STARTTLS), starttls=go)
    with Server(script) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.tls, Outcome.deadline)
    assert (record.limit, record.limit_s) == ("limits.session_s", 90.0)


def test_the_shorter_of_two_limits_is_the_one_that_is_named(probe: Probe) -> None:
    probe.limits, probe.clock = short(session_s=LONGER_S), HeldClock()
    with Server(mail_server(ehlo=silence)) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.ehlo, Outcome.deadline)
    assert (record.limit, record.limit_s) == ("limits.session_s", LONGER_S)


def test_what_is_apart_from_the_session_has_its_own_limit_and_takes_no_time() -> None:
    clock = HeldClock()
    deadlines = Deadlines(Limits(session_s=90, reply_s=30, message_s=600), clock)
    clock.advance(80)
    assert deadlines.begin("reply_s")[:3] == ("limits.session_s", 90, 10)
    with deadlines.apart_from_the_session():
        message = deadlines.begin("message_s")
        assert message[:3] == ("limits.message_s", 600, 600)
        clock.advance(500)
        deadlines.excuse_absence(message)
    assert deadlines.begin("reply_s")[:3] == ("limits.session_s", 90, 10)


# When we are late -----------------------------------------------------------------------------------------


@dataclass
class Stalled:
    """Answers while the client's loop stands still, for longer than any limit of the session."""

    probe: Probe

    def answer(self, octets: bytes) -> Answer:
        return lambda conversation: self.probe.stall(conversation, 1.2 * LONGER_S, octets)

    def handshake(self, context_of: Served) -> Answer:
        def answer(conversation: Conversation) -> None:
            conversation.say(b"220 go\r\n")
            conversation.socket.recv(1, socket.MSG_PEEK)
            self.probe.stall(conversation, 1.5 * LONGER_S)
            conversation.secure(server_context(context_of, "TLSv1.3"))
            mail_server(b"")(conversation)

        return answer


def stalled_at(stage: Stage, probe: Probe, served: Served) -> Script:
    stalled = Stalled(probe)
    match stage:
        case Stage.greeting:
            return mail_server(stalled.answer(GREETING))
        case Stage.ehlo:
            return mail_server(ehlo=stalled.answer(EHLO))
        case Stage.starttls:
            return mail_server(ehlo=OFFERS_STARTTLS, starttls=stalled.answer(b"454 no\r\n"))
        case Stage.tls:
            return mail_server(ehlo=OFFERS_STARTTLS, starttls=stalled.handshake(served))
        case _:
            raise AssertionError(stage)


@pytest.mark.parametrize("stage", [Stage.greeting, Stage.ehlo, Stage.starttls, Stage.tls])
def test_an_answer_that_came_while_our_loop_stood_still_is_used(probe: Probe, served: Served, stage: Stage) -> None:
    limit = {Stage.greeting: "greeting_s", Stage.tls: "tls_s"}.get(stage, "reply_s")
    probe.limits = short(**{limit: LONGER_S})
    if stage is not Stage.tls:
        probe.clock = HeldClock()
    with Server(stalled_at(stage, probe, served)) as server:
        record = probe(server).record
    expected = (Stage.starttls, Outcome.transient_negative) if stage is Stage.starttls else (Stage.done, Outcome.ok)
    assert (record.stage, record.outcome) == expected
    assert record.limit is None


def test_a_limit_that_fired_late_is_our_fault(probe: Probe) -> None:
    def stand_still(conversation: Conversation) -> None:
        probe.stall(conversation, 2 * LONGER_S)
        silence(conversation)

    probe.limits = short(reply_s=LONGER_S)
    with Server(mail_server(ehlo=stand_still)) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.ehlo, Outcome.local_fault)
    assert (record.limit, record.limit_s) == ("limits.reply_s", LONGER_S)
    assert record.error is not None
    assert record.error.startswith("our event loop was 0.")


@pytest.mark.parametrize(
    ("late_s", "outcome"),
    [
        (2.9, Outcome.deadline),
        (3.1, Outcome.local_fault),
    ],
)
def test_late_is_more_than_a_tenth_of_the_limit(probe: Probe, late_s: float, outcome: Outcome) -> None:
    clock = HeldClock()

    # Nearly all of the session's 30 s is over at the greeting: what is left for EHLO is short.
    def greet_late(conversation: Conversation) -> None:
        clock.advance(30 - LONGER_S)
        conversation.say(GREETING)

    def hold_back(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(LONGER_S + late_s))
        silence(conversation)

    probe.limits, probe.clock = Limits(connect_s=30.0, session_s=30.0), clock
    with Server(mail_server(greet_late, ehlo=hold_back)) as server:
        record = probe(server).record
    assert (record.stage, record.outcome, record.limit) == (Stage.ehlo, outcome, "limits.session_s")


def test_time_in_which_we_were_not_there_is_not_the_sessions(probe: Probe) -> None:
    """Frozen for longer than a session may last, the reply there when we woke: the session goes on."""
    clock = HeldClock()

    def freeze(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(300))
        probe.stall(conversation, 1.2 * LONGER_S, OFFERS_STARTTLS)

    def think(conversation: Conversation) -> None:
        time.sleep(SHORT_S)  # with no time left for the session, this would be too long
        conversation.say(b"554 no\r\n")

    probe.limits, probe.clock = short(reply_s=LONGER_S, session_s=90.0), clock
    with Server(mail_server(ehlo=freeze, starttls=think)) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.starttls, Outcome.permanent_negative)


def test_a_freeze_between_two_waits_is_not_the_sessions_either(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, write = HeldClock(), TcpStream.write

    def freeze_and_write(stream: TcpStream, data: bytes) -> None:
        clock.advance(300)  # the greeting was read, its wait is over, and the next has not begun
        write(stream, data)

    monkeypatch.setattr(TcpStream, "write", freeze_and_write)
    probe.limits, probe.clock = short(session_s=90.0), clock
    with Server(mail_server()) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.done, Outcome.ok)


def test_a_wait_that_ended_late_takes_nothing_from_the_next_one(probe: Probe) -> None:
    """The EHLO had what was left of the session; when its reply came while we were frozen, nobody knows."""
    clock = HeldClock()

    def greet(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(80))
        conversation.say(GREETING)

    def freeze(conversation: Conversation) -> None:
        probe.in_the_loop(lambda: clock.advance(300))
        conversation.say(OFFERS_STARTTLS)

    def think(conversation: Conversation) -> None:
        time.sleep(SHORT_S)  # with no time left for the session, this would be too long
        conversation.say(b"554 no\r\n")

    probe.limits, probe.clock = short(session_s=90.0, greeting_s=85.0), clock
    with Server(mail_server(greet, ehlo=freeze, starttls=think)) as server:
        record = probe(server).record
    assert (record.stage, record.outcome) == (Stage.starttls, Outcome.permanent_negative)
