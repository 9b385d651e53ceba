"""All SMTP servers of a world: a listener an address, on one port; and addresses where nobody may come."""

import asyncio
import datetime as dt
import errno
import socket
import time
from collections.abc import Callable, Sequence

from scanner.lab.listener import Listener
from scanner.lab.listening import close_gate, listen, open_blackhole
from scanner.lab.log import Log, SessionLine, TripwireLine
from scanner.lab.smtp_session import Session
from scanner.lab.tls_server import TlsContexts
from scanner.lab.world import Behaviour, Server
from scanner.settings import Limits
from scanner.times import datetime_text

BACKLOG = 128
#: Addresses that a scan of the lab must leave alone although it may reach them.
TRIPWIRES = ("127.0.0.1", "::1")
#: A listener that finds no descriptor free tries again after so long.
REST_S = 0.05

Now = Callable[[], dt.datetime]


class SmtpServer:
    """The servers of a world on one port. Sessions go to the log when they end.

    After `blocked_after` sessions in all (0: never) every server is a blackhole, and `block_began` is called.
    """

    def __init__(
        self,
        *,
        servers: Sequence[Server],
        behaviours: dict[str, Behaviour],
        limits: Limits,
        contexts: TlsContexts,
        log: Log,
        now_utc: Now,
        blocked_after: int = 0,
        block_began: Callable[[], None] = lambda: None,
    ) -> None:
        self._servers = servers
        self._behaviours = behaviours
        self._limits = limits
        self._contexts = contexts
        self._log = log
        self._now_utc = now_utc
        self._blocked_after = blocked_after
        self._block_began = block_began
        self._is_blocked = False
        self._accepted = 0
        self._listeners: list[Listener] = []
        self._blackholes: list[socket.socket] = []
        self._tripwires: list[tuple[str, socket.socket]] = []
        self._port = 0

    @property
    def tripwires(self) -> tuple[str, ...]:
        """The addresses of TRIPWIRES that could be bound."""
        return tuple([address for address, _ in self._tripwires])

    def open(self, port: int) -> None:
        """Listens everywhere. Raises OSError if the port is not free at a server; then nothing stays open."""
        self._port = port
        try:
            for server in self._servers:
                self._open_server(server)
        except OSError:
            self.close()
            raise
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener.socket, self._accept, listener)
        for address in TRIPWIRES:
            self._open_tripwire(address)

    def close(self) -> None:
        """Ends all sessions and closes every socket."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener.socket)
            listener.socket.close()
            for session in tuple(listener.sessions):
                session.stop()
        for _, tripwire in self._tripwires:
            loop.remove_reader(tripwire)
            tripwire.close()
        for blackhole in self._blackholes:
            blackhole.close()
        self._listeners, self._tripwires, self._blackholes = [], [], []

    def _open_server(self, server: Server) -> None:
        behaviour = self._behaviours[server.behaviour]
        if behaviour.blackhole:
            self._blackholes += open_blackhole(server.address, self._port)
        elif behaviour.listener:
            listening = listen(server.address, self._port, BACKLOG)
            self._listeners.append(Listener(listening, server, self._behaviours, self._limits, self._contexts))

    def _open_tripwire(self, address: str) -> None:
        try:
            listening = listen(address, self._port, BACKLOG)
        except OSError:  # taken by somebody, or no IPv6: `tripwires` does not have it
            return
        self._tripwires.append((address, listening))
        asyncio.get_running_loop().add_reader(listening, self._trip, address, listening)

    def _block(self) -> None:
        """Nobody gets in any more and nobody is answered, as when our own port 25 is shut."""
        self._is_blocked = True
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener.socket)
            self._blackholes.append(close_gate(listener.socket))
            for session in listener.sessions:
                session.fall_silent()
        for server in self._servers:
            if not self._behaviours[server.behaviour].listener:
                self._blackholes += open_blackhole(server.address, self._port)
        self._block_began()

    def _accept(self, listener: Listener) -> None:
        if self._blocked_after and self._accepted == self._blocked_after:
            self._block()
            return
        # What happened to earlier sessions before this connection came must not look as if it came later.
        for session in tuple(listener.sessions):
            session.read()
        loop = asyncio.get_running_loop()
        try:
            accepted, peer = listener.socket.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                return  # the client left before it was accepted
            loop.remove_reader(listener.socket)
            loop.call_later(REST_S, self._listen_again, listener)
            return
        self._accepted += 1
        accepted.setblocking(False)  # noqa: FBT003  # socket's signature
        started_s, started_at = time.monotonic(), self._now_utc()
        session = Session(
            accepted,
            listener.next_manner(started_s),
            loop,
            lambda ended: self._ended(listener, ended, peer[0], started_s, started_at),
        )
        listener.sessions.add(session)
        session.start()

    def _listen_again(self, listener: Listener) -> None:
        if listener.socket.fileno() >= 0 and not self._is_blocked:
            asyncio.get_running_loop().add_reader(listener.socket, self._accept, listener)

    def _ended(
        self, listener: Listener, session: Session, peer: str, started_s: float, started_at: dt.datetime
    ) -> None:
        listener.sessions.discard(session)
        is_encrypted = session.tls is not None and session.tls.is_established
        self._log.write(
            SessionLine(
                address=listener.server.address,
                port=self._port,
                host=listener.server.host,
                peer=peer,
                started_at=datetime_text(started_at),
                started_s=started_s,
                ended_s=time.monotonic(),
                commands=session.commands,
                sni=session.tls.server_name if session.tls is not None else None,
                tls=session.tls.version if session.tls is not None and is_encrypted else None,
                spoke_early=session.spoke_early,
                end=session.end,
                error=session.error,
            )
        )

    def _trip(self, address: str, listening: socket.socket) -> None:
        try:
            accepted, peer = listening.accept()
        except OSError:
            return
        accepted.close()
        self._log.write(TripwireLine(address=address, port=self._port, peer=peer[0], at=datetime_text(self._now_utc())))
