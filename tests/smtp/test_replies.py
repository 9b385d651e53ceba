"""Replies: the same however their octets arrive, within limits, and read by the grammar alone."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.outcomes import Outcome, SessionFlag
from scanner.smtp.replies import Reply, ReplyClass, ReplyError, ReplyLimits, ReplyParser
from tests.smtp.feeding import LIMITS, Parsed, parse, parse_every_way

BARE_LF = SessionFlag.bare_lf
LONG = SessionFlag.reply_line_over_512
OUTSIDE = SessionFlag.reply_code_outside_grammar


def line_of(size: int, begin: bytes = b"220 ") -> bytes:
    """A reply line of so many octets, CRLF among them."""
    return begin + b"x" * (size - len(begin) - 2) + b"\r\n"


ACCEPTED: list[tuple[str, bytes, list[Reply], set[SessionFlag]]] = [
    ("an ordinary one", b"220 mx.test ESMTP\r\n", [Reply(220, None, (b"mx.test ESMTP",))], set()),
    ("several lines", b"250-a\r\n250-b c\r\n250 d\r\n", [Reply(250, None, (b"a", b"b c", b"d"))], set()),
    ("the text is optional (erratum of §4.2)", b"220\r\n", [Reply(220, None, (b"",))], set()),
    ("an empty text after SP", b"220 \r\n", [Reply(220, None, (b"",))], set()),
    ("an empty text after the hyphen", b"250-\r\n250\r\n", [Reply(250, None, (b"", b""))], set()),
    ("two replies at once", b"220 a\r\n250 b\r\n",
     [Reply(220, None, (b"a",)), Reply(250, None, (b"b",))], set()),
    ("LF alone ends a line, and is told", b"250-a\n250 b\r\n", [Reply(250, None, (b"a", b"b"))], {BARE_LF}),
    ("CR alone ends no line", b"220 a\rb\r\n", [Reply(220, None, (b"a\rb",))], set()),
    ("CR before CRLF is text", b"220 a\r\r\n", [Reply(220, None, (b"a\r",))], set()),
    ("controls and 8-bit are kept", b"220 \x1b[2J\x00\xff<script>\r\n",
     [Reply(220, None, (b"\x1b[2J\x00\xff<script>",))], set()),
    ("571 is a real refusal outside the grammar", b"571 no\r\n", [Reply(571, None, (b"no",))], {OUTSIDE}),
    ("so is 471", b"471 later\r\n", [Reply(471, None, (b"later",))], {OUTSIDE}),
    ("259 and 359 are within it", b"259 a\r\n359 b\r\n",
     [Reply(259, None, (b"a",)), Reply(359, None, (b"b",))], set()),
    ("512 octets are no departure", line_of(512), [Reply(220, None, (b"x" * 506,))], set()),
    ("513 octets are one", line_of(513), [Reply(220, None, (b"x" * 507,))], {LONG}),
    ("the longest line that is read", line_of(8192), [Reply(220, None, (b"x" * 8186,))], {LONG}),
    ("the most lines that are read", b"250-\r\n" * 199 + b"250 \r\n",
     [Reply(250, None, (b"",) * 200)], set()),
    ("a teaser is no reply yet", b"220-wait\r\n", [], set()),
    ("a line without its end is no reply yet", b"220 mx.test", [], set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("octets", "replies", "flags"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED]
)
def test_a_reply_is_the_same_however_its_octets_arrive(
    octets: bytes, replies: list[Reply], flags: set[SessionFlag]
) -> None:
    assert parse_every_way(octets) == Parsed(tuple(replies), None, frozenset(flags))


MALFORMED, NOT_SMTP, TOO_LONG = Outcome.malformed, Outcome.not_smtp, Outcome.too_long
LINE, BYTES, LINES = "limits.reply_line_bytes", "limits.reply_bytes", "limits.reply_lines"

REFUSED: list[tuple[str, bytes, Outcome, str | None]] = [
    ("four digits", b"2200 x\r\n", MALFORMED, None),
    ("two digits", b"22\r\n", MALFORMED, None),
    ("one digit", b"2\r\n", MALFORMED, None),
    ("int() would take this one", b"2_5 x\r\n", MALFORMED, None),
    ("and this one", b"25 \r\n", MALFORMED, None),
    ("a tab is no SP", b"250\tx\r\n", MALFORMED, None),
    ("a comma is no hyphen", b"250,x\r\n", MALFORMED, None),
    ("mixed codes (§4.2.1)", b"250-a\r\n220 b\r\n", MALFORMED, None),
    ("mixed codes of one class", b"250-a\r\n251 b\r\n", MALFORMED, None),
    ("a line without a code within a reply", b"250-a\r\nb\r\n250 c\r\n", MALFORMED, None),
    ("an empty line within a reply", b"250-a\r\n\r\n", MALFORMED, None),
    ("an empty line", b"\r\n", NOT_SMTP, None),
    ("first digit 1: no SMTP reply is preliminary", b"150 x\r\n", NOT_SMTP, None),
    ("first digit 6", b"600 x\r\n", NOT_SMTP, None),
    ("a space first", b" 220 x\r\n", NOT_SMTP, None),
    ("digits of another script", "٢٢٠ x\r\n".encode(), NOT_SMTP, None),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", NOT_SMTP, None),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", NOT_SMTP, None),
    ("POP3", b"+OK ready\r\n", NOT_SMTP, None),
    ("IMAP", b"* OK ready\r\n", NOT_SMTP, None),
    ("TLS at once", b"\x16\x03\x03\x00\x0a\n", NOT_SMTP, None),
    ("one octet more than the longest line", line_of(8193), TOO_LONG, LINE),
    ("a line that does not end", b"220 " + b"x" * 20_000, TOO_LONG, LINE),
    ("the same with a hyphen", b"220-" + b"x" * 20_000, TOO_LONG, LINE),
    ("a line of another protocol that does not end", b"H" * 20_000, TOO_LONG, LINE),
    ("a teaser that does not end", b"220-\r\n" * 300, TOO_LONG, LINES),
    ("10,000 keywords", b"".join(b"250-X%d\r\n" % number for number in range(10_000)), TOO_LONG, LINES),
    ("long lines that do not end", line_of(8000, b"220-") * 10, TOO_LONG, BYTES),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "outcome", "limit"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_can_be_no_reply_is_refused_the_same_way_however_it_arrives(
    octets: bytes, outcome: Outcome, limit: str | None
) -> None:
    parsed = parse_every_way(octets)
    assert parsed.replies == ()
    assert parsed.error is not None
    assert (parsed.error[0], parsed.error[2]) == (outcome, limit)
    values = {None: None, LINE: 8192, BYTES: 65536, LINES: 200}
    assert parsed.error[3] == values[limit]


def test_replies_before_the_fault_are_given() -> None:
    parsed = parse_every_way(b"220 good\r\nbad\r\n220 never\r\n")
    assert [reply.code for reply in parsed.replies] == [220]
    assert parsed.error is not None


def test_an_error_is_final() -> None:
    parser = ReplyParser(LIMITS)
    parser.receive_data(b"nonsense\r\n")
    with pytest.raises(ReplyError) as first:
        parser.next_reply()
    parser.receive_data(b"220 now it is well\r\n")
    with pytest.raises(ReplyError) as second:
        parser.next_reply()
    assert first.value is second.value


def test_a_reply_that_was_given_leaves_all_its_limits_to_the_next() -> None:
    parsed = parse_every_way((b"250-\r\n" * 150 + b"250 \r\n") * 3)
    assert [len(reply.lines) for reply in parsed.replies] == [151] * 3


ENHANCED: list[tuple[str, bytes, str | None]] = [
    ("with text", b"550 5.7.1 no\r\n", "5.7.1"),
    ("without text", b"550 5.7.1\r\n", "5.7.1"),
    ("three digits each", b"450 4.123.456 x\r\n", "4.123.456"),
    ("of a positive reply", b"250 2.0.0 ok\r\n", "2.0.0"),
    ("another class counts as absent (RFC 2034 §4)", b"550 4.7.1 no\r\n", None),
    ("positive in a refusal", b"550 2.0.0 no\r\n", None),
    ("there is no class 3", b"354 3.0.0 go on\r\n", None),
    ("four digits", b"550 5.7.1000 no\r\n", None),
    ("two numbers", b"550 5.7 no\r\n", None),
    ("an address, no code", b"550 5.7.1.2 no\r\n", None),
    ("something hangs on it", b"550 5.7.1: no\r\n", None),
    ("not at the beginning", b"550 no 5.7.1\r\n", None),
    ("only in a later line", b"550-no\r\n550 5.7.1 no\r\n", None),
    ("in the first of several", b"550-5.7.1 no\r\n550 5.7.2 no\r\n", "5.7.1"),
    ("CR in front of CRLF hangs on it", b"550 5.7.1\r\r\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "code"), [row[1:] for row in ENHANCED], ids=[row[0] for row in ENHANCED])
def test_an_enhanced_status_code_is_one_whose_class_is_the_replys(octets: bytes, code: str | None) -> None:
    assert [reply.enhanced_code for reply in parse_every_way(octets).replies] == [code]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (250, ReplyClass.positive),
        (299, ReplyClass.positive),
        (354, ReplyClass.intermediate),
        (471, ReplyClass.transient_negative),
        (571, ReplyClass.permanent_negative),
    ],
)
def test_a_code_is_read_by_its_first_digit(code: int, expected: ReplyClass) -> None:
    assert Reply(code, None, (b"",)).reply_class is expected


@pytest.mark.parametrize(
    ("octets", "expected", "why"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x28", True, "a TLS alert has no line"),
        (b"HTTP/1.1", True, "another protocol"),
        (b"1", True, "no reply begins so"),
        (b"2", False, "it may become 220"),
        (b"5", False, "it may become 554"),
        (b"", False, "nothing was said"),
        (b"220-a\r\n<", False, "within a reply it is malformed, not another protocol"),
    ],
)
def test_what_begins_as_no_reply_is_known_before_its_line_ends(octets: bytes, expected: bool, why: str) -> None:
    parser = ReplyParser(LIMITS)
    parser.receive_data(octets)
    assert parser.next_reply() is None
    assert parser.cannot_become_reply is expected, why


def test_what_is_discarded_is_returned_and_forgotten() -> None:
    parser = ReplyParser(LIMITS)
    parser.receive_data(b"220 go\r\n250-injected\r\n250-EVIL")
    assert parser.next_reply() == Reply(220, None, (b"go",))
    assert parser.unparsed == b"250-injected\r\n250-EVIL"
    assert parser.discard() == b"250-injected\r\n250-EVIL"
    parser.receive_data(b"220 clean\r\n")
    assert parser.next_reply() == Reply(220, None, (b"clean",))


def test_lines_of_an_unfinished_reply_are_discarded_too() -> None:
    parser = ReplyParser(LIMITS)
    parser.receive_data(b"220 go\r\n250-injected\r\n")
    parser.next_reply()
    assert parser.next_reply() is None
    parser.discard()
    parser.receive_data(b"220 clean\r\n")
    assert parser.next_reply() == Reply(220, None, (b"clean",))


# From the grammar -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A reply as the grammar makes it, and what it means."""

    octets: bytes
    reply: Reply


@st.composite
def replies(draw: st.DrawFn) -> Written:
    code = b"".join(draw(st.sampled_from(digits)).encode() for digits in ("2345", "012345", "0123456789"))
    text = st.binary(max_size=30).map(lambda octets: octets.replace(b"\n", b"").rstrip(b"\r").lstrip(b"245"))
    lines = draw(st.lists(text, min_size=1, max_size=5))
    enhanced = draw(st.none() | st.tuples(st.sampled_from("245"), st.integers(0, 999), st.integers(0, 999)))
    expected = None
    if enhanced is not None:
        written = "{}.{}.{}".format(*enhanced)
        lines[0] = written.encode() + b" " + lines[0]
        expected = written if written[:1] == code[:1].decode() else None
    *earlier, last = lines
    octets = b"".join(code + b"-" + line + b"\r\n" for line in earlier)
    octets += code + (b"" if not last and draw(st.booleans()) else b" " + last) + b"\r\n"
    return Written(octets, Reply(int(code), expected, tuple(lines)))


def pieces_of(octets: bytes, cuts: set[int]) -> list[bytes]:
    places = [0, *sorted(cut for cut in cuts if cut < len(octets)), len(octets)]
    return [octets[begin:end] for begin, end in pairwise(places)]


@given(st.lists(replies(), max_size=5), st.sets(st.integers(1, 800), max_size=20))
def test_replies_written_by_the_grammar_are_read_as_written_in_any_pieces(
    written: list[Written], cuts: set[int]
) -> None:
    octets = b"".join(each.octets for each in written)
    assert parse(pieces_of(octets, cuts)) == Parsed(tuple(each.reply for each in written), None, frozenset())


NEARLY_REPLIES = st.lists(
    st.sampled_from([b"220", b"250", b"55", b"9", b"-", b" ", b"\r", b"\n", b"\r\n", b"x" * 20, b"\x00", b"5.1.1"])
    | st.binary(max_size=5),
    max_size=60,
)


@given(NEARLY_REPLIES, st.integers(16, 64), st.integers(16, 128), st.integers(1, 5))
def test_no_octets_raise_anything_else_or_are_held_beyond_the_limits(
    pieces: list[bytes], line_bytes: int, reply_bytes: int, lines: int
) -> None:
    parser = ReplyParser(ReplyLimits(line_bytes, reply_bytes, lines))
    for piece in pieces:
        parser.receive_data(piece)
        error = read_all(parser)
        if error is not None:
            assert error.outcome in {Outcome.malformed, Outcome.not_smtp, Outcome.too_long}
            assert (error.limit is None) == (error.outcome is not Outcome.too_long)
            held = len(parser.unparsed)
            parser.receive_data(b"more and more")
            assert len(parser.unparsed) == held
            break
        assert len(parser.unparsed) < line_bytes
        assert len(parser._lines) <= lines
        assert sum(map(len, parser._lines)) <= reply_bytes


def read_all(parser: ReplyParser) -> ReplyError | None:
    """Takes all replies out; the error if it came to one. Any other exception fails the test."""
    try:
        while parser.next_reply() is not None:
            pass
    except ReplyError as error:
        return error
    return None


@given(NEARLY_REPLIES)
def test_random_octets_give_the_same_in_pieces_as_whole(pieces: list[bytes]) -> None:
    limits = ReplyLimits(64, 128, 5)
    assert parse(pieces, limits) == parse([b"".join(pieces)], limits)
