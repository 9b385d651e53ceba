"""What a survey says to a mail server, and what it makes of the answers. Waiting is the peer's business."""

from typing import Protocol

from scanner.outcomes import Outcome, Stage
from scanner.smtp.commands import Verb
from scanner.smtp.replies import Reply, ReplyClass

#: RFC 5321 §4.1.4, §3.2: a server that does not know or refuses EHLO in one of these ways may take HELO.
_TRY_HELO = frozenset({500, 502, 504, 550})


class SessionEnded(Exception):  # noqa: N818 - an end is no error
    """The session ended before its QUIT: at which stage, how, and which limit fired if one did.

    `answered` says that the server did reply, so that its reply to QUIT may be waited for too.
    """

    def __init__(
        self,
        stage: Stage,
        outcome: Outcome,
        *,
        limit: str | None = None,
        limit_value: float | None = None,
        error: str | None = None,
        error_code: str | None = None,
        answered: bool = False,
    ) -> None:
        super().__init__(f"{outcome} at {stage}")
        self.stage = stage
        self.outcome = outcome
        self.limit = limit
        self.limit_value = limit_value
        self.error = error
        self.error_code = error_code
        self.answered = answered


class Peer(Protocol):
    """The other side, as a dialogue sees it. Every method but `quit` raises SessionEnded."""

    async def connect(self) -> None: ...

    async def receive_greeting(self) -> Reply: ...

    async def command(self, stage: Stage, verb: Verb, argument: str = "") -> Reply: ...

    async def start_tls(self) -> None: ...

    @property
    def starttls_offered(self) -> bool: ...

    async def quit(self, *, await_reply: bool) -> None: ...


async def survey(peer: Peer, ehlo_name: str, *, implicit_tls: bool) -> None:
    """Greeting, EHLO (HELO if refused), STARTTLS, EHLO again, QUIT; nothing that names a mailbox.

    Returns if the session was good up to its QUIT, whatever came of that; else raises SessionEnded.
    """
    await peer.connect()
    try:
        if implicit_tls:
            await peer.start_tls()
        _require(await peer.receive_greeting(), Stage.greeting, 2)
        await _introduce(peer, ehlo_name)
        if peer.starttls_offered and not implicit_tls:
            await _secure(peer, ehlo_name)
    except SessionEnded as end:
        await peer.quit(await_reply=end.answered)
        raise
    await peer.quit(await_reply=True)


async def _introduce(peer: Peer, ehlo_name: str) -> None:
    reply = await peer.command(Stage.ehlo, Verb.ehlo, ehlo_name)
    if reply.code in _TRY_HELO:
        _require(await peer.command(Stage.helo, Verb.helo, ehlo_name), Stage.helo, 250)
    else:
        _require(reply, Stage.ehlo, 250)


async def _secure(peer: Peer, ehlo_name: str) -> None:
    _require(await peer.command(Stage.starttls, Verb.starttls), Stage.starttls, 220)
    await peer.start_tls()
    # RFC 3207 §4.2: what was learnt in the clear is forgotten, so EHLO again.
    _require(await peer.command(Stage.ehlo_after_tls, Verb.ehlo, ehlo_name), Stage.ehlo_after_tls, 250)


def _require(reply: Reply, stage: Stage, wanted: int) -> None:
    """Ends the session unless the reply is the code wanted, or of the class if `wanted` is one digit."""
    if wanted in (reply.code, reply.code // 100):
        return
    match reply.reply_class:
        case ReplyClass.transient_negative:
            outcome = Outcome.transient_negative
        case ReplyClass.permanent_negative:
            outcome = Outcome.permanent_negative
        case _:
            # Neither the success asked for nor a refusal: no reply that this command can have (§4.3.2).
            raise SessionEnded(stage, Outcome.malformed, error=f"unexpected reply code {reply.code}", answered=True)
    raise SessionEnded(stage, outcome, answered=True)
