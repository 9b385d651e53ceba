"""A session reduced, once, to the few facts that judging a domain needs."""

from dataclasses import dataclass

from scanner.judgement.attempts import asks_for_less
from scanner.judgement.certificates import NO_CHAIN, ChainJudge
from scanner.judgement.claims import Claims, all_unknown, judge_session
from scanner.judgement.observations import Observation, observe_session
from scanner.judgement.served import Served
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import (
    OUTCOMES_OF_OURS,
    Cause,
    FindingKind,
    NotKnown,
    Outcome,
    Severity,
    Stage,
    StarttlsResult,
    Variant,
)
from scanner.records import SessionRecord


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a session says; kept for every session of a run while its domains are judged.

    `chain` is the served certificates by SHA-256, `served` what they are; `asks_for_less` says that the server
    found us too much; `is_lost` that our own place was cut off while the session was held, so that nothing
    follows from it.
    """

    session: str
    address: str
    server_name: str
    variant: Variant
    attempt: int
    stage: Stage
    outcome: Outcome
    limit: str | None
    cause: Cause | None
    starttls: StarttlsResult
    chain: tuple[str, ...]
    claims: Claims
    observations: tuple[Observation, ...]
    asks_for_less: bool = False
    is_lost: bool = False
    served: Served | None = None

    @property
    def is_attempt(self) -> bool:
        """False for a session that we are the reason of: it says nothing, and is made again on resume."""
        return not self.is_lost and self.outcome not in OUTCOMES_OF_OURS

    @property
    def counted_as(self) -> Outcome | NotKnown:
        """What it is in a table of sessions: how it ended, unless our own network is the reason."""
        return NotKnown.vantage if self.is_lost else self.outcome


_NEVER = VantageWindows()

_LOST = all_unknown(NotKnown.vantage)
_CUT_OFF = Observation(
    FindingKind.scanner_fault, Severity.notice, "our own network was cut off while this session was held"
)


def reduce_session(session: SessionRecord, chains: ChainJudge, lost: VantageWindows = _NEVER) -> SessionFacts:
    """The facts of a session; `lost` are the windows in which our own place was cut off."""
    is_lost = lost.holds(session)
    chain = NO_CHAIN if is_lost else chains.judge(session)
    return SessionFacts(
        session=session.session,
        address=session.address,
        server_name=session.server_name,
        variant=session.variant,
        attempt=session.attempt,
        stage=session.stage,
        outcome=session.outcome,
        limit=session.limit,
        cause=session.cause,
        starttls=session.starttls.result,
        chain=chains.kept(session.tls.chain) if session.tls is not None else (),
        claims=_LOST if is_lost else judge_session(session, chain.trusted, chain.name),
        observations=(_CUT_OFF,) if is_lost else (*observe_session(session), *chain.observations),
        asks_for_less=asks_for_less(session),
        is_lost=is_lost,
        served=chain.served,
    )
