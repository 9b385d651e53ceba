"""Transcripts read back: the octets that each side said."""

from collections.abc import Iterable

from scanner.records import TranscriptLine
from scanner.wire_text import restore_octets


def octets_of(lines: Iterable[TranscriptLine], who: str) -> bytes:
    """All that one side said, exactly.

    A line's CRLF is not written, any other end of line is; a lone backslash says that the line did not end.
    """
    return b"".join(_octets(text) for _, speaker, text in lines if speaker == who)


def _octets(text: str) -> bytes:
    if text.endswith("\\"):
        return restore_octets(text[:-1])
    octets = restore_octets(text)
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


def remarks_of(lines: Iterable[TranscriptLine]) -> list[str]:
    return [text for _, speaker, text in lines if speaker == "*"]
