"""Replies to EHLO from the grammar, right and nearly right: no keyword is missed, and none is made up."""

import re

from hypothesis import given
from hypothesis import strategies as st

from scanner.outcomes import SessionFlag
from scanner.smtp.extensions import Extensions, parse_extensions
from scanner.smtp.replies import Reply
from tests.grammar import CUTS, EHLO_KEYWORD, EHLO_LINE, EHLO_PARAM, ehlo_ok_rsp, in_pieces, nearly
from tests.properties import SAME_EVERYWHERE
from tests.smtp.feeding import parse

OUTSIDE = SessionFlag.ehlo_line_outside_grammar
NEARLY_LINE = nearly(EHLO_LINE).filter(lambda line: b"\n" not in line)
#: A keyword, and any octet that hangs on it.
HUNG_ON = st.builds(
    lambda keyword, octet, more: keyword + bytes([octet]) + more,
    EHLO_KEYWORD,
    st.integers(0, 255).filter(lambda octet: octet != 10),
    st.just(b"") | EHLO_PARAM,
)
LINES = st.lists(EHLO_LINE | NEARLY_LINE | HUNG_ON, max_size=6)


def extensions_of(lines: list[bytes]) -> Extensions:
    return parse_extensions(Reply(250, None, (b"mx.test", *lines)))


def is_ehlo_line(line: bytes) -> bool:
    """RFC 5321 §4.1.1.1, written word by word and not as the parser does it."""
    keyword, *parameters = line.split(b" ")
    octets = set(range(33, 127))
    return (
        keyword[:1].isalnum()
        and keyword.replace(b"-", b"x").isalnum()
        and all(word and set(word) <= octets for word in parameters)
    )


def keyword_of(line: bytes) -> bytes | None:
    """The word that a line begins with, if nothing hangs on it but what separates words."""
    word = re.split(rb"[ \t=]", line)[0]
    return word.upper() if is_ehlo_line(word) else None


@SAME_EVERYWHERE
@given(ehlo_ok_rsp(), CUTS)
def test_what_the_grammar_writes_is_read_in_any_pieces_without_a_flag(
    written: tuple[bytes, list[bytes]], cuts: set[int]
) -> None:
    octets, lines = written
    (reply,) = parse(in_pieces(octets, cuts)).replies
    extensions = parse_extensions(reply)
    assert extensions.flags == frozenset()
    expected: dict[bytes, list[bytes]] = {}
    for keyword, *parameters in (line.split(b" ") for line in lines):
        expected.setdefault(keyword.upper(), []).extend(parameters)
    assert list(extensions.parameters) == list(expected)
    for keyword, parameters in expected.items():
        assert extensions.parameters[keyword] == b" ".join(dict.fromkeys(parameters))


@SAME_EVERYWHERE
@given(LINES)
def test_a_line_outside_the_grammar_is_flagged_and_no_other(lines: list[bytes]) -> None:
    assert (OUTSIDE in extensions_of(lines).flags) is not all(map(is_ehlo_line, lines))


@SAME_EVERYWHERE
@given(LINES)
def test_an_extension_is_the_first_word_of_a_line_and_nothing_else(lines: list[bytes]) -> None:
    extensions = extensions_of(lines)
    assert list(extensions.parameters) == list(dict.fromkeys(filter(None, map(keyword_of, lines))))
    assert (b"STARTTLS" in extensions) is (b"STARTTLS" in map(keyword_of, lines))
    assert extensions.keyword_masked is any(keyword_of(line) in {b"XXXXXXXA", b"XXXXXXXX"} for line in lines)


@SAME_EVERYWHERE
@given(LINES)
def test_parameters_are_octets_of_the_lines_that_have_the_keyword(lines: list[bytes]) -> None:
    for keyword, parameters in extensions_of(lines).parameters.items():
        said = [word for line in lines if keyword_of(line) == keyword for word in line.replace(b"=", b" = ").split()]
        assert set(parameters.replace(b"=", b" = ").split()) <= set(said)


@SAME_EVERYWHERE
@given(LINES)
def test_a_list_said_twice_or_in_other_letters_offers_the_same(lines: list[bytes]) -> None:
    once = extensions_of(lines)
    assert list(extensions_of(lines * 2).parameters) == list(once.parameters)
    swapped = extensions_of([line.swapcase() for line in lines])
    assert list(swapped.parameters) == list(once.parameters)
    assert (swapped.keyword_masked, swapped.flags) == (once.keyword_masked, once.flags)
