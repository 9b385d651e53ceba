"""What is left of a session, written in a line: how it ended and what it says."""

from typing import Any

from scanner.judgement.facts import SessionFacts
from scanner.judgement.observations import Observation
from scanner.outcomes import FindingKind, Outcome, Severity, Stage, StarttlsResult, Variant

from .claims import claims
from .sessions import ADDRESS, MX, TARGET

ALL_WELL = "yes yes yes yes yes"


def facts(said: str, outcome: Outcome = Outcome.ok, stage: Stage | None = None, **changes: Any) -> SessionFacts:
    """A session that ended so and says this; by default attempt 1 of a survey, with one observation of its end."""
    attempt = changes.get("attempt", 1)
    variant = changes.get("variant", Variant.survey)
    handshake = said.split()[2] == "yes"
    end = stage or (Stage.done if outcome is Outcome.ok else Stage.greeting)
    fields: dict[str, Any] = {
        "session": f"{TARGET}.{attempt}.{variant}",
        "address": ADDRESS,
        "server_name": MX,
        "variant": variant,
        "attempt": attempt,
        "stage": end,
        "outcome": outcome,
        "limit": None,
        "cause": None,
        "starttls": StarttlsResult.done if handshake else StarttlsResult.not_reached,
        "chain": (),
        "claims": claims(said),
        "observations": () if outcome is Outcome.ok else (observation(outcome, end),),
    }
    return SessionFacts(**(fields | changes))


def observation(outcome: Outcome, stage: Stage) -> Observation:
    """That a session ended so, as one finding for every end."""
    return Observation(FindingKind.timed_out, Severity.warning, f"{outcome} at {stage}")
