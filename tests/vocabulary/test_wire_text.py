"""Octets as text: exact both ways, and inert whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.wire_text import escape_octets, readable, restore_octets

ALL_OCTETS = bytes(range(256))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"250 mx1 ~ready!", "250 mx1 ~ready!", id="printable ASCII stands for itself"),
        pytest.param(b"\\", r"\x5C", id="the backslash can't, or the text could not be told from an escape"),
        pytest.param(rb"\x41", r"\x5Cx41", id="what looks like an escape on the wire"),
        pytest.param(b"\r\n\t\0\x1b\x7f", r"\x0D\x0A\x09\x00\x1B\x7F", id="controls"),
        pytest.param("ü".encode(), r"\xC3\xBC", id="UTF-8 is octets as all others"),
        pytest.param(b"\xff\x80", r"\xFF\x80", id="no UTF-8 either"),
    ],
)
def test_octets_have_one_text_and_come_back_from_it(octets: bytes, text: str) -> None:
    assert escape_octets(octets) == text
    assert restore_octets(text) == octets


def test_every_octet_comes_back() -> None:
    assert restore_octets(escape_octets(ALL_OCTETS)) == ALL_OCTETS
    for octet in range(256):
        assert restore_octets(escape_octets(bytes([octet]))) == bytes([octet])


@given(st.binary())
def test_any_octets_come_back_and_their_text_is_printable_ascii(octets: bytes) -> None:
    text = escape_octets(octets)
    assert restore_octets(text) == octets
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\\", "a backslash alone"),
        (r"\x4", "one digit"),
        (r"\xc3", "lower-case digits: a text has one form"),
        (r"\x41", "an octet that stands for itself"),
        (r"\n", "another language's escape"),
        ("a\nb", "a control"),
        ("\x7f", "DEL"),
        ("ü", "a character outside ASCII"),
        ("→", "a character outside Latin-1"),
    ],
)
def test_a_text_that_was_never_escaped_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="not an escaped text"):
        restore_octets(text)


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        pytest.param("grüß Gott, 世界".encode(), "grüß Gott, 世界", id="valid UTF-8 is shown"),
        pytest.param(b"a\\b", "a\\b", id="a backslash is shown"),
        pytest.param(b"\x1b[2J\x07", r"\x1B[2J\x07", id="terminal commands are not"),
        pytest.param(b"\r\n", r"\x0D\x0A", id="nor line ends"),
        pytest.param("\x9b31m".encode(), r"\xC2\x9B31m", id="nor 8-bit controls, though valid UTF-8"),
        pytest.param("\u202ecba".encode(), r"\xE2\x80\xAEcba", id="nor what turns the direction of writing"),
        pytest.param("\u2028".encode(), r"\xE2\x80\xA8", id="nor a line separator"),
        pytest.param("a\u200bb\ufeff".encode(), r"a\xE2\x80\x8Bb\xEF\xBB\xBF", id="nor what has no width"),
        pytest.param(b"M\xfcnchen", r"M\xFCnchen", id="Latin-1 is no UTF-8"),
        pytest.param(b"\xed\xa0\x80", r"\xED\xA0\x80", id="nor is an encoded surrogate"),
        pytest.param(b"\xc0\xaf", r"\xC0\xAF", id="nor a longer form than needed"),
    ],
)
def test_a_person_sees_printable_text_and_no_control(octets: bytes, shown: str) -> None:
    assert readable(escape_octets(octets)) == shown


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_what_a_person_sees_never_contains_a_control(octets: bytes) -> None:
    assert readable(escape_octets(octets)).isprintable()


def test_a_control_that_nobody_escaped_is_refused_rather_than_shown() -> None:
    with pytest.raises(ValueError, match="not an escaped text"):
        readable("\x1b[2J")
