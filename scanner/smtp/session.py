"""The client's side of a session: what may be said next (RFC 5321 §4.1.4, RFC 3207, RFC 4954), without I/O.

Theory of operation. The session is in one of nine states, or awaits the reply to what was said last. `send` gives
the octets of a command if the state allows it, `send_response` and `cancel_auth` those of an answer within AUTH,
`send_message` the mail data; `receive_data` and `next_reply` take what the server says; a reply moves the session
on by one table. What is not allowed is our own bug (LocalProtocolError); what the server does wrong is a ReplyError
of the parser.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from scanner.outcomes import SessionFlag
from scanner.smtp.commands import CommandError, Verb, encode_command, encode_response, is_initial_response
from scanner.smtp.extensions import Extensions, is_masked_greeting, parse_extensions
from scanner.smtp.mail_data import check_mail_data, encode_mail_data
from scanner.smtp.parameters import auth_mechanisms, max_command_octets, not_offered, parameters_of
from scanner.smtp.replies import Reply, ReplyClass, ReplyLimits, ReplyParser


class State(StrEnum):
    greeting = "greeting"  # nothing may be said before the greeting is complete
    connected = "connected"  # greeted, no EHLO yet (or forgotten after TLS)
    ready = "ready"  # EHLO or HELO was accepted
    tls = "tls"  # 220 to STARTTLS: the handshake, and nothing else
    authenticating = "authenticating"  # 334 to AUTH: a response, or its cancelling, and nothing else
    transaction = "transaction"  # MAIL was accepted, no recipient yet
    recipients = "recipients"  # at least one RCPT was accepted
    mail_data = "mail_data"  # 354 to DATA: the message, and nothing else
    parting = "parting"  # refused by the greeting, told to go by 421, or QUIT said: only QUIT


#: What may be said in each state. QUIT may be said whenever the server reads commands (§4.1.1.10), also while a
#: reply is awaited that will not come: a session is not to be closed without it. RSET is said only where there is
#: something to forget.
_ALLOWED: dict[State, frozenset[Verb]] = {
    State.greeting: frozenset(),
    State.connected: frozenset({Verb.ehlo, Verb.helo, Verb.quit}),
    State.ready: frozenset({Verb.ehlo, Verb.helo, Verb.starttls, Verb.auth, Verb.mail, Verb.quit}),
    State.tls: frozenset(),
    State.authenticating: frozenset(),
    State.transaction: frozenset({Verb.rcpt, Verb.rset, Verb.quit}),
    State.recipients: frozenset({Verb.rcpt, Verb.data, Verb.rset, Verb.quit}),
    State.mail_data: frozenset(),
    State.parting: frozenset({Verb.quit}),
}


#: What a reply may answer that is no command; None stands for the connection, whose reply is the greeting.
_END_OF_MAIL_DATA: Final = "end of mail data"
_Said = Verb | Literal["end of mail data"] | None

#: Where a reply leads: by what it answers (None: the greeting) and whether it accepts it; what is not here stays
#: where it is. §3.1: after a greeting that refuses, the client must send QUIT and may send nothing else.
_NEXT: dict[tuple[_Said, bool], State] = {
    (None, True): State.connected,
    (None, False): State.parting,
    (Verb.ehlo, True): State.ready,
    (Verb.ehlo, False): State.connected,
    (Verb.helo, True): State.ready,
    (Verb.helo, False): State.connected,
    (Verb.starttls, True): State.tls,
    (Verb.auth, True): State.ready,
    (Verb.auth, False): State.ready,
    (Verb.mail, True): State.transaction,
    (Verb.rcpt, True): State.recipients,
    (Verb.data, True): State.mail_data,
    # §4.1.1.4: whatever comes of the message, the transaction is over.
    (_END_OF_MAIL_DATA, True): State.ready,
    (_END_OF_MAIL_DATA, False): State.ready,
    (Verb.rset, True): State.ready,
    (Verb.quit, True): State.parting,
    (Verb.quit, False): State.parting,
}

#: Commands that are accepted by one code alone (§4.3.2, RFC 3207 §4, RFC 4954 §4); others by any 2yz.
_ACCEPTED: dict[_Said, int] = {
    Verb.ehlo: 250,
    Verb.helo: 250,
    Verb.starttls: 220,
    Verb.auth: 235,
    Verb.data: 354,
}

_CONTINUE_AUTH = 334
_GOING_AWAY = 421


class LocalProtocolError(Exception):
    """We were about to say what RFC 5321 does not allow here. The message never has what that was."""


class Session:
    """One SMTP session, seen from the client; `implicit_tls` if it runs under TLS from its first octet."""

    def __init__(self, limits: ReplyLimits, *, implicit_tls: bool = False) -> None:
        self._parser = ReplyParser(limits)
        self._under_tls = implicit_tls
        self._awaited: _Said = None
        self._awaits_reply = True
        self._mail_parameters: Mapping[str, str] = {}
        self.state = State.greeting
        self.greeting_masked = False
        self.is_authenticated = False
        self.extensions: Extensions | None = None

    # What is known ---------------------------------------------------------------------------------------

    @property
    def flags(self) -> frozenset[SessionFlag]:
        """Departures from the grammar in this session so far."""
        return frozenset(self._parser.flags)

    @property
    def starttls_offered(self) -> bool:
        return self.extensions is not None and b"STARTTLS" in self.extensions

    @property
    def starttls_masked(self) -> bool:
        """True if STARTTLS is missing in a way that only a middlebox in between makes."""
        if self.extensions is None or self.starttls_offered:
            return False
        return self.extensions.keyword_masked or self.greeting_masked

    @property
    def quit_allowed(self) -> bool:
        """True if the server would read QUIT as a command: not before the greeting, nor within TLS, AUTH, mail data."""
        return self._may_say(Verb.quit)

    # What is said ----------------------------------------------------------------------------------------

    def send(self, verb: Verb, argument: str = "") -> bytes:
        """The octets to write. LocalProtocolError if this must not be said now, CommandError if never."""
        if not self._may_say(verb):
            raise self._out_of_turn(verb)
        match verb:
            case Verb.starttls:
                self._check_starttls()
            case Verb.auth:
                self._check_auth(argument)
            case Verb.mail | Verb.rcpt:
                return self._say(verb, self._encode_with_parameters(verb, argument))
        return self._say(verb, encode_command(verb, argument))

    def send_response(self, text: str) -> bytes:
        """The response to a challenge (334 to AUTH): base64, or "" for an empty one. RFC 4954 §4."""
        self._require(State.authenticating, "a response to AUTH")
        return self._say(Verb.auth, encode_response(text))

    def cancel_auth(self) -> bytes:
        """Gives AUTH up after a challenge; the server refuses it with 501 (RFC 4954 §4)."""
        self._require(State.authenticating, "the cancelling of AUTH")
        return self._say(Verb.auth, b"*\r\n")

    def send_message(self, message: bytes) -> bytes:
        """The mail data after the 354, with the end of mail data. MailDataError for what must never be sent.

        Until all of it is written, nothing else can be said, not even QUIT.
        """
        self._require(State.mail_data, "mail data")
        check_mail_data(message, eight_bit=self._eight_bit_agreed)
        return self._say(_END_OF_MAIL_DATA, encode_mail_data(message))

    def start_tls(self) -> bytes:
        """Forgets what was said in the clear (RFC 3207 §4.2); returns what came after the 220, unparsed."""
        self._require(State.tls, "TLS")
        self._under_tls = True
        self.is_authenticated = False
        self.extensions = None
        self.state = State.connected
        return self._parser.discard()

    # What is heard ---------------------------------------------------------------------------------------

    @property
    def cannot_become_reply(self) -> bool:
        """True if what the server began to say instead of the awaited reply is no SMTP."""
        return self._awaits_reply and self._parser.cannot_become_reply

    def receive_data(self, data: bytes) -> None:
        self._parser.receive_data(data)

    def next_reply(self) -> Reply | None:
        """The awaited reply, or None while it is incomplete. Raises ReplyError."""
        if not self._awaits_reply:
            return None
        reply = self._parser.next_reply()
        if reply is not None:
            self._take(reply)
        return reply

    # The rules -------------------------------------------------------------------------------------------

    def _may_say(self, verb: Verb) -> bool:
        if self._awaits_reply:
            return verb is Verb.quit and self._awaited is not None
        return verb in _ALLOWED[self.state]

    def _require(self, state: State, what: str) -> None:
        if self._awaits_reply or self.state is not state:
            raise self._out_of_turn(what)

    def _out_of_turn(self, what: str) -> LocalProtocolError:
        if self._awaits_reply:
            return LocalProtocolError(f"{what} before the reply to {self._awaited or 'the connection'}")
        return LocalProtocolError(f"{what} in state {self.state}")

    def _check_starttls(self) -> None:
        if self._under_tls or not self.starttls_offered:
            raise LocalProtocolError("STARTTLS under TLS" if self._under_tls else "STARTTLS was not offered")

    def _check_auth(self, argument: str) -> None:
        """RFC 4954 §4: a mechanism that was offered, once a session; an initial response is base64."""
        mechanism, separator, initial_response = argument.partition(" ")
        if self.is_authenticated:
            raise LocalProtocolError("AUTH after AUTH succeeded")
        if mechanism.upper() not in auth_mechanisms(self._offered):
            raise LocalProtocolError("AUTH by a mechanism that was not offered")
        if separator and not is_initial_response(initial_response):
            raise CommandError('an initial response is base64, or "=" if it is empty')

    def _encode_with_parameters(self, verb: Verb, argument: str) -> bytes:
        """MAIL or RCPT, with parameters of extensions that were offered, and no others (RFC 5321 §2.2.1)."""
        parameters = parameters_of(verb, argument)
        if missing := not_offered(verb, parameters, self._offered):
            raise LocalProtocolError(f"{verb} with {', '.join(sorted(missing))}, which was not offered")
        if verb is Verb.mail:
            self._mail_parameters = parameters
        utf8 = "SMTPUTF8" in self._mail_parameters
        return encode_command(verb, argument, utf8=utf8, max_octets=max_command_octets(verb, self._offered))

    @property
    def _offered(self) -> Extensions:
        return self.extensions or Extensions()

    @property
    def _eight_bit_agreed(self) -> bool:
        return "SMTPUTF8" in self._mail_parameters or self._mail_parameters.get("BODY") == "8BITMIME"

    def _say(self, said: _Said, data: bytes) -> bytes:
        if not self._awaits_reply and self._parser.unparsed:
            # Octets that nobody asked for, before our command: their reply would be taken for its own.
            self._parser.flags.add(SessionFlag.extra_data_after_reply)
        self._awaited, self._awaits_reply = said, True
        return data

    def _take(self, reply: Reply) -> None:
        said, self._awaits_reply = self._awaited, False
        accepted = reply.code == _ACCEPTED[said] if said in _ACCEPTED else reply.reply_class is ReplyClass.positive
        self.state = self._next_state(said, reply.code, accepted=accepted)
        if said is None:
            self.greeting_masked = is_masked_greeting(reply)
            if self.greeting_masked:
                self._parser.flags.add(SessionFlag.greeting_masked)
        elif accepted and said in (Verb.ehlo, Verb.helo):
            self.extensions = parse_extensions(reply) if said is Verb.ehlo else Extensions()
            self._parser.flags |= self.extensions.flags
        elif said is Verb.auth:
            self.is_authenticated = accepted

    def _next_state(self, said: _Said, code: int, *, accepted: bool) -> State:
        if code == _GOING_AWAY:
            return State.parting
        if said is Verb.auth and code == _CONTINUE_AUTH:
            return State.authenticating
        return _NEXT.get((said, accepted), self.state)
