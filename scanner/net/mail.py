"""Mail through a relay, by aiosmtplib: one connection for several mails, and one kind of error for all that fails.

Theory of operation. A transaction is held step by step (MAIL, RCPT for each, DATA) and not by the library's
`sendmail`, because what matters when the connection is lost is whether that was before DATA: then nobody got the
mail. After it the relay may have taken the mail and only its reply was lost (RFC 1047), so the error says that it
may have arrived; who sends it again does so under the same Message-ID.
"""

import asyncio
import base64
import contextlib
import errno
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientRefused, SMTPResponseException

from scanner.net.deadline import Deadline
from scanner.net.faults import text_of
from scanner.smtp.mailboxes import parse_mailbox
from scanner.wire_text import escape_octets


class Security(StrEnum):
    """How the way to the relay is secured; its certificate is verified wherever there is TLS."""

    starttls = "starttls"
    implicit = "implicit"
    none = "none"


@dataclass(frozen=True)
class Relay:
    """Who takes our mails on. `ehlo_name` must be given: the library would ask DNS for one. No user: no AUTH."""

    host: str
    port: int
    security: Security
    ehlo_name: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


@dataclass(frozen=True)
class MailLimits:
    """Seconds for the connection, a reply, the reply to a message (RFC 5321 §4.5.3.2), a mail in all, and QUIT."""

    connect_s: float = 30.0
    reply_s: float = 300.0
    message_s: float = 600.0
    mail_s: float = 900.0
    quit_s: float = 5.0


@dataclass(frozen=True)
class Mail:
    """An envelope and its message, 7-bit, lines ended by CRLF."""

    sender: str
    recipients: tuple[str, ...]
    message: bytes


@dataclass(frozen=True)
class Refusal:
    """A recipient whom the relay does not take."""

    recipient: str
    said: str
    is_permanent: bool


class MailError(Exception):
    """A mail could not be handed over; `str()` says where and why, inert and without a secret.

    `is_permanent`: the same mail by the same settings would fail again. `is_the_relay`: so would every other mail.
    `may_have_arrived`: the relay had all of it, only its answer is missing.
    """

    def __init__(self, said: str, *, is_permanent: bool, is_the_relay: bool, may_have_arrived: bool) -> None:
        super().__init__(said)
        self.is_permanent = is_permanent
        self.is_the_relay = is_the_relay
        self.may_have_arrived = may_have_arrived


class _Step(StrEnum):
    """What was going on."""

    connect = "connection"
    starttls = "STARTTLS"
    auth = "AUTH"
    mail = "MAIL FROM"
    rcpt = "RCPT TO"
    data = "message"


#: Before MAIL nothing has to do with the mail.
_STEPS_OF_THE_RELAY = frozenset({_Step.connect, _Step.starttls, _Step.auth})

#: asyncio closes the transport of TLS, then that of TCP below it, each in a turn of its own.
_TURNS_TO_CLOSE = 4

#: RFC 5321 §3.8: the server closes the connection, whatever was asked.
_SERVICE_NOT_AVAILABLE = 421

#: The first that is offered is used, and no other: each refused one is a failed login on the relay.
_MECHANISMS = ("plain", "login", "cram-md5")


class Postman:
    """Hands mails to a relay, over one connection as long as that lasts.

    `async with Postman(relay) as postman: await postman.send(mail)`; connects with the first mail.
    """

    def __init__(self, relay: Relay, limits: MailLimits | None = None) -> None:
        self._relay = relay
        self._limits = limits or MailLimits()
        self._context = None if relay.security is Security.none else _context(relay.ca_file)
        self._client: aiosmtplib.SMTP | None = None
        self._step = _Step.connect

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def send(self, mail: Mail) -> tuple[Refusal, ...]:
        """Hands the mail over and returns the recipients that were refused; none: it is on its way to all.

        If all are refused, nothing was sent. Raises MailError; the next mail is then tried over a new connection.
        """
        self._step = _Step.connect
        try:
            with Deadline(self._limits.mail_s):
                client = await self._connected()
                return await self._hold_transaction(client, mail)
        except (SMTPException, OSError, ValueError) as error:
            await self._let_go()
            raise self._mail_error(error) from error
        except BaseException:
            self._abort()
            raise

    # The connection ------------------------------------------------------------------------------------

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and await self._is_alive(self._client):
            return self._client
        self._abort()
        client = self._client = self._new_client()
        await client.connect(timeout=self._limits.connect_s)
        if self._relay.security is Security.starttls:
            self._step = _Step.starttls
            await client.starttls()
        await client.ehlo()  # RFC 3207 §4.2: what was offered before TLS is forgotten
        if self._relay.user:
            self._step = _Step.auth
            await self._log_in(client)
        return client

    async def _is_alive(self, client: aiosmtplib.SMTP) -> bool:
        """Whether the relay still talks to us: it may have had enough after so many mails, or so many seconds."""
        try:
            await client.rset()
        except (SMTPException, OSError):
            return False
        return True

    def _new_client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            local_hostname=self._relay.ehlo_name,
            timeout=self._limits.reply_s,
            use_tls=self._relay.security is Security.implicit,
            start_tls=False,  # None would do without TLS, silently, where it is not offered
            tls_context=self._context,
        )

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        offered = next((name for name in _MECHANISMS if name in client.server_auth_methods), None)
        if offered is None:
            known = ", ".join(name.upper() for name in _MECHANISMS)
            raise SMTPException(f"the relay offers no AUTH that we know ({known})")
        log_in = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}[offered]
        await log_in(self._relay.user, self._relay.password)

    async def close(self) -> None:
        """Says QUIT, if there is anybody to say it to; the next mail connects anew."""
        if self._client is not None and self._client.is_connected:
            with contextlib.suppress(SMTPException, OSError):  # every mail has had its answer
                await self._client.quit(timeout=self._limits.quit_s)
        await self._let_go()

    async def _let_go(self) -> None:
        """Closes at once, and gives the loop the turns in which it closes what it opened."""
        self._abort()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    def _abort(self) -> None:
        """Closes at once: waiting for a peer to close TLS has no end."""
        if self._client is not None:
            if self._client.transport is not None:
                self._client.transport.abort()  # type: ignore[attr-defined]  # said to be a BaseTransport
            self._client.close()
            self._client = None

    # A transaction -------------------------------------------------------------------------------------

    async def _hold_transaction(self, client: aiosmtplib.SMTP, mail: Mail) -> tuple[Refusal, ...]:
        self._step = _Step.mail
        size = [f"SIZE={len(mail.message)}"] if client.supports_extension("size") else []  # RFC 1870 §3
        await client.mail(mail.sender, options=size)
        self._step = _Step.rcpt
        refusals = [refusal for recipient in mail.recipients if (refusal := await self._offer(client, recipient))]
        if len(refusals) < len(mail.recipients):
            self._step = _Step.data
            await client.data(mail.message, timeout=self._limits.message_s)
        return tuple(refusals)

    async def _offer(self, client: aiosmtplib.SMTP, recipient: str) -> Refusal | None:
        try:
            # The library takes out what does not fit, and would write to somebody else.
            await client.rcpt(str(parse_mailbox(recipient)))
        except SMTPRecipientRefused as refused:
            if refused.code == _SERVICE_NOT_AVAILABLE:
                raise
            return Refusal(recipient, _reply_text(refused), is_permanent=refused.code >= 500)
        except ValueError as error:  # not even a mailbox of ASCII: a fault of one must not stop the others
            return Refusal(recipient, _inert(f"cannot be written to: {error}"), is_permanent=True)
        return None

    # What a failure means ------------------------------------------------------------------------------

    def _mail_error(self, error: Exception) -> MailError:
        """The one place where the library's exceptions, the system's and OpenSSL's become ours."""
        code = _reply_code(error)
        is_lost = code is None and isinstance(error, OSError)
        return MailError(
            self._without_secrets(f"{self._relay.host}:{self._relay.port}, {self._step}: {_text(error)}"),
            is_permanent=_is_permanent(error),
            is_the_relay=self._step in _STEPS_OF_THE_RELAY or code == _SERVICE_NOT_AVAILABLE or is_lost,
            may_have_arrived=self._step is _Step.data and code is None,
        )

    def _without_secrets(self, text: str) -> str:
        for secret in _secrets(self._relay):
            text = text.replace(secret, "[hidden]")
        return text


def _context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


def _reply_code(error: Exception) -> int | None:
    """The code of the reply that says no, None if there was no reply: the library calls what is none -1."""
    return error.code if isinstance(error, SMTPResponseException) and error.code > 0 else None


def _is_permanent(error: Exception) -> bool:
    if (code := _reply_code(error)) is not None:
        return code >= 500
    # A certificate stays what it is; the library wraps what went wrong in a handshake of implicit TLS.
    is_tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
    return is_tls or not isinstance(error, OSError | SMTPResponseException)


def _text(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return _reply_text(error)
    if isinstance(error, TimeoutError) and not str(error):
        return "not done within the limit for a mail"
    cause = error.__cause__ if isinstance(error, SMTPException) else error
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and cause.errno in errno.errorcode:
        return text_of(cause)
    return _inert(str(error) or type(error).__name__)


def _reply_text(error: SMTPResponseException) -> str:
    return f"{_reply_code(error) or 'no SMTP reply:'} {_inert(error.message)}"


def _inert(text: str) -> str:
    """One line, the octets that are no printable ASCII escaped; the library decodes with surrogateescape."""
    return escape_octets(" ".join(text.split()).encode("utf-8", "surrogateescape"))


def _secrets(relay: Relay) -> tuple[str, ...]:
    """The password in every form in which a server could send it back to us."""
    if not relay.password:
        return ()
    password = relay.password.encode()
    forms = (password, base64.b64encode(password), base64.b64encode(b"\0" + relay.user.encode() + b"\0" + password))
    return tuple(_inert(form.decode()) for form in forms)
