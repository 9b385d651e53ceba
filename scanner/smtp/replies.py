"""Replies (RFC 5321 §4.2): octets in, complete replies out, and the three ways in which that fails.

Theory of operation. `receive_data` takes octets as they come, in any pieces. `next_reply` gives the next
complete reply, None while it is incomplete, and raises ReplyError for what can be no reply. An error is
final: the parser raises it again. What departs from the grammar without doing harm is a flag.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from scanner.outcomes import Outcome, SessionFlag

#: RFC 5321 §4.5.3.1.5: 512 octets with CRLF. More is taken up to the hard limit, and flagged.
RFC_LINE_OCTETS = 512

# §4.2: Reply-code = %x32-35 %x30-35 %x30-39. Real refusals (471, 571) have a second digit above 5: taken,
# and flagged. A bare code without SP is legal (the text is optional in the ABNF of Reply-line).
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_FIRST_DIGITS = (b"2", b"3", b"4", b"5")
# RFC 3463 §2: class "." subject "." detail, each of the last two 1–3 digits.
_ENHANCED = re.compile(rb"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?= |$)")


class ReplyClass(StrEnum):
    """RFC 5321 §4.2.1, by the first digit; an unknown code is read by it (§4.3.2)."""

    positive = "2"
    intermediate = "3"
    transient_negative = "4"
    permanent_negative = "5"


_CLASSES = {int(reply_class): reply_class for reply_class in ReplyClass}


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply: code, enhanced status code or None, and the text of each line in octets."""

    code: int
    enhanced_code: str | None
    lines: tuple[bytes, ...]

    @property
    def reply_class(self) -> ReplyClass:
        return _CLASSES[self.code // 100]


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """How much is read before a reply is called too long: octets a line, octets and lines a reply."""

    line_bytes: int = 8192
    reply_bytes: int = 65536
    lines: int = 200


class ReplyError(Exception):
    """What came can be no reply: not_smtp, malformed, or too_long by the limit that is named."""

    def __init__(self, outcome: Outcome, why: str, limit: str | None = None, limit_value: int | None = None) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.limit = limit
        self.limit_value = limit_value


class ReplyParser:
    """Octets → replies, within limits."""

    def __init__(self, limits: ReplyLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._code: bytes | None = None
        self._lines: list[bytes] = []
        self._reply_bytes = 0
        self._error: ReplyError | None = None
        self.flags: set[SessionFlag] = set()

    @property
    def unparsed(self) -> bytes:
        """Octets that belong to no complete line yet, or come after the last reply given."""
        return bytes(self._buffer)

    @property
    def cannot_become_reply(self) -> bool:
        """True if what has come so far is no SMTP, though its line has not ended: no code begins so."""
        return self._code is None and bool(self._buffer) and self._buffer[:1] not in _FIRST_DIGITS

    def receive_data(self, data: bytes) -> None:
        """Takes octets; after an error there is nothing left to take them for."""
        if self._error is None:
            self._buffer += data

    def next_reply(self) -> Reply | None:
        """The next complete reply, or None. Raises ReplyError, and again whenever called after that."""
        if self._error is not None:
            raise self._error
        try:
            while (line := self._next_line()) is not None:
                if self._take_line(line):
                    return self._complete()
        except ReplyError as error:
            self._error = error
            raise
        return None

    def discard(self) -> bytes:
        """Forgets everything that was received and not given (RFC 3207 §4.2) and returns it."""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._code, self._lines, self._reply_bytes = None, [], 0
        return data

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, self._limits.line_bytes)
        if end < 0:
            if len(self._buffer) >= self._limits.line_bytes:
                raise self._too_long("reply_line_bytes", self._limits.line_bytes)
            return None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._reply_bytes += len(line)
        if self._reply_bytes > self._limits.reply_bytes:
            raise self._too_long("reply_bytes", self._limits.reply_bytes)
        return self._without_line_end(line)

    def _without_line_end(self, line: bytes) -> bytes:
        if len(line) > RFC_LINE_OCTETS:
            self.flags.add(SessionFlag.reply_line_over_512)
        if line.endswith(b"\r\n"):
            return line[:-2]
        # §2.3.8: a line ends with CRLF and nothing else. Servers that send LF alone are understood, and told.
        self.flags.add(SessionFlag.bare_lf)
        return line[:-1]

    def _take_line(self, line: bytes) -> bool:
        """Adds a line to the reply; True if it is the reply's last."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise self._no_reply_line(line)
        code, separator, text = match.groups(default=b"")
        if code[1:2] > b"5":
            self.flags.add(SessionFlag.reply_code_outside_grammar)
        if self._code is not None and code != self._code:
            # §4.2.1: "the reply code for each of the lines MUST be the same".
            raise ReplyError(Outcome.malformed, f"a reply of code {self._code.decode()} goes on with {code.decode()}")
        self._code = code
        self._lines.append(text)
        if len(self._lines) > self._limits.lines:
            raise self._too_long("reply_lines", self._limits.lines)
        return separator != b"-"

    def _no_reply_line(self, line: bytes) -> ReplyError:
        if self._code is not None:
            return ReplyError(Outcome.malformed, "a line without a reply code within a reply")
        if line[:1] in _FIRST_DIGITS:
            return ReplyError(Outcome.malformed, "a reply code is three digits, then a space, a hyphen or the end")
        return ReplyError(Outcome.not_smtp, "a line that does not begin with a reply code")

    def _complete(self) -> Reply:
        code = self._code or b""
        reply = Reply(int(code), _enhanced_code(code, self._lines), tuple(self._lines))
        self._code, self._lines, self._reply_bytes = None, [], 0
        return reply

    @staticmethod
    def _too_long(limit: str, value: int) -> ReplyError:
        return ReplyError(Outcome.too_long, f"more than limits.{limit} = {value}", f"limits.{limit}", value)


def _enhanced_code(code: bytes, lines: list[bytes]) -> str | None:
    """RFC 2034 §4: the class must be the first digit of the reply code; a mismatch counts as absent."""
    match = _ENHANCED.match(lines[0])
    if match is None or match[1] != code[:1]:
        return None
    return match[0].decode("ascii")
