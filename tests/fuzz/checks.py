"""What must hold for the parser of replies, whatever octets a server sends and however they arrive."""

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from zlib import crc32

from scanner.outcomes import Outcome
from scanner.smtp.replies import Reply, ReplyError, ReplyLimits, ReplyParser
from scanner.wire_text import escape_octets, restore_octets
from tests.smtp.feeding import LIMITS, Parsed, parse
from tests.smtp.reference import read_in_one_go, write_reply, written_by_the_grammar

#: So small that a fuzzer finds what lies beyond.
SMALL = ReplyLimits(line_bytes=24, reply_bytes=48, lines=3)

#: Longer inputs are cut in fewer places, or a million of them would take an hour.
_MAX_OCTET_BY_OCTET = 100
_CAN_BE_NO_REPLY = {Outcome.not_smtp, Outcome.malformed, Outcome.too_long}


def check_replies(octets: bytes) -> tuple[Parsed, Parsed]:
    """What the octets are at a scan's limits and at small ones. Raises AssertionError if a promise is not kept."""
    return _check_at(LIMITS, octets), _check_at(SMALL, octets)


def outcome_of(parsed: Parsed) -> str:
    """The codes of the replies and how it ended, in words: `220 250 malformed`."""
    ended = "ok" if parsed.error is None else f"{parsed.error[0]} {parsed.error[2] or ''}"
    return " ".join([*(str(reply.code) for reply in parsed.replies), ended.strip(), *sorted(parsed.flags)])


def _check_at(limits: ReplyLimits, octets: bytes) -> Parsed:
    whole = parse([octets], limits)
    fault = None if whole.error is None else (whole.error[0], whole.error[2])
    assert (whole.replies, fault) == read_in_one_go(octets, limits), "not what the grammar says"
    for pieces in _splits(octets):
        assert parse(pieces, limits) == whole, f"not the same in pieces of {[len(piece) for piece in pieces]}"
    for reply in whole.replies:
        _check_within(limits, reply)
    said = written_by_the_grammar(octets)
    assert said.startswith(b"".join(map(write_reply, whole.replies))), "octets are lost or made up"
    _check_rest(ReplyParser(limits), octets, limits)
    return whole


def _splits(octets: bytes) -> Iterator[list[bytes]]:
    """Two ways that follow from the octets, so that what fails will fail again; and octet by octet."""
    random = Random(crc32(octets))
    for most in (3, 12):
        cuts = sorted(random.randrange(len(octets) + 1) for _ in range(random.randrange(1, most)))
        places = [0, *cuts, len(octets)]
        yield [octets[begin:end] for begin, end in pairwise(places)]
    if len(octets) <= _MAX_OCTET_BY_OCTET:
        yield [octets[at : at + 1] for at in range(len(octets))]


def _check_within(limits: ReplyLimits, reply: Reply) -> None:
    assert 1 <= len(reply.lines) <= limits.lines
    assert sum(len(line) + len("250\n") for line in reply.lines) <= limits.reply_bytes
    assert max(len(line) + len("250\n") for line in reply.lines) <= limits.line_bytes
    assert reply.reply_class.value == str(reply.code)[0]
    for line in reply.lines:
        assert restore_octets(escape_octets(line)) == line


def _check_rest(parser: ReplyParser, octets: bytes, limits: ReplyLimits) -> None:
    """What is left when all replies were taken: an error for good, or the beginning of a line, within limits."""
    parser.receive_data(octets)
    if error := _error_of(parser):
        _check_final(parser, error)
        return
    assert parser.unparsed == octets.rpartition(b"\n")[2]
    assert len(parser.unparsed) < limits.line_bytes
    _check_foresight(parser)


def _check_final(parser: ReplyParser, error: ReplyError) -> None:
    assert error.outcome in _CAN_BE_NO_REPLY
    assert (error.limit is None) is (error.limit_value is None) is (error.outcome is not Outcome.too_long)
    held = parser.unparsed
    parser.receive_data(b"220 too late\r\n")
    assert _error_of(parser) is error
    assert parser.unparsed == held


def _check_foresight(parser: ReplyParser) -> None:
    """What can become no reply is said to be none when its line ends; what is discarded is forgotten."""
    claim, has_begun = parser.cannot_become_reply, bool(parser.unparsed)
    parser.receive_data(b"\n")
    error = _error_of(parser)
    assert claim is (has_begun and error is not None and error.outcome is Outcome.not_smtp)
    if error is None:
        parser.receive_data(b"250-inj")
        assert parser.discard() == b"250-inj"
        parser.receive_data(b"220 clean\r\n")
        assert parser.next_reply() == Reply(220, None, (b"clean",))


def _error_of(parser: ReplyParser) -> ReplyError | None:
    """The error that comes when all replies are taken."""
    try:
        while parser.next_reply() is not None:
            pass
    except ReplyError as error:
        return error
    return None
