"""Mail data: every line reaches the other side as it was meant, and nothing ends it before its end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.smtp.mail_data import MailDataError, check_mail_data, encode_mail_data, normalize_line_ends
from tests.properties import SAME_EVERYWHERE


@pytest.mark.parametrize(
    ("message", "data", "why"),
    [
        (b"", b".\r\n", "no lines at all: the end alone (§4.1.1.4)"),
        (b"a", b"a\r\n.\r\n", "a last line without its end gets one"),
        (b"a\r\n", b"a\r\n.\r\n", "the CRLF before the dot is the last line's own (§4.1.1.4)"),
        (b"a\r\n\r\n", b"a\r\n\r\n.\r\n", "an empty line at the end stays"),
        (b"\r\n", b"\r\n.\r\n", "one empty line"),
        (b"a\nb", b"a\r\nb\r\n.\r\n", "LF"),
        (b"a\rb", b"a\r\nb\r\n.\r\n", "CR"),
        (b"a\n\rb", b"a\r\n\r\nb\r\n.\r\n", "LF, CR: two ends of line"),
        (b"a\r\r\nb", b"a\r\n\r\nb\r\n.\r\n", "CR, CRLF: two ends of line"),
        (b".", b"..\r\n.\r\n", "a dot alone (§4.5.2)"),
        (b".a\r\n..b", b"..a\r\n...b\r\n.\r\n", "dots at the beginning of lines (§4.5.2)"),
        (b"a.\r\n .b", b"a.\r\n .b\r\n.\r\n", "dots elsewhere"),
        (b"a\r\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n", "what would end the mail data"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n", "what would end it for servers that read LF"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n.\r\n", "what would end it for servers that read CR"),
        (b"a\n.\r\nMAIL FROM:<x@y.test>", b"a\r\n..\r\nMAIL FROM:<x@y.test>\r\n.\r\n", "a smuggled command"),
        (b"\xff\x00", b"\xff\x00\r\n.\r\n", "octets are kept: `check_mail_data` judges them"),
    ],
)
def test_mail_data_are_lines_with_dots_doubled_and_an_end(message: bytes, data: bytes, why: str) -> None:
    assert encode_mail_data(message) == data, why


def read_as_the_server_does(data: bytes) -> bytes:
    """The message of mail data, read by RFC 5321 §4.5.2 line by line; fails if the end comes before the end."""
    lines = data.split(b"\r\n")
    end = lines.index(b".")
    assert lines[end:] == [b".", b""]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end])


MESSAGES = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b" ", b"\x00", b"\x85", b"\x0b"])).map(b"".join)


@SAME_EVERYWHERE
@given(MESSAGES | st.binary())
def test_the_server_gets_the_lines_of_the_message(message: bytes) -> None:
    *lines, unended = re.split(rb"\r\n|\r|\n", message)
    lines += [unended] if unended else []
    assert read_as_the_server_does(encode_mail_data(message)) == b"".join(line + b"\r\n" for line in lines)
    assert normalize_line_ends(message) == b"".join(line + b"\r\n" for line in lines).removesuffix(
        b"\r\n" if unended else b""
    )


@SAME_EVERYWHERE
@given(MESSAGES | st.binary())
def test_no_reading_of_line_ends_finds_an_end_within(message: bytes) -> None:
    data = encode_mail_data(message)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert [found.end() for found in re.finditer(rb"(?:^|[\r\n])\.(?=[\r\n])", data)] == [len(data) - 2]


@pytest.mark.parametrize(
    ("message", "eight_bit", "line", "why"),
    [
        (b"", False, None, "nothing"),
        (b"x" * 998, False, None, "a line of 998 octets (§4.5.3.1.6: 1000 with CRLF)"),
        (b"x" * 998 + b"\n" + b"." * 998, False, None, "the doubled dot does not count (§4.5.3.1.6)"),
        (b"a\r\n" + b"x" * 999, False, 2, "a line of 999 octets"),
        ("é".encode() * 500, True, 1, "500 characters, 1000 octets"),
        (b"a\nb\0c", True, 2, "NUL, which 8BITMIME does not allow either (RFC 6152 §2)"),
        (b"a\n\n\xc3\xa4", False, 3, "8-bit, not agreed on"),
        (b"a\n\n\xc3\xa4", True, None, "8-bit, agreed on"),
        (b"\x80", False, 1, "the first octet beyond ASCII"),
        (b"\x7f", False, None, "the last octet of ASCII"),
    ],
)
def test_what_smtp_does_not_carry_is_told_with_its_line(
    message: bytes, eight_bit: bool, line: int | None, why: str
) -> None:
    if line is None:
        check_mail_data(message, eight_bit=eight_bit)
    else:
        with pytest.raises(MailDataError, match=f"line {line} of the message has ") as refused:
            check_mail_data(message, eight_bit=eight_bit)
        assert refused.value.line == line, why
