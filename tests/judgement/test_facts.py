"""A session reduced to facts, and what several attempts at a target say together."""

import pytest

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.facts import SessionFacts, combine_attempts, reduce_session
from scanner.outcomes import OUTCOMES_OF_OURS, FindingKind, Outcome, Stage
from tests.tls.issuing import authority

from .claims import claims, words
from .sessions import TARGET, ended


def attempt(number: int, outcome: Outcome, said: str) -> SessionFacts:
    """What is left of an attempt that ended so and says this."""
    return SessionFacts(
        session=f"{TARGET}.{number}.survey",
        attempt=number,
        stage=Stage.done if outcome is Outcome.ok else Stage.greeting,
        outcome=outcome,
        limit=None,
        claims=claims(said),
        observations=(),
    )


ALL_WELL = "yes yes yes yes yes"


def test_a_session_is_reduced_to_how_it_ended_what_it_says_and_what_there_is_to_tell() -> None:
    session = ended(Stage.greeting, Outcome.timed_out, limit="limits.greeting_s", limit_s=30.0)
    facts = reduce_session(session, ChainJudge(authority().pem, {}))
    assert (facts.session, facts.attempt) == (session.session, 1)
    assert (facts.stage, facts.outcome, facts.limit) == (
        Stage.greeting,
        Outcome.timed_out,
        "limits.greeting_s",
    )
    assert words(facts.claims) == "yes ?timed_out ?timed_out ?timed_out ?timed_out"
    assert [seen.kind for seen in facts.observations] == [FindingKind.timed_out]


@pytest.mark.parametrize("outcome", Outcome)
def test_a_session_counts_as_an_attempt_unless_its_end_is_ours(outcome: Outcome) -> None:
    assert attempt(1, outcome, ALL_WELL).is_attempt is (outcome not in OUTCOMES_OF_OURS)


@pytest.mark.parametrize(
    ("attempts", "said", "differ", "why"),
    [
        ([(Outcome.ok, ALL_WELL)], ALL_WELL, False, "one attempt says what it says"),
        (
            [
                (Outcome.timed_out, "?timed_out ?timed_out ?timed_out ?timed_out ?timed_out"),
                (Outcome.ok, ALL_WELL),
            ],
            ALL_WELL,
            False,
            "what the first left open the second tells: no contradiction",
        ),
        (
            [(Outcome.ok, ALL_WELL), (Outcome.closed, "yes ?closed ?closed ?closed ?closed")],
            ALL_WELL,
            False,
            "nor does a later unknown take it back",
        ),
        (
            [(Outcome.ok, ALL_WELL), (Outcome.refused, "no - - - -")],
            ALL_WELL,
            True,
            "the first definite claim counts, and the contradiction is said",
        ),
        (
            [(Outcome.refused, "no - - - -"), (Outcome.ok, ALL_WELL)],
            "no yes yes yes yes",
            True,
            "verdict by verdict",
        ),
        (
            [(Outcome.ok, "yes yes no - -"), (Outcome.ok, ALL_WELL)],
            "yes yes no yes yes",
            True,
            "a pool behind one address: one member has TLS, the other has not",
        ),
        (
            [
                (Outcome.timed_out, "yes ?timed_out ?timed_out ?timed_out ?timed_out"),
                (Outcome.refused, "no - - - -"),
            ],
            "yes ?timed_out ?timed_out ?timed_out ?timed_out",
            True,
            "what is open after a connection stays open: a refusal later does not make it not applicable",
        ),
        (
            [(Outcome.refused, "no - - - -"), (Outcome.timed_out, 5 * "?timed_out ")],
            "no - - - -",
            False,
            "refused is the answer, and leaves nothing to know",
        ),
        (
            [
                (Outcome.timed_out, "yes ?timed_out ?timed_out ?timed_out ?timed_out"),
                (Outcome.permanent_negative, "yes no - - -"),
            ],
            "yes no - - -",
            False,
            "the attempt that decided on SMTP decides what follows from it",
        ),
        (
            [(Outcome.timed_out, 5 * "?timed_out "), (Outcome.closed, "yes ?closed ?closed ?closed ?closed")],
            "yes ?closed ?closed ?closed ?closed",
            False,
            "the reason is that of the attempt which came further",
        ),
        (
            [(Outcome.local_fault, 5 * "?local_fault "), (Outcome.refused, "no - - - -")],
            "no - - - -",
            False,
            "a session of ours is no attempt",
        ),
        (
            [(Outcome.refused, "no - - - -"), (Outcome.cancelled, 5 * "?cancelled ")],
            "no - - - -",
            False,
            "nor is it one later",
        ),
        (
            [(Outcome.cancelled, 5 * "?cancelled ")],
            "?cancelled ?cancelled ?cancelled ?cancelled ?cancelled",
            False,
            "without any attempt, why there is none",
        ),
    ],
)
def test_of_several_attempts_the_first_definite_claim_counts(
    attempts: list[tuple[Outcome, str]], said: str, differ: bool, why: str
) -> None:
    facts = [attempt(number, outcome, text) for number, (outcome, text) in enumerate(attempts, 1)]
    for order in (facts, facts[::-1]):  # in whichever order the files have them
        combined = combine_attempts(order)
        assert words(combined.claims) == said
        assert combined.attempts_differ is differ


@pytest.mark.parametrize(
    ("outcomes", "shown", "why"),
    [
        ([Outcome.timed_out, Outcome.ok], 2, "the one that went well"),
        ([Outcome.ok, Outcome.timed_out], 1, "wherever it stands"),
        ([Outcome.timed_out, Outcome.closed], 2, "else the last"),
        ([Outcome.timed_out, Outcome.local_fault], 1, "but none of ours"),
        ([Outcome.local_fault], 1, "unless there is no other"),
    ],
)
def test_one_attempt_is_shown(outcomes: list[Outcome], shown: int, why: str) -> None:
    facts = [attempt(number, outcome, ALL_WELL) for number, outcome in enumerate(outcomes, 1)]
    assert combine_attempts(facts).shown.attempt == shown


def test_the_sessions_named_are_those_that_counted() -> None:
    facts = [
        attempt(3, Outcome.ok, ALL_WELL),
        attempt(2, Outcome.local_fault, 5 * "?local_fault "),
        attempt(1, Outcome.timed_out, 5 * "?timed_out "),
    ]
    assert combine_attempts(facts).sessions == (f"{TARGET}.1.survey", f"{TARGET}.3.survey")
