"""The other side of a dialogue: connects, waits under deadlines, counts octets, writes the transcript.

It decides nothing about SMTP (smtp/session.py does) nor about what to say (dialogue.py does). Whatever goes
wrong out there becomes SessionEnded here, at one edge.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from OpenSSL import SSL

from scanner.net.clock import Clock
from scanner.net.deadline import Deadline
from scanner.net.streams import IpAddress, Stream, TcpStream
from scanner.net.tls import EndOfStream, PlaintextAfterStarttls, TlsError, TlsStream, TlsSummary
from scanner.outcomes import PLAINTEXT_INSTEAD_OF_TLS, Outcome, Stage
from scanner.probe.deadlines import Deadlines, StageDeadline
from scanner.probe.session_end import SessionEnded, no_reply, socket_failed, tls_failed
from scanner.probe.transcript import Listener, TranscriptWriter
from scanner.settings import Limits
from scanner.smtp.address_literals import address_literal
from scanner.smtp.commands import Verb
from scanner.smtp.extensions import Extensions
from scanner.smtp.replies import Reply, ReplyError, ReplyLimits
from scanner.smtp.session import Session


class Connector(Protocol):
    """Opens a connection to an address and port from a source address; net/streams.py's `connect` is one."""

    def __call__(
        self, address: IpAddress, port: int, source: str | None, tried_from: Callable[[str], None] | None = None, /
    ) -> Awaitable[TcpStream]: ...


_NOTHING = Extensions()

#: Ends in which nothing complete was said.
_SILENCES = frozenset({Outcome.closed, Outcome.reset, Outcome.timed_out, Outcome.deadline})


class Endpoint(NamedTuple):
    """Where a session goes: the address that is dialled, the port, the name for SNI, our source address."""

    address: IpAddress
    port: int
    server_name: str
    source_address: str | None = None

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" if self.address.version == 4 else f"[{self.address}]:{self.port}"


def reply_key(stage: Stage) -> str:
    """Under which name the replies and times of a stage are kept."""
    return "quit" if stage is Stage.done else stage.value


class SmtpPeer:
    """A mail server at an endpoint, as a dialogue talks to it; afterwards, what was learnt from it."""

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        *,
        implicit_tls: bool,
        tls_context: SSL.Context,
        connector: Connector,
        clock: Clock,
        listener: Listener | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._implicit_tls = implicit_tls
        self._tls_context = tls_context
        self._connector = connector
        self._deadlines = Deadlines(limits, clock)
        self._tcp: TcpStream | None = None
        self._tried_from: str | None = None
        self._stream: Stream | None = None
        self._may_speak = False
        self._session = Session(
            ReplyLimits(limits.reply_line_bytes, limits.reply_bytes, limits.reply_lines),
            implicit_tls=implicit_tls,
        )
        self.stage = Stage.connect
        self.transcript = TranscriptWriter(limits.transcript_bytes, listener)
        self.replies: dict[str, Reply] = {}
        self.timings_ms: dict[str, float] = {}
        self.extensions: Extensions | None = None
        self.extensions_after_tls: Extensions | None = None
        self.starttls_masked = False
        self.tls: TlsSummary | None = None
        self.tls_alert: str | None = None

    # What a dialogue does ------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Opens the TCP connection."""
        self.stage = Stage.connect
        deadline = self._deadlines.begin("connect_s")
        self._remark(f"connect {self._endpoint} limit {deadline.allowed_s:g} s")
        endpoint = self._endpoint
        try:
            with Deadline(deadline.allowed_s):
                self._tcp = await self._connector(
                    endpoint.address, endpoint.port, endpoint.source_address, self._notes_source
                )
        except OSError as error:
            # TimeoutError is an OSError; the kernel's own (ETIMEDOUT) has a number, our limit's has none.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise self._limit_fired(Stage.connect, deadline) from None
            raise self._socket_failed(Stage.connect, error) from None
        finally:
            self._time("connect", deadline)
        self._deadlines.excuse_lateness(deadline)
        self._stream = self._tcp
        self._remark("connected")

    async def receive_greeting(self) -> Reply:
        """The greeting; nothing is said before it is complete."""
        return await self._reply(Stage.greeting, "greeting_s")

    async def command(self, stage: Stage, verb: Verb, argument: str = "") -> Reply:
        """Says a command and waits for its reply."""
        self._write(stage, self._session.send(verb, argument))
        reply = await self._reply(stage, "reply_s")
        if verb is Verb.ehlo or verb is Verb.helo:
            self._learn(stage)
        return reply

    @property
    def offered(self) -> Extensions:
        """What the server offers as things stand; nothing before EHLO, and after TLS until EHLO is said again."""
        return self._session.extensions or _NOTHING

    @property
    def address_literal(self) -> str:
        """Our own address, as EHLO says it for want of a name (RFC 5321 §4.1.4); "" if it is not known."""
        source = self._tcp.source_address if self._tcp else None
        return address_literal(ip_address(source)) if source else ""

    async def start_tls(self) -> None:
        """The handshake, after 220 to STARTTLS or, with implicit TLS, before the greeting."""
        assert self._tcp is not None
        self.stage = Stage.tls
        after_the_220 = b"" if self._implicit_tls else self._session.start_tls()
        tls = TlsStream(self._tcp, self._tls_context, self._endpoint.server_name)
        self._may_speak = False
        deadline = self._deadlines.begin("tls_s")
        try:
            self.tls = await self._handshake(tls, after_the_220, deadline)
        except PlaintextAfterStarttls as plaintext:
            if not after_the_220:  # what came along with the 220 stands in the transcript already
                self.transcript.received(self._deadlines.at(), plaintext.data)
            raise self._plaintext() from None
        except EndOfStream:
            raise self._connection_ended(Stage.tls) from None
        except TlsError as error:
            raise self._tls_failed(Stage.tls, error) from None
        finally:
            self._time("tls", deadline)
        self._stream = tls
        self._may_speak = not self._implicit_tls
        self._remark(f"TLS up: {self.tls.version} {self.tls.cipher}")

    async def quit(self, *, await_reply: bool) -> None:
        """Says QUIT if the server may be spoken to, and waits for its reply if that makes sense.

        RFC 5321 §4.1.1.10: a client must not close without QUIT, also after an error. What comes of it is
        recorded and changes nothing: a session that failed here was a good one.
        """
        if not self._may_speak or not self._session.quit_allowed:
            return
        try:
            self._write(Stage.done, self._session.send(Verb.quit))
            if await_reply:
                await self._reply(Stage.done, "quit_s")
        except SessionEnded as end:
            self._remark(f"no reply to QUIT: {end.outcome}")

    def close(self) -> None:
        """Closes at once; to be called whatever happened."""
        if self._tcp is not None:
            self._tcp.abort()
            self._remark("closed")
        if self.transcript.is_cut:
            self._remark("what was read after the cut is not kept")

    # What is known afterwards --------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The state of the protocol."""
        return self._session

    @property
    def tcp(self) -> TcpStream | None:
        """The connection, if it came up."""
        return self._tcp

    @property
    def source_address(self) -> str | None:
        """The address of ours that the session came from, also if no connection came up; None if nobody knows."""
        return self._tcp.source_address if self._tcp else self._tried_from

    def _notes_source(self, address: str) -> None:
        self._tried_from = address

    def _learn(self, stage: Stage) -> None:
        """Keeps what the server says it can do: before TLS and under TLS apart."""
        if stage is Stage.ehlo_after_tls:
            self.extensions_after_tls = self._session.extensions
        elif self._session.extensions is not None:
            self.extensions = self._session.extensions
            self.starttls_masked = self._session.starttls_masked

    # Waiting -------------------------------------------------------------------------------------------

    async def _reply(self, stage: Stage, limit: str) -> Reply:
        self.stage = stage
        deadline = self._deadlines.begin(limit)
        key = reply_key(stage)
        try:
            reply = await self._next_reply(stage, deadline)
        except ReplyError as error:
            raise no_reply(stage, error) from None
        except TlsError as error:
            raise self._tls_failed(stage, error) from None
        except SessionEnded as end:
            if self._session.cannot_become_reply and end.outcome in _SILENCES:
                # It spoke, though not in lines: another protocol, whose server now waits or hangs up.
                raise SessionEnded(stage, Outcome.not_smtp, error=f"no reply code, then {end.outcome}") from None
            raise
        finally:
            self._time(key, deadline)
        self.replies[key] = reply
        self._may_speak = True
        return reply

    async def _next_reply(self, stage: Stage, deadline: StageDeadline) -> Reply:
        try:
            with Deadline(deadline.allowed_s):
                while (reply := self._session.next_reply()) is None:
                    await self._receive(stage)
        except TimeoutError:
            # What has arrived is read before anybody is called silent: our loop may have been late.
            assert self._stream is not None
            self._take(stage, await self._stream.read_available())
            late = self._session.next_reply()
            if late is None:
                raise self._limit_fired(stage, deadline) from None
            reply = late
        self._deadlines.excuse_absence(deadline)
        return reply

    async def _handshake(self, tls: TlsStream, after_the_220: bytes, deadline: StageDeadline) -> TlsSummary:
        try:
            with Deadline(deadline.allowed_s):
                summary = await tls.handshake(after_the_220)
        except TimeoutError:
            from_what_is_here = await tls.handshake_from_what_is_here()
            if from_what_is_here is None:
                raise self._limit_fired(Stage.tls, deadline) from None
            summary = from_what_is_here
        self._deadlines.excuse_absence(deadline)
        return summary

    async def _receive(self, stage: Stage) -> None:
        assert self._stream is not None
        data = await self._stream.read()
        if not data:
            raise self._connection_ended(stage)
        self._take(stage, data)

    def _take(self, stage: Stage, data: bytes) -> None:
        assert self._tcp is not None
        self.transcript.received(self._deadlines.at(), data)
        self._session.receive_data(data)
        if self._tcp.octets_read > self._limits.session_bytes:
            raise SessionEnded(
                stage,
                Outcome.too_long,
                limit="limits.session_bytes",
                limit_value=self._limits.session_bytes,
                error=f"more than limits.session_bytes = {self._limits.session_bytes}",
            )

    def _write(self, stage: Stage, data: bytes, shown: bytes | None = None) -> None:
        """Writes a line; the transcript has what is shown of it, all of it unless that is said."""
        assert self._stream is not None
        self.transcript.sent(self._deadlines.at(), shown or data)
        try:
            self._stream.write(data)
        except TlsError as error:
            raise self._tls_failed(stage, error) from None

    # Ends ----------------------------------------------------------------------------------------------

    def _limit_fired(self, stage: Stage, deadline: StageDeadline) -> SessionEnded:
        self._remark(f"limit fired: {deadline.limit} = {deadline.limit_s:g} s")
        return self._deadlines.fired(stage, deadline)

    def _connection_ended(self, stage: Stage) -> SessionEnded:
        assert self._stream is not None
        self._may_speak = False
        if self._stream.ended_by is not None:
            return self._socket_failed(stage, self._stream.ended_by)
        self._remark("closed by the server")
        return SessionEnded(stage, Outcome.closed)

    def _socket_failed(self, stage: Stage, error: OSError) -> SessionEnded:
        end = socket_failed(stage, error)
        self._remark(f"{end.error_code or type(error).__name__}: {end.error}")
        return end

    def _tls_failed(self, stage: Stage, error: TlsError) -> SessionEnded:
        self._may_speak = False
        self.tls_alert = error.alert
        self._remark(f"TLS failed: {error.code}")
        return tls_failed(stage, error)

    def _plaintext(self) -> SessionEnded:
        if self._implicit_tls:
            return self._tls_failed(Stage.tls, TlsError(PLAINTEXT_INSTEAD_OF_TLS))
        self._remark("plaintext after the 220 to STARTTLS: not parsed")
        return SessionEnded(Stage.tls, Outcome.plaintext_after_starttls)

    # The transcript ------------------------------------------------------------------------------------

    def _remark(self, text: str) -> None:
        self.transcript.remark(self._deadlines.at(), text)

    def _time(self, key: str, deadline: StageDeadline) -> None:
        self.timings_ms[key] = self.timings_ms.get(key, 0.0) + self._deadlines.over(deadline)
