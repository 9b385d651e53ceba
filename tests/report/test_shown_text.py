"""Text for a person: readable where it can be, inert always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.report.shown_text import shown
from scanner.wire_text import escape_octets, readable


@pytest.mark.parametrize(
    ("text", "seen", "why"),
    [
        ("plain words", "plain words", "as they are"),
        (escape_octets("554 grüß Gott".encode()), "554 grüß Gott", "valid UTF-8 from the wire"),
        (f"RFC 5321 §4.2, {escape_octets('ü'.encode())}", "RFC 5321 §4.2, ü", "words of ours around it"),
        (r"\x1B[2J", r"\x1B[2J", "a terminal's command stays escaped"),
        ("\x1b[2J", r"\x1B[2J", "and is escaped where nobody did"),
        ("a\nb\rc\td", r"a\x0Ab\x0Dc\x09d", "line ends and tabs too: a text is one line"),
        ("\x9b31m", r"\xC2\x9B31m", "an 8-bit control"),
        ("\u202ecba", r"\xE2\x80\xAEcba", "what turns the direction of writing"),
        ("a\u200bb", r"a\xE2\x80\x8Bb", "what has no width"),
        ("\ud800", r"\xED\xA0\x80", "a lone surrogate"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]", "brackets are brackets"),
        (r"a\x5Cb", r"a\b", "a backslash of the server's"),
        ("a\\b", "a\\b", "a backslash of ours"),
    ],
)
def test_a_text_is_shown_so_that_it_does_nothing(text: str, seen: str, why: str) -> None:
    assert shown(text) == seen


@given(st.text())
def test_whatever_is_shown_is_printable(text: str) -> None:
    assert shown(text).isprintable()


@given(st.binary())
def test_a_text_from_the_wire_is_shown_as_readable_shows_it(octets: bytes) -> None:
    assert shown(escape_octets(octets)) == readable(escape_octets(octets))
