"""A lab within the test's own process, on a loop of either kind in a thread, and plain clients for it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import uvloop
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

from scanner.lab.log import LogLine, SessionLine, read_log
from scanner.lab.order import NO_FAULTS, LabFaults
from scanner.lab.service import Lab
from scanner.lab.world import Behaviour, CertificateKind, Entry, Expectation, Server, World
from scanner.outcomes import RouteKind
from scanner.settings import Limits

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

#: Short ones, so that shares of them are short too.
LIMITS = Limits(
    connect_s=0.5, greeting_s=0.5, reply_s=0.4, tls_s=0.3, quit_s=0.2, session_s=5, policy_s=0.5, message_s=0.6
)
ADDRESS = "127.64.200.1"
HOST = "mx.here.lab"
NOTHING_EXPECTED = Expectation(
    kind=RouteKind.mx,
    reachable="yes 1/0/0",
    smtp="yes 1/0/0",
    starttls="yes 1/0/0",
    certificate_trusted="yes 1/0/0",
    certificate_name="yes 1/0/0",
)


def world_of(behaviour: Behaviour | None = None, certificate: CertificateKind | None = None, **changes: Any) -> World:
    """A world with one server, at ADDRESS; `changes` are other fields of the world."""
    server = Server(address=ADDRESS, host=HOST, behaviour="this", certificate="this")
    parts: dict[str, Any] = {
        "behaviours": {"this": behaviour or Behaviour()},
        "certificates": {"this": certificate or CertificateKind()},
        "servers": (server,),
        "entries": (),
    }
    return World(**(parts | changes))


def entry(domain: str, *records: str, **changes: Any) -> Entry:
    return Entry(domain=domain, why="a test", records=records, expect=NOTHING_EXPECTED, **changes)


class RunningLab:
    """An open lab in a thread. `stop` closes it and gives its log."""

    def __init__(
        self,
        world: World,
        directory: Path,
        loop_name: str,
        limits: Limits = LIMITS,
        faults: LabFaults = NO_FAULTS,
    ) -> None:
        self.directory = directory
        self._faults = faults
        self._world = world
        self._limits = limits
        self._loop = LOOPS[loop_name]()
        self._opened = threading.Event()
        self._error: Exception | None = None
        self._clients: list[Client] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._opened.wait(20)
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open())
            self._opened.set()
            self._loop.run_forever()
            self._loop.run_until_complete(self.lab.close())
        except Exception as error:  # noqa: BLE001  # raised again in the test's thread
            self._error = error
            self._opened.set()
        finally:
            self._loop.close()

    async def _open(self) -> None:
        self.lab = Lab(self._world, self.directory, self._limits, faults=self._faults)
        await self.lab.open()

    def stop(self) -> list[LogLine]:
        """The log, complete. The clients are closed afterwards."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        for client in self._clients:
            client.close()
        if self._error is not None:
            raise self._error
        return read_log(self.directory / "log.jsonl")

    def sessions(self) -> list[SessionLine]:
        return [line for line in self.stop() if isinstance(line, SessionLine)]

    def connect(self, address: str = ADDRESS, timeout_s: float = 5.0, port: int = 0) -> "Client":
        """To the mail server at an address, unless another port is given."""
        client = Client(socket.create_connection((address, port or self.lab.ports.smtp), timeout_s))
        self._clients.append(client)
        return client


class Client:
    """A client that says what it is told and hears what comes."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._received = b""

    def say(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def hear_reply(self) -> bytes:
        """Up to and including the last line of a reply."""
        while True:
            lines = self._received.splitlines(keepends=True)
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n") and line[3:4] != b"-":
                    reply = b"".join(lines[:number])
                    self._received = self._received[len(reply) :]
                    return reply
            octets = self.socket.recv(65536)
            assert octets, f"closed after {self._received!r}"
            self._received += octets

    def hear_all(self) -> bytes:
        """Everything up to the end. A reset raises ConnectionResetError."""
        while octets := self.socket.recv(65536):
            self._received += octets
        heard, self._received = self._received, b""
        return heard

    def ask(self, command: bytes) -> bytes:
        self.say(command + b"\r\n")
        return self.hear_reply()

    def hears_nothing_for(self, seconds: float) -> bool:
        """True if the connection stays open and silent."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._received += self.socket.recv(65536)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)
        return False

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def running(
    world: World, directory: Path, loop_name: str, limits: Limits = LIMITS, faults: LabFaults = NO_FAULTS
) -> Iterator[RunningLab]:
    lab = RunningLab(world, directory, loop_name, limits, faults)
    try:
        yield lab
    finally:
        lab.stop()


class TlsClient:
    """TLS over a Client's socket, without verification, in any version, by the probe's own library."""

    def __init__(self, client: Client, server_name: str | None = HOST, *, version: int | None = None) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_cipher_list(b"ALL:!aNULL:@SECLEVEL=0")
        context.set_min_proto_version(version or SSL.TLS1_VERSION)
        context.set_max_proto_version(version or 0)
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()
        if server_name is not None:
            self.connection.set_tlsext_host_name(server_name.encode())
        self._client = client

    def shake_hands(self) -> "TlsClient":
        """Raises SSL.Error, EOFError, or what the socket raises."""
        while True:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                self._pump()
            else:
                self._flush()
                return self

    def say(self, octets: bytes) -> None:
        self.connection.sendall(octets)
        self._flush()

    def ask(self, command: bytes) -> bytes:
        """The reply to a command, all of its lines."""
        self.say(command + b"\r\n")
        return self.hear_reply()

    def hear(self, octets: int) -> bytes:
        """So many octets."""
        heard = b""
        while len(heard) < octets:
            heard += self._hear()
        assert len(heard) == octets, heard
        return heard

    def hear_all(self) -> bytes:
        """Everything up to the end, in whatever way it comes. A reset raises ConnectionResetError."""
        heard = b""
        with contextlib.suppress(SSL.ZeroReturnError, EOFError):
            while True:
                heard += self._hear()
        return heard

    def hear_reply(self) -> bytes:
        heard = b""
        while not heard.endswith(b"\n") or heard.splitlines()[-1][3:4] == b"-":
            heard += self._hear()
        return heard

    def chain(self) -> list[bytes]:
        """The served certificates in DER, the leaf first."""
        certificates = self.connection.get_peer_cert_chain()
        return [dump_certificate(FILETYPE_ASN1, certificate) for certificate in certificates or []]

    def ends_in_order(self) -> bool:
        """True if the server closes TLS before the connection (RFC 8446 §6.1)."""
        try:
            while True:
                self._hear()
        except SSL.ZeroReturnError:
            return True
        except EOFError:
            return False

    def _hear(self) -> bytes:
        while True:
            try:
                return self.connection.recv(65536)
            except SSL.WantReadError:
                self._pump()

    def _pump(self) -> None:
        self._flush()
        octets = self._client.socket.recv(65536)
        if not octets:
            raise EOFError
        self.connection.bio_write(octets)

    def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while True:
                self._client.say(self.connection.bio_read(65536))


def start_tls(lab: RunningLab, server_name: str | None = HOST, **options: Any) -> TlsClient:
    """After greeting, EHLO and STARTTLS: a client that has shaken hands."""
    client = lab.connect()
    client.hear_reply()
    client.ask(b"EHLO client.lab")
    assert client.ask(b"STARTTLS")[:3] == b"220"
    return TlsClient(client, server_name, **options).shake_hands()
