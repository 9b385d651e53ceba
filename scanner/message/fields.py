"""One header field as octets: names and values that cannot become another field, folded, encoded where needed.

Theory of operation. A value is split at its white space. Words that ASCII cannot say become encoded words
(RFC 2047), neighbours together, because the space between two encoded words is not shown; in an
internationalized message (RFC 6532) addresses stand as they are. Then lines are folded before white space.
"""

import re
from base64 import b64encode
from collections.abc import Iterator

#: RFC 5322 §2.1.1: what a line must not be longer than, and should not, without its CRLF; octets.
MAX_LINE = 998
_LINE = 78

#: RFC 2047 §2: a line with an encoded word, and the octets of text that one encoded word of 75 characters holds.
_ENCODED_LINE = 76
_ENCODED_WORD_OCTETS = 45
_AROUND_ENCODED = len("=?utf-8?b??=")

_NAME = re.compile(r"[!-9;-~]+")
_CHUNK = re.compile(r"([ \t]*)([^ \t]+)")

#: RFC 5322 §3.2.1, §3.6.8: no field has any of these; RFC 6532 §3.1 adds no controls. Tabulators are white space.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")

_CALLED = {"\r": "CR", "\n": "LF", "\0": "NUL", "\x1b": "ESC", "\x7f": "DEL"}


class FieldError(ValueError):
    """What cannot stand in a header: what it is, where (`position`, from 1), and what to do."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(what)
        self.position = position


def check_name(name: str) -> None:
    """Raises FieldError unless a field may be called so (RFC 5322 §3.6.8: printable ASCII without the colon)."""
    if not name:
        raise FieldError("a header field needs a name before its colon, as in 'X-Ticket: 4711'", 1)
    end = found.end() if (found := _NAME.match(name)) else 0
    if end < len(name):
        raise FieldError(f"{_called(name[end])} at position {end + 1} cannot stand in the name of a field", end + 1)
    if len(name) > _LINE - 2:
        raise FieldError(f"a field's name of {len(name)} characters leaves no place for its value", _LINE - 1)


def check_value(value: str) -> None:
    """Raises FieldError for a value with a control character, in which another field could be hidden."""
    if found := _CONTROL.search(value):
        position = found.start() + 1
        raise FieldError(f"{_called(found[0])} at position {position} cannot stand in a header field", position)


def encode_field(name: str, value: str, *, utf8: bool = False) -> bytes:
    """The lines of a field with their CRLFs. `utf8`: non-ASCII stands as itself (RFC 6532 §3.2), not encoded.

    Raises FieldError.
    """
    check_name(name)
    check_value(value)
    lines = [f"{name}:"]
    for space, word, is_encoded in _words(value, utf8=utf8):
        for piece in _encoded_words(word, _octets(lines[-1])) if is_encoded else (word,):
            _append(lines, space or " ", piece, is_encoded=is_encoded, is_first=lines == [f"{name}:"])
            space = " "  # noqa: PLW2901 - what stands between the pieces of one word
    return "".join(f"{line}\r\n" for line in lines).encode()


def _append(lines: list[str], space: str, piece: str, *, is_encoded: bool, is_first: bool) -> None:
    """Puts a piece on the last line, or on a new one if that would be too long; a plain first word never."""
    room = _ENCODED_LINE if is_encoded or "=?" in lines[-1] else _LINE
    if (is_first and not is_encoded) or _octets(lines[-1] + space + piece) <= room:
        lines[-1] += space + piece
    else:
        lines.append(space + piece)


def _words(value: str, *, utf8: bool) -> Iterator[tuple[str, str, bool]]:
    """White space, what follows it, and whether that is to be encoded; neighbours that are, come as one."""
    held: list[str] | None = None
    for space, word in _CHUNK.findall(value):
        if _needs_encoding(word, utf8=utf8):
            held = [space, word] if held is None else [held[0], held[1] + space + word]
            continue
        if held is not None:
            yield held[0], held[1], True
            held = None
        yield space, word, False
    if held is not None:
        yield held[0], held[1], True


def _needs_encoding(word: str, *, utf8: bool) -> bool:
    """True for what is not ASCII, for what would be taken for an encoded word, and for what no line can hold."""
    return (not utf8 and not word.isascii()) or word.startswith("=?") or _octets(word) > MAX_LINE - _LINE


def _encoded_words(text: str, used: int) -> Iterator[str]:
    """A text as encoded words, cut between characters (RFC 2047 §5); the first fits a line that is begun."""
    left = (_ENCODED_LINE - used - 1 - _AROUND_ENCODED) // 4 * 3
    octets = bytearray()
    room = left if left >= 6 else _ENCODED_WORD_OCTETS
    for character in text:
        encoded = character.encode()
        if octets and len(octets) + len(encoded) > min(room, _ENCODED_WORD_OCTETS):
            yield _encoded_word(octets)
            octets, room = bytearray(), _ENCODED_WORD_OCTETS
        octets += encoded
    yield _encoded_word(octets)


def _encoded_word(octets: bytes | bytearray) -> str:
    return f"=?utf-8?b?{b64encode(octets).decode()}?="


def _octets(text: str) -> int:
    return len(text.encode())


def _called(character: str) -> str:
    """A character in words; one that could do something to a terminal is never shown."""
    if name := _CALLED.get(character):
        return name
    return repr(character) if character.isprintable() else f"U+{ord(character):04X}"
