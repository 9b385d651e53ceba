"""All servers of a world for one protocol: a listener an address, on one port; and addresses where nobody may come."""

import asyncio
import datetime as dt
import errno
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from scanner.lab.listening import close_gate, listen, open_blackhole
from scanner.lab.log import Log, LogLine, TripwireLine, Visit
from scanner.lab.session import Served, Session
from scanner.times import datetime_text

BACKLOG = 128
#: Addresses that a scan of the lab must leave alone although it may reach them.
TRIPWIRES = ("127.0.0.1", "::1")
#: A listener that finds no descriptor free tries again after so long.
REST_S = 0.05

Now = Callable[[], dt.datetime]


class Place(Protocol):
    """A server at an address: whether it listens, what it does to who comes, what is logged of that."""

    @property
    def address(self) -> str: ...

    @property
    def listens(self) -> bool: ...

    @property
    def is_blackhole(self) -> bool: ...

    def next_manner(self, now_s: float) -> Served:
        """What the session that begins now meets."""
        ...

    def log_line(self, session: Session, visit: Visit) -> LogLine:
        """The line of a session that has ended."""
        ...


class Listener:
    """A place that listens. `sessions` are those that have not ended."""

    __slots__ = ("place", "sessions", "socket")

    def __init__(self, listening: socket.socket, place: Place) -> None:
        self.socket = listening
        self.place = place
        self.sessions: set[Session] = set()


class Servers:
    """The servers of a world on one port. Sessions go to the log when they end.

    After `blocked_after` sessions in all (0: never) every server is a blackhole, and `block_began` is called.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        log: Log,
        now_utc: Now,
        blocked_after: int = 0,
        block_began: Callable[[], None] = lambda: None,
    ) -> None:
        self._places = places
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
            for place in self._places:
                self._open_place(place)
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

    def _open_place(self, place: Place) -> None:
        if place.is_blackhole:
            self._blackholes += open_blackhole(place.address, self._port)
        elif place.listens:
            self._listeners.append(Listener(listen(place.address, self._port, BACKLOG), place))

    def _open_tripwire(self, address: str) -> None:
        try:
            listening = listen(address, self._port, BACKLOG)
        except OSError:  # taken by somebody, or no IPv6: `tripwires` does not have it
            return
        self._tripwires.append((address, listening))
        asyncio.get_running_loop().add_reader(listening, self._trip, address, listening)

    def block(self) -> None:
        """Nobody gets in any more and nobody is answered, as when our own port 25 is shut."""
        self._is_blocked = True
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener.socket)
            self._blackholes.append(close_gate(listener.socket))
            for session in listener.sessions:
                session.fall_silent()
        for place in self._places:
            if not place.listens:
                self._blackholes += open_blackhole(place.address, self._port)
        self._block_began()

    def _accept(self, listener: Listener) -> None:
        if self._blocked_after and self._accepted == self._blocked_after:
            self.block()
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
            listener.place.next_manner(started_s),
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
        visit = Visit(
            address=listener.place.address,
            port=self._port,
            peer=peer,
            started_at=datetime_text(started_at),
            started_s=started_s,
            ended_s=time.monotonic(),
        )
        self._log.write(listener.place.log_line(session, visit))

    def _trip(self, address: str, listening: socket.socket) -> None:
        try:
            accepted, peer = listening.accept()
        except OSError:
            return
        accepted.close()
        self._log.write(TripwireLine(address=address, port=self._port, peer=peer[0], at=datetime_text(self._now_utc())))
