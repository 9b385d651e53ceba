"""The survey's dialogue, with a peer that only remembers: what is said, in which order, for every answer."""

import asyncio

import pytest

from scanner.outcomes import Outcome, Stage
from scanner.probe.dialogue import survey
from scanner.probe.session_end import SessionEnded
from scanner.smtp.commands import Verb
from scanner.smtp.extensions import Extensions
from scanner.smtp.replies import Reply

ME = "me.test"


class FakePeer:
    """Answers each step as told, 250 to all else; writes down what was said."""

    def __init__(self, answers: dict[str, int | SessionEnded], *, offers: bool = True) -> None:
        self._answers = answers
        self._offers = offers
        self._under_tls = False
        self.said: list[str] = []

    async def connect(self) -> None:
        self._step("connect")

    async def receive_greeting(self) -> Reply:
        return self._step("greeting", 220)

    async def command(self, stage: Stage, verb: Verb, argument: str = "") -> Reply:
        return self._step(stage, 220 if verb is Verb.starttls else 250, f"{verb} {argument}".strip())

    async def start_tls(self) -> None:
        self._step("tls")
        self._under_tls = True

    @property
    def offered(self) -> Extensions:
        return Extensions({b"STARTTLS": b""} if self._offers else {})

    @property
    def address_literal(self) -> str:
        return "[127.0.0.1]"

    async def quit(self, *, await_reply: bool) -> None:
        self.said.append("QUIT" if await_reply else "QUIT and no more")

    def _step(self, step: str, code: int = 250, said: str = "") -> Reply:
        self.said.append(said or step)
        answer = self._answers.get(step, code)
        if isinstance(answer, SessionEnded):
            raise answer
        return Reply(answer, None, (b"",))


def hold(
    answers: dict[str, int | SessionEnded], *, offers: bool = True, implicit_tls: bool = False
) -> tuple[FakePeer, SessionEnded | None]:
    """What was said, and how the session ended before its QUIT if it did."""
    peer = FakePeer(answers, offers=offers)
    try:
        asyncio.run(survey(peer, ME, implicit_tls=implicit_tls))
    except SessionEnded as end:
        return peer, end
    return peer, None


WHOLE = ["connect", "greeting", "EHLO me.test", "STARTTLS", "tls", "EHLO me.test", "QUIT"]
TO_EHLO = WHOLE[:3]
TO_STARTTLS = WHOLE[:4]


def test_a_server_that_offers_starttls_is_asked_for_it_and_greeted_again() -> None:
    peer, end = hold({})
    assert (peer.said, end) == (WHOLE, None)


def test_a_server_that_does_not_is_left_after_ehlo() -> None:
    peer, end = hold({}, offers=False)
    assert (peer.said, end) == ([*TO_EHLO, "QUIT"], None)


def test_with_implicit_tls_the_handshake_comes_first_and_starttls_never() -> None:
    peer, end = hold({}, implicit_tls=True)
    assert (peer.said, end) == (["connect", "tls", "greeting", "EHLO me.test", "QUIT"], None)


@pytest.mark.parametrize("code", [220, 250, 299])
def test_any_positive_greeting_will_do(code: int) -> None:
    assert hold({"greeting": code})[0].said == WHOLE


@pytest.mark.parametrize("code", [500, 502, 504, 550])
def test_where_ehlo_is_not_known_helo_is_tried_once(code: int) -> None:
    peer, end = hold({"ehlo": code}, offers=False)
    assert (peer.said, end) == ([*TO_EHLO, "HELO me.test", "QUIT"], None)


REFUSALS: list[tuple[str, dict[str, int], Stage, Outcome, list[str]]] = [
    ("421 instead of a greeting", {"greeting": 421}, Stage.greeting, Outcome.transient_negative, WHOLE[:2]),
    ("450", {"greeting": 450}, Stage.greeting, Outcome.transient_negative, WHOLE[:2]),
    ("554", {"greeting": 554}, Stage.greeting, Outcome.permanent_negative, WHOLE[:2]),
    ("521", {"greeting": 521}, Stage.greeting, Outcome.permanent_negative, WHOLE[:2]),
    ("a greeting of class 3", {"greeting": 354}, Stage.greeting, Outcome.malformed, WHOLE[:2]),
    ("EHLO 421", {"ehlo": 421}, Stage.ehlo, Outcome.transient_negative, TO_EHLO),
    ("EHLO 501: our name, not the command", {"ehlo": 501}, Stage.ehlo, Outcome.permanent_negative, TO_EHLO),
    ("EHLO 554", {"ehlo": 554}, Stage.ehlo, Outcome.permanent_negative, TO_EHLO),
    ("EHLO 571", {"ehlo": 571}, Stage.ehlo, Outcome.permanent_negative, TO_EHLO),
    ("EHLO 220 is no answer to EHLO", {"ehlo": 220}, Stage.ehlo, Outcome.malformed, TO_EHLO),
    ("EHLO 354", {"ehlo": 354}, Stage.ehlo, Outcome.malformed, TO_EHLO),
    ("HELO refused too", {"ehlo": 502, "helo": 550}, Stage.helo, Outcome.permanent_negative,
     [*TO_EHLO, "HELO me.test"]),
    ("HELO later", {"ehlo": 502, "helo": 450}, Stage.helo, Outcome.transient_negative, [*TO_EHLO, "HELO me.test"]),
    ("STARTTLS 454", {"starttls": 454}, Stage.starttls, Outcome.transient_negative, TO_STARTTLS),
    ("STARTTLS 501", {"starttls": 501}, Stage.starttls, Outcome.permanent_negative, TO_STARTTLS),
    ("STARTTLS 250 is no 220 (RFC 3207 §4)", {"starttls": 250}, Stage.starttls, Outcome.malformed, TO_STARTTLS),
    ("EHLO under TLS 421", {"ehlo_after_tls": 421}, Stage.ehlo_after_tls, Outcome.transient_negative, WHOLE[:6]),
    ("EHLO under TLS 502: no HELO then", {"ehlo_after_tls": 502}, Stage.ehlo_after_tls, Outcome.permanent_negative,
     WHOLE[:6]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "stage", "outcome", "said"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_ends_the_session_at_its_stage_with_quit(
    answers: dict[str, int], stage: Stage, outcome: Outcome, said: list[str]
) -> None:
    peer, end = hold(dict(answers))
    assert end is not None
    assert (end.stage, end.outcome, end.answered) == (stage, outcome, True)
    assert peer.said == [*said, "QUIT"]


STEPS = ["connect", "greeting", "ehlo", "starttls", "tls", "ehlo_after_tls"]


@pytest.mark.parametrize("step", STEPS[1:])
def test_an_end_at_any_step_is_passed_on_after_a_quit_whose_reply_nobody_awaits(step: str) -> None:
    failure = SessionEnded(Stage(step), Outcome.timed_out, limit="limits.reply_s", limit_value=30.0)
    peer, end = hold({step: failure})
    assert end is failure
    assert peer.said == [*WHOLE[: STEPS.index(step) + 1], "QUIT and no more"]


def test_without_a_connection_there_is_nobody_to_say_quit_to() -> None:
    peer, end = hold({"connect": SessionEnded(Stage.connect, Outcome.refused)})
    assert end is not None
    assert peer.said == ["connect"]


@pytest.mark.parametrize("answers", [{}, *(row[1] for row in REFUSALS)])
def test_a_survey_says_nothing_that_names_a_mailbox(answers: dict[str, int]) -> None:
    commands = {said.split()[0] for said in hold(dict(answers))[0].said if said.isupper() or " " in said}
    assert commands <= {"EHLO", "HELO", "STARTTLS", "QUIT"}
