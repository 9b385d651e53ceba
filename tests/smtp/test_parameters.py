"""The arguments of MAIL and RCPT, and what a server's offer says about them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.smtp.commands import CommandError, Verb
from scanner.smtp.extensions import Extensions, parse_extensions
from scanner.smtp.mailboxes import parse_mailbox
from scanner.smtp.parameters import (
    MailParameters,
    Notify,
    RcptParameters,
    Return,
    auth_mechanisms,
    encode_xtext,
    mail_argument,
    max_command_octets,
    not_offered,
    parameters_of,
    rcpt_argument,
    size_limit,
)
from scanner.smtp.replies import Reply
from tests.properties import SAME_EVERYWHERE

SENDER = parse_mailbox("you@sender.test")


def offer(*lines: bytes) -> Extensions:
    return parse_extensions(Reply(250, None, (b"mx.test", *lines)))


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        (MailParameters(), "FROM:<you@sender.test>"),
        (MailParameters(size=0), "FROM:<you@sender.test> SIZE=0"),
        (MailParameters(size=12345), "FROM:<you@sender.test> SIZE=12345"),
        (MailParameters(eight_bit=True), "FROM:<you@sender.test> BODY=8BITMIME"),
        (MailParameters(smtputf8=True), "FROM:<you@sender.test> SMTPUTF8"),
        (MailParameters(ret=Return.headers), "FROM:<you@sender.test> RET=HDRS"),
        (MailParameters(ret=Return.full), "FROM:<you@sender.test> RET=FULL"),
        (MailParameters(envid="QQ=314159 +1"), "FROM:<you@sender.test> ENVID=QQ+3D314159+20+2B1"),
        (MailParameters(submitter_unknown=True), "FROM:<you@sender.test> AUTH=<>"),
        (
            MailParameters(size=1, eight_bit=True, smtputf8=True, ret=Return.full, envid="x", submitter_unknown=True),
            "FROM:<you@sender.test> SIZE=1 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x AUTH=<>",
        ),
    ],
)
def test_mail_says_the_reverse_path_and_its_parameters(parameters: MailParameters, argument: str) -> None:
    assert mail_argument(SENDER, parameters) == argument


def test_the_null_reverse_path_is_empty_brackets() -> None:
    assert mail_argument(None) == "FROM:<>"
    assert mail_argument(None, MailParameters(size=1)) == "FROM:<> SIZE=1"


@pytest.mark.parametrize(
    ("recipient", "parameters", "argument"),
    [
        ("me@here.test", RcptParameters(), "TO:<me@here.test>"),
        ('"a> b"@here.test', RcptParameters(), 'TO:<"a> b"@here.test>'),
        ("me@here.test", RcptParameters(notify=frozenset({Notify.never})), "TO:<me@here.test> NOTIFY=NEVER"),
        (
            "me@here.test",
            RcptParameters(notify=frozenset({Notify.delay, Notify.failure, Notify.success})),
            "TO:<me@here.test> NOTIFY=SUCCESS,FAILURE,DELAY",
        ),
        (
            "me@here.test",
            RcptParameters(original_recipient=parse_mailbox("a+b=c@there.test")),
            "TO:<me@here.test> ORCPT=rfc822;a+2Bb+3Dc@there.test",
        ),
        (
            "me@here.test",
            RcptParameters(original_recipient=parse_mailbox('"a b"@there.test')),
            'TO:<me@here.test> ORCPT=rfc822;"a+20b"@there.test',
        ),
        (
            "me@here.test",
            # RFC 6533 §3: the form that may be said to servers without SMTPUTF8 too.
            RcptParameters(original_recipient=parse_mailbox('"ä b\\"+=字"@there.test')),
            'TO:<me@here.test> ORCPT=utf-8;"\\x{E4}\\x{20}b\\x{5C}"\\x{2B}\\x{3D}\\x{5B57}"@there.test',
        ),
    ],
)
def test_rcpt_says_the_forward_path_and_its_parameters(
    recipient: str, parameters: RcptParameters, argument: str
) -> None:
    assert rcpt_argument(parse_mailbox(recipient), parameters) == argument


def test_never_excludes_every_other_report() -> None:
    with pytest.raises(CommandError, match="NEVER"):
        rcpt_argument(SENDER, RcptParameters(notify=frozenset({Notify.never, Notify.delay})))


@pytest.mark.parametrize("envid", ["", "ä", "a\r\nb", "a\0", "\x7f"])
def test_an_envid_is_printable_ascii(envid: str) -> None:
    with pytest.raises(CommandError, match="printable ASCII"):
        mail_argument(SENDER, MailParameters(envid=envid))


def test_the_values_of_a_dsn_have_limits_as_they_are_written() -> None:
    assert mail_argument(SENDER, MailParameters(envid="x" * 100)).endswith("x" * 100)
    with pytest.raises(CommandError, match="ENVID has at most 100 characters, this one 102"):
        mail_argument(SENDER, MailParameters(envid="+" * 34))
    domain = ".".join(["x" * 60, "y" * 60, "z" * 60, "test"])
    fits = RcptParameters(original_recipient=parse_mailbox(f"{'+' * 40}ä@{domain}"))
    assert rcpt_argument(SENDER, fits).endswith(domain)
    with pytest.raises(CommandError, match="ORCPT has at most 500 characters, this one 572"):
        rcpt_argument(SENDER, RcptParameters(original_recipient=parse_mailbox(f"{'+' * 62}ä@{domain}")))


@SAME_EVERYWHERE
@given(st.text([chr(octet) for octet in range(0x20, 0x7F)], min_size=1))
def test_xtext_is_made_of_xchars_and_gives_the_text_back(text: str) -> None:
    encoded = encode_xtext(text)
    assert re.fullmatch(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+", encoded)
    assert re.sub(r"\+(..)", lambda found: chr(int(found[1], 16)), encoded) == text


@pytest.mark.parametrize(
    ("verb", "argument", "parameters"),
    [
        (Verb.mail, "FROM:<>", {}),
        (Verb.mail, "from:<a@b> Size=1 smtputf8", None),
        (Verb.mail, "FROM:<a@b> Size=1 smtputf8", {"SIZE": "1", "SMTPUTF8": ""}),
        (Verb.mail, 'FROM:<"a> SIZE=1"@b>', {}),
        (Verb.mail, 'FROM:<"\\"> SIZE=1"@b> BODY=7BIT', {"BODY": "7BIT"}),
        (Verb.mail, "FROM:<> AUTH=<>", {"AUTH": "<>"}),
        (Verb.rcpt, "TO:<@a,@b:c@d>", {}),
        (Verb.rcpt, "TO:<Postmaster>", {}),
        (Verb.rcpt, "FROM:<a@b>", None),
        (Verb.mail, "TO:<a@b>", None),
    ],
)
def test_the_parameters_of_an_argument_are_read_behind_its_path(
    verb: Verb, argument: str, parameters: dict[str, str] | None
) -> None:
    if parameters is None:
        with pytest.raises(CommandError, match="not an argument"):
            parameters_of(verb, argument)
    else:
        assert parameters_of(verb, argument) == parameters


def test_what_is_not_offered_is_named() -> None:
    assert not_offered(Verb.mail, {"SIZE", "BODY", "RET"}, offer(b"SIZE", b"DSN")) == {"BODY"}
    assert not_offered(Verb.rcpt, {"NOTIFY"}, offer()) == {"NOTIFY"}
    assert not_offered(Verb.rcpt, {"NOTIFY", "ORCPT"}, offer(b"DSN")) == set()


@pytest.mark.parametrize(
    ("verb", "lines", "octets"),
    [
        (Verb.mail, (), 512),
        (Verb.mail, (b"SIZE 10",), 538),
        (Verb.mail, (b"8BITMIME",), 529),
        (Verb.mail, (b"SMTPUTF8",), 522),
        (Verb.mail, (b"DSN",), 612),
        (Verb.mail, (b"AUTH PLAIN",), 1012),
        (Verb.rcpt, (b"SIZE 10", b"AUTH PLAIN", b"SMTPUTF8"), 512),
        (Verb.rcpt, (b"DSN",), 1012),
    ],
)
def test_extensions_make_lines_longer(verb: Verb, lines: tuple[bytes, ...], octets: int) -> None:
    assert max_command_octets(verb, offer(*lines)) == octets


@pytest.mark.parametrize(
    ("lines", "limit", "why"),
    [
        ((), None, "no SIZE"),
        ((b"SIZE",), None, "no number: nothing is said (RFC 1870 §3)"),
        ((b"SIZE 0",), None, "no fixed limit (RFC 1870 §4)"),
        ((b"SIZE 000",), None, "no fixed limit, written longer"),
        ((b"SIZE 10240000",), 10240000, "a limit"),
        ((b"size 007",), 7, "a keyword in lower case; zeros may lead"),
        ((b"SIZE " + b"9" * 20,), int("9" * 20), "20 digits (RFC 1870 §3)"),
        ((b"SIZE " + b"9" * 21,), None, "21 digits are no size"),
        ((b"SIZE=1000",), 1000, "as AUTH= of old clients is written"),
        ((b"SIZE -1",), None, "no digits"),
        ((b"SIZE 1_0",), None, "digits with something between them"),
        ((b"SIZE \xd9\xa1",), None, "digits that are not ASCII"),
        ((b"SIZE 10 20",), None, "two numbers"),
    ],
)
def test_the_size_limit_is_the_number_that_the_server_names(
    lines: tuple[bytes, ...], limit: int | None, why: str
) -> None:
    assert size_limit(offer(*lines)) == limit, why


@pytest.mark.parametrize(
    ("lines", "mechanisms", "why"),
    [
        ((), (), "no AUTH"),
        ((b"AUTH",), (), "AUTH without mechanisms"),
        ((b"AUTH PLAIN LOGIN",), ("PLAIN", "LOGIN"), "in the server's order"),
        ((b"AUTH login plain",), ("LOGIN", "PLAIN"), "in lower case"),
        ((b"AUTH PLAIN", b"AUTH=PLAIN LOGIN"), ("PLAIN", "LOGIN"), "the old form too, each once"),
        ((b"AUTH PLAIN plain",), ("PLAIN",), "each once, in whatever case"),
        ((b"AUTH PLAIN, CRAM-MD5",), ("CRAM-MD5",), "a comma is not of a name (RFC 4422 §3.1)"),
        ((b"AUTH SCRAM-SHA-256-PLUS X" + b"X" * 20,), ("SCRAM-SHA-256-PLUS",), "20 characters at most"),
        ((b"AUTH PL\xc3\x84IN \x1b[2J XOAUTH2",), ("XOAUTH2",), "what is no name is left out"),
    ],
)
def test_the_mechanisms_are_those_that_have_a_name(
    lines: tuple[bytes, ...], mechanisms: tuple[str, ...], why: str
) -> None:
    assert auth_mechanisms(offer(*lines)) == mechanisms, why
