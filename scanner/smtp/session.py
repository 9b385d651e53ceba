"""The client's side of a session: what may be said next (RFC 5321 §4.1.4, RFC 3207), without I/O.

Theory of operation. The session is in one of five states, or awaits the reply to one command. `send` gives
the octets of a command if the state allows it; `receive_data` and `next_reply` take what the server says;
a reply moves the session on by one table. A command that is not allowed is our own bug (LocalProtocolError);
what the server does wrong is a ReplyError of the parser.
"""

from enum import StrEnum

from scanner.outcomes import SessionFlag
from scanner.smtp.commands import Verb, encode_command
from scanner.smtp.extensions import Extensions, is_masked_greeting, parse_extensions
from scanner.smtp.replies import Reply, ReplyClass, ReplyLimits, ReplyParser


class State(StrEnum):
    greeting = "greeting"  # nothing may be said before the greeting is complete
    connected = "connected"  # greeted, no EHLO yet (or forgotten after TLS)
    ready = "ready"  # EHLO or HELO was accepted
    tls = "tls"  # 220 to STARTTLS: the handshake, and nothing else
    parting = "parting"  # refused by the greeting, or QUIT said: only QUIT


#: What may be said in each state. QUIT may be said whenever the server may be spoken to (§4.1.1.10), also
#: while a reply is awaited that will not come: a session is not to be closed without it.
_ALLOWED: dict[State, frozenset[Verb]] = {
    State.greeting: frozenset(),
    State.connected: frozenset({Verb.ehlo, Verb.helo, Verb.quit}),
    State.ready: frozenset({Verb.ehlo, Verb.helo, Verb.starttls, Verb.quit}),
    State.tls: frozenset(),
    State.parting: frozenset({Verb.quit}),
}

#: Where a reply leads: by what it answers (None: the greeting) and whether it is positive. §3.1: after a
#: greeting that refuses, the client must send QUIT and may send nothing else.
_NEXT: dict[tuple[Verb | None, bool], State] = {
    (None, True): State.connected,
    (None, False): State.parting,
    (Verb.ehlo, True): State.ready,
    (Verb.ehlo, False): State.connected,
    (Verb.helo, True): State.ready,
    (Verb.helo, False): State.connected,
    (Verb.starttls, True): State.tls,
    (Verb.starttls, False): State.ready,
    (Verb.quit, True): State.parting,
    (Verb.quit, False): State.parting,
}


class LocalProtocolError(Exception):
    """We were about to say what RFC 5321 does not allow here."""


class Session:
    """One SMTP session, seen from the client; `implicit_tls` if it runs under TLS from its first octet."""

    def __init__(self, limits: ReplyLimits, *, implicit_tls: bool = False) -> None:
        self._parser = ReplyParser(limits)
        self._under_tls = implicit_tls
        self._awaited: Verb | None = None
        self._awaits_reply = True
        self.state = State.greeting
        self.greeting_masked = False
        self.extensions: Extensions | None = None

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

    def send(self, verb: Verb, argument: str = "") -> bytes:
        """The octets to write. LocalProtocolError if this must not be said now, CommandError if never."""
        if self._awaits_reply and verb is not Verb.quit:
            raise LocalProtocolError(f"{verb} before the reply to {self._awaited or 'the connection'}")
        if verb not in _ALLOWED[self.state]:
            raise LocalProtocolError(f"{verb} in state {self.state}")
        if verb is Verb.starttls and (self._under_tls or not self.starttls_offered):
            raise LocalProtocolError("STARTTLS under TLS" if self._under_tls else "STARTTLS was not offered")
        if not self._awaits_reply and self._parser.unparsed:
            # Octets that nobody asked for, before our command: their reply would be taken for its own.
            self._parser.flags.add(SessionFlag.extra_data_after_reply)
        data = encode_command(verb, argument)
        self._awaited, self._awaits_reply = verb, True
        return data

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

    def start_tls(self) -> bytes:
        """Forgets what was said in the clear (RFC 3207 §4.2); returns what came after the 220, unparsed."""
        if self.state is not State.tls:
            raise LocalProtocolError(f"TLS in state {self.state}")
        self._under_tls = True
        self.extensions = None
        self.state = State.connected
        return self._parser.discard()

    def _take(self, reply: Reply) -> None:
        verb, self._awaits_reply = self._awaited, False
        accepted = reply.code == _ACCEPTED[verb] if verb in _ACCEPTED else reply.reply_class is ReplyClass.positive
        self.state = _NEXT[verb, accepted]
        if verb is None:
            self.greeting_masked = is_masked_greeting(reply)
            if self.greeting_masked:
                self._parser.flags.add(SessionFlag.greeting_masked)
        elif accepted and verb in (Verb.ehlo, Verb.helo):
            self.extensions = parse_extensions(reply) if verb is Verb.ehlo else Extensions()
            self._parser.flags |= self.extensions.flags


#: Commands that are accepted by one code alone (§4.3.2, RFC 3207 §4); others by any 2yz.
_ACCEPTED: dict[Verb | None, int] = {Verb.ehlo: 250, Verb.helo: 250, Verb.starttls: 220}
