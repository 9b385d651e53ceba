"""Which ends of an attempt are down-like: the list that `down` is built on."""

from typing import Any

import pytest

from scanner.judgement.vantage_windows import VantageWindows
from scanner.outages.attempt_ends import Ending, reduce_attempt
from scanner.outcomes import Cause, Outcome, Stage, Variant
from scanner.records import Event, SessionRecord
from tests.judgement.sessions import ehlo_refused_us, ended, helo_only, masked, session, without_starttls

NEVER = VantageWindows()

DOWN, GOOD, US, OTHER = Ending.down_like, Ending.good, Ending.blocked_us, Ending.other


@pytest.mark.parametrize(
    ("stage", "outcome", "expected"),
    [
        (Stage.connect, Outcome.refused, DOWN),
        (Stage.connect, Outcome.unreachable, DOWN),
        (Stage.connect, Outcome.timed_out, DOWN),
        (Stage.greeting, Outcome.timed_out, DOWN),
        (Stage.greeting, Outcome.closed, DOWN),
        (Stage.greeting, Outcome.reset, DOWN),
        (Stage.greeting, Outcome.permanent_negative, DOWN),
        # It asks to come again, or says something that is no SMTP: that is no outage.
        (Stage.greeting, Outcome.transient_negative, OTHER),
        (Stage.greeting, Outcome.not_smtp, OTHER),
        (Stage.greeting, Outcome.malformed, OTHER),
        (Stage.greeting, Outcome.too_long, OTHER),
        # The limit of the whole session: something was said all the time.
        (Stage.greeting, Outcome.deadline, OTHER),
        # It has greeted, so it is there.
        (Stage.ehlo, Outcome.timed_out, OTHER),
        (Stage.ehlo, Outcome.closed, OTHER),
        (Stage.ehlo, Outcome.reset, OTHER),
        (Stage.ehlo, Outcome.permanent_negative, OTHER),
        # It has answered EHLO, so mail can be given to it.
        (Stage.starttls, Outcome.timed_out, GOOD),
        (Stage.starttls, Outcome.transient_negative, GOOD),
        (Stage.tls, Outcome.timed_out, GOOD),
        (Stage.tls, Outcome.closed, GOOD),
        (Stage.tls, Outcome.tls_failed, GOOD),
        (Stage.ehlo_after_tls, Outcome.timed_out, GOOD),
    ],
)
def test_only_what_ends_before_the_greeting_is_down_like(stage: Stage, outcome: Outcome, expected: Ending) -> None:
    assert _end(ended(stage, outcome)) is expected


@pytest.mark.parametrize(
    ("record", "expected", "why"),
    [
        (session(), GOOD, "all went well"),
        (helo_only(), GOOD, "HELO does as well"),
        (without_starttls(), GOOD, "without STARTTLS too"),
        (masked(), GOOD, "also through a middlebox"),
        (ehlo_refused_us(), GOOD, "what it has against our EHLO does not keep it from taking mail"),
        (ended(Stage.greeting, Outcome.permanent_negative, about_us=True, cause=Cause.blocklisted), US, "554, listed"),
        (ended(Stage.ehlo, Outcome.permanent_negative, about_us=True, cause=Cause.policy), US, "550 to EHLO, policy"),
        (ended(Stage.greeting, Outcome.transient_negative, about_us=True), US, "421, too many from us"),
        (ended(Stage.greeting, Outcome.permanent_negative, about_us=False), DOWN, "554, no service here"),
    ],
)
def test_what_a_server_says_decides(record: SessionRecord, expected: Ending, why: str) -> None:
    assert _end(record) is expected, why


@pytest.mark.parametrize("outcome", [Outcome.closed, Outcome.reset])
def test_with_implicit_tls_a_server_that_goes_in_the_handshake_has_not_greeted(outcome: Outcome) -> None:
    good = session()
    record = ended(Stage.tls, outcome, replies=type(good.replies)())
    assert _end(record) is DOWN


@pytest.mark.parametrize("outcome", [Outcome.local_fault, Outcome.cancelled, Outcome.scanner_bug])
def test_what_we_are_the_reason_of_is_no_attempt(outcome: Outcome) -> None:
    assert reduce_attempt(ended(Stage.connect, outcome), NEVER) is None


def test_what_our_network_was_cut_off_from_is_no_attempt() -> None:
    record = ended(Stage.connect, Outcome.timed_out)
    detail: dict[str, Any] = {"from": "2000-01-01T00:00:00.000Z", "to": "2100-01-01T00:00:00.000Z", "family": "ipv4"}
    window = Event(at=record.ended_at, start=1, event="vantage_lost", detail=detail)
    assert reduce_attempt(record, VantageWindows.from_events([window])) is None


@pytest.mark.parametrize(
    ("record", "offers_tls", "tls_failed"),
    [
        (session(), True, False),
        (without_starttls(), False, False),
        (masked(), None, False),
        (ended(Stage.tls, Outcome.tls_failed), False, True),
        (ended(Stage.starttls, Outcome.permanent_negative), False, True),
        (ended(Stage.tls, Outcome.timed_out), None, False),
        (ended(Stage.connect, Outcome.refused), None, False),
    ],
)
def test_an_attempt_says_whether_starttls_works(
    record: SessionRecord, offers_tls: bool | None, tls_failed: bool
) -> None:
    attempt = reduce_attempt(record, NEVER)
    assert attempt is not None
    assert (attempt.offers_tls, attempt.tls_failed) == (offers_tls, tls_failed)


def test_an_attempt_names_the_limit_that_fired() -> None:
    record = ended(Stage.greeting, Outcome.timed_out, limit="limits.greeting_s", limit_s=30.0)
    attempt = reduce_attempt(record, NEVER)
    assert attempt is not None
    assert attempt.why == "timed_out at greeting (limits.greeting_s = 30 s)"


def test_a_small_clienthello_is_no_survey() -> None:
    attempt = reduce_attempt(session(variant=Variant.small_hello), NEVER)
    assert attempt is not None
    assert not attempt.is_survey


def _end(record: SessionRecord) -> Ending:
    attempt = reduce_attempt(record, NEVER)
    assert attempt is not None
    return attempt.ending
