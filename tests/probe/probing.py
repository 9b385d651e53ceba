"""A session with a server of a test, held as the probe pass holds it."""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.net.clock import Clock, SystemClock
from scanner.net.streams import IpAddress, TcpStream, connect
from scanner.net.tls import probing_context
from scanner.probe.peer import Connector
from scanner.probe.send_session import SentSession, hold_sending
from scanner.probe.sending import SendOrder
from scanner.probe.session import ProbedSession, SessionObserver, Survey, probe_target
from scanner.records import Target
from scanner.settings import Limits
from scanner.smtp.envelope import Envelope
from tests.conftest import Run
from tests.net.certificates import HOST
from tests.net.scripted import PATIENCE_S, Conversation, Server

CONTEXT = probing_context()
ME = "me.test"

#: For servers that answer: none of these is to fire, however busy the machine is.
PATIENT = Limits(connect_s=10, greeting_s=10, reply_s=10, tls_s=10, quit_s=10, session_s=15, message_s=15)


class HeldClock(SystemClock):
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = 1000.0

    def now_utc(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


def target_of(address: str, port: int) -> Target:
    return Target(
        target="0123456789abcdef",
        address=address,
        port=port,
        server_name=HOST,
        pace_group="test",
        queue="127.64.0.0/24",
    )


@dataclass
class Probe:
    """What all sessions of a test have in common."""

    run: Run
    limits: Limits = PATIENT
    implicit_tls: bool = False
    ehlo_name: str = ME
    envelope: Envelope | None = None
    observer: SessionObserver | None = None
    connector: Connector = connect
    source_ipv4: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    connected: list[TcpStream] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _waits: threading.Event = field(default_factory=threading.Event)

    def __call__(self, server: Server) -> ProbedSession:
        return self.run(self.hold(str(server.address), server.port))

    async def hold(self, address: str, port: int) -> ProbedSession:
        return await probe_target(target_of(address, port), self._survey(), 1, "2026-11-22T12:00:00.000Z")

    def send(self, server: Server, order: SendOrder) -> SentSession:
        return self.run(hold_sending(target_of(str(server.address), server.port), order, self._survey()))

    def _survey(self) -> Survey:
        return Survey(
            run="r",
            start=1,
            ehlo_name=self.ehlo_name,
            implicit_tls=self.implicit_tls,
            limits=self.limits,
            longer_limits=self.limits.longer(2),
            source_ipv4=self.source_ipv4,
            source_ipv6=None,
            tls_context=CONTEXT,
            small_hello_context=CONTEXT,
            connector=self._connect,
            clock=self.clock,
            envelope=self.envelope,
            observer=self.observer,
        )

    async def _connect(
        self, address: IpAddress, port: int, source: str | None, tried_from: Callable[[str], None] | None = None
    ) -> TcpStream:
        self._loop = asyncio.get_running_loop()
        stream = await self.connector(address, port, source, tried_from)
        self.connected.append(stream)
        self._loop.call_soon(self._waits.set)  # by then the session waits for the greeting
        return stream

    def in_the_loop(self, callback: Callable[[], object]) -> None:
        """For a script: runs the callback in the client's loop while it waits for us; returns when it runs."""
        assert self._waits.wait(PATIENCE_S)
        begun = threading.Event()

        def run() -> None:
            begun.set()
            callback()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(run)
        assert begun.wait(PATIENCE_S)

    def stall(self, conversation: Conversation, stalls_s: float, octets: bytes = b"") -> None:
        """For a script: has the client's loop stand still for so long, and speaks meanwhile.

        Returns when the loop stands still; if there are octets, when they are in the client's kernel.
        """
        said = threading.Event()

        def stand_still() -> None:
            assert said.wait(PATIENCE_S)
            time.sleep(stalls_s)

        self.in_the_loop(stand_still)
        if octets:
            conversation.say(octets)
            with self._kernel_socket() as client:
                assert select.select([client], [], [], PATIENCE_S)[0]
        said.set()

    def _kernel_socket(self) -> socket.socket:
        """Another descriptor of the last connection's socket."""
        writer = self.connected[-1]._writer
        assert writer is not None
        return socket.socket(fileno=socket.dup(writer.get_extra_info("socket").fileno()))
