"""Whole sessions over loopback: how each kind of server comes out, and what is kept of it."""

import asyncio
import errno
from hashlib import sha256

import pytest

from scanner.net.streams import IpAddress, TcpStream, connect
from scanner.outcomes import Outcome, SessionFlag, Stage, StarttlsResult
from scanner.records import ReplyRecord, SessionRecord
from scanner.settings import Limits
from tests.net.certificates import Served, server_context
from tests.net.scripted import Conversation, Server, blackhole, new_address, unused_port
from tests.probe.mail_servers import (
    EHLO,
    EHLO_AFTER_TLS,
    GREETING,
    OFFERS_STARTTLS,
    Answer,
    close,
    mail_server,
    reset,
    say_and_reset,
    silence,
    tls_mail_server,
)
from tests.probe.probing import HeldClock, Probe
from tests.probe.transcripts import octets_of, remarks_of

SAID = b"EHLO me.test\r\nQUIT\r\n"


def end_of(record: SessionRecord) -> tuple[Stage, Outcome]:
    return record.stage, record.outcome


# Good ones ------------------------------------------------------------------------------------------------


def test_a_plain_session_is_recorded_whole(probe: Probe) -> None:
    with Server(mail_server()) as server:
        probed = probe(server)
    record = probed.record
    assert server.heard == SAID
    assert end_of(record) == (Stage.done, Outcome.ok)
    assert (record.limit, record.limit_s, record.limit_bytes, record.error, record.error_code) == (None,) * 5
    assert record.session == "0123456789abcdef.1.survey"
    assert (record.address, record.port, record.source_address) == (str(server.address), server.port, "127.0.0.1")
    assert record.replies.greeting == ReplyRecord(code=220, enhanced_code=None, lines=("mx.test ESMTP",))
    assert record.replies.ehlo == ReplyRecord(code=250, enhanced_code=None, lines=("mx.test", "SIZE 1000"))
    assert record.replies.quit == ReplyRecord(code=221, enhanced_code=None, lines=("bye",))
    assert record.extensions == {"SIZE": "1000"}
    assert (record.starttls.offered, record.starttls.masked) == (False, False)
    assert record.starttls.result is StarttlsResult.not_offered
    assert (record.extensions_after_tls, record.tls, record.flags) == (None, None, ())
    times = record.timings_ms
    assert None not in (times.connect, times.greeting, times.ehlo, times.quit)
    assert {times.helo, times.starttls, times.tls, times.ehlo_after_tls} == {None}
    assert record.bytes.written == len(SAID)
    assert record.bytes.read == len(GREETING + EHLO + b"221 bye\r\n")
    assert record.started_at <= record.ended_at
    assert probed.bug is None


def test_a_session_under_tls_keeps_both_lists_and_the_chain(probe: Probe, served: Served) -> None:
    with Server(tls_mail_server(server_context(served, "TLSv1.3"))) as server:
        probed = probe(server)
    record = probed.record
    assert end_of(record) == (Stage.done, Outcome.ok)
    assert record.extensions == {"SIZE": "1000", "STARTTLS": ""}
    assert record.extensions_after_tls == {"SIZE": "2000", "AUTH": "PLAIN"}
    assert record.starttls.result is StarttlsResult.done
    assert record.tls is not None
    assert record.tls.version == "TLSv1.3"
    assert record.tls.chain == tuple(sha256(der).hexdigest() for der in served.chain)
    assert probed.chain == served.chain
    assert octets_of(probed.transcript.lines, "C") == b"EHLO me.test\r\nSTARTTLS\r\nEHLO me.test\r\nQUIT\r\n"
    said = GREETING + OFFERS_STARTTLS + b"220 go\r\n" + EHLO_AFTER_TLS + b"221 bye\r\n"
    assert octets_of(probed.transcript.lines, "S") == said
    assert "TLS up: TLSv1.3" in "\n".join(remarks_of(probed.transcript.lines))


def test_with_implicit_tls_the_handshake_comes_before_the_greeting(probe: Probe, served: Served) -> None:
    def secure(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        mail_server(ehlo=OFFERS_STARTTLS)(conversation)

    probe.implicit_tls = True
    with Server(secure) as server:
        probed = probe(server)
    assert end_of(probed.record) == (Stage.done, Outcome.ok)
    assert probed.record.starttls.result is StarttlsResult.done
    assert octets_of(probed.transcript.lines, "C") == SAID


@pytest.mark.parametrize("code", [b"500", b"502", b"504", b"550"])
def test_where_ehlo_is_refused_helo_will_do(probe: Probe, code: bytes) -> None:
    with Server(mail_server(ehlo=code + b" what?\r\n")) as server:
        record = probe(server).record
    assert end_of(record) == (Stage.done, Outcome.ok)
    assert server.heard == b"EHLO me.test\r\nHELO me.test\r\nQUIT\r\n"
    assert record.replies.helo is not None
    assert record.extensions == {}
    assert record.starttls.result is StarttlsResult.not_offered


def test_the_source_address_is_the_one_asked_for(probe: Probe) -> None:
    probe.source_ipv4 = new_address()
    with Server(mail_server()) as server:
        assert probe(server).record.source_address == probe.source_ipv4


# What servers say -----------------------------------------------------------------------------------------

OK = (Stage.done, Outcome.ok)
AT_GREETING: list[tuple[str, Answer, tuple[Stage, Outcome], bytes]] = [
    ("421 at once", b"421 busy\r\n", (Stage.greeting, Outcome.transient_negative), b"QUIT\r\n"),
    ("554 at once", b"554 no\r\n", (Stage.greeting, Outcome.permanent_negative), b"QUIT\r\n"),
    ("bare 220", b"220\r\n", OK, SAID),
    ("LF only", b"220 x\n", OK, SAID),
    ("a line of 8,192 octets", b"220 " + b"x" * 8186 + b"\r\n", OK, SAID),
    ("one of 8,193", b"220 " + b"x" * 8187 + b"\r\n", (Stage.greeting, Outcome.too_long), b""),
    ("an endless teaser", b"220-x\r\n" * 300, (Stage.greeting, Outcome.too_long), b""),
    ("2200 x", b"2200 x\r\n", (Stage.greeting, Outcome.malformed), b""),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", (Stage.greeting, Outcome.not_smtp), b""),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", (Stage.greeting, Outcome.not_smtp), b""),
    ("hostile octets", b"220 \x1b[2J\x00\xff<script>\\\r\n", OK, SAID),
    ("closes at once", close, (Stage.greeting, Outcome.closed), b""),
    ("resets at once", reset, (Stage.greeting, Outcome.reset), b""),
    ("554, then resets", say_and_reset(b"554 5.7.1 no\r\n"), (Stage.greeting, Outcome.permanent_negative), b""),
    ("half a greeting, then resets", say_and_reset(b"220 mx"), (Stage.greeting, Outcome.reset), b""),
    ("a TLS alert, then closes", say_and_reset(b"\x15\x03\x01\x00\x02"), (Stage.greeting, Outcome.not_smtp), b""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("greeting", "end", "heard"), [row[1:] for row in AT_GREETING], ids=[row[0] for row in AT_GREETING]
)
def test_what_becomes_of_a_greeting(probe: Probe, greeting: Answer, end: tuple[Stage, Outcome], heard: bytes) -> None:
    with Server(mail_server(greeting)) as server:
        probed = probe(server)
    assert end_of(probed.record) == end
    assert probed.bug is None
    assert server.heard == heard
    if isinstance(greeting, bytes):
        assert octets_of(probed.transcript.lines, "S").startswith(greeting)


def test_a_refusal_before_a_reset_is_kept_every_time(probe: Probe) -> None:
    with Server(mail_server(say_and_reset(b"554 5.7.1 no\r\n"))) as server:
        for _ in range(20):
            record = probe(server).record
            assert end_of(record) == (Stage.greeting, Outcome.permanent_negative)
            assert record.replies.greeting == ReplyRecord(code=554, enhanced_code="5.7.1", lines=("5.7.1 no",))


def test_nothing_is_said_before_the_last_line_of_a_greeting(probe: Probe) -> None:
    heard_before: list[bytes] = []

    def tease(conversation: Conversation) -> None:
        conversation.say(b"220-wait\r\n220-for")
        conversation.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            heard_before.append(conversation.hear())
        conversation.socket.settimeout(10)
        conversation.say(b" it\r\n220 now\r\n")

    with Server(mail_server(tease)) as server:
        assert end_of(probe(server).record) == OK
    assert heard_before == []
    assert server.heard == SAID


LATER: list[tuple[str, dict[str, Answer], tuple[Stage, Outcome], bytes]] = [
    ("EHLO 421", {"ehlo": b"421 bye\r\n"}, (Stage.ehlo, Outcome.transient_negative), SAID),
    ("mixed codes", {"ehlo": b"250-a\r\n220 b\r\n"}, (Stage.ehlo, Outcome.malformed), SAID),
    ("10,000 keywords", {"ehlo": b"250-X\r\n" * 10_000}, (Stage.ehlo, Outcome.too_long), SAID),
    ("closes instead of an answer", {"ehlo": close}, (Stage.ehlo, Outcome.closed), b"EHLO me.test\r\n"),
    ("resets", {"ehlo": reset}, (Stage.ehlo, Outcome.reset), b"EHLO me.test\r\n"),
    ("STARTTLS 454", {"ehlo": OFFERS_STARTTLS, "starttls": b"454 no\r\n"},
     (Stage.starttls, Outcome.transient_negative), b"EHLO me.test\r\nSTARTTLS\r\nQUIT\r\n"),
    ("STARTTLS 554", {"ehlo": OFFERS_STARTTLS, "starttls": b"554 no\r\n"},
     (Stage.starttls, Outcome.permanent_negative), b"EHLO me.test\r\nSTARTTLS\r\nQUIT\r\n"),
    ("QUIT answered by 421", {"quit_": b"421 bye\r\n"}, OK, SAID),
    ("QUIT answered by nonsense", {"quit_": b"bye\r\n"}, OK, SAID),
    ("closes on QUIT", {"quit_": close}, OK, SAID),
    ("resets on QUIT", {"quit_": reset}, OK, SAID),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "end", "heard"), [row[1:] for row in LATER], ids=[row[0] for row in LATER])
def test_what_becomes_of_later_answers(
    probe: Probe, answers: dict[str, Answer], end: tuple[Stage, Outcome], heard: bytes
) -> None:
    with Server(mail_server(**answers)) as server:
        probed = probe(server)
    assert end_of(probed.record) == end
    assert server.heard == heard
    assert probed.bug is None


@pytest.mark.parametrize(
    ("greeting", "ehlo", "offered", "masked", "result"),
    [
        (GREETING, EHLO, False, False, StarttlsResult.not_offered),
        (GREETING, b"250-mx.test\r\n250 XXXXXXXA\r\n", False, True, StarttlsResult.masked),
        (b"220 *******\r\n", EHLO, False, True, StarttlsResult.masked),
        (GREETING, OFFERS_STARTTLS, True, False, StarttlsResult.refused),
        (GREETING, b"421 no\r\n", False, False, StarttlsResult.not_reached),
        (b"554 no\r\n", EHLO, False, False, StarttlsResult.not_reached),
    ],
)
def test_starttls_is_offered_masked_refused_or_was_not_reached(
    probe: Probe, greeting: bytes, ehlo: bytes, offered: bool, masked: bool, result: StarttlsResult
) -> None:
    with Server(mail_server(greeting, ehlo=ehlo)) as server:
        starttls = probe(server).record.starttls
    assert (starttls.offered, starttls.masked, starttls.result) == (offered, masked, result)


def test_flags_are_kept_in_the_order_of_their_list(probe: Probe) -> None:
    with Server(mail_server(b"220 x\n", ehlo=b"250-a\r\n250 AUTH=PLAIN\r\n250 twice\r\n")) as server:
        record = probe(server).record
    assert end_of(record) == OK
    assert record.flags == (
        SessionFlag.bare_lf,
        SessionFlag.ehlo_line_outside_grammar,
        SessionFlag.extra_data_after_reply,
    )


# TLS that comes to nothing --------------------------------------------------------------------------------

INJECTED = b"250-mx.test\r\n250 AUTH PLAIN\r\n"


def in_one_segment(conversation: Conversation) -> None:
    conversation.say(b"220 go\r\n" + INJECTED)
    silence(conversation)


def in_a_later_segment(conversation: Conversation) -> None:
    conversation.say(b"220 go\r\n")
    conversation.hear()  # the client's part of the handshake
    conversation.say(INJECTED)
    silence(conversation)


@pytest.mark.parametrize("inject", [in_one_segment, in_a_later_segment])
def test_plaintext_after_the_220_is_kept_once_and_never_parsed(probe: Probe, inject: Answer) -> None:
    with Server(mail_server(ehlo=OFFERS_STARTTLS, starttls=inject)) as server:
        probed = probe(server)
    record = probed.record
    assert end_of(record) == (Stage.tls, Outcome.plaintext_after_starttls)
    assert record.starttls.result is StarttlsResult.failed
    assert record.extensions == {"SIZE": "1000", "STARTTLS": ""}
    assert (record.extensions_after_tls, record.tls) == (None, None)
    assert octets_of(probed.transcript.lines, "S") == GREETING + OFFERS_STARTTLS + b"220 go\r\n" + INJECTED


def after_the_220(*steps: Answer) -> Answer:
    def answer(conversation: Conversation) -> None:
        conversation.say(b"220 go\r\n")
        conversation.hear()
        for step in steps:
            conversation.say(step) if isinstance(step, bytes) else step(conversation)

    return answer


ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure (RFC 8446 §6.2)


@pytest.mark.parametrize(
    ("starttls", "outcome", "alert", "why"),
    [
        (after_the_220(close), Outcome.closed, None, "closes in the handshake"),
        (after_the_220(reset), Outcome.reset, None, "resets"),
        (after_the_220(ALERT, silence), Outcome.tls_failed, "handshake failure", "an alert"),
        (after_the_220(ALERT, reset), Outcome.tls_failed, "handshake failure", "an alert before a reset"),
        (after_the_220(b"\x16\x03\x03\x00\x05hello", silence), Outcome.tls_failed, None, "no handshake"),
    ],
)
def test_a_handshake_that_fails_says_how_and_nothing_is_said_after_it(
    probe: Probe, starttls: Answer, outcome: Outcome, alert: str | None, why: str
) -> None:
    with Server(mail_server(ehlo=OFFERS_STARTTLS, starttls=starttls)) as server:
        probed = probe(server)
    record = probed.record
    assert end_of(record) == (Stage.tls, outcome), why
    assert record.starttls.result is StarttlsResult.failed
    assert (record.tls.alert if record.tls else None) == alert
    assert octets_of(probed.transcript.lines, "C") == b"EHLO me.test\r\nSTARTTLS\r\n"


def test_plaintext_where_tls_is_spoken_from_the_first_octet_is_no_tls(probe: Probe) -> None:
    def greet(conversation: Conversation) -> None:
        conversation.say(GREETING)
        silence(conversation)

    probe.implicit_tls = True
    with Server(greet) as server:
        probed = probe(server)
    assert end_of(probed.record) == (Stage.tls, Outcome.tls_failed)
    assert probed.record.error_code == "plaintext instead of TLS"
    assert octets_of(probed.transcript.lines, "S") == GREETING
    assert octets_of(probed.transcript.lines, "C") == b""


def test_a_server_that_resets_after_the_handshake_said_what_it_said(probe: Probe, served: Served) -> None:
    script = tls_mail_server(server_context(served), ehlo=say_and_reset(b"554 no\r\n"))
    with Server(script) as server:
        record = probe(server).record
    assert end_of(record) == (Stage.ehlo_after_tls, Outcome.permanent_negative)
    assert record.starttls.result is StarttlsResult.done


# Connecting -----------------------------------------------------------------------------------------------


def test_where_nothing_listens_the_session_is_refused_with_a_transcript(probe: Probe) -> None:
    address = new_address()
    probed = probe.run(probe.hold(address, port := unused_port(address)))
    record = probed.record
    assert end_of(record) == (Stage.connect, Outcome.refused)
    assert (record.error, record.error_code) == ("Connection refused", "ECONNREFUSED")
    assert record.source_address == "127.0.0.1", "from where we asked is known also if nobody answers"
    assert remarks_of(probed.transcript.lines) == [
        f"connect {address}:{port} limit 10 s",
        "ECONNREFUSED: Connection refused",
    ]


def test_who_does_not_answer_a_connect_times_out_by_its_limit(probe: Probe) -> None:
    probe.limits, probe.clock = Limits(connect_s=0.05), HeldClock()
    with blackhole() as (address, port):
        record = probe.run(probe.hold(address, port)).record
    assert end_of(record) == (Stage.connect, Outcome.timed_out)
    assert (record.limit, record.limit_s) == ("limits.connect_s", 0.05)
    assert record.source_address is not None, "from where we asked is known also if nobody answers"


@pytest.mark.parametrize(
    ("number", "outcome", "code"),
    [
        (errno.ECONNREFUSED, Outcome.refused, "ECONNREFUSED"),
        (errno.EHOSTUNREACH, Outcome.unreachable, "EHOSTUNREACH"),
        (errno.ETIMEDOUT, Outcome.timed_out, "ETIMEDOUT"),
        (errno.ENETUNREACH, Outcome.local_fault, "ENETUNREACH"),
        (errno.EMFILE, Outcome.local_fault, "EMFILE"),
        (errno.EADDRNOTAVAIL, Outcome.local_fault, "EADDRNOTAVAIL"),
        (errno.EPERM, Outcome.local_fault, "EPERM"),
    ],
)
def test_an_error_at_connecting_is_the_servers_or_ours(probe: Probe, number: int, outcome: Outcome, code: str) -> None:
    async def fail(address: IpAddress, port: int, source: str | None, tried_from: object = None) -> TcpStream:
        raise OSError(number, "in some loop's words")

    probe.connector = fail
    record = probe.run(probe.hold("127.64.0.1", 25)).record
    assert end_of(record) == (Stage.connect, outcome)
    assert record.error_code == code
    assert record.limit is None


def test_a_bug_of_ours_is_an_outcome_with_its_traceback(probe: Probe) -> None:
    async def fail(address: IpAddress, port: int, source: str | None, tried_from: object = None) -> TcpStream:
        raise RuntimeError("b\xfcg \ud800")

    probe.connector = fail
    probed = probe.run(probe.hold("127.64.0.1", 25))
    assert probed.record.outcome is Outcome.scanner_bug
    assert probed.record.error is not None
    assert probed.record.error.startswith("RuntimeError(")
    assert probed.bug is not None
    assert "Traceback" in probed.bug
    assert "RuntimeError" in probed.bug


def test_an_ipv6_endpoint_is_written_in_brackets(probe: Probe) -> None:
    with Server(mail_server(), "::1") as server:
        probed = probe(server)
    assert remarks_of(probed.transcript.lines)[0] == f"connect [::1]:{server.port} limit 10 s"
    assert end_of(probed.record) == OK


# Octets ---------------------------------------------------------------------------------------------------


def test_what_is_read_of_a_session_is_bounded_and_the_limit_named(probe: Probe) -> None:
    probe.limits = Limits(session_bytes=1000, reply_s=10, greeting_s=10, quit_s=10)
    with Server(mail_server(ehlo=(b"250-" + b"x" * 400 + b"\r\n") * 5)) as server:
        record = probe(server).record
    assert end_of(record) == (Stage.ehlo, Outcome.too_long)
    assert (record.limit, record.limit_bytes, record.limit_s) == ("limits.session_bytes", 1000, None)


@pytest.mark.parametrize(
    ("ehlo", "limit", "value"),
    [
        (b"250 " + b"x" * 9000 + b"\r\n", "limits.reply_line_bytes", 8192),
        ((b"250-" + b"x" * 8000 + b"\r\n") * 10, "limits.reply_bytes", 65536),
        (b"250-\r\n" * 201, "limits.reply_lines", 200),
    ],
)
def test_a_reply_that_is_too_long_names_its_limit(probe: Probe, ehlo: bytes, limit: str, value: int) -> None:
    with Server(mail_server(ehlo=ehlo)) as server:
        record = probe(server).record
    assert end_of(record) == (Stage.ehlo, Outcome.too_long)
    assert (record.limit, record.limit_bytes, record.limit_s) == (limit, value, None)


def test_a_transcript_that_is_cut_says_so_and_changes_nothing_else(probe: Probe) -> None:
    probe.limits = Limits(transcript_bytes=64)
    ehlo = b"250-mx.test\r\n250-" + b"X" * 200 + b"\r\n250 SIZE 7\r\n"
    with Server(mail_server(ehlo=ehlo)) as server:
        probed = probe(server)
    assert end_of(probed.record) == OK
    assert probed.record.flags == (SessionFlag.transcript_cut,)
    assert probed.record.extensions == {"X" * 200: "", "SIZE": "7"}
    assert octets_of(probed.transcript.lines, "S") == (GREETING + ehlo)[:64]
    assert octets_of(probed.transcript.lines, "C") == SAID
    assert "transcript cut here" in remarks_of(probed.transcript.lines)


def test_a_session_that_is_cancelled_leaves_no_connection_open(probe: Probe) -> None:
    async def main(server: Server) -> None:
        connected = asyncio.Event()

        async def connect_and_tell(
            address: IpAddress, port: int, source: str | None, tried_from: object = None
        ) -> TcpStream:
            connected.set()
            return await connect(address, port, source)

        probe.connector = connect_and_tell
        task = asyncio.create_task(probe.hold(str(server.address), server.port))
        await connected.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Server(silence) as server:  # whose script ends only when the connection does
        probe.run(main(server))
