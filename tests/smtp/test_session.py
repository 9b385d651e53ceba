"""The session: what may be said when, and what is forgotten."""

import pytest

from scanner.outcomes import SessionFlag
from scanner.smtp.commands import CommandError, Verb
from scanner.smtp.replies import Reply, ReplyError, ReplyLimits
from scanner.smtp.session import LocalProtocolError, Session, State
from tests.smtp.feeding import every_way
from tests.smtp.saying import (
    ARGUMENTS,
    CHALLENGED,
    DONE,
    EHLO,
    EHLO_AUTH,
    EHLO_WITHOUT,
    FROM,
    GO_ON,
    GREETED,
    GREETING,
    LOGGED_IN,
    OFFERED,
    OK,
    READY,
    SPOKEN_TO,
    TO,
    UNDER_TLS,
    Step,
    auth,
    data,
    ehlo,
    helo,
    mail,
    quit_,
    rcpt,
    rset,
    session_after,
    starttls,
)

MAY_SAY: list[tuple[str, list[Step], State, set[Verb]]] = [
    ("nothing was heard", [], State.greeting, set()),
    ("half a greeting", [b"220 mx"], State.greeting, set()),
    ("a teaser is no greeting", [b"220-mx.test\r\n"], State.greeting, set()),
    ("greeted", [GREETING], State.connected, SPOKEN_TO),
    ("greeted after a teaser", [b"220-mx.test\r\n220 ESMTP\r\n"], State.connected, SPOKEN_TO),
    ("greeted by an unknown code of its class (§4.3.2)", [b"250 mx.test\r\n"], State.connected, SPOKEN_TO),
    ("refused by 554 (§3.1)", [b"554 no service\r\n"], State.parting, {quit_}),
    ("refused by 421", [b"421 busy\r\n"], State.parting, {quit_}),
    ("greeted by 354", [b"354 go on\r\n"], State.parting, {quit_}),
    ("EHLO unanswered", [GREETING, ehlo], State.connected, {quit_}),
    ("EHLO half answered", [GREETING, ehlo, b"250-mx.test\r\n"], State.connected, {quit_}),
    ("EHLO accepted, STARTTLS offered", OFFERED, State.ready, READY | {starttls}),
    ("EHLO accepted, STARTTLS not offered", [GREETING, ehlo, EHLO_WITHOUT], State.ready, READY),
    ("STARTTLS only in the host name", [GREETING, ehlo, b"250 STARTTLS\r\n"], State.ready, READY),
    ("EHLO refused", [GREETING, ehlo, b"502 what?\r\n"], State.connected, SPOKEN_TO),
    ("EHLO answered by 220", [GREETING, ehlo, b"220-mx\r\n220 STARTTLS\r\n"], State.connected, SPOKEN_TO),
    ("HELO accepted", [GREETING, ehlo, b"502 what?\r\n", helo, b"250 mx.test\r\n"], State.ready, READY),
    ("HELO offers nothing", [GREETING, helo, EHLO], State.ready, READY),
    ("HELO refused", [GREETING, helo, b"550 no\r\n"], State.connected, SPOKEN_TO),
    ("STARTTLS unanswered", [*OFFERED, starttls], State.ready, {quit_}),
    ("STARTTLS refused", [*OFFERED, starttls, b"454 not now\r\n"], State.ready, READY | {starttls}),
    ("STARTTLS answered by 250 (RFC 3207 §4: 220)", [*OFFERED, starttls, OK], State.ready,
     READY | {starttls}),
    ("220 to STARTTLS: nothing but the handshake", [*OFFERED, starttls, b"220 go\r\n"], State.tls, set()),
    ("under TLS, all forgotten", UNDER_TLS, State.connected, SPOKEN_TO),
    ("STARTTLS offered again under TLS", [*UNDER_TLS, ehlo, EHLO], State.ready, READY),
    ("AUTH offered", GREETED, State.ready, READY | {auth}),
    ("AUTH offered to HELO", [GREETING, helo, EHLO_AUTH], State.ready, READY),
    ("AUTH unanswered", [*GREETED, auth], State.ready, {quit_}),
    ("AUTH refused, another try (RFC 4954 §4)", [*GREETED, auth, b"535 5.7.8 no\r\n"], State.ready, READY | {auth}),
    ("AUTH accepted: never again (RFC 4954 §4)", LOGGED_IN, State.ready, READY),
    ("AUTH answered by 250", [*GREETED, auth, OK], State.ready, READY | {auth}),
    ("a challenge: QUIT would be a response", CHALLENGED, State.authenticating, set()),
    ("a response unanswered", [*CHALLENGED, "response"], State.authenticating, {quit_}),
    ("a second challenge", [*CHALLENGED, "response", b"334 \r\n"], State.authenticating, set()),
    ("a response accepted", [*CHALLENGED, "response", b"235 ok\r\n"], State.ready, READY),
    ("a response refused", [*CHALLENGED, "response", b"535 no\r\n"], State.ready, READY | {auth}),
    ("AUTH cancelled (RFC 4954 §4)", [*CHALLENGED, "cancel", b"501 cancelled\r\n"], State.ready, READY | {auth}),
    ("334 to MAIL is no challenge", [*GREETED, mail, b"334 \r\n"], State.ready, READY | {auth}),
    ("MAIL unanswered", [*GREETED, mail], State.ready, {quit_}),
    ("MAIL refused", [*GREETED, mail, b"550 no\r\n"], State.ready, READY | {auth}),
    ("MAIL accepted: no AUTH within (RFC 4954 §4)", FROM, State.transaction, {rcpt, rset, quit_}),
    ("RCPT refused", [*FROM, rcpt, b"550 5.1.1 no\r\n"], State.transaction, {rcpt, rset, quit_}),
    ("RCPT accepted", TO, State.recipients, {rcpt, data, rset, quit_}),
    ("RCPT accepted by 251 (§4.3.2)", [*FROM, rcpt, b"251 forwarded\r\n"], State.recipients, {rcpt, data, rset, quit_}),
    ("a second RCPT refused", [*TO, rcpt, b"452 too many\r\n"], State.recipients, {rcpt, data, rset, quit_}),
    ("RSET", [*TO, rset, OK], State.ready, READY | {auth}),
    ("RSET refused", [*TO, rset, b"502 what?\r\n"], State.recipients, {rcpt, data, rset, quit_}),
    ("DATA unanswered", [*TO, data], State.recipients, {quit_}),
    ("DATA refused", [*TO, data, b"554 no valid recipients\r\n"], State.recipients, {rcpt, data, rset, quit_}),
    ("DATA answered by 250 (§4.3.2: 354)", [*TO, data, OK], State.recipients, {rcpt, data, rset, quit_}),
    ("354: QUIT would be a line of the message", GO_ON, State.mail_data, set()),
    ("a message unanswered", [*GO_ON, "message"], State.mail_data, {quit_}),
    ("a message accepted", [*GO_ON, "message", OK], State.ready, READY | {auth}),
    ("a message refused (§4.1.1.4)", [*GO_ON, "message", b"554 spam\r\n"], State.ready, READY | {auth}),
    ("421 to RCPT (§3.8)", [*TO, rcpt, b"421 going away\r\n"], State.parting, {quit_}),
    ("421 to a response", [*CHALLENGED, "response", b"421 going away\r\n"], State.parting, {quit_}),
    ("421 to EHLO", [GREETING, ehlo, b"421 going away\r\n"], State.parting, {quit_}),
    ("421 to a message", [*GO_ON, "message", b"421 going away\r\n"], State.parting, {quit_}),
    ("QUIT within a transaction", [*TO, quit_, b"221 bye\r\n"], State.parting, {quit_}),
    ("QUIT unanswered", [GREETING, quit_], State.connected, {quit_}),
    ("QUIT answered", [GREETING, quit_, b"221 bye\r\n"], State.parting, {quit_}),
    ("QUIT refused", [GREETING, quit_, b"500 what?\r\n"], State.parting, {quit_}),
]  # fmt: skip


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize(("steps", "state", "allowed"), [row[1:] for row in MAY_SAY], ids=[row[0] for row in MAY_SAY])
def test_what_may_be_said_when(steps: list[Step], state: State, allowed: set[Verb], verb: Verb) -> None:
    session = session_after(*steps)
    assert session.state is state
    assert session.quit_allowed is (quit_ in allowed)
    if verb in allowed:
        assert session.send(verb, ARGUMENTS.get(verb, "")).startswith(verb.encode())
    else:
        with pytest.raises(LocalProtocolError):
            session.send(verb, ARGUMENTS.get(verb, ""))


@pytest.mark.parametrize(("steps", "state"), [row[1:3] for row in MAY_SAY], ids=[row[0] for row in MAY_SAY])
@pytest.mark.parametrize(
    ("done", "only_in"),
    [
        ("response", State.authenticating),
        ("cancel", State.authenticating),
        ("message", State.mail_data),
        ("TLS", State.tls),
    ],
)
def test_what_is_no_command_is_said_in_one_state_only(
    steps: list[Step], state: State, done: str, only_in: State
) -> None:
    session = session_after(*steps)
    if state is only_in and isinstance(steps[-1], bytes):
        DONE[done](session)
    else:
        with pytest.raises(LocalProtocolError):
            DONE[done](session)


@pytest.mark.parametrize("verb", list(Verb))
def test_under_implicit_tls_the_greeting_is_waited_for_as_well(verb: Verb) -> None:
    with pytest.raises(LocalProtocolError):
        session_after(implicit_tls=True).send(verb)


def test_under_implicit_tls_starttls_is_never_said() -> None:
    session = session_after(GREETING, ehlo, EHLO, implicit_tls=True)
    with pytest.raises(LocalProtocolError, match="under TLS"):
        session.send(starttls)


def test_tls_is_not_begun_without_the_220() -> None:
    with pytest.raises(LocalProtocolError):
        session_after(GREETING, ehlo, EHLO).start_tls()


def test_a_command_that_is_refused_changes_nothing() -> None:
    session = session_after(GREETING)
    with pytest.raises(CommandError):
        session.send(ehlo, "a\r\nRCPT TO:<b@c.test>")
    assert session.send(ehlo, "me.test") == b"EHLO me.test\r\n"


def test_what_was_learnt_in_the_clear_is_forgotten() -> None:
    assert session_after(*OFFERED).starttls_offered
    session = session_after(*UNDER_TLS)
    assert session.extensions is None
    assert not session.starttls_offered


def test_what_is_said_under_tls_is_all_that_counts_then() -> None:
    session = session_after(*UNDER_TLS, ehlo, EHLO_WITHOUT)
    assert session.extensions is not None
    assert session.extensions.parameters == {b"SIZE": b"1000"}


@pytest.mark.parametrize(
    "injected",
    [
        b"250-mx.test\r\n250 AUTH PLAIN\r\n",
        b"250-half",
        b"\r\n",
        b"RSET\r\n",
    ],
)
def test_plaintext_after_the_220_is_returned_and_never_parsed(injected: bytes) -> None:
    octets = b"220 go\r\n" + injected
    for pieces in every_way(octets):
        session = session_after(GREETING, ehlo, EHLO, starttls)
        replies = []
        for piece in pieces:
            session.receive_data(piece)
            replies.append(session.next_reply())
        assert [reply for reply in replies if reply] == [Reply(220, None, (b"go",))]
        assert session.start_tls() == injected
        session.send(ehlo, "me.test")
        assert session.next_reply() is None


def test_a_reply_that_nobody_asked_for_is_not_given_and_told() -> None:
    session = session_after(GREETING, ehlo)
    session.receive_data(EHLO + b"250 once more\r\n")
    assert session.next_reply() is not None
    assert session.next_reply() is None
    assert SessionFlag.extra_data_after_reply not in session.flags
    session.send(quit_)
    assert SessionFlag.extra_data_after_reply in session.flags


def test_octets_that_were_awaited_are_no_extra_data() -> None:
    session = session_after(GREETING, ehlo, EHLO[:20])
    session.send(quit_)
    assert session.flags == frozenset()


@pytest.mark.parametrize(
    ("steps", "offered", "masked", "why"),
    [
        ([GREETING, ehlo, EHLO], True, False, "offered"),
        ([GREETING, ehlo, EHLO_WITHOUT], False, False, "not offered"),
        ([GREETING, ehlo, b"250-mx.test\r\n250 XXXXXXXA\r\n"], False, True, "the keyword overwritten"),
        ([b"220 ********\r\n", ehlo, EHLO_WITHOUT], False, True, "the greeting overwritten"),
        ([b"220 ********\r\n", ehlo, EHLO], True, False, "the greeting overwritten, the keyword not"),
        (
            [GREETING, ehlo, b"250-mx.test\r\n250-XXXXXXXA\r\n250 STARTTLS\r\n"],
            True,
            False,
            "offered all the same",
        ),
        ([b"220 ********\r\n"], False, False, "nothing is known before EHLO"),
        ([GREETING, helo, b"250 mx.test\r\n"], False, False, "HELO says nothing"),
    ],
)
def test_masked_is_another_thing_than_not_offered(steps: list[Step], offered: bool, masked: bool, why: str) -> None:
    session = session_after(*steps)
    assert (session.starttls_offered, session.starttls_masked) == (offered, masked), why


def test_departures_from_the_grammar_are_flags_of_the_session() -> None:
    session = session_after(b"220 *****\n", ehlo, b"250-mx.test\r\n250 AUTH=PLAIN\r\n")
    assert session.flags == {
        SessionFlag.bare_lf,
        SessionFlag.greeting_masked,
        SessionFlag.ehlo_line_outside_grammar,
    }


def test_a_refusal_of_the_parser_comes_through() -> None:
    session = Session(ReplyLimits())
    session.receive_data(b"SSH-2.0-x\r\n")
    with pytest.raises(ReplyError):
        session.next_reply()


def test_another_protocol_is_known_only_while_a_reply_is_awaited() -> None:
    session = Session(ReplyLimits())
    session.receive_data(b"\x15\x03\x01")
    assert session.cannot_become_reply
    greeted = session_after(GREETING)
    greeted.receive_data(b"\x15\x03\x01")
    assert not greeted.cannot_become_reply


def test_a_whole_session_is_the_same_however_the_servers_octets_arrive() -> None:
    """Every stage's octets in every cut: the same replies, extensions and states."""
    stages: list[tuple[Verb | None, bytes]] = [(None, GREETING), (ehlo, EHLO), (quit_, b"221 bye\r\n")]
    for number in range(len(stages)):
        for pieces in every_way(stages[number][1]):
            session = Session(ReplyLimits())
            codes = []
            for place, (verb, octets) in enumerate(stages):
                if verb is not None:
                    session.send(verb, "me.test" if verb is ehlo else "")
                for piece in pieces if place == number else [octets]:
                    session.receive_data(piece)
                    reply = session.next_reply()
                    if reply is not None:
                        codes.append(reply.code)
            assert codes == [220, 250, 221]
            assert session.extensions is not None
            assert session.extensions.parameters == {b"SIZE": b"1000", b"STARTTLS": b""}
            assert session.flags == frozenset()
