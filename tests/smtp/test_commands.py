"""Commands: one line each, and nothing that could become two."""

import pytest

from scanner.smtp.commands import MAX_COMMAND_OCTETS, CommandError, Verb, encode_command

FORBIDDEN = [*range(0x20), 0x7F]


@pytest.mark.parametrize(
    ("verb", "argument", "line"),
    [
        (Verb.ehlo, "mx.example.org", b"EHLO mx.example.org\r\n"),
        (Verb.helo, "mx.example.org", b"HELO mx.example.org\r\n"),
        (Verb.starttls, "", b"STARTTLS\r\n"),
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


@pytest.mark.parametrize("argument", ["münchen.test", "\x80", "a\N{LINE SEPARATOR}b"])
def test_what_is_not_ascii_is_refused(argument: str) -> None:
    with pytest.raises(CommandError, match="not ASCII"):
        encode_command(Verb.ehlo, argument)


def test_a_line_has_at_most_512_octets_with_crlf() -> None:
    most = MAX_COMMAND_OCTETS - len(b"EHLO \r\n")
    assert len(encode_command(Verb.ehlo, "x" * most)) == 512
    with pytest.raises(CommandError, match="at most 512 octets, this one 513"):
        encode_command(Verb.ehlo, "x" * (most + 1))
