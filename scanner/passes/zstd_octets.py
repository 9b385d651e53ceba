"""Zstandard unpacked, and told when it is not complete."""

import io

import zstandard

#: Zstandard makes up to 128 KiB out of 4 octets (RFC 8878 §3.1.1.2): out of this many, 2 MiB at the most.
_SLICE = 64


class ZstdOctets(io.RawIOBase):
    """Unpacks Zstandard frames one after the other. Raises EOFError if the last one is not complete.

    zstandard's own `stream_reader` takes a torn file for a complete one (measured with 0.25).
    """

    def __init__(self, packed: io.BufferedIOBase) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_within_frame = False
        self._unpacked = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._unpacked:
            packed = self._packed.read(_SLICE)
            if not packed:
                if self._is_within_frame:
                    raise EOFError("a Zstandard frame ends too early")
                return 0
            self._unpacked = self._unpack(packed)
        octets, self._unpacked = self._unpacked[: len(buffer)], self._unpacked[len(buffer) :]
        buffer[: len(octets)] = octets
        return len(octets)

    def _unpack(self, packed: bytes) -> bytes:
        unpacked = b""
        while packed:
            unpacked += self._frame.decompress(packed)
            self._is_within_frame = not self._frame.eof
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return unpacked
