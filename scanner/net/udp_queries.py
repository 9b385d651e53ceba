"""DNS queries over UDP in bulk: one connected socket a server, shared by all questions in flight.

A response belongs to the question whose id and text it repeats. A question is sent again, to the servers in
turn, until an answer comes or its tries are used up: all by callbacks, so that it costs one switch of tasks.
"""

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from scanner.dns.messages import Header, encode_query, is_answer_to, parse_header

_MAX_MESSAGE_BYTES = 65535
_IDS = 1 << 16


class Response(NamedTuple):
    """A message that answers a question, its header, and the address and port of who sent it."""

    message: bytes
    header: Header
    server: tuple[str, int]


class UdpQueries:
    """Asks servers, each given by address and port; sockets are opened when they are first needed."""

    def __init__(self, servers: Sequence[tuple[str, int]], tries: int) -> None:
        self._servers = [_Server(address, self._take) for address in servers]
        self._tries = tries
        self._waiting: dict[int, _Waiting] = {}

    @property
    def is_cut_off(self) -> bool:
        """True while nothing can be sent to any server, or the kernel says that nobody is there."""
        return all(server.is_cut_off for server in self._servers)

    async def ask(self, question: bytes, limit_s: float, *, checking_disabled: bool = False) -> Response | None:
        """The response to a question (in lower case); None if none came within the limit."""
        waiting = _Waiting(question, limit_s / self._tries)
        message_id = self._unused_id()
        self._waiting[message_id] = waiting
        waiting.query = encode_query(message_id, question, checking_disabled=checking_disabled)
        try:
            self._send(waiting)
            return await waiting.response
        finally:
            del self._waiting[message_id]
            waiting.timer.cancel()

    def close(self) -> None:
        """Closes all sockets."""
        for server in self._servers:
            server.close()

    def _unused_id(self) -> int:
        # RFC 5452 §4.4: unpredictable. There are never as many lookups in flight as ids.
        while (message_id := secrets.randbelow(_IDS)) in self._waiting:
            pass
        return message_id

    def _send(self, waiting: "_Waiting") -> None:
        """Sends a query, and again after its share of the limit; after the last try nothing came."""
        if waiting.tries:
            self._read_all()  # uvloop looks at the time before it looks at sockets
        if waiting.response.done():
            return
        if waiting.tries == self._tries:
            waiting.response.set_result(None)
            return
        self._servers[waiting.tries % len(self._servers)].send(waiting.query)
        waiting.tries += 1
        waiting.timer = asyncio.get_running_loop().call_later(waiting.try_s, self._send, waiting)

    def _read_all(self) -> None:
        for server in self._servers:
            server.read()

    def _take(self, message: bytes, server: tuple[str, int]) -> None:
        waiting = self._waiting.get(int.from_bytes(message[:2], "big"))
        if waiting is None or waiting.response.done():
            return
        with suppress(ValueError):  # too short for a header: nobody's answer
            header = parse_header(message)
            if is_answer_to(waiting.question, message, header):
                waiting.response.set_result(Response(message, header, server))


class _Waiting:
    """A question on its way."""

    __slots__ = ("query", "question", "response", "timer", "tries", "try_s")

    query: bytes
    timer: asyncio.TimerHandle

    def __init__(self, question: bytes, try_s: float) -> None:
        self.question = question
        self.try_s = try_s
        self.tries = 0
        self.response: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()


class _Server:
    """A server, and the socket to it. The kernel lets nothing in that comes from elsewhere."""

    def __init__(self, address: tuple[str, int], take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._address = address
        self._take = take
        self._socket: socket.socket | None = None
        self.is_cut_off = False

    def send(self, query: bytes) -> None:
        """Sends a query; what keeps it from going out is told by `is_cut_off`."""
        try:
            self._opened().send(query)
        except BlockingIOError:
            pass  # a full buffer loses it, as networks do
        except OSError:
            self.is_cut_off = True

    def read(self) -> None:
        """Takes what has arrived."""
        while self._socket is not None:
            try:
                message = self._socket.recv(_MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:  # ECONNREFUSED: nobody listens there
                self.is_cut_off = True
                return
            self.is_cut_off = False
            self._take(message, self._address)

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            try:
                opened.connect(self._address)
            except OSError:
                opened.close()
                raise
            asyncio.get_running_loop().add_reader(opened, self.read)
            self._socket = opened
        return self._socket
