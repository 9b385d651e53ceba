"""Replies read in one go by one regular expression: what the parser must agree with, however octets arrive.

It knows all octets from the start, keeps no state and shares no line with `scanner.smtp.replies`.
"""

import re

from scanner.outcomes import Outcome
from scanner.smtp.replies import Reply, ReplyLimits

# RFC 5321 §4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF, every
# code the same (§4.2.1). Beyond it: any second digit, any octets as text, LF alone.
_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:-[^\n]*\n\1)*(?: [^\n]*|\r)?\n")
_LINE = re.compile(rb"[2-5][0-9][0-9](?:[- ][^\n]*|\r)?\n")
_ENHANCED = re.compile(rb"[245](?:\.[0-9]{1,3}){2}")

#: How it failed: the outcome, and the limit if it was one.
Fault = tuple[Outcome, str | None]


def read_in_one_go(octets: bytes, limits: ReplyLimits) -> tuple[tuple[Reply, ...], Fault | None]:
    """All replies up to the first fault, and that fault; None if what is left may still become a reply."""
    replies: list[Reply] = []
    begin = 0
    while (found := _REPLY.match(octets, begin)) and _first_fault(found[0], limits) is None:
        replies.append(_reply(found[0]))
        begin = found.end()
    return tuple(replies), _first_fault(octets[begin:], limits)


def write_reply(reply: Reply) -> bytes:
    """A reply as the grammar writes it: with CRLF, and a space before an empty text."""
    code = b"%d" % reply.code
    return code + (b"\r\n" + code).join([b"-" + text for text in reply.lines[:-1]] + [b" " + reply.lines[-1]]) + b"\r\n"


def written_by_the_grammar(octets: bytes) -> bytes:
    """Complete lines as `write_reply` writes them: LF becomes CRLF, a bare code gets its space."""
    lines = [line.removesuffix(b"\r") for line in octets.split(b"\n")[:-1]]
    return b"".join((line + b" " if len(line) == 3 else line) + b"\r\n" for line in lines)


def _reply(octets: bytes) -> Reply:
    texts = tuple(line.removesuffix(b"\r")[4:] for line in octets.split(b"\n")[:-1])
    word = texts[0].split(b" ")[0]
    has_code = _ENHANCED.fullmatch(word) and word[:1] == octets[:1]
    return Reply(int(octets[:3].decode("ascii")), word.decode("ascii") if has_code else None, texts)


def _first_fault(octets: bytes, limits: ReplyLimits) -> Fault | None:
    """The first thing that is wrong with the lines of one reply."""
    size = 0
    for number, line in enumerate(_lines(octets), start=1):
        size += len(line)
        if len(line) > limits.line_bytes - (not line.endswith(b"\n")):
            return Outcome.too_long, "limits.reply_line_bytes"
        if not line.endswith(b"\n"):
            return None
        if size > limits.reply_bytes:
            return Outcome.too_long, "limits.reply_bytes"
        if not _LINE.fullmatch(line) or line[:3] != octets[:3]:
            began = number > 1 or line[:1] in {b"2", b"3", b"4", b"5"}
            return Outcome.malformed if began else Outcome.not_smtp, None
        if number > limits.lines:
            return Outcome.too_long, "limits.reply_lines"
    return None


def _lines(octets: bytes) -> list[bytes]:
    """The lines with their LF, the last one perhaps without."""
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", octets)
