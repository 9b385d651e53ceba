"""Why a message was not taken: every way to end → one reason, with words for a person and an exit code."""

import string
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.diagnosis.answer import Canaries
from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_reasons import reason_of, recipient_reason, way_reason
from scanner.diagnosis.send_talks import Talk
from scanner.diagnosis.send_words import WORDS
from scanner.exit_codes import BUG, INCONCLUSIVE, OURS, PROBLEM
from scanner.outcomes import PLAINTEXT_INSTEAD_OF_TLS, Cause, Outcome, Stage, Stop, TlsMode
from scanner.records import SendRecord
from tests.diagnosis.sendings import broken, refused, sent, talk

K = ReasonKind

#: A row: why, the session, the reason, its exit code.
ENDS: list[tuple[str, SendRecord, ReasonKind, int]] = [
    ("nothing listens", broken(Stage.connect, Outcome.refused), K.connection_refused, PROBLEM),
    ("nothing listens at 25 either", broken(Stage.connect, Outcome.refused, port=25), K.connection_refused, PROBLEM),
    ("silence at 587", broken(Stage.connect, Outcome.timed_out), K.no_connection, INCONCLUSIVE),
    ("silence at 25", broken(Stage.connect, Outcome.timed_out, port=25), K.port_blocked, OURS),
    ("unreachable at 25", broken(Stage.connect, Outcome.unreachable, port=25), K.port_blocked, OURS),
    ("no route", broken(Stage.connect, Outcome.local_fault, error_code="ENETUNREACH"), K.our_fault, OURS),
    ("a bug", broken(Stage.mail, Outcome.scanner_bug), K.our_bug, BUG),
    ("interrupted", broken(Stage.mail, Outcome.cancelled), K.our_fault, OURS),
    ("another protocol", broken(Stage.greeting, Outcome.not_smtp), K.not_smtp, PROBLEM),
    ("no greeting", broken(Stage.greeting, Outcome.timed_out), K.no_greeting, INCONCLUSIVE),
    ("it waits for TLS", broken(Stage.greeting, Outcome.timed_out, port=465), K.wants_implicit_tls, PROBLEM),
    ("it got TLS, and greets nobody",
     broken(Stage.greeting, Outcome.closed, port=465, tls_mode=TlsMode.implicit), K.no_greeting, INCONCLUSIVE),
    ("it does not begin with TLS",
     broken(Stage.tls, Outcome.tls_failed, error_code=PLAINTEXT_INSTEAD_OF_TLS), K.wants_starttls, PROBLEM),
    ("an alert", broken(Stage.tls, Outcome.tls_failed, error_code="handshake failure"), K.tls_failed, PROBLEM),
    ("silence within the handshake", broken(Stage.tls, Outcome.timed_out), K.tls_broken_off, INCONCLUSIVE),
    ("plaintext within the handshake", broken(Stage.tls, Outcome.plaintext_after_starttls),
     K.plaintext_after_starttls, PROBLEM),
    ("STARTTLS refused", refused(Stage.starttls, "454 4.7.0 TLS not available"), K.starttls_refused, INCONCLUSIVE),
    ("a wrong password", refused(Stage.auth, "535 5.7.8 Error: authentication failed"), K.wrong_password, PROBLEM),
    ("without an enhanced code", refused(Stage.auth, "535 Incorrect authentication data"), K.wrong_password, PROBLEM),
    ("Gmail wants a password of its own",
     refused(Stage.auth, "534 5.7.9 Application-specific password required."), K.other_credentials, PROBLEM),
    ("Exchange Online wants a token",
     refused(Stage.auth, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."),
     K.other_credentials, PROBLEM),
    ("AUTH wants TLS", refused(Stage.auth, "538 5.7.11 Encryption required", Cause.tls_required),
     K.tls_required, PROBLEM),
    ("AUTH wants TLS, by its code alone", refused(Stage.auth, "538 Encryption required"), K.tls_required, PROBLEM),
    ("no such mechanism", refused(Stage.auth, "504 5.5.4 Unrecognized authentication type"),
     K.mechanism_refused, PROBLEM),
    ("its user database is away", refused(Stage.auth, "454 4.7.0 Temporary authentication failure"),
     K.auth_unavailable, INCONCLUSIVE),
    ("too many logins", refused(Stage.auth, "421 4.7.0 Too many login attempts", Cause.rate_limited),
     K.rate_limited, INCONCLUSIVE),
    ("challenges without end", broken(Stage.auth, Outcome.malformed), K.broken_auth, PROBLEM),
    ("AUTH required", refused(Stage.mail, "530 5.7.0 Authentication required", Cause.auth_required),
     K.auth_required, PROBLEM),
    ("TLS required", refused(Stage.mail, "530 5.7.0 Must issue a STARTTLS command first", Cause.tls_required),
     K.tls_required, PROBLEM),
    ("somebody else's address at MAIL",
     refused(Stage.mail, "553 5.7.1 <a@x.test>: Sender address rejected: not owned by user b"),
     K.sender_refused, PROBLEM),
    ("somebody else's address at RCPT", refused(Stage.rcpt, "553 5.7.1 Sender address rejected: not owned by user b",
     Cause.policy), K.sender_refused, PROBLEM),
    ("Exchange's words for it", refused(Stage.message, "554 5.2.252 SendAsDenied; not allowed to send as x"),
     K.sender_refused, PROBLEM),
    ("the sender's domain does not exist", refused(Stage.mail, "550 5.1.8 Domain of sender does not exist"),
     K.sender_refused, PROBLEM),
    ("too large at MAIL", refused(Stage.mail, "552 5.3.4 Message size exceeds fixed limit"), K.too_large, PROBLEM),
    ("too large, by its words", refused(Stage.message, "552 Message exceeds maximum size"), K.too_large, PROBLEM),
    ("a full mailbox is not too large a message",
     refused(Stage.message, "552 5.2.2 Mailbox over quota", Cause.mailbox_full), K.mailbox_full, PROBLEM),
    ("relay denied", refused(Stage.rcpt, "554 5.7.1 Relay access denied", Cause.relay_denied), K.relay_denied, PROBLEM),
    ("relay denied to a user", refused(Stage.rcpt, "550 5.7.1 Relaying denied", Cause.relay_denied, mechanism="PLAIN"),
     K.relay_denied_to_account, PROBLEM),
    ("no such user", refused(Stage.rcpt, "550 5.1.1 User unknown", Cause.user_unknown), K.user_unknown, PROBLEM),
    ("greylisting, told", refused(Stage.rcpt, "450 4.2.0 Greylisted", Cause.greylisted), K.greylisted, INCONCLUSIVE),
    ("greylisting, by its code", refused(Stage.rcpt, "451 4.3.0 Try later", Cause.other), K.greylisted, INCONCLUSIVE),
    ("452 is no greylisting", refused(Stage.rcpt, "452 4.3.1 Out of storage", Cause.other),
     K.refused_for_now, INCONCLUSIVE),
    ("on a block list", refused(Stage.rcpt, "554 5.7.1 blocked using x", Cause.blocklisted), K.blocklisted, OURS),
    ("on a block list for now", refused(Stage.rcpt, "450 4.7.1 blocked using x", Cause.blocklisted),
     K.blocklisted, INCONCLUSIVE),
    ("spam", refused(Stage.message, "554 5.7.1 rejected as spam", Cause.policy), K.content_refused, PROBLEM),
    ("a rule against us", refused(Stage.rcpt, "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
     Cause.policy), K.host_refused, OURS),
    ("a rule", refused(Stage.rcpt, "550 5.7.1 members only", Cause.policy), K.policy, PROBLEM),
    ("no words at all", refused(Stage.rcpt, "550 no", Cause.other), K.refused, PROBLEM),
    ("no answer", broken(Stage.mail, Outcome.timed_out, limit_s=30.0), K.silent, INCONCLUSIVE),
    ("the whole session took too long", broken(Stage.mail, Outcome.deadline, limit_s=90.0), K.silent, INCONCLUSIVE),
    ("hung up", broken(Stage.data, Outcome.closed), K.hung_up, INCONCLUSIVE),
    ("hung up after the message", broken(Stage.message, Outcome.closed, delivered=None),
     K.fate_not_known, INCONCLUSIVE),
    ("hung up within the message", broken(Stage.message, Outcome.closed), K.hung_up, INCONCLUSIVE),
    ("a broken reply", broken(Stage.data, Outcome.malformed), K.broken_reply, PROBLEM),
    ("a reply without end", broken(Stage.ehlo, Outcome.too_long), K.broken_reply, PROBLEM),
]  # fmt: skip


@pytest.mark.parametrize(("record", "kind", "code"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_every_end_has_its_reason(record: SendRecord, kind: ReasonKind, code: int) -> None:
    reason = reason_of(talk(record))
    assert (reason.kind, reason.exit_code) == (kind, code)
    assert_is_whole(reason.said, reason.what_to_do)


def assert_is_whole(*texts: str) -> None:
    """Sentences without a hole."""
    for text in texts:
        assert text[0].isupper() or text.startswith(("smtp.", "mxscan", "["))
        assert text.endswith((".", ")"))
        assert "{" not in text
        assert "None" not in text
        assert "()" not in text


def test_what_stands_at_an_mx_means_something_else() -> None:
    denied = refused(Stage.rcpt, "554 5.7.1 Relay access denied", Cause.relay_denied)
    asked = refused(Stage.mail, "530 5.7.0 Authentication required", Cause.auth_required)
    assert reason_of(talk(denied, is_relay=False)).kind is K.domain_unknown_there
    assert reason_of(talk(asked, is_relay=False)).kind is K.is_for_submission


WANTS_AUTH: list[tuple[str, str]] = [
    ("Postfix, at its submission port", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
    ("Postfix, for this sender", "553 5.7.1 <me@x.test>: Sender address rejected: not logged in"),
]


@pytest.mark.parametrize("text", [row[1] for row in WANTS_AUTH], ids=[row[0] for row in WANTS_AUTH])
def test_who_may_sign_in_and_did_not_is_asked_to(text: str) -> None:
    offered = refused(Stage.rcpt, text, Cause.policy, extensions_after_tls={"AUTH": "PLAIN"})
    assert reason_of(talk(offered)).kind is K.auth_required
    for other in (replace(offered, mechanism="PLAIN"), replace(offered, extensions_after_tls={"SIZE": ""})):
        assert reason_of(talk(other)).kind is not K.auth_required


def test_who_signed_in_with_a_token_is_not_told_to_use_one() -> None:
    record = refused(Stage.auth, "535 5.7.139 OAuth token expired", mechanism="XOAUTH2")
    assert reason_of(talk(record)).kind is K.wrong_password


CANARIES: list[tuple[str, Outcome, Canaries, ReasonKind]] = [
    ("others are silent too", Outcome.timed_out, Canaries.silent, K.port_blocked),
    ("a firewall may refuse as well", Outcome.refused, Canaries.silent, K.port_blocked),
    ("others answer", Outcome.timed_out, Canaries.heard, K.no_connection),
    ("others answer, this one refuses", Outcome.refused, Canaries.heard, K.connection_refused),
    ("nobody to ask", Outcome.timed_out, Canaries.none_known, K.port_blocked),
    ("nobody to ask about a refusal", Outcome.refused, Canaries.none_known, K.connection_refused),
]


@pytest.mark.parametrize(
    ("outcome", "canaries", "kind"), [row[1:] for row in CANARIES], ids=[row[0] for row in CANARIES]
)
def test_a_blocked_port_is_told_by_what_others_say(outcome: Outcome, canaries: Canaries, kind: ReasonKind) -> None:
    record = broken(Stage.connect, outcome, port=25)
    assert reason_of(talk(record, is_relay=False, canaries=canaries)).kind is kind


@pytest.mark.parametrize("stop", sorted(set(Stop) - {Stop.as_asked, Stop.no_recipient}))
def test_where_we_stopped_the_reason_is_called_so(stop: Stop) -> None:
    record = broken(
        Stage.tls, Outcome.permanent_negative, stop=stop, error="what was wrong", tls_problem="what was wrong"
    )
    reason = reason_of(talk(record))
    assert (reason.kind.value, reason.exit_code) == (stop.value, PROBLEM)
    assert_is_whole(reason.said, reason.what_to_do)


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("is_relay", [False, True])
def test_every_cause_has_a_reason(cause: Cause, is_relay: bool) -> None:
    for text in ("450 4.0.0 no", "550 5.0.0 no"):
        reason = reason_of(talk(refused(Stage.rcpt, text, cause), is_relay=is_relay))
        assert_is_whole(reason.said, reason.what_to_do)
        assert (reason.exit_code == INCONCLUSIVE) is text.startswith("4")


@pytest.mark.parametrize("kind", list(ReasonKind))
def test_every_reason_has_words(kind: ReasonKind) -> None:
    known = {"host", "place", "port", "step", "reply", "within", "error", "detail", "come_back", "name", "network"}
    for text in WORDS[kind]:
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= known
        assert text.count("  ") == 0


def test_a_person_reads_the_servers_own_words_and_when_to_come_back() -> None:
    record = refused(Stage.rcpt, "450 4.2.0 Greylisted, try again in 300 seconds", Cause.greylisted)
    reason = reason_of(talk(record))
    assert "smtp.example.org [192.0.2.1]" in reason.said
    assert "“450 4.2.0 Greylisted, try again in 300 seconds”" in reason.said
    assert "after 2026-11-22 12:05:01 UTC" in reason.what_to_do


def test_words_of_a_server_are_no_template() -> None:
    record = refused(Stage.mail, "550 5.0.0 {host} {0} {detail.__class__}")
    assert "“550 5.0.0 {host} {0} {detail.__class__}”" in reason_of(talk(record)).said


def test_what_xoauth2_says_before_its_535_is_told() -> None:
    record = refused(Stage.auth, "535 5.7.8 no", auth_failure='{"status": "401"}')
    assert '“535 5.7.8 no” ({"status": "401"})' in reason_of(talk(record)).said


def test_each_recipient_has_a_reason_of_its_own() -> None:
    record = sent(recipients=refused(Stage.rcpt, "550 5.1.1 User unknown", Cause.user_unknown).recipients)
    assert recipient_reason(talk(record), record.recipients[0]).kind is K.user_unknown


def test_an_address_alone_is_told_once() -> None:
    record = broken(Stage.connect, Outcome.refused)
    reason = reason_of(Talk(record=record, host=record.address, is_relay=True))
    assert reason.said.startswith("[192.0.2.1] refuses connections on port 587")


WAYS: list[tuple[ReasonKind, dict[str, Any], int, str]] = [
    (K.domain_does_not_exist, {}, PROBLEM, "The domain x.test does not exist"),
    (K.dns_failure, {"detail": "servfail"}, INCONCLUSIVE, "the DNS said servfail"),
    (K.our_dns_failure, {}, OURS, "no resolver answers this host"),
    (K.not_public, {"detail": "10.0.0.1", "network": "10.0.0.1/32"}, PROBLEM, "(10.0.0.1)"),
    (K.left_alone, {}, INCONCLUSIVE, "opt-out list"),
]


@pytest.mark.parametrize(("kind", "values", "code", "words"), WAYS, ids=[row[0] for row in WAYS])
def test_where_there_is_no_server_that_is_the_reason(
    kind: ReasonKind, values: dict[str, Any], code: int, words: str
) -> None:
    reason = way_reason(kind, "x.test", **values)
    assert (reason.kind, reason.exit_code) == (kind, code)
    assert words in reason.said
