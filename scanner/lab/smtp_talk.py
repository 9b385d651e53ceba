"""A server's side of SMTP: commands in, the steps of its script out. Without I/O."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from scanner.lab.authentication import Authentication, AuthenticationError, Users, encode_challenge
from scanner.lab.mail_script import Steps, first_digit
from scanner.lab.mail_store import Envelope, Recipient
from scanner.lab.mail_transaction import AcceptedMessage, MailTransaction, say
from scanner.lab.script import Script

#: Of who goes on and on with MAIL and RCPT, so many commands are kept for the log.
MAX_PATHS = 100

_MAX_VERB = 16
_TLS_IS_ACTIVE = b"503 5.5.1 TLS already active\r\n"
_OK = b"250 2.0.0 OK\r\n"
_UNKNOWN_COMMAND = b"500 5.5.1 Command unrecognized\r\n"
_BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands\r\n"
_STARTTLS_FIRST = b"530 5.7.0 Must issue a STARTTLS command first\r\n"  # RFC 3207 §4
_AUTH_FIRST = b"530 5.7.0 Authentication required\r\n"  # RFC 4954 §6
_ENCRYPTION_FIRST = b"538 5.7.11 Encryption required for requested authentication mechanism\r\n"
_NO_SUCH_MECHANISM = b"504 5.5.4 Unrecognized authentication type\r\n"
_AUTHENTICATED = b"235 2.7.0 Authentication succeeded\r\n"
_NOT_BELIEVED = b"535 5.7.8 Authentication credentials invalid\r\n"
_NO_ROOM = b"452 4.3.1 Insufficient system storage\r\n"


class Post(NamedTuple):
    """What a mail server has besides its script: who may authenticate, and where messages go.

    `keep` says False if there is no room.
    """

    host: str
    address: str
    users: Users
    keep: Callable[[Envelope, bytes], bool]


class SmtpTalk:
    """The commands of one session (session.Talk).

    `heard` has their verbs, `paths` those of MAIL and RCPT as they came, `user` is who authenticated. What is said
    in AUTH is in none of them.
    """

    __slots__ = (
        "_authentication", "_client_certificate", "_helo", "_is_encrypted", "_post", "_script", "_transaction",
        "heard", "paths", "user",
    )  # fmt: skip

    def __init__(self, script: Script, post: Post) -> None:
        self._script = script
        self._post = post
        self._helo = ""
        self._is_encrypted = False
        self._client_certificate: str | None = None
        self._authentication: Authentication | None = None
        self._transaction = MailTransaction(script.mail)
        self.heard: list[str] = []
        self.paths: list[str] = []
        self.user: str | None = None

    def next_steps(self, received: bytearray) -> Steps | None:
        """The steps that answer the command, the response or the message in the buffer, None if it is not complete."""
        if self._transaction.expects_message:
            return self._take_message(received)
        line = _next_line(received)
        if line is None:
            return None
        if self._authentication is not None:
            return self._go_on_authenticating(line)
        return self._steps_for(*self._hear(line))

    def hear_rest(self, received: bytearray) -> None:
        """Commands that were said and never answered; what may be part of a message or a secret is none."""
        if self._transaction.expects_message or self._authentication is not None:
            return
        while (line := _next_line(received)) is not None:
            self._hear(line)

    def tls_begins(self) -> None:
        """RFC 3207 §4.2: what was said before is forgotten."""
        self._is_encrypted = True
        self._forget()

    def tls_established(self, client_certificate: bytes | None) -> None:
        """A certificate says who somebody is, as a password does."""
        if client_certificate is not None:
            self._client_certificate = hashlib.sha256(client_certificate).hexdigest()

    def _hear(self, line: bytes) -> tuple[bytes, bytes]:
        """The verb and the argument of a command, which is then in the log."""
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if verb[:_MAX_VERB].isalpha():  # else it is no command: a ClientHello that nobody waited for
            self.heard.append(verb[:_MAX_VERB].decode("ascii"))
        if verb in (b"MAIL", b"RCPT") and len(self.paths) < MAX_PATHS:
            self.paths.append(line.decode("utf-8", "backslashreplace"))
        return verb, argument.strip()

    def _steps_for(self, verb: bytes, argument: bytes) -> Steps:
        match verb:
            case b"EHLO" | b"HELO":
                return self._greet(verb, argument)
            case b"STARTTLS":
                return say(_TLS_IS_ACTIVE) if self._is_encrypted else self._script.starttls
            case b"QUIT":
                return self._script.quit
            case b"NOOP":
                return say(_OK)
            case _ if self._script.mail.requires_tls and not self._is_encrypted:
                return say(_STARTTLS_FIRST)
            case b"AUTH":
                return self._authenticate(argument)
        return self._steps_for_mail(verb, argument)

    def _steps_for_mail(self, verb: bytes, argument: bytes) -> Steps:
        match verb:
            case b"MAIL" if self._script.mail.requires_auth and not self._is_authenticated:
                return say(_AUTH_FIRST)
            case b"MAIL":
                return self._transaction.mail(argument)
            case b"RCPT":
                return self._transaction.rcpt(argument, is_authenticated=self._is_authenticated)
            case b"DATA":
                return self._transaction.data()
            case b"BDAT":
                return self._transaction.bdat(argument)
            case b"RSET":
                self._transaction.forget()
                return say(_OK)
            case b"VRFY":
                return say(b"252 2.5.0 Cannot VRFY user\r\n")
        return say(_UNKNOWN_COMMAND)

    @property
    def _is_authenticated(self) -> bool:
        return self.user is not None or self._client_certificate is not None

    def _greet(self, verb: bytes, argument: bytes) -> Steps:
        """RFC 5321 §4.1.4: EHLO ends a transaction as RSET does."""
        self._transaction.forget()
        self._helo = argument.decode("utf-8", "backslashreplace")
        if verb == b"HELO":
            return self._script.helo
        return self._script.ehlo_after_tls if self._is_encrypted else self._script.ehlo

    def _forget(self) -> None:
        self._transaction.forget()
        self.user = None
        self._helo = ""

    # AUTH (RFC 4954 §4) -------------------------------------------------------------------------------

    def _authenticate(self, argument: bytes) -> Steps:
        mechanism, _, initial_response = argument.partition(b" ")
        script, name = self._script.mail, mechanism.decode("ascii", "replace").upper()
        if not script.mechanisms:
            return say(_UNKNOWN_COMMAND)
        if self.user is not None or self._transaction.has_begun:
            return say(_BAD_SEQUENCE)
        if not self._is_encrypted and not script.takes_auth_before_tls:
            return say(_ENCRYPTION_FIRST)
        if name not in script.mechanisms:
            return say(_NO_SUCH_MECHANISM)
        authentication = Authentication(name, self._post.users, self._post.host)
        try:
            return self._after_challenge(authentication, authentication.begin(initial_response.strip()))
        except AuthenticationError as error:
            return say(error.reply)

    def _go_on_authenticating(self, line: bytes) -> Steps:
        authentication, self._authentication = self._authentication, None
        assert authentication is not None
        try:
            return self._after_challenge(authentication, authentication.respond(line))
        except AuthenticationError as error:
            return say(error.reply)

    def _after_challenge(self, authentication: Authentication, challenge: bytes | None) -> Steps:
        if challenge is not None:
            self._authentication = authentication
            return say(encode_challenge(challenge))
        verdict = self._script.mail.auth or say(_NOT_BELIEVED if authentication.user is None else _AUTHENTICATED)
        if first_digit(verdict) == b"2":
            self.user = authentication.user or "anybody"
        if first_digit(verdict) == b"3":
            self._authentication = authentication
        return verdict

    # The message --------------------------------------------------------------------------------------

    def _take_message(self, received: bytearray) -> Steps | None:
        taken = self._transaction.take_message(received)
        if taken is None:
            return None
        steps, accepted = taken
        if accepted is not None and not self._post.keep(self._envelope(accepted), accepted.octets):
            return say(_NO_ROOM)
        return steps

    def _envelope(self, accepted: AcceptedMessage) -> Envelope:
        return Envelope(
            host=self._post.host,
            address=self._post.address,
            helo=self._helo,
            tls=self._is_encrypted,
            user=self.user,
            client_certificate=self._client_certificate,
            reverse_path=accepted.sender.address,
            mail_parameters=accepted.sender.parameters,
            recipients=tuple(
                [Recipient(forward_path=each.address, parameters=each.parameters) for each in accepted.recipients]
            ),
            octets=len(accepted.octets),
            by=accepted.by,
        )


def _next_line(received: bytearray) -> bytes | None:
    end = received.find(b"\n") + 1
    if end == 0:
        return None
    line = bytes(received[:end]).strip()
    del received[:end]
    return line
