"""Input lists in any pieces, for the tests that read them."""

import io
import sys
from collections.abc import Iterable
from types import SimpleNamespace

import msgspec
import pytest

from scanner.passes.input import InputReader
from scanner.records import InputLine, InputSource
from scanner.settings import InputSettings


class Pieces(io.RawIOBase):
    """A pipe that gives its octets piece by piece, none of them twice."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        octets, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(octets)] = octets
        return len(octets)


def read_list(pieces: Iterable[bytes], **settings: object) -> tuple[list[InputLine], InputSource]:
    """The lines of a list that comes through standard input in these pieces. Raises InputError."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(Pieces(pieces))))
        reader = InputReader("-", msgspec.convert(settings, InputSettings), seed=7)
        return list(reader), reader.summary()
