"""What is worth another attempt, by how a session ended; and who says that we ask too much."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement.attempts import (
    asks_for_less,
    needs_second_attempt,
    needs_second_fetch,
    needs_second_lookup,
    needs_small_hello,
)
from scanner.outcomes import Cause, DnsStatus, Outcome, PolicyStage, RetryOn, Stage, Variant
from scanner.records import Policy, Replies, ReplyRecord, SessionRecord
from tests.judgement.sessions import ended, session
from tests.judgement.transport import broken_fetch, fetch

AT, END = Stage, Outcome

SECOND_ATTEMPTS = [
    ("all went well", session(), False),
    ("refused", ended(AT.connect, END.refused), True),
    ("unreachable", ended(AT.connect, END.unreachable), True),
    ("timed out", ended(AT.greeting, END.timed_out), True),
    ("the session's deadline", ended(AT.ehlo, END.deadline), True),
    ("reset", ended(AT.greeting, END.reset), True),
    ("closed", ended(AT.tls, END.closed), True),
    ("421 or 450", ended(AT.greeting, END.transient_negative), True),
    ("the handshake failed", ended(AT.tls, END.tls_failed), True),
    ("5yz as a greeting: perhaps it was us", ended(AT.greeting, END.permanent_negative), True),
    ("5yz to STARTTLS is an answer", ended(AT.starttls, END.permanent_negative), False),
    ("no SMTP is an answer", ended(AT.greeting, END.not_smtp), False),
    ("so is an endless reply", ended(AT.greeting, END.too_long), False),
    ("so is plaintext after the 220", ended(AT.tls, END.plaintext_after_starttls), False),
    ("a bug of ours would come again", ended(AT.greeting, END.scanner_bug), False),
    ("a fault of ours", ended(AT.connect, END.local_fault), True),
]


@pytest.mark.parametrize(
    ("record", "wanted"), [row[1:] for row in SECOND_ATTEMPTS], ids=[r[0] for r in SECOND_ATTEMPTS]
)
def test_how_a_session_ended_says_whether_it_is_tried_again(record: SessionRecord, wanted: bool) -> None:
    assert needs_second_attempt(record, frozenset(RetryOn)) is wanted
    assert needs_second_attempt(record, frozenset()) is False


SMALL_HELLOS = [
    ("silent in the handshake", ended(AT.tls, END.timed_out), True),
    ("closed in the handshake", ended(AT.tls, END.closed), True),
    ("reset in the handshake", ended(AT.tls, END.reset), True),
    ("an alert", ended(AT.tls, END.tls_failed), True),
    ("the session's deadline fell into the handshake", ended(AT.tls, END.deadline), True),
    ("a limit of our own library", ended(AT.tls, END.tls_failed, error_code="excessive message size"), False),
    ("plaintext", ended(AT.tls, END.plaintext_after_starttls), False),
    ("silent before it", ended(AT.starttls, END.timed_out), False),
    ("it was a small one already", ended(AT.tls, END.timed_out, variant=Variant.small_hello), False),
    ("a fault of ours", ended(AT.tls, END.local_fault), False),
]


@pytest.mark.parametrize(("record", "wanted"), [row[1:] for row in SMALL_HELLOS], ids=[row[0] for row in SMALL_HELLOS])
def test_a_failed_handshake_is_tried_with_a_small_client_hello(record: SessionRecord, wanted: bool) -> None:
    assert needs_small_hello(record) is wanted


def _refused(code: int, enhanced: str | None, stage: Stage = AT.greeting, cause: Cause | None = None) -> SessionRecord:
    outcome = END.transient_negative if code < 500 else END.permanent_negative
    reply = ReplyRecord(code=code, enhanced_code=enhanced, lines=("no",))
    about_us = cause is not None and cause is not Cause.overloaded
    replies: dict[str, Any] = {stage.value: reply}
    return replace(ended(stage, outcome), replies=Replies(**replies), cause=cause, about_us=about_us)


TOO_MUCH = [
    ("421", _refused(421, None), True),
    ("421 to EHLO", _refused(421, None, AT.ehlo), True),
    ("450", _refused(450, None), True),
    ("451 4.7.1", _refused(451, "4.7.1"), True),
    ("451 4.3.0 is about the server", _refused(451, "4.3.0"), False),
    ("451 that says why in words", _refused(451, None, cause=Cause.rate_limited), True),
    ("454 to STARTTLS, as RFC 3207 has it: TLS is not available", _refused(454, "4.7.0", AT.starttls), False),
    ("421 to STARTTLS", _refused(421, "4.7.0", AT.starttls), True),
    ("554 that says so in words", _refused(554, None, cause=Cause.too_many_connections), True),
    ("554 by a block list will not be better later", _refused(554, None, cause=Cause.blocklisted), False),
    ("all went well", session(), False),
    ("silence", ended(AT.greeting, END.timed_out), False),
]


@pytest.mark.parametrize(("record", "asks"), [row[1:] for row in TOO_MUCH], ids=[row[0] for row in TOO_MUCH])
def test_a_server_that_finds_us_too_much_is_understood(record: SessionRecord, asks: bool) -> None:
    assert asks_for_less(record) is asks


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        ((DnsStatus.ok, DnsStatus.no_data), False),
        ((DnsStatus.ok, DnsStatus.servfail), True),
        ((DnsStatus.timed_out,), True),
        ((DnsStatus.refused,), True),
        ((DnsStatus.malformed,), True),
        ((DnsStatus.local_fault,), True),
        ((DnsStatus.nxdomain,), False),
        ((DnsStatus.cname_loop,), False),
        ((DnsStatus.not_asked,), False),
    ],
)
def test_a_lookup_that_failed_is_asked_again_and_an_answer_is_not(
    statuses: tuple[DnsStatus, ...], wanted: bool
) -> None:
    assert needs_second_lookup(*statuses) is wanted


IN_RESPONSE = PolicyStage.response

FETCHES = [
    ("a policy", fetch(), False),
    ("not there", fetch(http_status=404), False),
    ("not now", fetch(http_status=503), True),
    ("not now, on a page without an end", broken_fetch(IN_RESPONSE, END.too_long, http_status=503), True),
    ("a policy without an end", broken_fetch(IN_RESPONSE, END.too_long, http_status=200), False),
    ("silence", broken_fetch(PolicyStage.connect, END.timed_out), True),
]


@pytest.mark.parametrize(("policy", "wanted"), [row[1:] for row in FETCHES], ids=[row[0] for row in FETCHES])
def test_a_fetch_that_may_go_better_later_is_made_again(policy: Policy, wanted: bool) -> None:
    assert needs_second_fetch(policy, frozenset(RetryOn)) is wanted
    assert not needs_second_fetch(policy, frozenset())
