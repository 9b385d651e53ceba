"""The answer of a check: what a message meets at its places, in one paragraph, with an exit code."""

import pytest

from scanner.diagnosis.answer import Canaries, Fate, answer, answer_for_literal, answer_for_our_fault, fate_of
from scanner.diagnosis.answer_words import Question, Talk, come_back_text, end_text, ends_text, listed
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.outcomes import AddressFlag, Outcome, Stage
from scanner.records import Replies
from tests.diagnosis.answer_cases import CASES, QUESTION, Case, not_up, record, talk, transaction
from tests.judgement.sessions import ended, reply, session, without_starttls


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_says_what_a_message_meets(case: Case) -> None:
    found_out = answer(QUESTION, case.record, case.talks, case.canaries)
    assert (found_out.exit_code, found_out.result) == (case.exit_code, case.result), found_out.said
    said = f"{found_out.said} {found_out.what_to_do}"
    assert [word for word in case.words if word not in said] == []
    assert [word for word in case.not_words if word in said] == []


def test_every_answer_but_a_good_one_says_what_to_do() -> None:
    answers = [answer(QUESTION, case.record, case.talks, case.canaries) for case in CASES]
    assert all(each.what_to_do for each in answers if each.exit_code != 0)
    assert all(each.said.endswith(".") and "  " not in each.said for each in answers)


def test_only_what_is_ours_or_not_known_is_never_called_a_failure() -> None:
    answers = [answer(QUESTION, case.record, case.talks, case.canaries) for case in CASES]
    assert all(each.result is not StepResult.failed for each in answers if each.exit_code in (3, 4))


FATES = [
    (talk(came=None), Fate.taken, "a domain alone: the session was good"),
    (talk(without_starttls(), None), Fate.taken, "without TLS it takes mail too"),
    (talk(ended(Stage.ehlo, Outcome.closed), None), Fate.not_known, "what was closed says nothing"),
    (talk(ended(Stage.starttls, Outcome.permanent_negative), None), Fate.tls_broken, "offered, then refused"),
    (talk(ended(Stage.connect, Outcome.unreachable), None), Fate.no_service, "somebody said that there is no way"),
    (talk(None, transaction(Outcome.closed)), Fate.not_known, "closed at RCPT"),
    (talk(None, transaction(Outcome.permanent_negative, Stage.mail)), Fate.refused, "the sender is refused"),
]


@pytest.mark.parametrize(("came", "fate", "why"), FATES)
def test_the_fate_of_a_message_at_a_place(came: Talk, fate: Fate, why: str) -> None:
    assert fate_of(came) is fate, why


QUESTIONS = [
    (Question("example.org", None, None, 25), "Mail to example.org"),
    (Question("example.org", None, "me@example.org", 25), "Mail to me@example.org"),
    (Question("example.org", "", "me@example.org", 25), "Mail from <> to me@example.org"),
    (QUESTION, "Mail from you@example.net to me@example.org"),
]


@pytest.mark.parametrize(("question", "words"), QUESTIONS)
def test_the_mail_is_called_by_its_addresses(question: Question, words: str) -> None:
    assert question.first == words
    assert str(question) == words[0].lower() + words[1:]


def test_an_address_literal_has_no_record() -> None:
    assert answer(QUESTION, None, (talk(),), Canaries.not_asked).exit_code == 0


def test_nothing_is_said_of_a_place_because_of_us() -> None:
    said = answer_for_our_fault("example.org", "no descriptor was left")
    assert (said.exit_code, said.result) == (4, StepResult.unknown)
    assert "Nothing is known about example.org" in said.said


LITERALS = [
    ((AddressFlag.not_public,), 1, StepResult.failed, "from the Internet"),
    ((AddressFlag.not_public, AddressFlag.opted_out), 1, StepResult.failed, "not contacted"),
    ((AddressFlag.opted_out,), 3, StepResult.unknown, "Nothing is known about [10.0.0.1]: it has opted out"),
]


@pytest.mark.parametrize(("flags", "exit_code", "result", "words"), LITERALS)
def test_a_literal_that_is_not_contacted_is_told_why(
    flags: tuple[AddressFlag, ...], exit_code: int, result: StepResult, words: str
) -> None:
    found_out = answer_for_literal(Question("[10.0.0.1]", None, "me@[10.0.0.1]", 25), flags)
    assert (found_out.exit_code, found_out.result) == (exit_code, result)
    assert words in found_out.said


def test_ends_after_the_fifth_are_counted() -> None:
    places = [not_up(Outcome.timed_out, f"mx{number}") for number in range(7)]
    assert ends_text(places).endswith("; and 2 more")


def test_an_end_names_the_limit_that_fired() -> None:
    at_greeting = ended(Stage.greeting, Outcome.timed_out, limit="limits.greeting_s", limit_s=30.0)
    assert end_text(talk(at_greeting, None)) == "mx1.example.org [192.0.2.1] at the greeting: no answer within 30 s"


def test_who_says_no_time_is_given_a_quarter_of_an_hour() -> None:
    assert come_back_text(talk(None, transaction(Outcome.transient_negative), reply(450, "later"))).startswith(
        "after 2026-11-22 12:15:01 UTC"
    )


@pytest.mark.parametrize(
    ("words", "text"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_words_are_listed(words: tuple[str, ...], text: str) -> None:
    assert listed(words) == text


def test_replies_of_a_session_without_one_are_said_to_be_missing() -> None:
    silent = talk(session(replies=Replies()), transaction(Outcome.permanent_negative))
    assert "no reply" in answer(QUESTION, record(), (silent,), Canaries.not_asked).said


DNS_STEPS = [
    (Step(Section.zone, StepResult.failed, "TCP is blocked"), 1),
    (Step(Section.sender, StepResult.failed, "the sender's domain does not exist"), 1),
    (Step(Section.zone, StepResult.unknown, "a name server was not reached"), 0),
    (Step(Section.reverse, StepResult.failed, "our address has no PTR: that is ours"), 0),
]


@pytest.mark.parametrize(("step", "exit_code"), DNS_STEPS)
def test_what_failed_in_the_dns_is_something_to_repair(step: Step, exit_code: int) -> None:
    found_out = answer(QUESTION, record(), (talk(),), Canaries.not_asked, steps=[step])
    assert found_out.exit_code == exit_code
    assert (step.said in found_out.said) is bool(exit_code)
