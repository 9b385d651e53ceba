"""A transcript: every line that was said, by whom and when, exactly and bounded.

While the session lasts it is kept as the octets that came: a line as it is written takes a hundred octets more
than it says, and a server can say nothing but line ends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scanner.records import Speaker, TranscriptLine
from scanner.wire_text import escape_octets

#: Hears each line as it is said.
Listener = Callable[[TranscriptLine], None]

#: Gives a line without what nobody is to read in it.
Conceal = Callable[[bytes], bytes]


@dataclass(slots=True)
class _Heard:
    """What the server said in one go: octets, and up to which of them had come when a line ended."""

    text: Callable[[bytes], str]
    octets: bytearray = field(default_factory=bytearray)
    ends: list[tuple[int, float]] = field(default_factory=list)
    last_at: float = 0.0

    def add(self, at: float, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end:
            self.ends.append((len(self.octets) + end, at))
        self.octets += data
        self.last_at = at

    def lines(self, first: int = 0, *, whole_only: bool = False) -> Iterator[TranscriptLine]:
        """The lines, from those on that came with the first of `ends`; the last one may not have ended."""
        begin = self.ends[first - 1][0] if first else 0
        for end, at in self.ends[first:]:
            for line in bytes(self.octets[begin:end]).split(b"\n")[:-1]:
                yield at, Speaker.server, self.text(line[:-1] if line.endswith(b"\r") else line + b"\n")
            begin = end
        if begin < len(self.octets) and not whole_only:
            yield self.last_at, Speaker.server, self.text(bytes(self.octets[begin:])) + "\\"


class TranscriptWriter:
    r"""Collects what is said in a session; `at` is seconds since it began.

    A line's CRLF is not written, any other end of line is. A line that never ended ends with a lone
    backslash, which nothing else can (a backslash of the server's is `\x5C`).

    A listener hears all that `lines` gives, each line as soon as it is known: one that the server leaves
    unfinished is known when something else is said.
    """

    def __init__(self, max_octets: int, listener: Listener | None = None) -> None:
        self._left = max_octets
        self._said: list[_Heard | TranscriptLine] = []
        self._listener = listener
        self._text: Callable[[bytes], str] = escape_octets
        self.is_cut = False

    def conceal(self, conceal: Conceal) -> None:
        """What the server says after our next line is written as this function leaves it: it may repeat a secret."""
        self._text = lambda octets: escape_octets(conceal(octets))

    def remark(self, at: float, text: str) -> None:
        """A remark of ours. What the server left unfinished before it is written first."""
        line = (round(at, 3), Speaker.remark, escape_octets(text.encode()))
        if self._listener is not None:
            self._tell_what_was_left(self._listener)
            self._listener(line)
        self._said.append(line)

    def sent(self, at: float, data: bytes) -> None:
        """A command line, with its CRLF."""
        line = (round(at, 3), Speaker.client, escape_octets(data.removesuffix(b"\r\n")))
        if self._listener is not None:
            self._tell_what_was_left(self._listener)
            self._listener(line)
        self._said.append(line)

    def received(self, at: float, data: bytes) -> None:
        """Octets of the server's, in any pieces."""
        if self.is_cut:
            return
        if len(data) > self._left:
            data, self.is_cut = data[: self._left], True
        self._left -= len(data)
        heard = self._said[-1] if self._said else None
        if not isinstance(heard, _Heard):
            heard = _Heard(self._text)
            self._said.append(heard)
        heard.add(round(at, 3), data)
        if self._listener is not None and b"\n" in data:
            for line in heard.lines(len(heard.ends) - 1, whole_only=True):
                self._listener(line)
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

    def _tell_what_was_left(self, listener: Listener) -> None:
        """A line of the server's that did not end is known when something else is said."""
        before = self._said[-1] if self._said else None
        if isinstance(before, _Heard):
            for line in before.lines(len(before.ends)):
                listener(line)
