"""What one attempt says about whether a server is up: the one table that `down` is built on."""

from dataclasses import dataclass
from enum import StrEnum

from scanner.judgement.claims import NOT_APPLICABLE, judge_session, speaks_smtp
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import OUTCOMES_OF_OURS, Outcome, Stage, StarttlsResult, Variant, VerdictValue
from scanner.records import SessionRecord


class Ending(StrEnum):
    """What follows from one attempt for its server."""

    good = "good"
    down_like = "down_like"
    blocked_us = "blocked_us"
    other = "other"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A session that counts, reduced to what the state of its server needs; kept for every session of a run.

    `why` says in words how it ended, `offers_tls` whether STARTTLS worked (None: not known), and `tls_failed`
    that it was offered and came to nothing.
    """

    session: str
    server_name: str
    number: int
    is_survey: bool
    started_at: str
    ended_at: str
    ending: Ending
    why: str
    offers_tls: bool | None
    tls_failed: bool


#: Before a server has greeted nobody can deliver to it, whatever it would say next.
_BEFORE_THE_GREETING = {
    Outcome.refused: frozenset({Stage.connect}),
    Outcome.unreachable: frozenset({Stage.connect}),
    Outcome.timed_out: frozenset({Stage.connect, Stage.greeting}),
    # With implicit TLS the handshake comes before the greeting.
    Outcome.closed: frozenset({Stage.connect, Stage.greeting, Stage.tls}),
    Outcome.reset: frozenset({Stage.connect, Stage.greeting, Stage.tls}),
    # RFC 5321 §3.1: a 5yz greeting says that there is no mail service here.
    Outcome.permanent_negative: frozenset({Stage.greeting}),
}

_FAILED = frozenset({StarttlsResult.failed, StarttlsResult.refused})


def reduce_attempt(session: SessionRecord, lost: VantageWindows) -> Attempt | None:
    """What a session says; None for one that is no attempt, because we are the reason of its end."""
    if session.outcome in OUTCOMES_OF_OURS or lost.holds(session):
        return None
    starttls = judge_session(session, NOT_APPLICABLE, NOT_APPLICABLE).starttls
    return Attempt(
        session=session.session,
        server_name=session.server_name,
        number=session.attempt,
        is_survey=session.variant is Variant.survey,
        started_at=session.started_at,
        ended_at=session.ended_at,
        ending=end_of(session),
        why=_in_words(session),
        offers_tls=starttls.value is VerdictValue.yes if starttls.is_definite else None,
        tls_failed=starttls.value is VerdictValue.no and session.starttls.result in _FAILED,
    )


def end_of(session: SessionRecord) -> Ending:
    """Whether the server took part in SMTP, failed as one that is down, or refused us."""
    if speaks_smtp(session):
        return Ending.good
    if session.about_us:
        return Ending.blocked_us
    has_greeted = session.replies.greeting is not None and session.outcome is not Outcome.permanent_negative
    if not has_greeted and session.stage in _BEFORE_THE_GREETING.get(session.outcome, ()):
        return Ending.down_like
    return Ending.other


def _in_words(session: SessionRecord) -> str:
    words = f"{session.outcome} at {session.stage}"
    if session.limit_s is not None:
        words += f" ({session.limit} = {session.limit_s:g} s)"
    if session.about_us and session.cause is not None:
        words += f" ({session.cause})"
    return words
