"""TCP connections for a probe: asyncio streams over a socket of our own, so that no word is lost.

Theory of operation. A server that says `554 go away` and resets would be lost with `open_connection`: the
reset overtakes the data that is already here. So the socket is connected by itself; if that already ends in
a reset, what the server said is still to be read from it; and the reader keeps an error until the data
before it was read. `abort` closes at once: waiting for a peer to close has no end.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

IpAddress = IPv4Address | IPv6Address

#: Linux: choose the source port at connect, per destination. Without it a bound source address has one
#: range of ports for all targets together, TIME_WAIT included (ip(7)). Sockets of IPv6 take it as well.
IP_BIND_ADDRESS_NO_PORT = 24


#: What a server may have sent and nobody has read yet, in the kernel and in the reader: a reply is parsed as it
#: comes, so more would only be held, 5,000 times over. Without them it is 400 KB a session.
RECEIVE_BUFFER_BYTES = 32768
READ_AHEAD_BYTES = 16384


class Stream(Protocol):
    """What a probe needs of a connection. `read` gives b"" at its end; `ended_by` then says how it ended."""

    @property
    def ended_by(self) -> OSError | None: ...

    @property
    def has_ended(self) -> bool: ...

    async def read(self) -> bytes: ...

    async def read_available(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    async def flush(self) -> bool: ...

    def abort(self) -> None: ...


class _Reader(asyncio.StreamReader):
    """A StreamReader whose errors come after the data that was received before them, by us or by the kernel."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(limit=READ_AHEAD_BYTES)
        self._socket = sock
        self.unread = 0
        self.has_ended = False
        self.ended_by: OSError | None = None
        #: To be told when the server speaks, or goes.
        self.speaks: asyncio.Future[None] | None = None

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # transports give bytes
        self.unread += len(data)
        super().feed_data(data)
        if self.speaks is not None:
            _settle(self.speaks)

    def feed_eof(self) -> None:
        self.has_ended = True
        super().feed_eof()
        if self.speaks is not None:
            _settle(self.speaks)

    def set_exception(self, exc: Exception) -> None:
        self.ended_by = exc if isinstance(exc, OSError) else OSError(errno.ECONNRESET, str(exc))
        # If it was a write that failed, nobody has read since; and the transport closes the socket only after this.
        with contextlib.suppress(OSError):
            if unread := self._socket.recv(TcpStream.CHUNK):
                self.feed_data(unread)
        self.feed_eof()


class TcpStream:
    """A connected TCP stream; counts its octets both ways."""

    CHUNK = 65536

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter | None, source_address: str | None) -> None:
        self._reader = reader
        self._writer = writer
        self.source_address = source_address
        self.octets_read = 0
        self.octets_written = 0

    @property
    def ended_by(self) -> OSError | None:
        return self._reader.ended_by

    @property
    def has_ended(self) -> bool:
        """True once nothing more can come; what came before may still be unread."""
        return self._reader.has_ended

    async def read(self) -> bytes:
        """The next octets, b"" at the end."""
        data = await self._reader.read(self.CHUNK)
        self._reader.unread -= len(data)
        self.octets_read += len(data)
        return data

    async def read_available(self) -> bytes:
        """What has arrived already, without waiting for more."""
        # Twice through the loop: uvloop looks at timers before it looks at sockets, so that a limit can
        # fire while the reply is still in the kernel.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await self.read() if self._reader.unread else b""

    def write(self, data: bytes) -> None:
        """Queues octets. What a survey says is small: nothing waits for the peer to take it (`flush` does).

        After the end of the connection they go nowhere; reading tells how it ended.
        """
        # uvloop raises RuntimeError for a transport that it has closed, asyncio logs a warning.
        if self._writer is not None and not self._writer.is_closing():
            self.octets_written += len(data)
            self._writer.write(data)

    async def flush(self) -> bool:
        """Waits until the peer has taken most of what was written (asyncio's low-water mark).

        False if it spoke or went before that, or has done so already: then nobody may be left to take the rest.
        """
        await asyncio.sleep(0)  # `drain` need not wait, and then would never let what has arrived in
        reader, writer = self._reader, self._writer
        if writer is None or reader.unread or reader.has_ended:
            return False
        reader.speaks = asyncio.get_running_loop().create_future()
        taken = asyncio.ensure_future(writer.drain())
        try:
            await asyncio.wait((taken, reader.speaks), return_when=asyncio.FIRST_COMPLETED)
            return taken.done() and taken.exception() is None
        finally:
            taken.cancel()
            reader.speaks = None

    def abort(self) -> None:
        """Closes at once. What was written and fits into the kernel's buffer is still sent."""
        if self._writer is not None:
            self._writer.transport.abort()


async def connect(
    address: IpAddress, port: int, source: str | None = None, tried_from: Callable[[str], None] | None = None
) -> TcpStream:
    """Connects to an address, never to a name. Raises OSError; cancellation closes the socket.

    If no connection comes up, `tried_from` is told the address of ours that the system chose, as far as it did.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        await _connected(loop, sock, (str(address), port))
        _check_peer(sock, address)
        return await _over(sock)
    except ConnectionResetError as reset:
        stream = _said_before_the_reset(sock, reset)
        sock.close()
        return stream
    except BaseException:
        if tried_from is not None and (own := _own_address(sock)) is not None:
            tried_from(own)
        sock.close()
        raise


def _own_address(sock: socket.socket) -> str | None:
    """The address that a socket is bound to; None if it is not bound yet, or no longer."""
    try:
        own: str = sock.getsockname()[0]
    except OSError:  # the loop has closed it: it does so with a connection that is cancelled
        return None
    return None if ip_address(own.partition("%")[0]).is_unspecified else own


async def _connected(loop: asyncio.AbstractEventLoop, sock: socket.socket, destination: tuple[str, int]) -> None:
    """Waits until the socket is connected. Raises OSError.

    `loop.sock_connect` does the same, after it looked the address up as a name: a tenth of a whole session.
    """
    error = sock.connect_ex(destination)
    if error == errno.EINPROGRESS and _has_peer(sock):
        return  # a server on this machine has answered already
    if error == errno.EINPROGRESS:
        writable: asyncio.Future[None] = loop.create_future()
        loop.add_writer(sock, _settle, writable)
        try:
            await writable
        finally:
            loop.remove_writer(sock)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _has_peer(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _over(sock: socket.socket) -> TcpStream:
    loop = asyncio.get_running_loop()
    reader = _Reader(sock)
    source_address = sock.getsockname()[0]
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    return TcpStream(reader, writer, source_address)


def _said_before_the_reset(sock: socket.socket, reset: OSError) -> TcpStream:
    """The connection came up, the server spoke and reset before we looked: what it said is still here."""
    reader = _Reader(sock)
    reader.set_exception(reset)
    return TcpStream(reader, None, sock.getsockname()[0])


def _check_peer(sock: socket.socket, address: IpAddress) -> None:
    # The decision whether an address may be contacted was made on the address: it must be the one dialled.
    try:
        peer = sock.getpeername()[0]
    except OSError as error:
        if error.errno == errno.ENOTCONN:  # connected, and reset since then
            raise ConnectionResetError(errno.ECONNRESET, "reset at once") from error
        raise
    if peer != str(address) and ip_address(peer.partition("%")[0]) != address:
        raise OSError(errno.EADDRNOTAVAIL, f"connected to {peer} instead of {address}")
