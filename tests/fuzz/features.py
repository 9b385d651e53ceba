"""What an input shows of the parser: the way it takes through its lines, and what comes out."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from scanner.smtp import replies
from scanner.smtp.replies import ReplyError, ReplyLimits, ReplyParser
from tests.fuzz.checks import SMALL
from tests.smtp.feeding import LIMITS, Parsed, parse

#: A step from one line of the parser to another, or something about a result.
Feature = tuple[object, ...]


def features_of(octets: bytes) -> frozenset[Feature]:
    """All that an input shows of the parser."""
    shown: set[Feature] = set()
    for limits in (LIMITS, SMALL):
        steps: set[Feature] = set()
        parsed = _traced(octets, limits, steps)
        marks = (*_marks_of(parsed), _rest_of(octets, limits))
        shown |= {(limits.lines, *what) for what in (*steps, *marks)}
    return frozenset(shown)


def kind_of(parsed: Parsed) -> Feature:
    """What sort of result it is; not which code exactly, of which there are five hundred."""
    last = parsed.replies[-1] if parsed.replies else None
    ended = parsed.error and (parsed.error[0], parsed.error[2])
    said = last and (last.reply_class, bool(last.enhanced_code), min(len(last.lines), 2))
    return min(len(parsed.replies), 2), said, ended, parsed.flags


def _marks_of(parsed: Parsed) -> Iterator[Feature]:
    """What there is to see of a result: fewer things than kinds, or the corpus would be large."""
    number, said, ended, flags = kind_of(parsed)
    yield ("replies", number, ended)
    yield ("last reply", said)
    yield ("flags", flags, ended)


def _rest_of(octets: bytes, limits: ReplyLimits) -> Feature:
    """What is left when the replies are taken, and what is said of it."""
    parser = ReplyParser(limits)
    parser.receive_data(octets)
    with suppress(ReplyError):
        while parser.next_reply() is not None:
            pass
    begun = parser.unparsed[:1]
    at_limit = len(parser.unparsed) - limits.line_bytes
    return "rest", parser.cannot_become_reply, bool(begun), begun.isdigit(), max(-2, min(at_limit, 1))


def _traced(octets: bytes, limits: ReplyLimits, steps: set[Feature]) -> Parsed:
    """Parses the octets, and notes every step from line to line within the parser's own module."""

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != replies.__file__:
            return None
        before = frame.f_lineno

        def step(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            steps.add((frame.f_code.co_name, before, frame.f_lineno, event == "exception"))
            before = frame.f_lineno
            return step

        return step

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        return parse([octets], limits)
    finally:
        sys.settrace(previous)
