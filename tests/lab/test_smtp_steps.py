"""What the servers do, step by step, as a client sees it."""

import time
from itertools import pairwise

import pytest

from scanner.lab.log import TripwireLine
from scanner.lab.world import Behaviour

from .conftest import OpenLab
from .running import HOST, LIMITS, world_of

EHLO = b"EHLO client.lab"


def test_a_good_server_greets_offers_starttls_and_says_goodbye(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client:
        assert client.hear_reply() == f"220 {HOST} ESMTP\r\n".encode()
        assert client.ask(EHLO).splitlines() == [
            f"250-{HOST}".encode(),
            b"250-PIPELINING",
            b"250-SIZE 35882577",
            b"250-ENHANCEDSTATUSCODES",
            b"250-8BITMIME",
            b"250-CHUNKING",
            b"250 STARTTLS",
        ]
        assert client.ask(b"HELO client.lab") == f"250 {HOST}\r\n".encode()
        assert client.ask(b"QUIT").startswith(b"221 ")
        assert client.hear_all() == b""


GREETINGS = [
    (("send a\\r\\n",), b"a\r\n", "simple escapes"),
    (("send \\x00\\xff\\\\ {host}",), b"\x00\xff\\ " + HOST.encode(), "octets, backslash, the host"),
    (("send 220 a\r\n",), b"220 a\r\n", "TOML has already made octets of the escapes"),
    (("repeat 3 ab\\r\\n",), b"ab\r\n" * 3, "repeat"),
    (("repeat 600000 0123456789",), b"0123456789" * 600000, "more than a socket takes at once"),
    (("send 1", "send 2", "send  3 "), b"12 3 ", "spaces belong to the text"),
    (("drip 0.02 abc",), b"abc", "octet by octet"),
    (("send a", "wait 0.1", "send b"), b"ab", "a wait between"),
]


@pytest.mark.parametrize(("steps", "octets", "why"), GREETINGS, ids=[row[-1] for row in GREETINGS])
def test_steps_say_exactly_these_octets(open_lab: OpenLab, steps: tuple[str, ...], octets: bytes, why: str) -> None:
    lab = open_lab(world_of(Behaviour(greeting=(*steps, "close"))))
    with lab.connect() as client:
        assert client.hear_all() == octets
    assert [session.end for session in lab.sessions()] == ["server_closed"]


#: Stage, its limit, and what a client says before it.
STAGES = [
    ("greeting", LIMITS.greeting_s, ()),
    ("ehlo", LIMITS.reply_s, (EHLO,)),
    ("helo", LIMITS.reply_s, (b"HELO client.lab",)),
    ("starttls", LIMITS.reply_s, (b"STARTTLS",)),
    ("quit", LIMITS.quit_s, (b"QUIT",)),
]


@pytest.mark.parametrize(("stage", "limit_s", "said"), STAGES, ids=[row[0] for row in STAGES])
def test_a_wait_is_a_share_of_the_limit_of_its_stage(
    open_lab: OpenLab, stage: str, limit_s: float, said: tuple[bytes, ...]
) -> None:
    lab = open_lab(world_of(Behaviour(**{stage: ("wait 0.5", "send 299 now\\r\\n", "close")})))  # type: ignore[arg-type]
    with lab.connect() as client:
        started_s = time.monotonic()
        for command in said:
            assert client.hear_reply()
            client.say(command + b"\r\n")
        assert client.hear_reply() == b"299 now\r\n"
        took_s = time.monotonic() - started_s
    assert limit_s * 0.5 <= took_s + 0.002 < limit_s * 0.5 + 1


def test_a_drip_waits_between_two_octets(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=("drip 0.1 abcd", "close"))))
    arrived_s = []
    with lab.connect() as client:
        while client.socket.recv(1):
            arrived_s.append(time.monotonic())
    assert len(arrived_s) == 4
    assert all(later - earlier > LIMITS.greeting_s * 0.05 for earlier, later in pairwise(arrived_s))


def test_a_reset_comes_after_what_was_said(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=("wait 0.2", "send 554 go away\\r\\n", "reset"))))
    with lab.connect() as client:
        assert client.hear_reply() == b"554 go away\r\n"
        with pytest.raises(ConnectionResetError):
            client.hear_all()
    assert [session.end for session in lab.sessions()] == ["server_reset"]


def test_silence_keeps_the_connection_and_logs_what_is_said(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(ehlo=("silence",))))
    with lab.connect() as client:
        client.hear_reply()
        client.say(EHLO + b"\r\n")
        assert client.hears_nothing_for(0.2)
        client.say(b"QUIT\r\n")
    (session,) = lab.sessions()
    assert session.commands == ["EHLO", "QUIT"]


def test_commands_sent_together_are_answered_in_order(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(ehlo=("wait 0.2", "send 250 late\\r\\n"))))
    with lab.connect() as client:
        client.hear_reply()
        client.say(EHLO + b"\r\nNOOP\r\nQUIT\r\n")
        replies = client.hear_all().splitlines()
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"221"]
    assert replies[0] == b"250 late"


COMMANDS = [
    (b"noop", b"250", "verbs in any case"),
    (b"RSET", b"250", ""),
    (b"VRFY postmaster", b"252", "neither yes nor no"),
    (b"EXPN list", b"500", "not implemented"),
    (b"XYZZY", b"500", "unknown"),
    (b"", b"500", "an empty line"),
    (b"RCPT TO:<a@here.lab>", b"503", "before MAIL"),
    (b"DATA", b"503", "before RCPT"),
    (b"MAIL FROM:someone", b"501", "no path"),
]


@pytest.mark.parametrize(("command", "code", "why"), COMMANDS, ids=[row[0].decode() or "empty" for row in COMMANDS])
def test_a_good_server_answers_every_command(open_lab: OpenLab, command: bytes, code: bytes, why: str) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client:
        client.hear_reply()
        assert client.ask(command)[:3] == code


MESSAGES = [
    ((b"DATA", b"Subject: x\r\n\r\nHello\r\n.\r\n"), [b"354", b"250"], "DATA"),
    ((b"DATA", b".\r\n"), [b"354", b"250"], "an empty message"),
    ((b"DATA", b"a\r\n..\r\n.b\r\nQUIT\r\n.\r\n"), [b"354", b"250"], "dots and a command in it"),
    ((b"BDAT 5\r\nab\r\nc", b"BDAT 3 LAST\r\nxyz"), [b"250", b"250"], "two chunks"),
    ((b"BDAT 0 LAST\r\n",), [b"250"], "an empty last chunk"),
]


@pytest.mark.parametrize(("said", "codes", "why"), MESSAGES, ids=[row[-1] for row in MESSAGES])
def test_a_good_server_accepts_messages(
    open_lab: OpenLab, said: tuple[bytes, ...], codes: list[bytes], why: str
) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client:
        client.hear_reply()
        for _ in range(2):  # a second transaction finds nothing left of the first
            assert client.ask(b"MAIL FROM:<>")[:3] == b"250"
            assert client.ask(b"RCPT TO:<postmaster@here.lab>")[:3] == b"250"
            replies = []
            for octets in said:
                client.say(octets + (b"\r\n" if octets == b"DATA" else b""))
                replies.append(client.hear_reply()[:3])
            assert replies == codes
        assert client.ask(b"QUIT")[:3] == b"221"


def test_a_message_is_the_same_in_whatever_pieces_it_comes(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client:
        client.hear_reply()
        client.ask(b"MAIL FROM:<>")
        client.ask(b"RCPT TO:<postmaster@here.lab>")
        client.ask(b"DATA")
        for octet in b"line\r\n.\r\nNOOP\r\n":
            client.say(bytes((octet,)))
        assert client.hear_reply().startswith(b"250 2.0.0 Message")
        assert client.hear_reply().startswith(b"250 2.0.0 OK")


def test_nothing_listens_where_no_listener_is(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(listener=False)))
    with pytest.raises(ConnectionRefusedError):
        lab.connect()


def test_every_connect_to_a_blackhole_times_out(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(blackhole=True)))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            lab.connect(timeout_s=0.15)


def test_a_client_that_floods_is_cut_off(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client, pytest.raises(ConnectionError):
        client.say(b"x" * 100_000_000)
    (session,) = lab.sessions()
    assert session.end == "server_reset"


def test_the_log_says_when_who_and_what(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    for _ in range(2):
        with lab.connect() as client:
            client.hear_reply()
            client.ask(EHLO)
            client.ask(b"quit")
            client.hear_all()
    first, second = lab.sessions()
    assert first.commands == second.commands == ["EHLO", "QUIT"]
    assert (first.host, first.peer, first.end, first.spoke_early) == (
        HOST,
        "127.0.0.1",
        "server_closed",
        False,
    )
    assert first.started_s <= first.ended_s <= second.started_s


ENDS = [
    (lambda client: client.close(), "client_closed"),
    (lambda client: client.reset(), "client_reset"),
    (lambda client: None, "lab_stopped"),
]


@pytest.mark.parametrize(("end", "word"), ENDS, ids=[row[1] for row in ENDS])
def test_the_log_says_how_a_session_ended(open_lab: OpenLab, end, word: str) -> None:  # type: ignore[no-untyped-def]
    lab = open_lab(world_of())
    client = lab.connect()
    client.hear_reply()
    end(client)
    if word != "lab_stopped":
        with lab.connect() as later:  # the server has taken in what came before this one
            later.hear_reply()
    assert lab.sessions()[0].end == word
    client.close()


def test_who_speaks_before_the_greeting_is_complete_is_told_from_who_waits(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=("send 220-wait\\r\\n", "wait 0.3", "send 220 now\\r\\n"))))
    with lab.connect() as polite:
        polite.hear_reply()
        polite.ask(b"QUIT")
    with lab.connect() as hasty:
        hasty.ask(b"EHLO hasty.lab")
    assert [session.spoke_early for session in lab.sessions()] == [False, True]


def test_a_session_that_ended_before_the_next_began_is_logged_so(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    for _ in range(100):
        with lab.connect() as client:
            client.hear_reply()
    with lab.connect() as client:
        client.hear_reply()
    sessions = lab.sessions()
    assert len(sessions) == 101
    assert all(earlier.ended_s <= later.started_s for earlier, later in pairwise(sessions))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_whoever_comes_to_a_forbidden_address_trips_a_wire(open_lab: OpenLab, address: str) -> None:
    lab = open_lab(world_of())
    if address not in lab.lab.tripwires:
        pytest.skip(f"{address} cannot be bound here")
    with lab.connect(address) as client:
        assert client.hear_all() == b""
    assert [line.address for line in lab.stop() if isinstance(line, TripwireLine)] == [address]
