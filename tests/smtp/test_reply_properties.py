"""Replies from the grammar, right and nearly right: the parser agrees with the ABNF, whatever arrives and how."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scanner.outcomes import Outcome
from scanner.smtp.replies import ReplyLimits, ReplyParser
from scanner.wire_text import escape_octets, restore_octets
from tests.grammar import CUTS, REPLY_CODE, in_pieces, nearly, replies
from tests.properties import SAME_EVERYWHERE
from tests.smtp.feeding import LIMITS, parse
from tests.smtp.reference import Fault, read_in_one_go, write_reply, written_by_the_grammar

STREAM = st.lists(replies().map(lambda reply: reply[0]), max_size=4).map(b"".join)
NEARLY = nearly(STREAM)
#: Small enough that what the grammar writes goes beyond them half of the time.
SMALL = st.builds(ReplyLimits, st.integers(8, 40), st.integers(8, 120), st.integers(1, 5))


def fault_of(error: tuple[Outcome, str, str | None, int | None] | None) -> Fault | None:
    return None if error is None else (error[0], error[2])


@SAME_EVERYWHERE
@given(STREAM | NEARLY, CUTS, SMALL | st.just(LIMITS))
def test_the_parser_agrees_with_the_grammar_in_any_pieces_and_within_any_limits(
    octets: bytes, cuts: set[int], limits: ReplyLimits
) -> None:
    parsed = parse(in_pieces(octets, cuts), limits)
    assert (parsed.replies, fault_of(parsed.error)) == read_in_one_go(octets, limits)
    assert parsed == parse([octets], limits)


@SAME_EVERYWHERE
@given(STREAM | NEARLY)
def test_the_octets_of_what_was_said_are_restored_from_the_replies(octets: bytes) -> None:
    given_replies = parse([octets]).replies
    said = written_by_the_grammar(octets)
    assert said.startswith(b"".join(map(write_reply, given_replies)))
    for reply in given_replies:
        recorded = [escape_octets(line) for line in reply.lines]
        assert all(text.isascii() and text.isprintable() for text in recorded)
        assert tuple(map(restore_octets, recorded)) == reply.lines


@SAME_EVERYWHERE
@given(replies(), CUTS)
def test_a_reply_as_long_as_each_limit_is_read_and_one_longer_is_not(
    written: tuple[bytes, bytes, list[bytes]], cuts: set[int]
) -> None:
    octets, code, texts = written
    longest = max(map(len, octets.splitlines(keepends=True)))
    exact = ReplyLimits(longest, len(octets), len(texts))
    pieces = in_pieces(octets, cuts)
    parsed = parse(pieces, exact)
    assert parsed.error is None
    assert [(reply.code, list(reply.lines)) for reply in parsed.replies] == [(int(code), texts)]
    for field, limit, value in (
        ("line_bytes", "limits.reply_line_bytes", longest),
        ("reply_bytes", "limits.reply_bytes", len(octets)),
        ("lines", "limits.reply_lines", len(texts)),
    ):
        refused = parse(pieces, replace(exact, **{field: value - 1}))
        assert refused.replies == ()
        assert refused.error is not None
        assert (refused.error[0], refused.error[2:]) == (Outcome.too_long, (limit, value - 1))


@SAME_EVERYWHERE
@given(STREAM, st.sampled_from([b"2_0 x\r\n", b"\r\n", b"XXX\n", b"220-a\r\n250 b\r\n", b"25\n"]), st.binary(), CUTS)
def test_what_follows_a_fault_changes_nothing(before: bytes, fault: bytes, after: bytes, cuts: set[int]) -> None:
    told = parse(in_pieces(before + fault, cuts))
    assert told.error is not None
    assert told.replies == parse([before]).replies
    assert parse(in_pieces(before + fault + after, cuts)) == told


@SAME_EVERYWHERE
@given(replies())
def test_a_reply_is_incomplete_up_to_its_last_octet(written: tuple[bytes, bytes, list[bytes]]) -> None:
    octets, code, texts = written
    for size in range(len(octets)):
        parsed = parse([octets[:size]])
        assert (parsed.replies, parsed.error) == ((), None)
    (reply,) = parse([octets]).replies
    assert (reply.code, reply.lines) == (int(code), tuple(texts))


@SAME_EVERYWHERE
@given(STREAM, st.booleans(), st.integers(0, 255))
def test_what_can_become_no_reply_is_known_by_its_first_octet_unless_a_reply_goes_on(
    before: bytes, within: bool, octet: int
) -> None:
    parser = ReplyParser(LIMITS)
    parser.receive_data(before + (b"250-more\r\n" if within else b""))
    while parser.next_reply() is not None:
        pass
    assert not parser.cannot_become_reply
    parser.receive_data(bytes([octet]))
    assert parser.cannot_become_reply is (not within and octet not in b"2345")


@SAME_EVERYWHERE
@given(REPLY_CODE, st.sampled_from([b" ", b"-"]), st.integers(4, 200), CUTS)
def test_a_line_without_end_is_too_long_with_the_octet_that_reaches_the_limit(
    code: bytes, separator: bytes, size: int, cuts: set[int]
) -> None:
    line = code + separator + b"x" * (size - 4)
    limits = ReplyLimits(size + 1, size + 1, 1)
    assert parse(in_pieces(line, cuts), limits) == parse([])
    told = parse(in_pieces(line + b"x", cuts), limits)
    assert fault_of(told.error) == (Outcome.too_long, "limits.reply_line_bytes")
