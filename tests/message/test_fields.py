"""Header fields: read back as they were meant, by a parser that is not ours; nothing can become another field."""

from contextlib import suppress
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.message.fields import MAX_LINE, FieldError, check_name, encode_field


def read_back(octets: bytes) -> str:
    """A field's value as a mail client shows it: unfolded, encoded words decoded."""
    message: Message = message_from_bytes(octets + b"\r\n", policy=compat32)
    assert len(message.items()) == 1
    return str(make_header(decode_header(message.items()[0][1].replace("\r\n", ""))))


WRITTEN: list[tuple[str, str, str, bytes]] = [
    ("plain text", "Subject", "Test of mail", b"Subject: Test of mail\r\n"),
    ("nothing", "Subject", "", b"Subject:\r\n"),
    ("a tabulator is white space", "Subject", "a\tb", b"Subject: a\tb\r\n"),
    ("outside ASCII", "Subject", "Grüße", b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"),
    ("only the words that need it", "Reply-To", "Jürgen <j@x.test>",
     b"Reply-To: =?utf-8?b?SsO8cmdlbg==?= <j@x.test>\r\n"),
    ("neighbours are one, with their space (RFC 2047 §6.2)", "Subject", "a é è b",
     b"Subject: a =?utf-8?b?w6kgw6g=?= b\r\n"),
    ("what looks like an encoded word is none", "Subject", "=?utf-8?q?a?=",
     b"Subject: =?utf-8?b?PT91dGYtOD9xP2E/PQ==?=\r\n"),
    ("folded before white space (RFC 5322 §2.2.3)", "Subject", "x" * 60 + " " + "y" * 20,
     b"Subject: " + b"x" * 60 + b"\r\n " + b"y" * 20 + b"\r\n"),
    ("78 characters need no folding", "X", "x" * 70 + " yyyy", b"X: " + b"x" * 70 + b" yyyy\r\n"),
    ("no line has a name alone", "Subject", "x" * 100, b"Subject: " + b"x" * 100 + b"\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "octets"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_a_field_is_written_as_the_rfc_has_it(name: str, value: str, octets: bytes) -> None:
    assert encode_field(name, value) == octets


def test_an_internationalized_field_stands_as_it_is() -> None:
    assert encode_field("To", "grüße@x.test", utf8=True) == "To: grüße@x.test\r\n".encode()


def test_a_word_that_fits_no_line_is_encoded() -> None:
    octets = encode_field("X-Long", "y" * 5000)
    assert max(map(len, octets.split(b"\r\n"))) <= 76
    assert read_back(octets) == "y" * 5000


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=120)


@given(words=st.lists(WORDS, min_size=1, max_size=12), name=st.sampled_from(["Subject", "X-" + "n" * 60]))
def test_every_value_is_read_back_by_another_parser(words: list[str], name: str) -> None:
    value = " ".join(words)
    octets = encode_field(name, value)
    assert octets.isascii()
    assert read_back(octets) == value
    lines = octets.split(b"\r\n")[:-1]
    assert max(map(len, lines)) <= MAX_LINE
    assert all(len(line) <= 76 for line in lines if b"=?" in line)
    assert all(line.startswith(b" ") for line in lines[1:])


CONTROLS: list[tuple[str, str, str]] = [
    ("CR LF begins another field", "a\r\nBcc: all@x.test", "CR at position 2"),
    ("LF alone does in many readers", "a\nBcc: all@x.test", "LF at position 2"),
    ("CR alone does in some", "ab\r", "CR at position 3"),
    ("folding is ours to do", "a\r\n b", "CR at position 2"),
    ("NUL ends a text in C", "a\0b", "NUL at position 2"),
    ("an escape moves a cursor", "\x1b[2J", "ESC at position 1"),
    ("a C1 control does too", "a\x9b2J", "U+009B at position 2"),
    ("NEL is a line end to some", "a\x85b", "U+0085 at position 2"),
    ("DEL", "\x7f", "DEL at position 1"),
    ("an octet that was no UTF-8", "a\udcff", "U+DCFF at position 2"),
]


@pytest.mark.parametrize(("value", "words"), [row[1:] for row in CONTROLS], ids=[row[0] for row in CONTROLS])
def test_a_control_in_a_value_is_refused_with_its_place(value: str, words: str) -> None:
    with pytest.raises(FieldError, match=words.replace("+", r"\+")) as refused:
        encode_field("Subject", value)
    assert str(refused.value).isprintable()


NAMES: list[tuple[str, str, str]] = [
    ("no name", "", "needs a name"),
    ("a space", "X Test", "' ' at position 2"),
    ("a colon", "X:Y", "':' at position 2"),
    ("a line end", "X\r\nY", "CR at position 2"),
    ("outside ASCII", "Betreff-ü", "'ü' at position 9"),
    ("no place for a value", "X" * 77, "77 characters"),
]


@pytest.mark.parametrize(("name", "words"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_a_name_outside_the_grammar_is_refused(name: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        check_name(name)


@given(st.text(max_size=60))
def test_whatever_is_accepted_is_one_field(value: str) -> None:
    with suppress(FieldError):
        octets = encode_field("Subject", value)
        assert message_from_bytes(octets + b"\r\n").keys() == ["Subject"]
