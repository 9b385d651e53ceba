"""Servers on loopback that do what a script says, in threads of their own: a client's loop may stand still."""

import contextlib
import itertools
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

#: Nothing in a test takes as long as this; what does not come by then never comes.
PATIENCE_S = 10.0

_NUMBERS = itertools.count(1)


def new_address() -> str:
    """An address of the loopback network that no other test of this process has."""
    number = next(_NUMBERS)
    return f"127.64.{number >> 8 & 0xFF}.{number & 0xFF or 1}"


class Conversation:
    """One connection, from the server's side. `heard` is everything that came."""

    def __init__(self, connected: socket.socket, go: threading.Event) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        # Else a reset takes back what was said but not yet sent.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""
        self._unread = b""
        self._go = go

    def wait(self) -> None:
        """Goes on when the client's loop stands still (`Server.speak_while_the_loop_stands_still`)."""
        assert self._go.wait(PATIENCE_S)

    def say(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def hear(self) -> bytes:
        """The next octets, b"" at the end."""
        octets = self.socket.recv(65536)
        self.heard += octets
        return octets

    def hear_line(self) -> bytes:
        """The next line with its end, or what there is of it at the end."""
        while b"\n" not in self._unread and (octets := self.hear()):
            self._unread += octets
        line, end, self._unread = self._unread.partition(b"\n")
        return line + end

    def hear_all(self) -> bytes:
        """Everything up to the end, however it comes."""
        with contextlib.suppress(OSError):
            while self.hear():
                pass
        return self.heard

    def answer(self, *replies: bytes) -> None:
        """A reply to every command line, until the client goes."""
        for reply in replies:
            if not self.hear_line():
                return
            self.say(reply)

    def secure(self, context: ssl.SSLContext) -> None:
        """The server's side of a handshake."""
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def reset(self) -> None:
        """Ends with RST, whatever was not read or sent."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


Script = Callable[[Conversation], None]


class Server:
    """Runs the script for every connection, one after the other, and then closes it."""

    def __init__(self, script: Script, address: str = "") -> None:
        self._script = script
        address = address or new_address()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.address: IPv4Address | IPv6Address = ip_address(address)
        self.port: int = self._listener.getsockname()[1]
        self.conversations: list[Conversation] = []
        self._failure: Exception | None = None
        self._go = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def heard(self) -> bytes:
        """What came over all connections. To be asked when the server is closed."""
        return b"".join(each.heard for each in self.conversations)

    def speak_while_the_loop_stands_still(self, client: socket.socket) -> None:
        """Lets a script that waits go on, and blocks, the event loop too, until its octets are in the kernel."""
        self._go.set()
        assert select.select([client], [], [], PATIENCE_S)[0], "nothing came"

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            conversation = Conversation(connected, self._go)
            self.conversations.append(conversation)
            try:
                self._script(conversation)
            except OSError:
                pass  # the client has gone
            except Exception as failure:  # noqa: BLE001 - told when the server is closed
                self._failure = failure
            finally:
                conversation.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        self._listener.close()
        assert not self._thread.is_alive(), "a script never ended"
        if self._failure is not None:
            raise self._failure


def unused_port(address: str) -> int:
    """A port of an address where nothing listens."""
    with socket.create_server((address, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def blackhole() -> Iterator[tuple[str, int]]:
    """An address and port where every connect goes unanswered: its queue is full and nobody takes from it."""
    address = new_address()
    with socket.socket() as listener, contextlib.ExitStack() as filling:
        listener.bind((address, 0))
        listener.listen(0)
        place = listener.getsockname()
        while True:
            client = filling.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(place)
            if not select.select([], [client], [], 0.05)[1]:
                break
        yield place
