"""A check as a person sees it: words and colours of steps, rows of sessions, and nothing that moves a terminal."""

import pytest
from msgspec.structs import replace

from scanner.diagnosis.answer import Answer
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.outcomes import FindingKind, Outcome, Severity, Stage, Variant
from scanner.records import Finding, SessionRecord, Transaction
from scanner.report.check_text import (
    render_answer,
    render_columns,
    render_findings,
    render_row,
    render_said,
    render_step,
    render_title,
)
from tests.diagnosis.answer_cases import record
from tests.judgement.sessions import ended, masked, reply, session, without_starttls

from .terminal import on_terminal, piped

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\u202egnp.exe"

#: SMTPDiag's four colours, and one more.
COLOURS = [
    (StepResult.action, "97", ""),
    (StepResult.information, "90", ""),
    (StepResult.passed, "32", "passed"),
    (StepResult.failed, "31", "FAILED"),
    (StepResult.unknown, "33", "not known"),
]


@pytest.mark.parametrize(("result", "colour", "word"), COLOURS)
def test_a_step_has_its_colour_and_a_word_for_who_sees_none(result: StepResult, colour: str, word: str) -> None:
    step = Step(Section.zone, result, "said", "do this")
    assert f"\x1b[{colour}m" in on_terminal(render_step(step))
    lines = piped(render_step(step)).splitlines()
    assert lines[0].split("said")[0].strip() == word
    assert lines[1].strip() == "→ do this"
    assert "\x1b" not in piped(render_step(step))


def row(found: SessionRecord, transaction: Transaction | None = None) -> dict[str, str]:
    """The cells of a row under their titles."""
    titles, cells = piped(render_columns()).rstrip("\n"), piped(render_row("mx1.example.org", found, transaction))
    names = titles.split()[3:]
    places = [*(titles.index(f" {name}") + 1 for name in names), 200]
    assert piped(render_row("mx1.example.org", found, transaction)).startswith("  mx1.example.org [192.0.2.1]")
    return {name: cells[begin:end].strip() for name, begin, end in zip(names, places, places[1:], strict=False)}


WELL = {
    "connect": "ok",
    "greeting": "220",
    "EHLO": "250",
    "STARTTLS": "220",
    "TLS": "TLSv1.3",
    "MAIL": "-",
    "RCPT": "-",
    "QUIT": "221",
}
NOTHING = dict.fromkeys(WELL, "-")


def with_rcpt(code: int, outcome: Outcome, stage: Stage = Stage.rcpt) -> tuple[SessionRecord, Transaction]:
    replies = replace(session().replies, mail=reply(250, "ok"), rcpt=(reply(code, "so"),))
    return session(replies=replies), Transaction(session=session().session, stage=stage, outcome=outcome)


ROWS = [
    ("a good session", session(), None, WELL),
    ("the recipient is taken", *with_rcpt(250, Outcome.ok, Stage.done), WELL | {"MAIL": "250", "RCPT": "250"}),
    ("the recipient is refused", *with_rcpt(550, Outcome.permanent_negative), WELL | {"MAIL": "250", "RCPT": "550"}),
    ("no STARTTLS", without_starttls(), None, WELL | {"STARTTLS": "no", "TLS": "-"}),
    ("STARTTLS masked", masked(), None, WELL | {"STARTTLS": "masked", "TLS": "-"}),
    ("nothing listens", ended(Stage.connect, Outcome.refused), None, NOTHING | {"connect": "refused"}),
    (
        "a silent server",
        ended(Stage.greeting, Outcome.timed_out),
        None,
        NOTHING | {"connect": "ok", "greeting": "timed out"},
    ),
    (
        "refused at once",
        ended(Stage.greeting, Outcome.permanent_negative),
        None,
        NOTHING | {"connect": "ok", "greeting": "554"},
    ),
    (
        "a broken handshake",
        ended(Stage.tls, Outcome.tls_failed),
        None,
        WELL | {"TLS": "tls failed", "QUIT": "-"},
    ),
]


@pytest.mark.parametrize(("name", "found", "transaction", "cells"), ROWS, ids=[case[0] for case in ROWS])
def test_a_row_says_at_each_stage_how_it_went(
    name: str, found: SessionRecord, transaction: Transaction | None, cells: dict[str, str]
) -> None:
    assert row(found, transaction) == cells, name


def test_silence_at_rcpt_stands_in_its_column() -> None:
    transaction = Transaction(session=session().session, stage=Stage.rcpt, outcome=Outcome.timed_out)
    found = session(replies=replace(session().replies, mail=reply(250, "ok"), quit=None))
    assert piped(render_row("mx1", found, transaction)).split()[-3:] == ["timed", "out", "-"]


def test_further_sessions_say_what_they_are() -> None:
    assert "attempt 2" in piped(render_row("mx1", session(attempt=2), None))
    assert "small hello" in piped(render_row("mx1", session(variant=Variant.small_hello), None))


def test_what_is_not_reached_is_red_and_what_is_not_known_is_yellow() -> None:
    assert "\x1b[31mrefused" in on_terminal(render_row("mx1", ended(Stage.connect, Outcome.refused), None))
    assert "\x1b[33mtimed out" in on_terminal(render_row("mx1", ended(Stage.connect, Outcome.timed_out), None))


def test_nothing_from_elsewhere_reaches_the_terminal_as_it_is() -> None:
    hostile = Finding(
        kind=FindingKind.certificate_expired,
        severity=Severity.error,
        subject=HOSTILE,
        evidence=HOSTILE,
        session=None,
        fix=HOSTILE,
    )
    shown = [
        render_step(Step(Section.zone, StepResult.failed, HOSTILE, HOSTILE)),
        render_answer(Answer(StepResult.failed, 1, HOSTILE, HOSTILE)),
        render_findings(record(findings=(hostile,))) or "",
        render_row(HOSTILE, session(address=HOSTILE), None),
        render_said((0.1, "S", HOSTILE)),
    ]
    for each in shown:
        text = piped(each)
        assert not any(control in text for control in "\x1b\x07\r\u202e")
        assert "[2J" in text  # it is shown, and inert


def test_markup_is_text() -> None:
    assert "[red]no[/red]" in piped(render_step(Step(Section.zone, StepResult.failed, "[red]no[/red]")))


def test_findings_that_only_notice_something_are_left_out() -> None:
    notice = Finding(
        kind=FindingKind.implicit_mx, severity=Severity.notice, subject="a", evidence="b", session=None, fix="c"
    )
    assert render_findings(record(findings=(notice,))) is None


def test_the_gravest_finding_comes_first() -> None:
    findings = tuple(
        Finding(kind=kind, severity=severity, subject="a", evidence="b", session=None, fix="c")
        for kind, severity in (
            (FindingKind.implicit_mx, Severity.warning),
            (FindingKind.certificate_expired, Severity.error),
        )
    )
    rendered = render_findings(record(findings=findings))
    assert rendered is not None
    text = piped(rendered)
    assert text.index("error") < text.index("warning")


def test_every_section_has_a_title() -> None:
    assert all(piped(render_title(section)).strip() for section in Section)
