"""What several attempts at a target say together."""

import pytest

from scanner.judgement.facts import SessionFacts
from scanner.judgement.target_facts import combine_attempts
from scanner.outcomes import AddressFlag, FindingKind, Outcome, Severity, Stage, Variant

from .claims import words
from .facts import ALL_WELL, facts
from .sessions import TARGET

REFUSED = ("no - - - -", Outcome.refused, Stage.connect)
NO_ANSWER = (5 * "?timed_out ", Outcome.timed_out, Stage.connect)
NO_GREETING = ("yes ?timed_out ?timed_out ?timed_out ?timed_out", Outcome.timed_out, Stage.greeting)
HUNG_UP = ("yes ?closed ?closed ?closed ?closed", Outcome.closed, Stage.greeting)
NOT_SMTP = ("yes no - - -", Outcome.not_smtp, Stage.greeting)
NO_STARTTLS = ("yes yes no - -", Outcome.ok, Stage.done)
TLS_FAILED = ("yes yes no - -", Outcome.tls_failed, Stage.tls)
HANDSHAKE_SILENT = ("yes yes ?timed_out ?timed_out ?timed_out", Outcome.timed_out, Stage.tls)
INJECTED = ("yes yes no - -", Outcome.plaintext_after_starttls, Stage.tls)
GOOD = (ALL_WELL, Outcome.ok, Stage.done)
SELF_SIGNED = ("yes yes yes no yes", Outcome.ok, Stage.done)
UNREADABLE = ("yes yes yes ?malformed ?malformed", Outcome.ok, Stage.done)
SILENT_AFTER_TLS = ("yes yes yes no no", Outcome.timed_out, Stage.ehlo_after_tls)
OUR_FAULT = (5 * "?local_fault ", Outcome.local_fault, Stage.connect)
CANCELLED = (5 * "?cancelled ", Outcome.cancelled, Stage.greeting)

Attempt = tuple[str, Outcome, Stage]


def attempts_of(*ends: Attempt) -> list[SessionFacts]:
    """Attempts 1, 2, 3, … that ended so."""
    return [facts(said, outcome, stage, attempt=number) for number, (said, outcome, stage) in enumerate(ends, 1)]


TOGETHER: list[tuple[list[Attempt], str, int, bool, str]] = [
    ([GOOD], ALL_WELL, 1, False, "one attempt says what it says"),
    ([NO_ANSWER, GOOD], ALL_WELL, 2, False, "what the first left open the second tells: no contradiction"),
    ([GOOD, HUNG_UP], ALL_WELL, 1, False, "nor does a later unknown take it back"),
    ([REFUSED, GOOD], ALL_WELL, 2, True, "a completed exchange outweighs a refusal before it"),
    ([GOOD, REFUSED], ALL_WELL, 1, True, "and one after it"),
    ([NOT_SMTP, GOOD], ALL_WELL, 2, True, "the same for SMTP"),
    ([NO_STARTTLS, GOOD], ALL_WELL, 2, True, "and for STARTTLS: one member of a pool has it"),
    ([REFUSED, HUNG_UP], HUNG_UP[0], 2, True, "a connection came up: what follows is not known, and not excluded"),
    ([NO_GREETING, REFUSED], NO_GREETING[0], 1, True, "in either order"),
    ([REFUSED, NO_ANSWER], REFUSED[0], 1, False, "refused is an answer, silence is none"),
    ([NO_ANSWER, REFUSED], REFUSED[0], 2, False, "in either order"),
    ([HUNG_UP, NOT_SMTP], NOT_SMTP[0], 2, False, "who came to speak decides on SMTP"),
    ([NO_ANSWER, HUNG_UP], HUNG_UP[0], 2, False, "the reason is that of the attempt which came further"),
    ([HUNG_UP, NO_GREETING], NO_GREETING[0], 2, False, "among equals the last, which had more patience"),
    ([REFUSED, REFUSED], REFUSED[0], 2, False, "twice the same is no contradiction"),
    ([SELF_SIGNED, GOOD], SELF_SIGNED[0], 1, True, "of the certificates the first definite one counts"),
    ([GOOD, SELF_SIGNED], ALL_WELL, 1, True, "whichever it is"),
    ([UNREADABLE, SELF_SIGNED], SELF_SIGNED[0], 1, False, "one that could not be judged is not definite"),
    ([SILENT_AFTER_TLS, GOOD], "yes yes yes no no", 2, True, "a certificate counts wherever its session ended"),
    ([SILENT_AFTER_TLS, GOOD, SILENT_AFTER_TLS], "yes yes yes no no", 2, True, "the good one is shown"),
    ([OUR_FAULT, REFUSED], REFUSED[0], 2, False, "a session of ours is no attempt"),
    ([REFUSED, CANCELLED], REFUSED[0], 1, False, "nor is it one later"),
    ([CANCELLED], CANCELLED[0], 1, False, "without any attempt, why there is none"),
]


@pytest.mark.parametrize(("ends", "said", "shown", "differ", "why"), TOGETHER, ids=[row[-1] for row in TOGETHER])
def test_attempts_together_say_what_any_of_them_showed(
    ends: list[Attempt], said: str, shown: int, differ: bool, why: str
) -> None:
    attempts = attempts_of(*ends)
    for order in (attempts, attempts[::-1]):  # in whichever order the files have them
        combined = combine_attempts(order)
        assert words(combined.claims) == " ".join(said.split())
        assert combined.shown is attempts[shown - 1]
        assert (AddressFlag.attempts_differ in combined.flags) is differ
        assert combined.reason is None


def test_what_is_shown_agrees_with_what_is_said() -> None:
    combined = combine_attempts(attempts_of(NO_ANSWER, GOOD))
    assert combined.observations == (), "that the first attempt timed out is in its session, not in the findings"
    assert combined.sessions == (f"{TARGET}.1.survey", f"{TARGET}.2.survey")


def test_a_contradiction_is_told_with_both_ends_and_in_what() -> None:
    (told,) = combine_attempts(attempts_of(REFUSED, GOOD)).observations
    assert (told.kind, told.severity) == (FindingKind.attempts_differ, Severity.notice)
    assert told.evidence == "attempt 1: refused at connect; attempt 2: ok at done; they differ in reachable"


def test_the_sessions_named_are_those_that_counted() -> None:
    combined = combine_attempts(attempts_of(NO_ANSWER, OUR_FAULT, GOOD))
    assert combined.sessions == (f"{TARGET}.1.survey", f"{TARGET}.3.survey")


# A small ClientHello --------------------------------------------------------------------------------


def with_small_hello(survey: Attempt, small: Attempt, *later: Attempt) -> list[SessionFacts]:
    """A survey, the small hello made at once after it, and later surveys."""
    said, outcome, stage = small
    first, *others = attempts_of(survey, *later)
    return [first, facts(said, outcome, stage, variant=Variant.small_hello), *others]


HELLOS: list[tuple[list[SessionFacts], str, bool, list[FindingKind], str]] = [
    (
        with_small_hello(HANDSHAKE_SILENT, GOOD),
        ALL_WELL,
        False,
        [FindingKind.large_client_hello],
        "silence was for the large one",
    ),
    (
        with_small_hello(TLS_FAILED, GOOD),
        ALL_WELL,
        False,
        [FindingKind.large_client_hello],
        "an alert to the large one is no `no`, and so no contradiction",
    ),
    (
        with_small_hello(TLS_FAILED, TLS_FAILED),
        TLS_FAILED[0],
        False,
        [FindingKind.timed_out],
        "both failed: it is not the size",
    ),
    (
        with_small_hello(TLS_FAILED, HANDSHAKE_SILENT),
        TLS_FAILED[0],
        False,
        [FindingKind.timed_out],
        "no handshake with the small one: the alert counts",
    ),
    (
        with_small_hello(HANDSHAKE_SILENT, HANDSHAKE_SILENT),
        HANDSHAKE_SILENT[0],
        False,
        [FindingKind.timed_out],
        "silent to both is not known",
    ),
    (
        with_small_hello(HANDSHAKE_SILENT, GOOD, GOOD),
        ALL_WELL,
        False,
        [],
        "a later large one was answered: it was not the size",
    ),
    (
        with_small_hello(TLS_FAILED, GOOD, GOOD),
        ALL_WELL,
        True,
        [FindingKind.attempts_differ],
        "and then the alert does contradict",
    ),
    (
        with_small_hello(HANDSHAKE_SILENT, GOOD, INJECTED),
        ALL_WELL,
        True,
        [FindingKind.large_client_hello, FindingKind.attempts_differ],
        "plaintext after STARTTLS has nothing to do with any hello",
    ),
    (
        with_small_hello(HANDSHAKE_SILENT, SELF_SIGNED),
        SELF_SIGNED[0],
        False,
        [FindingKind.large_client_hello],
        "its certificate is judged as any other",
    ),
    (
        with_small_hello(REFUSED, GOOD),
        ALL_WELL,
        True,
        [FindingKind.attempts_differ],
        "a refused connection is not explained by a hello",
    ),
]


@pytest.mark.parametrize(("attempts", "said", "differ", "kinds", "why"), HELLOS, ids=[row[-1] for row in HELLOS])
def test_a_handshake_with_a_small_hello_explains_one_that_failed_with_a_large_one(
    attempts: list[SessionFacts], said: str, differ: bool, kinds: list[FindingKind], why: str
) -> None:
    combined = combine_attempts(attempts)
    assert words(combined.claims) == said
    assert (AddressFlag.attempts_differ in combined.flags) is differ
    assert [seen.kind for seen in combined.observations] == kinds


def test_the_evidence_names_the_attempt_with_the_small_hello() -> None:
    (told,) = combine_attempts(with_small_hello(TLS_FAILED, GOOD)).observations
    assert told.severity is Severity.warning
    assert told.evidence == "attempt 1: tls_failed at tls; attempt 1 with a small ClientHello: ok at done"


# Attempts while our own network was cut off ---------------------------------------------------------


def test_of_a_target_that_was_tried_only_while_we_were_cut_off_no_end_is_shown() -> None:
    lost = facts(5 * "?vantage ", Outcome.refused, is_lost=True)
    combined = combine_attempts([lost])
    assert (combined.shown, combined.reason) == (None, "vantage")
    assert combined.sessions == (lost.session,)
    assert words(combined.claims) == "?vantage ?vantage ?vantage ?vantage ?vantage"


def test_an_attempt_outside_the_window_is_all_that_counts() -> None:
    lost = facts(5 * "?vantage ", Outcome.refused, is_lost=True)
    (good,) = attempts_of(GOOD)
    for sessions in ([lost, good], [good, lost]):
        assert combine_attempts(sessions) == combine_attempts([good])
