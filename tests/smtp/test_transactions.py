"""Transactions and AUTH in a session: what was offered and agreed on, what gets on the wire, what errors tell."""

import pytest

from scanner.outcomes import SessionFlag
from scanner.smtp.commands import CommandError, Verb
from scanner.smtp.mail_data import MailDataError
from scanner.smtp.replies import ReplyLimits
from scanner.smtp.session import LocalProtocolError, Session, State
from tests.smtp.feeding import every_way
from tests.smtp.saying import (
    ALL_OFFERED,
    ARGUMENTS,
    CHALLENGED,
    EHLO_ALL,
    EHLO_AUTH,
    FROM,
    GO_ON,
    GREETED,
    GREETING,
    LOGGED_IN,
    OK,
    Step,
    auth,
    data,
    ehlo,
    helo,
    mail,
    quit_,
    rcpt,
    rset,
    say,
    session_after,
    starttls,
)


def before(verb: Verb) -> list[Step]:
    """What a transaction needs before this command."""
    return [mail, OK] if verb is rcpt else []


@pytest.mark.parametrize(
    ("verb", "argument", "keyword"),
    [
        (mail, "FROM:<a@b.test> SIZE=1", b"SIZE"),
        (mail, "FROM:<a@b.test> size=1", b"SIZE"),
        (mail, "FROM:<a@b.test> BODY=8BITMIME", b"8BITMIME"),
        (mail, "FROM:<a@b.test> SMTPUTF8", b"SMTPUTF8"),
        (mail, "FROM:<a@b.test> RET=HDRS", b"DSN"),
        (mail, "FROM:<a@b.test> SIZE=1 ENVID=x", b"DSN"),
        (mail, "FROM:<> AUTH=<>", b"AUTH"),
        (rcpt, "TO:<c@d.test> NOTIFY=NEVER", b"DSN"),
        (rcpt, "TO:<c@d.test> ORCPT=rfc822;c@d.test", b"DSN"),
    ],
)
def test_a_parameter_is_said_only_if_its_extension_was_offered(verb: Verb, argument: str, keyword: bytes) -> None:
    assert session_after(GREETING, ehlo, EHLO_ALL, *before(verb)).send(verb, argument).endswith(b"\r\n")
    without = b"".join(line for line in EHLO_ALL.splitlines(keepends=True) if not line[4:].startswith(keyword))
    with pytest.raises(LocalProtocolError, match="not offered"):
        session_after(GREETING, ehlo, without, *before(verb)).send(verb, argument)
    with pytest.raises(LocalProtocolError, match="not offered"):
        session_after(GREETING, helo, EHLO_ALL, *before(verb)).send(verb, argument)


@pytest.mark.parametrize(
    ("verb", "argument"),
    [
        (mail, "FROM:<a@b.test> X-OTHER=1"),
        (mail, "FROM:<a@b.test> NOTIFY=NEVER"),
        (rcpt, "TO:<c@d.test> SIZE=1"),
        (rcpt, "TO:<c@d.test> SMTPUTF8"),
    ],
)
def test_a_parameter_that_no_extension_has_or_only_for_the_other_command_is_not_said(verb: Verb, argument: str) -> None:
    with pytest.raises(LocalProtocolError, match="not offered"):
        session_after(GREETING, ehlo, EHLO_ALL, *before(verb)).send(verb, argument)


def test_a_path_that_is_not_ascii_needs_smtputf8_in_its_transaction() -> None:
    with_it = session_after(*ALL_OFFERED, (mail, "FROM:<ä@b.test> SMTPUTF8"), OK)
    assert with_it.send(rcpt, "TO:<ö@d.test>") == "RCPT TO:<ö@d.test>\r\n".encode()
    with pytest.raises(CommandError, match="position 7 is not ASCII"):
        session_after(*ALL_OFFERED).send(mail, "FROM:<ä@b.test>")
    with pytest.raises(CommandError, match="position 5 is not ASCII"):
        session_after(*ALL_OFFERED, mail, OK).send(rcpt, "TO:<ö@d.test>")
    # What one transaction agreed on is not agreed on in the next.
    again = session_after(*ALL_OFFERED, (mail, "FROM:<ä@b.test> SMTPUTF8"), OK, rset, OK, mail, OK)
    with pytest.raises(CommandError, match="not ASCII"):
        again.send(rcpt, "TO:<ö@d.test>")


@pytest.mark.parametrize(
    ("argument", "taken", "why"),
    [
        ("FROM:<a@b.test>", False, "nothing agreed on"),
        ("FROM:<a@b.test> BODY=7BIT", False, "the opposite agreed on"),
        ("FROM:<a@b.test> BODY=8BITMIME", True, "RFC 6152 §3"),
        ("FROM:<a@b.test> SMTPUTF8", True, "RFC 6531 §3.6: header fields in UTF-8"),
    ],
)
def test_eight_bit_mail_data_is_sent_only_if_that_was_agreed_on(argument: str, taken: bool, why: str) -> None:
    session = session_after(*ALL_OFFERED, (mail, argument), OK, rcpt, OK, data, b"354 go on\r\n")
    if taken:
        assert session.send_message(b"\xc3\xa4") == b"\xc3\xa4\r\n.\r\n", why
    else:
        with pytest.raises(MailDataError):
            session.send_message(b"\xc3\xa4")
        assert session.send_message(b"a") == b"a\r\n.\r\n"


def test_a_message_is_sent_with_its_dots_doubled_and_its_end() -> None:
    assert session_after(*GO_ON).send_message(b".\n.\r\nx") == b"..\r\n..\r\nx\r\n.\r\n"


@pytest.mark.parametrize("verb", [mail, rcpt])
@pytest.mark.parametrize(
    "argument",
    [
        "",
        "<a@b.test>",
        "FROM:a@b.test",
        "FROM: <a@b.test>",
        "TO: <a@b.test>",
        "FROM:<a@b.test",
        "FROM:<a b@c.test>",
        "FROM:<a@b.test>SIZE=1",
        "FROM:<a@b.test>  SIZE=1",
        "FROM:<a@b.test> ",
        "FROM:<a@b.test> =1",
        "FROM:<a@b.test> SIZE=1=2",
        "TO:<a@b.test><c@d.test>",
        'TO:<"a@b.test>',
    ],
)
def test_what_is_no_path_with_parameters_is_no_argument(verb: Verb, argument: str) -> None:
    with pytest.raises(CommandError):
        session_after(*ALL_OFFERED, *before(verb)).send(verb, argument)


@pytest.mark.parametrize("octet", [*range(0x20), 0x7F])
@pytest.mark.parametrize("argument", ["FROM:<a{}@b.test>", 'FROM:<"a\\{}"@b.test>', "FROM:<a@b.test> SIZE=1{}"])
def test_no_control_gets_into_a_transaction(octet: int, argument: str) -> None:
    session = session_after(*ALL_OFFERED)
    with pytest.raises(CommandError, match=f"control character 0x{octet:02X} at position {argument.index('{') + 1}"):
        session.send(mail, argument.format(chr(octet)))
    assert session.send(mail, ARGUMENTS[mail]) == b"MAIL FROM:<a@b.test>\r\n"


@pytest.mark.parametrize(
    ("verb", "argument", "limit"),
    [
        (mail, "FROM:<{}@b.test>", 512 + 26 + 17 + 100 + 500 + 10),
        (rcpt, "TO:<{}@d.test>", 512 + 500),
    ],
)
def test_a_line_is_as_long_as_the_extensions_allow(verb: Verb, argument: str, limit: int) -> None:
    session = session_after(*ALL_OFFERED, *before(verb))
    most = limit - len(f"{verb} {argument.format('')}\r\n")
    with pytest.raises(CommandError, match=f"at most {limit} octets, this one {limit + 1}"):
        session.send(verb, argument.format("x" * (most + 1)))
    assert len(session.send(verb, argument.format("x" * most))) == limit


def test_octets_between_the_replies_of_a_transaction_are_told() -> None:
    session = session_after(*FROM)
    session.receive_data(b"250 once more\r\n")
    session.send(rcpt, ARGUMENTS[rcpt])
    assert SessionFlag.extra_data_after_reply in session.flags


# AUTH --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["CRAM-MD5", "XOAUTH2 YQ==", "", "PLAINX", "PLAI", "PLAIN,LOGIN"])
def test_a_mechanism_that_was_not_offered_is_not_used(argument: str) -> None:
    with pytest.raises(LocalProtocolError, match="not offered"):
        session_after(*GREETED).send(auth, argument)


@pytest.mark.parametrize("argument", ["PLAIN YQ==", "plain YQ==", "PLAIN =", "PLAIN", "LOGIN"])
def test_auth_is_a_mechanism_and_perhaps_an_initial_response(argument: str) -> None:
    assert session_after(*GREETED).send(auth, argument) == f"AUTH {argument}\r\n".encode()


NO_BASE64 = [
    "hunter2",
    "aHVudGVyMg",
    "aHVudGVyMg=",
    "aHVud=GVyMg==",
    "aHVu dGVyMg==",
    "=",
    "*",
    "aHVu\r\n",
    "h\u00fcn2",
]


@pytest.mark.parametrize("secret", NO_BASE64)
def test_what_is_no_base64_is_not_said_within_auth_and_no_error_has_it(secret: str) -> None:
    with pytest.raises(CommandError) as in_response:
        session_after(*CHALLENGED).send_response(secret)
    assert secret in {"=", "*"} or secret not in str(in_response.value)
    if secret != "=":
        with pytest.raises(CommandError) as in_argument:
            session_after(*GREETED).send(auth, f"PLAIN {secret}")
        assert secret == "*" or secret not in str(in_argument.value)


def test_an_initial_response_of_nothing_is_an_equals_sign() -> None:
    with pytest.raises(CommandError):
        session_after(*GREETED).send(auth, "PLAIN ")


def test_the_octets_of_responses() -> None:
    assert session_after(*CHALLENGED).send_response("YQ==") == b"YQ==\r\n"
    assert session_after(*CHALLENGED).send_response("") == b"\r\n"
    assert session_after(*CHALLENGED).cancel_auth() == b"*\r\n"


def test_a_response_is_as_long_as_rfc_4954_says() -> None:
    assert len(session_after(*CHALLENGED).send_response("A" * 12284)) == 12286
    with pytest.raises(CommandError, match="at most 12288 octets, this one 12290"):
        session_after(*CHALLENGED).send_response("A" * 12288)


def test_who_is_logged_in_is_known() -> None:
    assert session_after(*LOGGED_IN).is_authenticated
    assert session_after(*CHALLENGED, "response", b"235 ok\r\n").is_authenticated
    for refused in ([*GREETED, auth, b"535 no\r\n"], CHALLENGED, [*CHALLENGED, "cancel", b"501 ok\r\n"], GREETED):
        assert not session_after(*refused).is_authenticated


def test_tls_makes_a_login_in_the_clear_forgotten() -> None:
    offers = b"250-mx.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
    in_the_clear: list[Step] = [GREETING, ehlo, offers, auth, b"235 ok\r\n"]
    session = session_after(*in_the_clear, starttls, b"220 go\r\n", "TLS", ehlo, EHLO_AUTH)
    assert not session.is_authenticated
    assert session.send(auth, "PLAIN YQ==") == b"AUTH PLAIN YQ==\r\n"


def test_a_whole_sending_is_the_same_however_the_servers_octets_arrive() -> None:
    turns: list[tuple[Verb | str | tuple[Verb, str] | None, bytes]] = [
        (None, GREETING),
        (ehlo, b"250-mx.test\r\n250 AUTH LOGIN\r\n"),
        ((auth, "LOGIN"), b"334 VXNlcm5hbWU6\r\n"),
        ("response", b"334 UGFzc3dvcmQ6\r\n"),
        ("response", b"235 2.7.0 ok\r\n"),
        (mail, b"250-2.1.0\r\n250 2.1.0 ok\r\n"),
        (rcpt, b"550 5.1.1 unknown\r\n"),
        (rcpt, b"250 2.1.5 ok\r\n"),
        (data, b"354 go on\r\n"),
        ("message", b"250 2.0.0 queued\r\n"),
        (quit_, b"221 bye\r\n"),
    ]
    for place in range(len(turns)):
        for pieces in every_way(turns[place][1]):
            session = Session(ReplyLimits())
            codes = []
            for number, (said, heard) in enumerate(turns):
                if said is not None:
                    say(session, said)
                for piece in pieces if number == place else [heard]:
                    session.receive_data(piece)
                    reply = session.next_reply()
                    codes += [reply.code] if reply else []
            assert codes == [220, 250, 334, 334, 235, 250, 550, 250, 354, 250, 221]
            assert session.state is State.parting
            assert session.flags == frozenset()
