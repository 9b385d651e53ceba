"""What there is to tell of a session: kind, severity, and the evidence for a person."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement.observations import MAX_QUOTED, observe_session
from scanner.outcomes import Cause, Outcome, SessionFlag, Stage
from scanner.records import Replies, SessionRecord

from .sessions import ehlo_refused_us, ended, helo_only, masked, reply, session, without_starttls


def told(found: SessionRecord) -> list[str]:
    """`KIND SEVERITY` of everything told."""
    return [f"{seen.kind} {seen.severity}" for seen in observe_session(found)]


def evidence(found: SessionRecord) -> str:
    (seen,) = observe_session(found)
    return seen.evidence


def test_a_good_session_has_nothing_to_tell() -> None:
    assert told(session()) == []


@pytest.mark.parametrize(
    ("stage", "outcome", "finding"),
    [
        (Stage.connect, Outcome.refused, "connection-refused error"),
        (Stage.connect, Outcome.unreachable, "host-unreachable error"),
        (Stage.connect, Outcome.timed_out, "timed-out warning"),
        (Stage.greeting, Outcome.timed_out, "timed-out warning"),
        (Stage.tls, Outcome.timed_out, "timed-out warning"),
        (Stage.ehlo, Outcome.deadline, "session-deadline warning"),
        (Stage.greeting, Outcome.reset, "connection-reset warning"),
        (Stage.greeting, Outcome.closed, "connection-closed warning"),
        (Stage.greeting, Outcome.transient_negative, "temporary-refusal warning"),
        (Stage.starttls, Outcome.transient_negative, "temporary-refusal warning"),
        (Stage.greeting, Outcome.permanent_negative, "service-refused error"),
        (Stage.ehlo, Outcome.permanent_negative, "service-refused error"),
        (Stage.starttls, Outcome.permanent_negative, "starttls-not-supported error"),
        (Stage.greeting, Outcome.not_smtp, "not-smtp error"),
        (Stage.ehlo, Outcome.malformed, "malformed-reply error"),
        (Stage.greeting, Outcome.too_long, "reply-too-long warning"),
        (Stage.tls, Outcome.tls_failed, "tls-handshake-failed error"),
        (Stage.tls, Outcome.plaintext_after_starttls, "plaintext-after-starttls error"),
        (Stage.connect, Outcome.local_fault, "scanner-fault notice"),
        (Stage.greeting, Outcome.cancelled, "scanner-fault notice"),
        (Stage.connect, Outcome.scanner_bug, "scanner-fault notice"),
    ],
)
def test_how_a_session_ended_is_told_once(stage: Stage, outcome: Outcome, finding: str) -> None:
    assert told(ended(stage, outcome)) == [finding]


@pytest.mark.parametrize("stage", [Stage.greeting, Stage.ehlo, Stage.starttls, Stage.ehlo_after_tls])
@pytest.mark.parametrize("outcome", [Outcome.transient_negative, Outcome.permanent_negative])
def test_a_refusal_of_us_is_no_error_of_the_servers(stage: Stage, outcome: Outcome) -> None:
    assert told(ended(stage, outcome, cause=Cause.policy, about_us=True)) == ["refused-us warning"]
    assert "refused-us warning" not in told(ended(stage, outcome, cause=Cause.other, about_us=False))


def test_the_evidence_for_a_refusal_names_its_cause_if_it_has_one() -> None:
    listed = ended(Stage.greeting, Outcome.permanent_negative, cause=Cause.blocklisted, about_us=True)
    assert evidence(listed) == "permanent_negative at greeting, cause blocklisted, 554 no"
    unexplained = ended(Stage.greeting, Outcome.permanent_negative, cause=Cause.other, about_us=False)
    assert evidence(unexplained) == "permanent_negative at greeting, 554 no"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.ok])
def test_every_outcome_but_ok_has_its_observation_at_every_stage(outcome: Outcome) -> None:
    for stage in Stage:
        (seen,) = observe_session(replace(ended(Stage.connect, outcome), stage=stage))
        assert seen.evidence.startswith(f"{outcome} at {stage}")


def test_a_limit_of_our_library_is_no_error_of_the_servers() -> None:
    found = ended(Stage.tls, Outcome.tls_failed, error_code="excessive message size")
    assert told(found) == ["tls-handshake-failed warning"]


@pytest.mark.parametrize(
    ("found", "findings", "why"),
    [
        (without_starttls(), ["starttls-not-supported error"], "not offered"),
        (masked(), ["starttls-masked warning"], "overwritten: not the server's word"),
        (
            helo_only(),
            ["ehlo-refused notice", "starttls-not-supported error"],
            "without EHLO there is no STARTTLS",
        ),
        (ehlo_refused_us(), ["refused-us warning"], "what it offers to others we did not see"),
        (
            replace(
                ended(Stage.ehlo, Outcome.permanent_negative),
                stage=Stage.helo,
                replies=Replies(greeting=reply(220), ehlo=reply(502), helo=reply(550)),
            ),
            ["service-refused error"],
            "neither EHLO nor HELO: one finding says it",
        ),
    ],
)
def test_what_hinders_starttls_is_told(found: SessionRecord, findings: list[str], why: str) -> None:
    assert told(found) == findings


@pytest.mark.parametrize(
    ("version", "findings"),
    [
        ("TLSv1", ["tls-version-old warning"]),
        ("TLSv1.1", ["tls-version-old warning"]),
        ("TLSv1.2", []),
        ("TLSv1.3", []),
    ],
)
def test_versions_that_rfc_8996_retires_are_told(version: str, findings: list[str]) -> None:
    tls = session().tls
    assert tls is not None
    assert told(session(tls=replace(tls, version=version))) == findings


FLAGS = {
    SessionFlag.bare_lf: ["bare-lf notice"],
    SessionFlag.reply_line_over_512: ["reply-line-over-512 notice"],
    SessionFlag.reply_code_outside_grammar: ["reply-code-outside-grammar notice"],
    SessionFlag.ehlo_line_outside_grammar: [],  # the keyword was understood all the same
    SessionFlag.greeting_masked: [],  # told as starttls-masked where it matters
    SessionFlag.extra_data_after_reply: [],
    SessionFlag.transcript_cut: [],  # a limit of ours
}


@pytest.mark.parametrize("flag", SessionFlag)
def test_departures_from_the_letter_are_told_where_somebody_can_mend_them(flag: SessionFlag) -> None:
    assert told(session(flags=(flag,))) == FLAGS[flag]


@pytest.mark.parametrize(
    ("stage", "outcome", "changes", "words"),
    [
        (
            Stage.greeting,
            Outcome.timed_out,
            {"limit": "limits.greeting_s", "limit_s": 30.0},
            "timed_out at greeting, limits.greeting_s = 30 s",
        ),
        (
            Stage.connect,
            Outcome.timed_out,
            {"limit": "limits.connect_s", "limit_s": 0.5},
            "timed_out at connect, limits.connect_s = 0.5 s",
        ),
        (
            Stage.greeting,
            Outcome.too_long,
            {
                "limit": "limits.reply_lines",
                "limit_bytes": 200,
                "error": "more than limits.reply_lines = 200",
            },
            "too_long at greeting, limits.reply_lines = 200",
        ),
        (
            Stage.connect,
            Outcome.refused,
            {"error": "Connection refused", "error_code": "ECONNREFUSED"},
            "refused at connect, ECONNREFUSED: Connection refused",
        ),
        (Stage.greeting, Outcome.closed, {}, "closed at greeting"),
        (Stage.greeting, Outcome.transient_negative, {}, "transient_negative at greeting, 451 no"),
        (
            Stage.starttls,
            Outcome.permanent_negative,
            {"replies": Replies(greeting=reply(220, "hi"), starttls=reply(501, "no", r"\x1B[2J"))},
            r"permanent_negative at starttls, 501 no / \x1B[2J",
        ),
        (
            Stage.greeting,
            Outcome.permanent_negative,
            {"replies": Replies(greeting=reply(554))},
            "permanent_negative at greeting, 554",
        ),
    ],
)
def test_the_evidence_names_the_stage_the_limit_and_what_was_said(
    stage: Stage, outcome: Outcome, changes: dict[str, Any], words: str
) -> None:
    assert evidence(ended(stage, outcome, **changes)) == words


def test_the_evidence_for_no_starttls_is_what_was_offered_instead() -> None:
    assert evidence(without_starttls()) == "EHLO offers SIZE"
    assert evidence(without_starttls(extensions={})) == "EHLO offers nothing"
    refused, unsupported = observe_session(helo_only())
    assert refused.evidence == "EHLO was answered 502 not implemented"
    assert unsupported.evidence == "there are no extensions without EHLO"


@pytest.mark.parametrize(
    "found",
    [
        ended(
            Stage.greeting,
            Outcome.permanent_negative,
            replies=Replies(greeting=reply(554, *(200 * ["long and longer"]))),
        ),
        without_starttls(extensions={f"X-{number}": "" for number in range(200)}),
    ],
    ids=["a reply of 200 lines", "200 extensions"],
)
def test_the_evidence_quotes_no_more_than_a_person_reads(found: SessionRecord) -> None:
    words = evidence(found)
    assert words.endswith("…")
    assert len(words) <= MAX_QUOTED + len("permanent_negative at greeting, ")
