"""What a survey says to a mail server, and what it makes of the answers. Waiting is the peer's business.

With an envelope it asks in the end whether a message would be taken, and never sends one.
"""

from typing import Protocol

from scanner.outcomes import Outcome, Stage
from scanner.probe.session_end import SessionEnded, require
from scanner.smtp.commands import Verb
from scanner.smtp.envelope import Envelope
from scanner.smtp.extensions import Extensions
from scanner.smtp.parameters import MailParameters, mail_argument, rcpt_argument
from scanner.smtp.replies import Reply

#: RFC 5321 §4.1.4, §3.2: a server that does not know or refuses EHLO in one of these ways may take HELO.
_TRY_HELO = frozenset({500, 502, 504, 550})


class Peer(Protocol):
    """The other side, as a dialogue sees it. Every method but `quit` raises SessionEnded."""

    async def connect(self) -> None: ...

    async def receive_greeting(self) -> Reply: ...

    async def command(self, stage: Stage, verb: Verb, argument: str = "") -> Reply: ...

    async def start_tls(self) -> None: ...

    @property
    def address_literal(self) -> str: ...

    @property
    def offered(self) -> Extensions: ...

    async def quit(self, *, await_reply: bool) -> None: ...


async def survey(
    peer: Peer, ehlo_name: str, *, implicit_tls: bool, envelope: Envelope | None = None
) -> SessionEnded | None:
    """Greeting, EHLO (HELO if refused), STARTTLS, EHLO again, with an envelope MAIL and RCPT, and QUIT.

    Without an EHLO name, our address literal is said. Raises SessionEnded if the session was not good up to its
    QUIT or its envelope; returns how the transaction ended, None without an envelope.
    """
    await peer.connect()
    try:
        if implicit_tls:
            await peer.start_tls()
        require(await peer.receive_greeting(), Stage.greeting, 2)
        name = ehlo_name or peer.address_literal
        await introduce(peer, name)
        if b"STARTTLS" in peer.offered and not implicit_tls:
            await secure(peer, name, await peer.command(Stage.starttls, Verb.starttls))
    except SessionEnded as end:
        await peer.quit(await_reply=end.answered)
        raise
    transaction = None if envelope is None else await offer(peer, envelope)
    await peer.quit(await_reply=transaction is None or transaction.answered)
    return transaction


async def introduce(peer: Peer, ehlo_name: str) -> None:
    """EHLO, and HELO where EHLO is not known."""
    reply = await peer.command(Stage.ehlo, Verb.ehlo, ehlo_name)
    if reply.code in _TRY_HELO:
        require(await peer.command(Stage.helo, Verb.helo, ehlo_name), Stage.helo, 250)
    else:
        require(reply, Stage.ehlo, 250)


async def secure(peer: Peer, ehlo_name: str, reply_to_starttls: Reply) -> None:
    """The handshake, if the server is ready for it, and EHLO again."""
    require(reply_to_starttls, Stage.starttls, 220)
    await peer.start_tls()
    # RFC 3207 §4.2: what was learnt in the clear is forgotten, so EHLO again.
    require(await peer.command(Stage.ehlo_after_tls, Verb.ehlo, ehlo_name), Stage.ehlo_after_tls, 250)


async def offer(peer: Peer, envelope: Envelope) -> SessionEnded:
    """MAIL and one RCPT, and nothing after them; how that ended, at stage `done` if the recipient was accepted."""
    try:
        await _mail_and_rcpt(peer, envelope)
    except SessionEnded as end:
        return end
    return SessionEnded(Stage.done, Outcome.ok, answered=True)


async def _mail_and_rcpt(peer: Peer, envelope: Envelope) -> None:
    needs_smtputf8 = envelope.needs_smtputf8
    if needs_smtputf8 and b"SMTPUTF8" not in peer.offered:
        # RFC 6531 §3.2: then the address must not be said at all. Mail to it fails here as if refused.
        error = "an address of the envelope needs SMTPUTF8, which the server does not offer"
        raise SessionEnded(Stage.mail, Outcome.permanent_negative, error=error, answered=True)
    argument = mail_argument(envelope.reverse_path, MailParameters(smtputf8=needs_smtputf8))
    require(await peer.command(Stage.mail, Verb.mail, argument), Stage.mail, 2)
    # RFC 5321 §3.3: 250, and 251 where the server forwards; a code that is new is read by its first digit (§4.3.2).
    require(await peer.command(Stage.rcpt, Verb.rcpt, rcpt_argument(envelope.forward_path)), Stage.rcpt, 2)
