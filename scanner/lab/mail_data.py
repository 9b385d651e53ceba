"""A message as it comes in: by DATA up to its dot (RFC 5321 §4.5.2), by BDAT in chunks (RFC 3030). Without I/O."""

_CRLF = b"\r\n"
_END_OF_MESSAGE = b"\r\n.\r\n"


class DotStuffedMessage:
    """What follows DATA. More than `max_bytes` are not kept, but waited for all the same: then `is_too_big`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # A lone dot may be the first line: the CRLF before it is that of DATA.
        self._came = bytearray(_CRLF)
        self._looked_at = 0
        self.octets = b""
        self.is_too_big = False

    def take(self, received: bytearray) -> bool:
        """Takes what belongs to the message out of `received`; True once it is complete, and `octets` are there."""
        self._came += received
        end = self._came.find(_END_OF_MESSAGE, self._looked_at)
        if end < 0:
            received.clear()
            self._go_on_waiting()
            return False
        received[:] = self._came[end + len(_END_OF_MESSAGE) :]
        del self._came[end + len(_CRLF) :]
        # "the first character is deleted": all lines that begin with a dot have one that is not theirs
        self.octets = bytes(self._came.replace(b"\r\n.", _CRLF)[len(_CRLF) :])
        self.is_too_big = self.is_too_big or len(self.octets) > self._max_bytes
        return True

    def _go_on_waiting(self) -> None:
        """What may be the beginning of the end is kept in any case. Dots make a message a third larger at most."""
        if len(self._came) > 2 * self._max_bytes + len(_END_OF_MESSAGE):
            self.is_too_big = True
            del self._came[: -len(_END_OF_MESSAGE) + 1]
        self._looked_at = max(0, len(self._came) - len(_END_OF_MESSAGE) + 1)


class ChunkedMessage:
    """What comes by BDAT, chunk after chunk; more than `max_bytes` as above."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._came = bytearray()
        self._chunk_left = 0
        self.is_too_big = False

    def begin_chunk(self, size: int) -> None:
        """So many octets come next."""
        self._chunk_left = size

    def take(self, received: bytearray) -> bool:
        """Takes what belongs to the chunk out of `received`; True once it is complete."""
        chunk = received[: self._chunk_left]
        del received[: len(chunk)]
        self._chunk_left -= len(chunk)
        self.is_too_big = self.is_too_big or len(self._came) + len(chunk) > self._max_bytes
        if not self.is_too_big:
            self._came += chunk
        return not self._chunk_left

    @property
    def octets(self) -> bytes:
        """The complete message."""
        return bytes(self._came)
