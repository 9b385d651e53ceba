"""What `send` says to a mail server: EHLO, TLS, AUTH, an envelope and a message, each only as far as it may go.

What we do not do of our own accord (a password in the clear, a message that the server said is too large for it) is
`Stopped`; a server's refusals end the session as they end a survey.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.net.tls import TlsSummary
from scanner.outcomes import Outcome, Stage, Stop, TlsMode
from scanner.probe.dialogue import introduce, secure
from scanner.probe.mail_peer import MailPeer
from scanner.probe.session_end import SessionEnded, require
from scanner.smtp.commands import Verb
from scanner.smtp.extensions import Extensions
from scanner.smtp.mailboxes import Mailbox
from scanner.smtp.parameters import (
    MailParameters,
    Notify,
    RcptParameters,
    Return,
    auth_mechanisms,
    mail_argument,
    rcpt_argument,
    size_limit,
)
from scanner.smtp.replies import Reply, ReplyClass
from scanner.smtp.sasl import Credentials, Mechanism, SaslError, choose_mechanism, start

#: What ends the headers, with any ends of line.
_EMPTY_LINE = re.compile(rb"(?>\r\n|\r|\n){2}")

_GOING_AWAY = 421
_CHALLENGE = 334


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """What is to be sent to one server, and how.

    `message` is what is said after DATA, with any ends of line; `message_7bit` is said in its place to a server that
    does not take octets or headers beyond ASCII. `judge_tls` gives the problem with a handshake, in words, or None.
    `ret`, `envid` and `notify` (RFC 3461) are said where DSN is offered. `quit_after` is connect (its greeting too),
    ehlo, tls, auth, mail or rcpt: nothing is said after that stage but QUIT, whether the session has it or not.
    """

    reverse_path: Mailbox | None
    forward_paths: tuple[Mailbox, ...]
    message: bytes
    message_7bit: bytes | None = None
    tls_mode: TlsMode = TlsMode.starttls
    judge_tls: Callable[[TlsSummary], str | None] = lambda _: None
    credentials: Credentials | None = None
    mechanism: str | None = None
    insecure: bool = False
    ret: Return | None = None
    envid: str | None = None
    notify: frozenset[Notify] = frozenset()
    quit_after: Stage | None = None

    @property
    def wants_dsn(self) -> bool:
        return self.ret is not None or self.envid is not None or bool(self.notify)


@dataclass(slots=True)
class Progress:
    """How far a sending has come; `recipients` are those that were asked for, with their replies."""

    tls_problem: str | None = None
    mechanism: Mechanism | None = None
    recipients: list[tuple[Mailbox, Reply]] = field(default_factory=list)
    message: bytes | None = None
    dsn_left_out: bool = False


class Stopped(SessionEnded):
    """We went no further: what the server offers, or what we were asked for, does not let us."""

    def __init__(
        self, stage: Stage, stop: Stop, error: str | None = None, outcome: Outcome = Outcome.permanent_negative
    ) -> None:
        super().__init__(stage, outcome, error=error, answered=True)
        self.stop = stop


async def send(peer: MailPeer, order: SendOrder, ehlo_name: str, progress: Progress) -> None:
    """Sends a message, and says QUIT. Returns if the server has taken it for a recipient, else raises SessionEnded."""
    await peer.connect()
    try:
        await _open(peer, order, ehlo_name, progress)
        _stop_after(Stage.tls, order)
        await _log_in(peer, order, progress)
        _stop_after(Stage.auth, order)
        await _transfer(peer, order, progress)
    except SessionEnded as end:
        await peer.quit(await_reply=end.answered)
        raise
    await peer.quit(await_reply=True)


def _stop_after(stage: Stage, order: SendOrder) -> None:
    if order.quit_after is stage:
        raise Stopped(stage, Stop.as_asked, outcome=Outcome.ok)


# TLS --------------------------------------------------------------------------------------------------------


async def _open(peer: MailPeer, order: SendOrder, ehlo_name: str, progress: Progress) -> None:
    """Everything up to a session in which mail may be spoken of."""
    if order.tls_mode is TlsMode.implicit:
        await peer.start_tls()
    require(await peer.receive_greeting(), Stage.greeting, 2)
    _stop_after(Stage.connect, order)
    name = ehlo_name or peer.address_literal
    await introduce(peer, name)
    _stop_after(Stage.ehlo, order)
    if order.tls_mode in (TlsMode.starttls, TlsMode.opportunistic):
        await _start_tls(peer, name, order.tls_mode)
    if peer.tls is not None:
        _judge_tls(peer.tls, order, progress)


async def _start_tls(peer: MailPeer, ehlo_name: str, mode: TlsMode) -> None:
    if b"STARTTLS" in peer.offered:
        reply = await peer.command(Stage.starttls, Verb.starttls)
        if mode is TlsMode.starttls or not _leaves_it_be(reply):
            await secure(peer, ehlo_name, reply)
    elif mode is TlsMode.starttls:
        raise Stopped(Stage.starttls, Stop.starttls_not_offered, "the server does not offer STARTTLS")


def _leaves_it_be(reply: Reply) -> bool:
    """True for a refusal of a command after which the session goes on."""
    refusals = (ReplyClass.transient_negative, ReplyClass.permanent_negative)
    return reply.reply_class in refusals and reply.code != _GOING_AWAY


def _judge_tls(summary: TlsSummary, order: SendOrder, progress: Progress) -> None:
    """Stops where TLS was asked for and cannot be relied on, and before a password is said."""
    progress.tls_problem = problem = order.judge_tls(summary)
    is_relied_on = order.tls_mode is not TlsMode.opportunistic or order.credentials is not None
    if problem is not None and is_relied_on and not order.insecure:
        raise Stopped(Stage.tls, Stop.tls_not_trusted, problem, Outcome.tls_failed)


# AUTH -------------------------------------------------------------------------------------------------------


async def _log_in(peer: MailPeer, order: SendOrder, progress: Progress) -> None:
    """AUTH (RFC 4954 §4), if there is somebody to log in as."""
    credentials = order.credentials
    if credentials is None:
        return
    mechanism = progress.mechanism = _mechanism(peer, order, credentials)
    reply = await peer.authenticate(mechanism.argument, credentials)
    while reply.code == _CHALLENGE:
        try:
            response = mechanism.respond(reply.lines[0])
        except SaslError as error:
            await peer.cancel_auth()
            raise SessionEnded(Stage.auth, Outcome.malformed, error=str(error), answered=True) from None
        reply = await peer.respond(response)
    require(reply, Stage.auth, 235)


def _mechanism(peer: MailPeer, order: SendOrder, credentials: Credentials) -> Mechanism:
    is_encrypted = peer.tls is not None
    if not is_encrypted and not order.insecure:
        raise Stopped(Stage.auth, Stop.auth_in_the_clear, "a password is not said on a connection without TLS")
    offered = auth_mechanisms(peer.offered)
    if not offered:
        raise Stopped(Stage.auth, Stop.auth_not_offered, "the server offers no AUTH here")
    try:
        return start(choose_mechanism(offered, order.mechanism, is_encrypted=is_encrypted), credentials)
    except SaslError as error:
        raise Stopped(Stage.auth, Stop.no_mechanism, str(error)) from None


# The message ------------------------------------------------------------------------------------------------


async def _transfer(peer: MailPeer, order: SendOrder, progress: Progress) -> None:
    """One transaction (RFC 5321 §3.3): MAIL, a RCPT for each recipient, DATA and the message."""
    message = _message_for(peer.offered, order)
    argument = mail_argument(order.reverse_path, _mail_parameters(peer.offered, order, message))
    require(await peer.command(Stage.mail, Verb.mail, argument), Stage.mail, 2)
    _stop_after(Stage.mail, order)
    await _ask_for_recipients(peer, order, progress)
    _stop_after(Stage.rcpt, order)
    require(await peer.command(Stage.data, Verb.data), Stage.data, 354)
    progress.message = message
    require(await peer.send_message(message), Stage.message, 2)


async def _ask_for_recipients(peer: MailPeer, order: SendOrder, progress: Progress) -> None:
    """Says RCPT for each; whoever is refused does not keep the others from their mail, but one must be accepted."""
    has_dsn = b"DSN" in peer.offered
    progress.dsn_left_out = order.wants_dsn and not has_dsn
    parameters = RcptParameters(notify=order.notify if has_dsn else frozenset())
    for mailbox in order.forward_paths:
        reply = await peer.command(Stage.rcpt, Verb.rcpt, rcpt_argument(mailbox, parameters))
        progress.recipients.append((mailbox, reply))
        if not _leaves_it_be(reply):
            require(reply, Stage.rcpt, 2)
    classes = {reply.reply_class for _, reply in progress.recipients}
    if ReplyClass.positive not in classes:
        # One that may be taken later is worth another try.
        later = ReplyClass.transient_negative in classes
        outcome = Outcome.transient_negative if later else Outcome.permanent_negative
        raise Stopped(Stage.rcpt, Stop.no_recipient, outcome=outcome)


def _message_for(offered: Extensions, order: SendOrder) -> bytes:
    """The message in the form that the server takes. Raises Stopped if it takes none."""
    paths = (order.reverse_path, *order.forward_paths)
    if b"SMTPUTF8" not in offered and any(path is not None and path.needs_smtputf8 for path in paths):
        raise Stopped(Stage.mail, Stop.smtputf8_not_offered, "an address needs SMTPUTF8, which is not offered")
    message = order.message
    if order.message_7bit is not None and _missing(offered, message) is not None:
        message = order.message_7bit
    missing = _missing(offered, message)
    if missing is not None:
        raise Stopped(Stage.mail, *missing)
    size, most = size_octets(message), size_limit(offered)
    if most is not None and size > most:
        error = f"the message has {size} octets, and the server takes {most} at most"
        raise Stopped(Stage.mail, Stop.message_too_large, error)
    return message


def _missing(offered: Extensions, message: bytes) -> tuple[Stop, str] | None:
    """What a message needs and the server does not offer."""
    if not _headers(message).isascii() and b"SMTPUTF8" not in offered:
        return Stop.smtputf8_not_offered, "the message's headers need SMTPUTF8, which is not offered"
    if not message.isascii() and b"8BITMIME" not in offered:
        return Stop.eight_bit_mime_not_offered, "the message needs 8BITMIME, which is not offered"
    return None


def _mail_parameters(offered: Extensions, order: SendOrder, message: bytes) -> MailParameters:
    paths = (order.reverse_path, *order.forward_paths)
    has_dsn = b"DSN" in offered
    return MailParameters(
        size=size_octets(message) if b"SIZE" in offered else None,
        eight_bit=not message.isascii(),
        smtputf8=not _headers(message).isascii() or any(path is not None and path.needs_smtputf8 for path in paths),
        ret=order.ret if has_dsn else None,
        envid=order.envid if has_dsn else None,
    )


def _headers(message: bytes) -> bytes:
    return _EMPTY_LINE.split(message, 1)[0]


def size_octets(message: bytes) -> int:
    """How large a message is for SIZE (RFC 1870 §5): with CRLF for each end of line, without doubled dots."""
    without_crlf = message.count(b"\r") + message.count(b"\n") - 2 * message.count(b"\r\n")
    return len(message) + without_crlf + (0 if message.endswith((b"\r", b"\n")) else 2)
