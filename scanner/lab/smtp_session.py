"""One SMTP session of a server: which steps of its script run, and when the next command is due.

Theory of operation. What comes in is plaintext for the command buffer, octets for TLS (which gives
plaintext), the ClientHello that a `tls` stage waits for, or of no interest any more (`_Hears`). `_go_on`
takes steps until one has to wait, then the next command, whose steps come next; a timer or the end of a
handshake calls it again. Whatever a client says while steps wait stays in the buffer: pipelined commands are
answered in order, and those that nobody answers are still in the log.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import chain
from typing import Protocol

from OpenSSL import SSL

from scanner.lab.connection import Connection
from scanner.lab.mail_transaction import MailTransaction
from scanner.lab.script import Script
from scanner.lab.steps import Step, Verb
from scanner.lab.tls_server import ServerTls, TlsError

#: A client that is so far ahead of our replies, or sends a line so long, is cut off.
MAX_BUFFERED_BYTES = 1 << 17
_MAX_VERB = 16
_RECORD_HEADER_BYTES = 5
_TLS_IS_ACTIVE = (Step(Verb.send, b"503 5.5.1 TLS already active\r\n"),)


class Served(Protocol):
    """What a session needs to know about its server."""

    @property
    def script(self) -> Script: ...

    @property
    def small_hello_bytes(self) -> int: ...

    @property
    def sends_close_notify(self) -> bool: ...

    def tls_context(self) -> SSL.Context: ...


class _Hears(Enum):
    commands = auto()
    client_hello = auto()
    tls = auto()
    nothing = auto()


class Session:
    """A session from accept to its end, of which `ended` is told once; then `end` says how it came."""

    __slots__ = (
        "_connection", "_ended", "_has_greeted", "_hears", "_hello", "_is_paused", "_loop", "_outgoing",
        "_received", "_script", "_served", "_steps", "_timer", "_transaction",
        "commands", "end", "error", "spoke_early", "tls",
    )  # fmt: skip

    def __init__(
        self,
        accepted: socket.socket,
        served: Served,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[["Session"], None],
    ) -> None:
        self._served = served
        self._script = served.script
        self._loop = loop
        self._ended = ended
        self._connection = Connection(accepted, loop, self._receive, self._connection_ended)
        self._hears = _Hears.commands
        self._received = bytearray()
        self._hello = b""
        self._outgoing: list[bytes] = []
        self._steps: Iterator[Step] = iter(self._script.greeting)
        self._is_paused = False
        self._has_greeted = False
        self._timer: asyncio.TimerHandle | None = None
        self._transaction: MailTransaction | None = None
        self.tls: ServerTls | None = None
        self.commands: list[str] = []
        self.spoke_early = False
        self.end = ""
        self.error: str | None = None

    def start(self) -> None:
        """Says the greeting."""
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
            case _Hears.commands:
                self.spoke_early = self.spoke_early or not self._has_greeted
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
        """A ClientHello has begun: a small one gets the handshake, any other what the `tls` stage says."""
        if len(self._hello) < _RECORD_HEADER_BYTES and self._served.small_hello_bytes:
            return  # how long it is stands in its header
        assert self._script.tls is not None
        # RFC 8446 §5.1: a ClientHello fits into one record; its length is in the last two octets of the header.
        is_small = int.from_bytes(self._hello[3:5], "big") + _RECORD_HEADER_BYTES <= self._served.small_hello_bytes
        self._steps = chain((Step(Verb.tls),) if is_small else self._script.tls, self._steps)
        self._hears = _Hears.nothing
        self._is_paused = False

    def _receive_tls(self, octets: bytes) -> None:
        assert self.tls is not None
        was_established = self.tls.is_established
        try:
            self._received += self.tls.receive(octets)
        except TlsError as error:
            self.error = str(error)
            self._connection.send(self.tls.outgoing())
            self._is_paused = True
            self._hears = _Hears.nothing
            self._connection.close()
            return
        self._connection.send(self.tls.outgoing())
        if self.tls.is_established and not was_established:
            self._is_paused = False

    def _connection_ended(self, how: str) -> None:
        self.end = how
        self._is_paused = True
        if self._timer is not None:
            self._timer.cancel()
        if self._hears in (_Hears.commands, _Hears.tls):
            while self._next_line() is not None:  # said, and never answered
                pass
        self._ended(self)

    # What is said -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._take_steps():
            steps = self._next_steps()
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
            case Verb.reset:
                self._connection.reset()
            case Verb.close:
                self._close()

    def _resume(self) -> None:
        self._is_paused = False
        self._go_on()

    def _take_tls(self) -> None:
        """The script's own `tls` stage once the client has begun, where it has one; else the handshake."""
        self._is_paused = True
        if self._script.tls is not None and self._hears is _Hears.commands:
            self._hears = _Hears.client_hello  # and nothing after it, unless a step says `tls`
            return
        self._hears = _Hears.tls
        self.tls = ServerTls(self._served.tls_context())
        self._transaction = None  # RFC 3207 §4.2: what was said before is forgotten
        begun = bytes(self._received) + self._hello
        self._received.clear()
        if begun:
            self._receive_tls(begun)

    def _close(self) -> None:
        if self.tls is not None and self.tls.is_established and self._served.sends_close_notify:
            self._connection.send(self.tls.close_notify())
        self._is_paused = True
        self._connection.close()

    def _flush(self) -> None:
        """Says what has come together: steps without a wait between them leave in one segment."""
        if not self._outgoing:
            return
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        if self.tls is not None and self.tls.is_established:
            octets = self.tls.encrypt(octets)
        self._connection.send(octets)

    # Commands -----------------------------------------------------------------------------------------

    def _next_steps(self) -> tuple[Step, ...] | None:
        """The steps that answer what is in the buffer, None if nothing in it is complete."""
        self._has_greeted = True
        if self._transaction is not None and self._transaction.expects_message:
            reply = self._transaction.take_message(self._received)
            return None if reply is None else (Step(Verb.send, reply),)
        line = self._next_line()
        return None if line is None else self._steps_for(line)

    def _next_line(self) -> bytes | None:
        end = self._received.find(b"\n") + 1
        if end == 0:
            return None
        line = bytes(self._received[:end]).strip()
        del self._received[:end]
        verb = line.split(b" ", 1)[0][:_MAX_VERB]
        if verb.isalpha():  # else it is no command: a ClientHello that nobody waited for
            self.commands.append(verb.upper().decode("ascii"))
        return line

    def _steps_for(self, line: bytes) -> tuple[Step, ...]:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                return self._script.ehlo if self.tls is None else self._script.ehlo_after_tls
            case b"HELO":
                return self._script.helo
            case b"STARTTLS":
                return self._script.starttls if self.tls is None else _TLS_IS_ACTIVE
            case b"QUIT":
                return self._script.quit
            case other:
                if self._transaction is None:
                    self._transaction = MailTransaction()
                return (Step(Verb.send, self._transaction.reply_to(other, argument.strip())),)
