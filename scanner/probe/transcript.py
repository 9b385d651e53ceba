"""A transcript: every line that was said, by whom and when, exactly and bounded."""

from scanner.records import Speaker, TranscriptLine
from scanner.wire_text import escape_octets


class TranscriptWriter:
    r"""Collects the lines of a session; `at` is seconds since it began.

    A line's CRLF is not written, any other end of line is. A line that never ended ends with a lone
    backslash, which nothing else can (a backslash of the server's is `\x5C`).
    """

    def __init__(self, max_octets: int) -> None:
        self._left = max_octets
        self._lines: list[TranscriptLine] = []
        self._unfinished = bytearray()
        self._at = 0.0
        self.is_cut = False

    def remark(self, at: float, text: str) -> None:
        """A remark of ours. What the server left unfinished before it is written first."""
        self._end_unfinished()
        self._add(at, Speaker.remark, escape_octets(text.encode()))

    def sent(self, at: float, data: bytes) -> None:
        """A command line, with its CRLF."""
        self._end_unfinished()
        self._add(at, Speaker.client, escape_octets(data.removesuffix(b"\r\n")))

    def received(self, at: float, data: bytes) -> None:
        """Octets of the server's, in any pieces."""
        if self.is_cut:
            return
        if len(data) > self._left:
            data, self.is_cut = data[: self._left], True
        self._left -= len(data)
        self._at = at
        if self._unfinished:
            data = bytes(self._unfinished) + data
            self._unfinished.clear()
        *lines, rest = data.split(b"\n")
        for line in lines:
            text = escape_octets(line[:-1] if line.endswith(b"\r") else line + b"\n")
            self._add(at, Speaker.server, text)
        self._unfinished += rest
        if self.is_cut:
            self.remark(at, "transcript cut here")

    def lines(self) -> tuple[TranscriptLine, ...]:
        """All lines; what is unfinished is marked so."""
        self._end_unfinished()
        return tuple(self._lines)

    def _end_unfinished(self) -> None:
        if self._unfinished:
            self._add(self._at, Speaker.server, escape_octets(bytes(self._unfinished)) + "\\")
            self._unfinished.clear()

    def _add(self, at: float, who: str, text: str) -> None:
        self._lines.append((round(at, 3), who, text))
