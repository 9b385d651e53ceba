"""The octets of an input list, from a file, a pipe or stdin, packed or not → its lines, of bounded length."""

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import zstandard

from scanner.passes.zstd_octets import ZstdOctets

#: More of one line is counted and hashed, not kept: a name has 253 octets, the rest is metadata.
MAX_LINE_OCTETS = 65_536

_GZIP = b"\x1f\x8b"  # RFC 1952 §2.3.1
_ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878 §3.1.1
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # RFC 8878 §3.1.2, after an octet that varies: parallel packers begin so

_NOT_READ = {
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet: unpack it, or save it as CSV",
    b"BZh91AY&SY": "is packed by bzip2: unpack it, or pack it by gzip or zstd",
    b"\xfd7zXZ\x00": "is packed by xz: unpack it, or pack it by gzip or zstd",
    b"\xff\xfe": "is UTF-16, it begins with FF FE: save it as UTF-8",
    b"\xfe\xff": "is UTF-16, it begins with FE FF: save it as UTF-8",
}
_PREFIX_OCTETS = 10


class InputError(Exception):
    """There is nothing to read: the message says what was found and what to do. A matter of usage."""


class RawLine(NamedTuple):
    """A line of the list: its first MAX_LINE_OCTETS without the line's end, and the size of all of it."""

    number: int
    octets: bytes
    size_bytes: int


class OctetSource:
    """A list's octets, read once. `source` is a path, or `-` for standard input."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._digest = hashlib.sha256()

    @property
    def name(self) -> str:
        return "standard input" if self.source == "-" else self.source

    @property
    def sha256(self) -> str:
        """The digest of all lines read so far, with their ends, after unpacking.

        So a list and its packed copy are the same input, and what `--limit` takes from a pipe has a digest
        that does not depend on how the pipe was filled.
        """
        return self._digest.hexdigest()

    def lines(self) -> Iterator[RawLine]:
        """Every line, ended by LF, CRLF or the end of the list. Raises InputError; OSError for our disk's."""
        with self._opened() as stream:
            number = 0
            while octets := self._read(stream):
                number += 1
                size, tail = len(octets), octets[-2:]
                while size > MAX_LINE_OCTETS and not tail.endswith(b"\n") and (more := self._read(stream)):
                    size += len(more)
                    tail = (tail + more)[-2:]
                end = len(tail) - len(tail.rstrip(b"\r\n"))
                yield RawLine(number, octets.rstrip(b"\r\n")[:MAX_LINE_OCTETS], size - end)

    def _read(self, stream: io.BufferedIOBase) -> bytes:
        try:
            octets = stream.readline(MAX_LINE_OCTETS + 2)
        except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
            raise InputError(f"{self.name} is damaged or not complete: {error}") from error
        self._digest.update(octets)
        return octets

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedIOBase]:
        if self.source == "-":
            if sys.stdin is None:
                raise InputError("standard input is closed: give a file, or pipe the domains in, one a line")
            yield self._text(cast("io.BufferedIOBase", sys.stdin.buffer))
        else:
            with _open_file(self.source) as stream:
                yield self._text(stream)

    def _text(self, stream: io.BufferedIOBase) -> io.BufferedIOBase:
        """The unpacked list. What it is packed with is told by its first octets, not by its name."""
        try:
            prefix, stream = _with_prefix(stream)
            if prefix.startswith(_GZIP):
                prefix, stream = _with_prefix(gzip.GzipFile(fileobj=stream))
            elif prefix.startswith(_ZSTD) or prefix[1:4] == _ZSTD_SKIPPABLE:
                prefix, stream = _with_prefix(io.BufferedReader(ZstdOctets(stream)))
        except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
            raise InputError(f"{self.name} is damaged or not complete: {error}") from error
        if found := _what_it_is_instead(prefix):
            raise InputError(f"{self.name} {found}")
        return stream


def _open_file(path: str) -> io.BufferedIOBase:
    try:
        return open(path, "rb")
    except IsADirectoryError as error:
        raise InputError(f"{path} is a directory: give the file that holds the domains, one a line") from error
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: give a file of domains, one a line, or - for stdin") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error


def _with_prefix(stream: io.BufferedIOBase) -> tuple[bytes, io.BufferedIOBase]:
    """The first octets of a stream, and the stream with them before it: a pipe can't be wound back."""
    prefix = stream.read(_PREFIX_OCTETS)
    return prefix, io.BufferedReader(_Rejoined(prefix, stream), buffer_size=MAX_LINE_OCTETS)


def _what_it_is_instead(prefix: bytes) -> str | None:
    for magic, found in _NOT_READ.items():
        if prefix.startswith(magic):
            return found
    # UTF-16 without its mark: every other octet of the first two characters is NUL, as in no list of names.
    if len(prefix) >= 4 and [octet == 0 for octet in prefix[:4]] in ([False, True] * 2, [True, False] * 2):
        return "is UTF-16, every other octet is NUL: save it as UTF-8"
    return None


class _Rejoined(io.RawIOBase):
    """Octets that were read already, then the rest of the stream they came from."""

    def __init__(self, prefix: bytes, stream: io.BufferedIOBase) -> None:
        self._prefix = prefix
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        octets = self._prefix or self._stream.read1(len(buffer))
        self._prefix = octets[len(buffer) :]
        octets = octets[: len(buffer)]
        buffer[: len(octets)] = octets
        return len(octets)
