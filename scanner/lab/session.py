"""One session of a server: which steps of its script run, and when the next thing that the client said is due.

Theory of operation. What comes in is plaintext for the talk's buffer, octets for TLS (which gives plaintext),
the ClientHello that a handshake's steps wait for, or of no interest any more (`_Hears`). `_go_on` takes steps
until one has to wait, then what the client said next, whose steps come next; a timer or the end of a handshake
calls it again. Whatever a client says while steps wait stays in the buffer: it is answered in order, and what
nobody answers is still in the log.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import chain
from typing import Protocol

from OpenSSL import SSL

from scanner.lab.connection import Connection
from scanner.lab.steps import Step, Verb
from scanner.lab.tls_server import ServerTls, TlsError

#: A client that is so far ahead of our replies, or sends a line so long, is cut off.
MAX_BUFFERED_BYTES = 1 << 17
_RECORD_HEADER_BYTES = 5


class Talk(Protocol):
    """A protocol's side of one session. `heard` is what the client said, as the log has it."""

    heard: list[str]

    def next_steps(self, received: bytearray) -> tuple[Step, ...] | None:
        """Takes the first thing that is complete out of `received`: the steps that answer it. None if nothing is."""
        ...

    def hear_rest(self, received: bytearray) -> None:
        """Takes what is complete and will never be answered."""
        ...

    def tls_begins(self) -> None:
        """What comes from now on comes over TLS."""
        ...

    def tls_established(self, client_certificate: bytes | None) -> None:
        """The handshake is complete; a certificate is DER."""
        ...


class Served(Protocol):
    """What a session needs to know about its server.

    `opening` are its first steps; `handshake` those that it takes instead of a handshake (None: a good one).
    """

    @property
    def opening(self) -> tuple[Step, ...]: ...

    @property
    def handshake(self) -> tuple[Step, ...] | None: ...

    @property
    def small_hello_bytes(self) -> int: ...

    @property
    def sends_close_notify(self) -> bool: ...

    def tls_context(self) -> SSL.Context: ...

    def new_talk(self) -> Talk: ...


class _Hears(Enum):
    plaintext = auto()
    client_hello = auto()
    tls = auto()
    nothing = auto()


class Session:
    """A session from accept to its end, of which `ended` is told once; then `end` says how it came."""

    __slots__ = (
        "_connection", "_ended", "_has_opened", "_hears", "_hello", "_is_paused", "_loop", "_outgoing",
        "_received", "_served", "_steps", "_talk", "_timer", "_tls",
        "end", "error", "spoke_early",
    )  # fmt: skip

    def __init__(
        self,
        accepted: socket.socket,
        served: Served,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[["Session"], None],
    ) -> None:
        self._served = served
        self._talk = served.new_talk()
        self._loop = loop
        self._ended = ended
        self._connection = Connection(accepted, loop, self._receive, self._connection_ended)
        self._hears = _Hears.plaintext
        self._received = bytearray()
        self._hello = b""
        self._outgoing: list[bytes] = []
        self._steps: Iterator[Step] = iter(served.opening)
        self._is_paused = False
        self._has_opened = False
        self._timer: asyncio.TimerHandle | None = None
        self._tls: ServerTls | None = None
        self.spoke_early = False
        self.end = ""
        self.error: str | None = None

    @property
    def talk(self) -> Talk:
        """What the client said, in order, and what came of it."""
        return self._talk

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for in its ClientHello."""
        return None if self._tls is None else self._tls.server_name

    @property
    def tls_version(self) -> str | None:
        """None unless a handshake was completed."""
        return self._tls.version if self._tls is not None and self._tls.is_established else None

    def start(self) -> None:
        """Takes the first steps."""
        self._go_on()

    def read(self) -> None:
        """Takes in what the client has already done."""
        self._connection.read()

    def stop(self) -> None:
        """Ends the session because the lab ends."""
        self._connection.abandon()

    def fall_silent(self) -> None:
        """Says nothing more and heeds nothing; the connection stays."""
        self._is_paused = True
        self._hears = _Hears.nothing
        if self._timer is not None:
            self._timer.cancel()

    # What comes in ------------------------------------------------------------------------------------

    def _receive(self, octets: bytes) -> None:
        match self._hears:
            case _Hears.plaintext:
                self.spoke_early = self.spoke_early or not self._has_opened
                self._received += octets
            case _Hears.tls:
                self._receive_tls(octets)
            case _Hears.client_hello:
                self._hello += octets
                self._meet_hello()
            case _Hears.nothing:
                self._hello = (self._hello + octets)[:MAX_BUFFERED_BYTES]
        if len(self._received) > MAX_BUFFERED_BYTES:
            self.error = "more than anybody may send ahead"
            self._connection.reset()
        elif not self._is_paused:
            self._go_on()

    def _meet_hello(self) -> None:
        """A ClientHello has begun: a small one gets the handshake, any other what is done instead."""
        if len(self._hello) < _RECORD_HEADER_BYTES and self._served.small_hello_bytes:
            return  # how long it is stands in its header
        assert self._served.handshake is not None
        # RFC 8446 §5.1: a ClientHello fits into one record; its length is in the last two octets of the header.
        is_small = int.from_bytes(self._hello[3:5], "big") + _RECORD_HEADER_BYTES <= self._served.small_hello_bytes
        self._steps = chain((Step(Verb.tls),) if is_small else self._served.handshake, self._steps)
        self._hears = _Hears.nothing
        self._is_paused = False

    def _receive_tls(self, octets: bytes) -> None:
        assert self._tls is not None
        was_established = self._tls.is_established
        try:
            self._received += self._tls.receive(octets)
        except TlsError as error:
            self.error = str(error)
            self._connection.send(self._tls.outgoing())
            self._is_paused = True
            self._hears = _Hears.nothing
            self._connection.close()
            return
        self._connection.send(self._tls.outgoing())
        if self._tls.is_established and not was_established:
            self._talk.tls_established(self._tls.client_certificate)
            self._is_paused = False

    def _connection_ended(self, how: str) -> None:
        self.end = how
        self._is_paused = True
        if self._timer is not None:
            self._timer.cancel()
        if self._hears in (_Hears.plaintext, _Hears.tls):
            self._talk.hear_rest(self._received)
        self._ended(self)

    # What is said -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._take_steps():
            self._has_opened = True
            steps = self._talk.next_steps(self._received)
            if steps is None:
                return
            self._steps = iter(steps)

    def _take_steps(self) -> bool:
        """True when no step is left, False when one has to wait or has ended the session."""
        for step in self._steps:
            if step.verb is Verb.send:
                self._outgoing.append(step.octets)
                continue
            self._flush()
            self._take(step)
            if self._is_paused:
                return False
        self._flush()
        return not self._is_paused

    def _take(self, step: Step) -> None:
        match step.verb:
            case Verb.wait:
                self._is_paused = True
                self._timer = self._loop.call_later(step.seconds, self._resume)
            case Verb.tls:
                self._take_tls()
            case Verb.silence:
                self._is_paused = True
            case Verb.swallow:
                self._is_paused = True
                self._hears = _Hears.nothing
            case Verb.deafen:
                self._connection.deafen()
            case Verb.reset:
                self._connection.reset()
            case Verb.close:
                self._close()

    def _resume(self) -> None:
        self._is_paused = False
        self._go_on()

    def _take_tls(self) -> None:
        """What is done instead of a handshake once the client has begun it, if anything; else the handshake."""
        self._is_paused = True
        if self._served.handshake is not None and self._hears is _Hears.plaintext:
            self._hears = _Hears.client_hello  # and nothing after it, unless a step says `tls`
            return
        self._hears = _Hears.tls
        self._tls = ServerTls(self._served.tls_context())
        self._talk.tls_begins()
        begun = bytes(self._received) + self._hello
        self._received.clear()
        if begun:
            self._receive_tls(begun)

    def _close(self) -> None:
        if self._tls is not None and self._tls.is_established and self._served.sends_close_notify:
            self._connection.send(self._tls.close_notify())
        self._is_paused = True
        self._connection.close()

    def _flush(self) -> None:
        """Says what has come together: steps without a wait between them leave in one segment."""
        if not self._outgoing:
            return
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._tls is not None and self._tls.is_established:
            octets = self._tls.encrypt(octets)
        self._connection.send(octets)
