"""A session reduced, once, to the few facts that judging a domain needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.claims import Claim, Claims, judge_session
from scanner.judgement.observations import Observation, observe_session
from scanner.outcomes import OUTCOMES_OF_OURS, Outcome, Stage
from scanner.records import SessionRecord


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a session says; kept for every session of a run while its domains are judged."""

    session: str
    attempt: int
    stage: Stage
    outcome: Outcome
    limit: str | None
    claims: Claims
    observations: tuple[Observation, ...]

    @property
    def is_attempt(self) -> bool:
        """False for a session that a fault of ours ended: it says nothing, and is made again on resume."""
        return self.outcome not in OUTCOMES_OF_OURS


def reduce_session(session: SessionRecord, chains: ChainJudge) -> SessionFacts:
    """The facts of a session."""
    chain = chains.judge(session)
    return SessionFacts(
        session=session.session,
        attempt=session.attempt,
        stage=session.stage,
        outcome=session.outcome,
        limit=session.limit,
        claims=judge_session(session, chain.trusted, chain.name),
        observations=(*observe_session(session), *chain.observations),
    )


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What all attempts at a target say together; `shown` is the one whose end and findings are shown."""

    sessions: tuple[str, ...]
    shown: SessionFacts
    claims: Claims
    attempts_differ: bool


def combine_attempts(facts: Sequence[SessionFacts]) -> TargetFacts:
    """One statement of a target from all its sessions, of which there is at least one.

    For every verdict the first definite claim counts; where attempts contradict each other, that is said.
    Where no attempt is definite, that one speaks which decided the verdict before it: a claim without a
    yes or no follows from the one that it builds on.
    """
    if len(facts) == 1:
        return TargetFacts((facts[0].session,), facts[0], facts[0].claims, attempts_differ=False)
    attempts = sorted((fact for fact in facts if fact.is_attempt), key=lambda fact: fact.attempt) or list(facts)
    shown = next((fact for fact in attempts if fact.outcome is Outcome.ok), attempts[-1])
    columns: list[Claim] = []
    decisive, differ = attempts[-1], False
    for name in Claims.__dataclass_fields__:
        definite = [fact for fact in attempts if getattr(fact.claims, name).is_definite]
        decisive = definite[0] if definite else decisive
        columns.append(getattr(decisive.claims, name))
        differ = differ or len({getattr(fact.claims, name) for fact in definite}) > 1
    return TargetFacts(tuple(fact.session for fact in attempts), shown, Claims(*columns), differ)
