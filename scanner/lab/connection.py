"""A server's connection: a socket of our own on the loop's readers, so that every loop behaves the same.

Transports differ in when they write and whether an abort loses what was just written; here `send` tries at
once, `close` is a FIN after everything that was said, `reset` a RST after what the peer's kernel has taken.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

READ_BYTES = 65536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close sends RST


class Connection:
    """One accepted socket. `receive` gets what comes in; `ended` is called once, with how it ended."""

    __slots__ = ("_ended", "_is_closing", "_is_deaf", "_loop", "_receive", "_socket", "_unsent")

    def __init__(
        self,
        accepted: socket.socket,
        loop: asyncio.AbstractEventLoop,
        receive: Callable[[bytes], None],
        ended: Callable[[str], None],
    ) -> None:
        self._socket = accepted
        self._loop = loop
        self._receive = receive
        self._ended = ended
        self._unsent = bytearray()
        self._is_closing = False
        self._is_deaf = False
        loop.add_reader(accepted, self.read)

    def read(self) -> None:
        """Takes in what has come; also asked for when the order of events matters."""
        if self._socket.fileno() < 0 or self._is_deaf:
            return
        try:
            octets = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._end("client_reset")
            return
        if not octets:
            self._end("client_closed")
        else:
            self._receive(octets)

    def send(self, octets: bytes) -> None:
        """Says octets in order; what the kernel does not take now goes out when it does."""
        if self._unsent:
            self._unsent += octets
        if self._unsent or self._socket.fileno() < 0:
            return
        try:
            sent = self._socket.send(octets)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._end("client_reset")
            return
        if sent < len(octets):
            self._unsent += memoryview(octets)[sent:]
            self._loop.add_writer(self._socket, self._send_rest)

    def deafen(self) -> None:
        """Reads no more, not even that the client has gone: what it still sends fills the buffers of the kernels."""
        self._is_deaf = True
        self._loop.remove_reader(self._socket)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least there is

    def close(self) -> None:
        """FIN, once everything is said."""
        self._is_closing = True
        if not self._unsent:
            self._end("server_closed")

    def reset(self) -> None:
        """RST, now."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._end("server_reset")

    def abandon(self) -> None:
        """RST, because the lab ends."""
        self._end("lab_stopped")

    def _send_rest(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._end("client_reset")
            return
        if not self._unsent:
            self._loop.remove_writer(self._socket)
            if self._is_closing:
                self._end("server_closed")

    def _end(self, how: str) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        with suppress(OSError):
            self._socket.close()
        self._ended(how)
