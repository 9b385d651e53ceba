"""Octets that arrive every way they can, and what a parser makes of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scanner.outcomes import Outcome, SessionFlag
from scanner.smtp.replies import Reply, ReplyError, ReplyLimits, ReplyParser

#: Inputs up to this size are cut everywhere; longer ones around what matters in them.
MAX_CUT_EVERYWHERE = 400

LIMITS = ReplyLimits()


@dataclass(frozen=True)
class Parsed:
    """All that came out: replies, how it failed, and the flags."""

    replies: tuple[Reply, ...]
    error: tuple[Outcome, str, str | None, int | None] | None
    flags: frozenset[SessionFlag]


def every_way(octets: bytes) -> Iterator[list[bytes]]:
    """Whole, cut in two at every place, octet by octet."""
    yield [octets]
    for place in _places(octets):
        yield [octets[:place], octets[place:]]
    yield [octets[place : place + 1] for place in range(len(octets))]


def _places(octets: bytes) -> Iterable[int]:
    if len(octets) <= MAX_CUT_EVERYWHERE:
        return range(1, len(octets))
    around = {0, octets.find(b"\n"), 512, LIMITS.line_bytes, LIMITS.reply_bytes, len(octets)}
    places = {place + near for place in around for near in range(-3, 4)}
    return sorted(place for place in places if 0 < place < len(octets))


def parse(pieces: Iterable[bytes], limits: ReplyLimits = LIMITS) -> Parsed:
    """What a new parser makes of octets in these pieces, up to the first error."""
    parser = ReplyParser(limits)
    replies: list[Reply] = []
    error: ReplyError | None = None
    for piece in pieces:
        parser.receive_data(piece)
        try:
            while (reply := parser.next_reply()) is not None:
                replies.append(reply)
        except ReplyError as raised:
            error = raised
            break
    failure = None if error is None else (error.outcome, str(error), error.limit, error.limit_value)
    return Parsed(tuple(replies), failure, frozenset(parser.flags))


def parse_every_way(octets: bytes, limits: ReplyLimits = LIMITS) -> Parsed:
    """The one result of octets however they arrive; fails if there are two."""
    whole = parse([octets], limits)
    for pieces in every_way(octets):
        assert parse(pieces, limits) == whole, f"cut after {len(pieces[0])}"
    return whole
