"""Commands: one line each, and nothing that could become two."""

import pytest

from scanner.smtp.commands import (
    MAX_COMMAND_OCTETS,
    CommandError,
    Verb,
    encode_command,
    encode_response,
    is_initial_response,
)

FORBIDDEN = [*range(0x20), 0x7F]


@pytest.mark.parametrize(
    ("verb", "argument", "line"),
    [
        (Verb.ehlo, "mx.example.org", b"EHLO mx.example.org\r\n"),
        (Verb.helo, "mx.example.org", b"HELO mx.example.org\r\n"),
        (Verb.starttls, "", b"STARTTLS\r\n"),
        (Verb.auth, "PLAIN YQ==", b"AUTH PLAIN YQ==\r\n"),
        (Verb.mail, "FROM:<>", b"MAIL FROM:<>\r\n"),
        (Verb.rcpt, "TO:<a@b.test>", b"RCPT TO:<a@b.test>\r\n"),
        (Verb.data, "", b"DATA\r\n"),
        (Verb.rset, "", b"RSET\r\n"),
        (Verb.quit, "", b"QUIT\r\n"),
    ],
)
def test_a_command_is_its_verb_and_argument_on_one_line(verb: Verb, argument: str, line: bytes) -> None:
    assert encode_command(verb, argument) == line


@pytest.mark.parametrize("octet", FORBIDDEN)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("mx", ".test"), ("", "mx"), ("mx.test", "")])
def test_every_control_is_refused_with_its_place(octet: int, before: str, after: str) -> None:
    with pytest.raises(CommandError) as refused:
        encode_command(Verb.ehlo, f"{before}{chr(octet)}{after}")
    assert str(refused.value) == f"control character 0x{octet:02X} at position {len(before) + 1}"


@pytest.mark.parametrize("octet", [octet for octet in range(0x80) if octet not in FORBIDDEN])
def test_every_printable_octet_passes(octet: int) -> None:
    assert encode_command(Verb.ehlo, f"a{chr(octet)}b") == b"EHLO a%cb\r\n" % octet


@pytest.mark.parametrize("argument", ["aünchen.test", "a\x80", "a\N{LINE SEPARATOR}b"])
def test_what_is_not_ascii_is_refused_with_its_place_unless_that_was_agreed_on(argument: str) -> None:
    with pytest.raises(CommandError, match="the character at position 2 is not ASCII"):
        encode_command(Verb.ehlo, argument)
    assert encode_command(Verb.mail, argument, utf8=True) == b"MAIL " + argument.encode() + b"\r\n"


def test_an_octet_that_is_no_utf8_is_refused_whatever_was_agreed_on() -> None:
    with pytest.raises(CommandError, match="no valid UTF-8 at position 7 of the line"):
        encode_command(Verb.mail, "a\udcff", utf8=True)


@pytest.mark.parametrize("octet", FORBIDDEN)
def test_every_control_is_refused_in_utf8_too(octet: int) -> None:
    with pytest.raises(CommandError, match=f"control character 0x{octet:02X} at position 2"):
        encode_command(Verb.mail, f"ä{chr(octet)}", utf8=True)


def test_a_line_has_at_most_512_octets_with_crlf() -> None:
    most = MAX_COMMAND_OCTETS - len(b"EHLO \r\n")
    assert len(encode_command(Verb.ehlo, "x" * most)) == 512
    with pytest.raises(CommandError, match="at most 512 octets, this one 513"):
        encode_command(Verb.ehlo, "x" * (most + 1))


def test_a_line_is_counted_in_octets_and_against_the_limit_that_extensions_made() -> None:
    argument = "ä" * 300
    assert len(encode_command(Verb.mail, argument, utf8=True, max_octets=607)) == 607
    with pytest.raises(CommandError, match="at most 606 octets, this one 607"):
        encode_command(Verb.mail, argument, utf8=True, max_octets=606)


@pytest.mark.parametrize(
    ("text", "accepted", "why"),
    [
        ("YQ==", True, "one octet"),
        ("YWI=", True, "two octets"),
        ("YWJj", True, "three octets"),
        ("YWJjYQ==", True, "four octets"),
        ("", True, "nothing, after a challenge that has nothing to answer"),
        ("YQ", False, "no padding"),
        ("YQ=", False, "half a padding"),
        ("=YQ=", False, "padding before the end (RFC 4954 §4)"),
        ("YQ==YQ==", False, "padding in the middle (RFC 4954 §4)"),
        ("====", False, "padding alone"),
        ("YQ-_", False, "another alphabet"),
        ("YQ==\r\n", False, "two lines"),
        ("YW Jj", False, "a space"),
        ("*", False, "that would cancel (RFC 4954 §4)"),
    ],
)
def test_a_response_is_base64_and_nothing_else(text: str, accepted: bool, why: str) -> None:
    assert is_initial_response(text) is (accepted and text != ""), why
    if accepted:
        assert encode_response(text) == text.encode() + b"\r\n", why
    else:
        with pytest.raises(CommandError) as refused:
            encode_response(text)
        assert text not in str(refused.value), why


def test_an_initial_response_of_no_octets_is_an_equals_sign_and_not_nothing() -> None:
    assert is_initial_response("=")
    assert not is_initial_response("")
