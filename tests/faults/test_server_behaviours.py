"""How a session with each misbehaving server ends: the first table of faults, read by hand.

The embedded world says the same in its entries (`scanner/lab/world.toml`), completely, for another test.
This is a second statement, made without a look at the first.
"""

from typing import NamedTuple

import pytest

from scanner.wire_text import restore_octets
from tests.faults.zoo import Zoo

pytestmark = pytest.mark.acceptance


class Row(NamedTuple):
    """A fault, the world's domain that has it, how its session ends, its verdict on STARTTLS, what else is told."""

    fault: str
    domain: str
    ends: str
    starttls: str
    told: tuple[str, ...] = ()


ABOUT_US = "about us"
NOT_ABOUT_US = "not about us"

BEFORE_AND_IN_THE_GREETING = [
    Row("no listener", "nobody-listens.lab", "connect refused", "not_applicable", ("connection-refused",)),
    Row("blackhole", "blackhole.lab", "connect timed_out limits.connect_s", "unknown", ("timed-out",)),
    Row("silent", "silent.lab", "greeting timed_out limits.greeting_s", "unknown", ("timed-out",)),
    Row("closes at once", "closes-at-once.lab", "greeting closed", "unknown", ("connection-closed",)),
    Row("resets at once", "resets-at-once.lab", "greeting reset", "unknown", ("connection-reset",)),
    Row("closes within the greeting", "half-a-greeting.lab", "greeting closed", "unknown"),
    Row("421 at once", "not-now-421.lab", "greeting transient_negative", "unknown", ("overloaded", NOT_ABOUT_US)),
    Row(
        "554 at once",
        "no-service-554.lab",
        "greeting permanent_negative",
        "not_applicable",
        ("no_service", NOT_ABOUT_US),
    ),
    Row("554 without a reason", "go-away-554.lab", "greeting permanent_negative", "not_applicable", ("other",)),
    Row(
        "554 listed at a block list",
        "listed-554.lab",
        "greeting permanent_negative",
        "unknown",
        ("blocklisted", ABOUT_US, "refused-us"),
    ),
    Row(
        "450 too many connections",
        "too-many-450.lab",
        "greeting transient_negative",
        "unknown",
        ("too_many_connections", ABOUT_US, "refused-us"),
    ),
    Row("421 our rate", "rate-limited.lab", "greeting transient_negative", "unknown", ("rate_limited", ABOUT_US)),
    Row(
        "554 no reverse DNS",
        "wants-reverse-dns.lab",
        "greeting permanent_negative",
        "unknown",
        ("reverse_dns_required", ABOUT_US),
    ),
    Row("451 greylisted", "greylisted.lab", "greeting transient_negative", "unknown", ("greylisted", ABOUT_US)),
    Row("554 names our address", "names-our-address.lab", "greeting permanent_negative", "unknown", (ABOUT_US,)),
    Row("554 then reset", "refuses-and-resets.lab", "greeting permanent_negative", "unknown", ("policy", ABOUT_US)),
    Row("greeting after 0.7 of its limit", "late-greeting.lab", "done ok", "yes"),
    Row("220- teaser, the rest later", "teaser.lab", "done ok", "yes"),
    Row("content filter that takes 0.9 of the limit", "content-filter.lab", "done ok", "yes"),
    Row("bare 220", "bare-220.lab", "done ok", "yes"),
    Row("2200 x", "four-digits.lab", "greeting malformed", "not_applicable", ("malformed-reply",)),
    Row("LF only", "bare-lf.lab", "done ok", "yes", ("bare_lf",)),
    Row("8,192-octet line", "longest-line.lab", "done ok", "yes", ("reply_line_over_512",)),
    Row("8,193-octet line", "line-too-long.lab", "greeting too_long limits.reply_line_bytes", "unknown"),
    Row("endless line", "endless-line.lab", "greeting too_long limits.reply_line_bytes", "unknown"),
    Row("endless 220-", "endless-reply.lab", "greeting too_long limits.reply_lines", "unknown"),
    Row("reply of too many octets", "reply-too-big.lab", "greeting too_long limits.reply_bytes", "unknown"),
    Row("speaks SSH", "speaks-ssh.lab", "greeting not_smtp", "not_applicable", ("not-smtp",)),
    Row("speaks HTTP", "speaks-http.lab", "greeting not_smtp", "not_applicable", ("not-smtp",)),
    Row("speaks TLS at once", "speaks-tls.lab", "greeting not_smtp", "not_applicable", ("not-smtp",)),
    Row("ESC, NUL, 8-bit, <script> in the greeting", "hostile-greeting.lab", "done ok", "yes"),
    Row("greets with 354", "greets-with-354.lab", "greeting malformed", "not_applicable"),
]

SLOW = [
    Row("one octet at a time, greeting", "drips-the-greeting.lab", "greeting timed_out limits.greeting_s", "unknown"),
    Row("one octet at a time, EHLO", "drips-the-ehlo-reply.lab", "ehlo timed_out limits.reply_s", "unknown"),
    Row(
        "every reply complete just inside its own limit",
        "slow-at-every-stage.lab",
        "ehlo_after_tls deadline limits.session_s",
        "yes",
        ("session-deadline",),
    ),
    Row(
        "a session of too many octets",
        "talks-too-much.lab",
        "ehlo_after_tls too_long limits.session_bytes",
        "yes",
        ("reply-too-long",),
    ),
]

EHLO = [
    Row("EHLO 502, HELO 250", "knows-helo-only.lab", "done ok", "no", ("ehlo-refused",)),
    Row("EHLO and HELO 550", "refuses-ehlo-and-helo.lab", "helo permanent_negative", "unknown", ("policy", ABOUT_US)),
    Row(
        "EHLO and HELO refused for our name",
        "ehlo-name-refused.lab",
        "helo permanent_negative",
        "unknown",
        ("ehlo_name_refused", ABOUT_US),
    ),
    Row("EHLO 421", "ehlo-421.lab", "ehlo transient_negative", "unknown", ("temporary-refusal",)),
    Row("EHLO 554", "ehlo-554.lab", "ehlo permanent_negative", "unknown", (ABOUT_US,)),
    Row("EHLO 220", "ehlo-220.lab", "ehlo malformed", "not_applicable"),
    Row("mixed codes", "mixed-codes.lab", "ehlo malformed", "not_applicable", ("malformed-reply",)),
    Row("10,000 keywords", "ten-thousand-keywords.lab", "ehlo too_long limits.reply_lines", "unknown"),
    Row("XSTARTTLS", "xstarttls.lab", "done ok", "no", ("starttls-not-supported",)),
    Row("STARTTLS in the host name", "starttls-in-the-name.lab", "done ok", "no", ("starttls-not-supported",)),
    Row("lower-case starttls", "lower-case-starttls.lab", "done ok", "yes"),
    Row("AUTH=PLAIN, SIZE without a number", "odd-extensions.lab", "done ok", "yes"),
    Row(
        "code 571",
        "code-571.lab",
        "greeting permanent_negative",
        "unknown",
        ("reply_code_outside_grammar", ABOUT_US),
    ),
    Row("no reply to EHLO", "silent-on-ehlo.lab", "ehlo timed_out limits.reply_s", "unknown"),
    Row("closes on EHLO", "closes-on-ehlo.lab", "ehlo closed", "unknown"),
    Row("resets on EHLO", "resets-on-ehlo.lab", "ehlo reset", "unknown"),
]

STARTTLS = [
    Row("STARTTLS not offered", "no-starttls.lab", "done ok", "no", ("starttls-not-supported",)),
    Row("STARTTLS masked", "masked.lab", "done ok", "unknown", ("starttls-masked",)),
    Row("greeting masked", "masked-greeting.lab", "done ok", "unknown", ("starttls-masked", "greeting_masked")),
    Row("STARTTLS 454", "starttls-454.lab", "starttls transient_negative", "unknown", ("temporary-refusal",)),
    Row("STARTTLS 501", "starttls-501.lab", "starttls permanent_negative", "no", ("starttls-not-supported",)),
    Row("STARTTLS 554", "starttls-554.lab", "starttls permanent_negative", "no", ("starttls-not-supported",)),
    Row("no reply to STARTTLS", "silent-on-starttls.lab", "starttls timed_out limits.reply_s", "unknown"),
    Row("closes on STARTTLS", "closes-on-starttls.lab", "starttls closed", "unknown"),
    Row("220 then silence", "silent-in-handshake.lab", "tls timed_out limits.tls_s", "unknown"),
    Row("220 then close", "closes-in-handshake.lab", "tls closed", "unknown"),
    Row("220 then reset", "resets-in-handshake.lab", "tls reset", "unknown"),
    Row(
        "220 + injected 250 in one segment",
        "injected-plaintext.lab",
        "tls plaintext_after_starttls",
        "no",
        ("plaintext-after-starttls",),
    ),
    Row(
        "220, plaintext in a later segment",
        "late-plaintext.lab",
        "tls plaintext_after_starttls",
        "no",
        ("plaintext-after-starttls",),
    ),
    Row("handshake alert", "handshake-alert.lab", "tls tls_failed", "no", ("tls-handshake-failed",)),
    Row("only protocols older than TLS 1.0", "sslv3-only.lab", "tls tls_failed", "no", ("tls-handshake-failed",)),
]

TLS = [
    Row("certificate good", "good.lab", "done ok", "yes"),
    Row("certificate expired", "expired.lab", "done ok", "yes", ("certificate-expired",)),
    Row("certificate not yet valid", "not-yet-valid.lab", "done ok", "yes", ("certificate-not-yet-valid",)),
    Row("certificate for a wrong name", "wrong-name.lab", "done ok", "yes", ("certificate-host-mismatch",)),
    Row("certificate with its name in the CN only", "cn-only.lab", "done ok", "yes", ("certificate-name-in-cn-only",)),
    Row("certificate self-signed", "self-signed.lab", "done ok", "yes", ("certificate-not-trusted",)),
    Row("certificate of an unknown issuer", "unknown-issuer.lab", "done ok", "yes", ("certificate-not-trusted",)),
    Row("certificate chain incomplete", "incomplete-chain.lab", "done ok", "yes", ("certificate-not-trusted",)),
    Row("certificate RSA 1024", "rsa-1024.lab", "done ok", "yes", ("certificate-weak-key",)),
    Row("certificate SHA-1", "sha1.lab", "done ok", "yes", ("certificate-weak-signature",)),
    Row("certificate wildcard", "wildcard.lab", "done ok, done ok", "yes", ("certificate-host-mismatch",)),
    Row("certificate with 1,000 names", "thousand-names.lab", "done ok", "yes"),
    Row("certificate of version 6", "certificate-version-6.lab", "done ok", "yes", ("certificate-unreadable",)),
    Row(
        "certificate with an impossible date",
        "certificate-impossible-date.lab",
        "done ok",
        "yes",
        ("certificate-unreadable",),
    ),
    Row("certificate message over 100 KB", "certificate-too-large.lab", "tls tls_failed", "unknown"),
    Row("TLS 1.0 only", "tls-1-0.lab", "done ok", "yes", ("TLSv1", "tls-version-old")),
    Row("TLS 1.1 only", "tls-1-1.lab", "done ok", "yes", ("TLSv1.1", "tls-version-old")),
    Row("TLS 1.2 only", "tls-1-2.lab", "done ok", "yes", ("TLSv1.2",)),
    Row("TLS 1.3 only", "tls-1-3.lab", "done ok", "yes", ("TLSv1.3",)),
    Row("no close_notify", "no-close-notify.lab", "done ok", "yes"),
    Row("stops reading", "stops-reading.lab", "ehlo_after_tls timed_out limits.reply_s", "yes"),
    Row("closes after the handshake", "closes-after-handshake.lab", "ehlo_after_tls closed", "yes"),
    Row("refuses after the handshake", "refuses-after-handshake.lab", "ehlo_after_tls permanent_negative", "yes"),
    Row("malformed after the handshake", "malformed-after-handshake.lab", "ehlo_after_tls malformed", "yes"),
]

QUIT = [
    Row("QUIT unanswered", "quit-unanswered.lab", "done ok", "yes"),
    Row("closes on QUIT", "quit-closes.lab", "done ok", "yes"),
    Row("resets on QUIT", "quit-resets.lab", "done ok", "yes"),
    Row("421 instead of 221", "quit-421.lab", "done ok", "yes"),
]

POOLS = [
    Row(
        "a pool: one with, one without STARTTLS",
        "pool-starttls.lab",
        "done ok, done ok",
        "mixed",
        ("pool-members-differ",),
    ),
    Row("a pool: one member down", "pool-half-down.lab", "connect refused, done ok", "yes", ("connection-refused",)),
    Row(
        "a pool: one member silent",
        "pool-half-silent.lab",
        "done ok, greeting timed_out limits.greeting_s",
        "yes",
        ("timed-out",),
    ),
    Row("a pool: different certificates", "pool-certificates.lab", "done ok, done ok", "yes", ("pool-members-differ",)),
    Row("different certificates by SNI on one address", "sni.lab", "done ok, done ok", "yes"),
    Row("the same certificate for every name", "same-certificate.lab", "done ok, done ok", "yes"),
    Row("the backup is down", "backup-down.lab", "done ok, connect refused", "yes"),
    Row("the preferred host is down", "customer-three.lab", "connect refused, done ok", "yes"),
    Row(
        "nothing works",
        "everything-down.lab",
        "connect refused, connect timed_out limits.connect_s, greeting transient_negative",
        "unknown",
    ),
]

ROWS = [*BEFORE_AND_IN_THE_GREETING, *SLOW, *EHLO, *STARTTLS, *TLS, *QUIT, *POOLS]


@pytest.mark.parametrize("row", ROWS, ids=[row.fault for row in ROWS])
def test_a_session_with_this_server_ends_as_it_must(row: Row, zoo: Zoo) -> None:
    assert zoo.ends(row.domain) == row.ends
    assert zoo.record(row.domain).verdicts.starttls.value == row.starttls
    assert set(row.told) <= zoo.told(row.domain)
    if ABOUT_US in zoo.told(row.domain):
        assert {zoo.record(row.domain).verdicts.smtp.no, zoo.record(row.domain).verdicts.starttls.no} == {0}
    assert zoo.offences == []


def test_a_server_that_refuses_and_resets_is_heard_to_its_last_word(zoo: Zoo) -> None:
    for session in zoo.sessions("refuses-and-resets.lab"):
        assert session.replies.greeting is not None
        assert session.replies.greeting.code == 554


def test_a_server_with_a_hostile_greeting_has_every_octet_of_it_kept(zoo: Zoo) -> None:
    (session,) = zoo.sessions("hostile-greeting.lab")
    greeting = next(text for _, who, text in zoo.transcript(session).lines if who == "S")
    assert restore_octets(greeting) == (
        b"220 \x1b]0;owned\x07\x1b[2J\x1b[31m\x00\xff\xc3\x28\x9b1m<script>alert(1)</script>%s\\x41\x7f"
    )


def test_a_server_with_an_unreadable_certificate_has_it_kept(zoo: Zoo) -> None:
    for domain in ("certificate-version-6.lab", "certificate-impossible-date.lab"):
        (session,) = zoo.sessions(domain)
        assert session.tls is not None
        assert len(session.tls.chain) > 0  # that each of a chain is kept in DER is the invariant
