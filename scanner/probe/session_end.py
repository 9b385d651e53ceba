"""How a session ends before its QUIT: the one exception of a dialogue, and what each failure makes of it."""

from scanner.net.faults import name_of, outcome_of, text_of
from scanner.net.tls import TlsError
from scanner.outcomes import Outcome, Stage
from scanner.smtp.replies import Reply, ReplyClass, ReplyError


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


def require(reply: Reply, stage: Stage, wanted: int) -> None:
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


def no_reply(stage: Stage, error: ReplyError) -> SessionEnded:
    """The end of a session whose server said what can be no reply."""
    return SessionEnded(stage, error.outcome, limit=error.limit, limit_value=error.limit_value, error=str(error))


def socket_failed(stage: Stage, error: OSError) -> SessionEnded:
    """The end of a session whose connection failed, or never came up."""
    return SessionEnded(stage, outcome_of(error), error=text_of(error), error_code=name_of(error))


def tls_failed(stage: Stage, error: TlsError) -> SessionEnded:
    return SessionEnded(stage, Outcome.tls_failed, error="TLS handshake failed", error_code=error.code)
