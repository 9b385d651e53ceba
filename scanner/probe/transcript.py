"""A transcript: every line that was said, by whom and when, exactly and bounded.

While the session lasts it is kept as the octets that came: a line as it is written takes a hundred octets more
than it says, and a server can say nothing but line ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.records import Speaker, TranscriptLine
from scanner.wire_text import escape_octets


@dataclass(slots=True)
class _Heard:
    """What the server said in one go: octets, and up to which of them had come when a line ended."""

    octets: bytearray = field(default_factory=bytearray)
    ends: list[tuple[int, float]] = field(default_factory=list)
    last_at: float = 0.0

    def add(self, at: float, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end:
            self.ends.append((len(self.octets) + end, at))
        self.octets += data
        self.last_at = at

    def lines(self) -> Iterator[TranscriptLine]:
        begin = 0
        for end, at in self.ends:
            for line in bytes(self.octets[begin:end]).split(b"\n")[:-1]:
                yield at, Speaker.server, escape_octets(line[:-1] if line.endswith(b"\r") else line + b"\n")
            begin = end
        if begin < len(self.octets):
            yield self.last_at, Speaker.server, escape_octets(bytes(self.octets[begin:])) + "\\"


class TranscriptWriter:
    r"""Collects what is said in a session; `at` is seconds since it began.

    A line's CRLF is not written, any other end of line is. A line that never ended ends with a lone
    backslash, which nothing else can (a backslash of the server's is `\x5C`).
    """

    def __init__(self, max_octets: int) -> None:
        self._left = max_octets
        self._said: list[_Heard | TranscriptLine] = []
        self.is_cut = False

    def remark(self, at: float, text: str) -> None:
        """A remark of ours. What the server left unfinished before it is written first."""
        self._said.append((round(at, 3), Speaker.remark, escape_octets(text.encode())))

    def sent(self, at: float, data: bytes) -> None:
        """A command line, with its CRLF."""
        self._said.append((round(at, 3), Speaker.client, escape_octets(data.removesuffix(b"\r\n"))))

    def received(self, at: float, data: bytes) -> None:
        """Octets of the server's, in any pieces."""
        if self.is_cut:
            return
        if len(data) > self._left:
            data, self.is_cut = data[: self._left], True
        self._left -= len(data)
        heard = self._said[-1] if self._said else None
        if not isinstance(heard, _Heard):
            heard = _Heard()
            self._said.append(heard)
        heard.add(round(at, 3), data)
        if self.is_cut:
            self.remark(at, "transcript cut here")

    def lines(self) -> tuple[TranscriptLine, ...]:
        """All lines; what is unfinished is marked so."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[TranscriptLine]:
        for said in self._said:
            if isinstance(said, _Heard):
                yield from said.lines()
            else:
                yield said
