"""The embedded world covers what is known to go wrong: every case has its entry, every word is used."""

from collections.abc import Iterable
from enum import StrEnum

import pytest

from scanner.outcomes import (
    AddressFlag,
    Cause,
    DnsStatus,
    FindingKind,
    HostFlag,
    Outcome,
    RouteFlag,
    RouteKind,
    Stage,
    VerdictValue,
)
from scanner.settings import Limits
from tests.notation import optional_flags

from .entries import RECORDS, WORLD

ADDRESSES = [address for record in RECORDS.values() for host in record.mail_hosts for address in host.addresses]

SERVER_BEHAVIOURS = {
    "no listener": "nobody-listens.lab",
    "blackhole": "blackhole.lab",
    "silent": "silent.lab",
    "closes at once": "closes-at-once.lab",
    "resets at once": "resets-at-once.lab",
    "closes within the greeting": "half-a-greeting.lab",
    "421 at once": "not-now-421.lab",
    "554 at once": "no-service-554.lab",
    "554 listed at a block list": "listed-554.lab",
    "450 too many connections": "too-many-450.lab",
    "421 rate": "rate-limited.lab",
    "554 reverse DNS": "wants-reverse-dns.lab",
    "451 greylisted": "greylisted.lab",
    "554 and our address": "names-our-address.lab",
    "554 without a reason": "go-away-554.lab",
    "521 takes no mail": "no-service-521.lab",
    "554 no service, because we are listed": "listed-without-service.lab",
    "554 then reset": "refuses-and-resets.lab",
    "greeting after 0.7 of its limit": "late-greeting.lab",
    "220- teaser, the rest later": "teaser.lab",
    "content filter that takes 0.9 of the limit": "content-filter.lab",
    "greeting after the first limit, before the second": "greets-after-the-limit.lab",
    "bare 220": "bare-220.lab",
    "2200 x": "four-digits.lab",
    "LF only": "bare-lf.lab",
    "line of 8,192 octets": "longest-line.lab",
    "line of 8,193 octets": "line-too-long.lab",
    "endless line": "endless-line.lab",
    "endless 220-": "endless-reply.lab",
    "reply of too many octets": "reply-too-big.lab",
    "session of too many octets": "talks-too-much.lab",
    "one octet every (limit - a little), greeting": "drips-the-greeting.lab",
    "one octet every (limit - a little), EHLO": "drips-the-ehlo-reply.lab",
    "every reply complete just inside its own limit": "slow-at-every-stage.lab",
    "the same by the first attempt's limits": "slow-at-first.lab",
    "closes, then is good": "closes-at-first.lab",
    "resets, then is good": "resets-at-first.lab",
    "421, then good": "too-busy-at-first.lab",
    "554, then good": "no-service-at-first.lab",
    "STARTTLS 454, then good": "starttls-454-at-first.lab",
    "421 after some sessions, for a while": "asks-for-less.lab",
    "speaks SSH": "speaks-ssh.lab",
    "speaks HTTP": "speaks-http.lab",
    "speaks TLS at once": "speaks-tls.lab",
    "ESC, NUL, 8-bit, <script> in the greeting": "hostile-greeting.lab",
    "3yz greeting": "greets-with-354.lab",
    "EHLO 502, HELO 250": "knows-helo-only.lab",
    "EHLO and HELO 550": "refuses-ehlo-and-helo.lab",
    "EHLO and HELO refused for our name": "ehlo-name-refused.lab",
    "EHLO 421": "ehlo-421.lab",
    "EHLO 554": "ehlo-554.lab",
    "EHLO 220": "ehlo-220.lab",
    "mixed codes": "mixed-codes.lab",
    "10,000 keywords": "ten-thousand-keywords.lab",
    "XSTARTTLS": "xstarttls.lab",
    "STARTTLS in the host name": "starttls-in-the-name.lab",
    "lower-case starttls": "lower-case-starttls.lab",
    "AUTH=PLAIN, SIZE without a number": "odd-extensions.lab",
    "code 571": "code-571.lab",
    "no reply to EHLO": "silent-on-ehlo.lab",
    "close on EHLO": "closes-on-ehlo.lab",
    "reset on EHLO": "resets-on-ehlo.lab",
    "STARTTLS not offered": "no-starttls.lab",
    "STARTTLS masked": "masked.lab",
    "greeting masked": "masked-greeting.lab",
    "STARTTLS 454": "starttls-454.lab",
    "STARTTLS 501": "starttls-501.lab",
    "STARTTLS 554": "starttls-554.lab",
    "no reply to STARTTLS": "silent-on-starttls.lab",
    "close on STARTTLS": "closes-on-starttls.lab",
    "220 then silence": "silent-in-handshake.lab",
    "220 then close": "closes-in-handshake.lab",
    "220 then reset": "resets-in-handshake.lab",
    "hangs on a large ClientHello, answers a small one": "silent-on-a-large-hello.lab",
    "closes on a large ClientHello, answers a small one": "closes-on-a-large-hello.lab",
    "resets on a large ClientHello, answers a small one": "resets-on-a-large-hello.lab",
    "220 + injected 250 in one segment": "injected-plaintext.lab",
    "220, plaintext in a later segment": "late-plaintext.lab",
    "handshake alert": "handshake-alert.lab",
    "only protocols older than TLS 1.0": "sslv3-only.lab",
    "certificate good": "good.lab",
    "certificate through an intermediate": "intermediate.lab",
    "certificate expired": "expired.lab",
    "certificate not yet valid": "not-yet-valid.lab",
    "certificate for a wrong name": "wrong-name.lab",
    "certificate, name in the CN only": "cn-only.lab",
    "certificate self-signed": "self-signed.lab",
    "certificate of an unknown issuer": "unknown-issuer.lab",
    "certificate chain incomplete": "incomplete-chain.lab",
    "certificate with everything wrong": "snake-oil.lab",
    "certificate RSA 1024": "rsa-1024.lab",
    "certificate SHA-1": "sha1.lab",
    "certificate wildcard": "wildcard.lab",
    "certificate with 1,000 names": "thousand-names.lab",
    "certificate of version 6": "certificate-version-6.lab",
    "certificate with an impossible date": "certificate-impossible-date.lab",
    "certificate message over 100 KB": "certificate-too-large.lab",
    "TLS 1.0 only": "tls-1-0.lab",
    "TLS 1.1 only": "tls-1-1.lab",
    "TLS 1.2 only": "tls-1-2.lab",
    "TLS 1.3 only": "tls-1-3.lab",
    "no close_notify": "no-close-notify.lab",
    "stops reading": "stops-reading.lab",
    "close after the handshake": "closes-after-handshake.lab",
    "refusal after the handshake": "refuses-after-handshake.lab",
    "malformed after the handshake": "malformed-after-handshake.lab",
    "QUIT unanswered": "quit-unanswered.lab",
    "closes on QUIT": "quit-closes.lab",
    "resets on QUIT": "quit-resets.lab",
    "421 instead of 221": "quit-421.lab",
    "pool: one with, one without STARTTLS": "pool-starttls.lab",
    "pool: different certificates": "pool-certificates.lab",
    "pool: one is no SMTP server": "pool-not-smtp.lab",
    "pool: one down": "pool-half-down.lab",
    "pool: one silent": "pool-half-silent.lab",
    "different certificates by SNI on one address": "sni.lab",
    "a certificate of its own for any name": "sni-any-name.lab",
    "the same certificate for every name": "same-certificate.lab",
    "the same certificate for many names, covering all but one": "covered-names.lab",
    "the same bad certificate for many names": "self-signed-names.lab",
    "many names, refused": "shared-refused.lab",
    "many names, silent": "shared-silent.lab",
    "many names, 421": "shared-421.lab",
    "many names, 554": "shared-554.lab",
    "many names, without STARTTLS": "shared-no-starttls.lab",
    "one host of many domains": "customer-one.lab",
    "the backup is down": "backup-down.lab",
    "the backup is worse": "backup-without-starttls.lab",
    "the preferred host is down": "customer-three.lab",
    "nothing works": "everything-down.lab",
}

DNS_CASES = {
    "null MX": "null-mx.lab",
    "null MX with others": "null-mx-with-others.lab",
    "null MX at preference 10": "null-mx-preference.lab",
    "implicit MX": "implicit-mx.lab",
    "implicit MX, one family failing": "implicit-mx-half-known.lab",
    "implicit MX or none, nobody knows": "implicit-mx-unknown.lab",
    "no mail host": "no-mail-host.lab",
    "NXDOMAIN": "does-not-exist.lab",
    "SERVFAIL": "dns-servfail.lab",
    "REFUSED, lame": "dns-refused.lab",
    "TCP refused after truncation": "dns-tcp-refused.lab",
    "dropped": "dns-dropped.lab",
    "malformed": "dns-malformed.lab",
    "truncated then TCP": "dns-truncated.lab",
    "SERVFAIL, then an answer": "dns-servfail-at-first.lab",
    "MX with A failing, then an answer": "mx-lookup-fails-at-first.lab",
    "a host whose address changes between attempts": "address-moves.lab",
    "CNAME at the domain": "domain-is-cname.lab",
    "CNAME loop": "dns-cname-loop.lab",
    "MX to CNAME": "mx-to-cname.lab",
    "MX to NXDOMAIN": "mx-nxdomain.lab",
    "all MX hosts NXDOMAIN": "every-mx-nxdomain.lab",
    "one MX host NXDOMAIN": "one-mx-nxdomain.lab",
    "MX without address": "mx-without-address.lab",
    "MX with A failing and AAAA fine": "mx-a-fails.lab",
    "MX with AAAA failing and A fine": "mx-aaaa-refused.lab",
    "MX with A failing and no AAAA": "mx-only-a-fails.lab",
    "MX with both failing": "mx-lookup-fails.lab",
    "MX localhost": "mx-localhost.lab",
    "MX that is the text of an address": "mx-literal.lab",
    "MX to 127.0.0.1 and ::1": "loopback.lab",
    "MX to ::ffff:127.0.0.1": "loopback-mapped.lab",
    "MX to 64:ff9b::7f00:1": "loopback-nat64.lab",
    "MX to 127.0.0.1 in 6to4 and Teredo": "loopback-6to4.lab",
    "MX to 10/8": "private.lab",
    "MX to 169.254.169.254": "metadata.lab",
    "MX to documentation addresses": "documentation.lab",
    "MX to multicast": "no-host.lab",
    "MX to the name server that we ask": "own-address.lab",
    "one address of two not public": "half-private.lab",
    "implicit MX not public": "private-implicit-mx.lab",
    "300 MX over TCP": "three-hundred-mx.lab",
    "more addresses than are tried": "ten-addresses.lab",
    "duplicates": "duplicate-mx.lab",
    "all preferences equal": "equal-preferences.lab",
    "upper case": "upper-case.lab",
    "IDN": "münchen.lab",
    "only AAAA": "ipv6-only.lab",
    "both families": "dual-stack.lab",
    "underscore in a mail host": "underscore.lab",
    "empty label": "two..dots.lab",
    "a mail address": "user@good.lab",
}

#: Why each of these servers refuses, which its session's record says.
CAUSES = {
    "not-now-421.lab": Cause.overloaded,
    "no-service-554.lab": Cause.no_service,
    "no-service-521.lab": Cause.no_service,
    "listed-554.lab": Cause.blocklisted,
    "listed-without-service.lab": Cause.blocklisted,
    "too-many-450.lab": Cause.too_many_connections,
    "rate-limited.lab": Cause.rate_limited,
    "wants-reverse-dns.lab": Cause.reverse_dns_required,
    "greylisted.lab": Cause.greylisted,
    "names-our-address.lab": Cause.policy,
    "refuses-and-resets.lab": Cause.policy,
    "code-571.lab": Cause.policy,
    "go-away-554.lab": Cause.other,
    "ehlo-name-refused.lab": Cause.ehlo_name_refused,
    "refuses-ehlo-and-helo.lab": Cause.policy,
    "ehlo-421.lab": Cause.overloaded,
    "ehlo-554.lab": Cause.policy,
    "starttls-454.lab": Cause.other,
    "starttls-501.lab": Cause.other,
    "starttls-554.lab": Cause.other,
    "refuses-after-handshake.lab": Cause.policy,
    "everything-down.lab": Cause.overloaded,
    "too-busy-at-first.lab": Cause.overloaded,
    "no-service-at-first.lab": Cause.no_service,
    "starttls-454-at-first.lab": Cause.other,
    "busy-first.lab": Cause.overloaded,
    "asks-for-less.lab": Cause.rate_limited,
    "shared-421.lab": Cause.rate_limited,
    "shared-554.lab": Cause.no_service,
}

#: Words that the world cannot bring about, and why.
NOT_OF_THE_WORLD = {
    RouteKind.skipped: "an opt-out file is the user's",
    Outcome.unreachable: "no address of 127/8 is",
    Outcome.local_fault: "ours",
    Outcome.cancelled: "ours",
    Outcome.scanner_bug: "ours",
    FindingKind.host_unreachable: "no address of 127/8 is",
    FindingKind.moved_away: "needs --expect-mx",
    FindingKind.certificate_differs_by_name: "needs more names at an address than are asked for: a grown world",
    AddressFlag.opted_out: "an opt-out file is the user's",
    FindingKind.plaintext_instead_of_tls: "needs --implicit-tls",
    Cause.tls_required: "a survey sends no mail",
    Cause.auth_required: "a survey sends no mail",
    Cause.relay_denied: "a survey sends no mail",
    Cause.user_unknown: "a survey sends no mail",
    Cause.mailbox_full: "a survey sends no mail",
}

#: Where a survey's session can end; the others belong to sessions that send mail.
SURVEY_STAGES = frozenset(Stage) - {Stage.auth, Stage.mail, Stage.rcpt, Stage.data, Stage.message}

#: A reply to QUIT that does not come is no fault; a transcript is cut and not a session; a policy has no address line;
#: a survey has no message.
LIMITS_WITHOUT_AN_OUTCOME = frozenset(
    {"limits.quit_s", "limits.transcript_bytes", "limits.policy_s", "limits.policy_bytes", "limits.message_s"}
)


@pytest.mark.parametrize("table", [SERVER_BEHAVIOURS, DNS_CASES], ids=["server behaviours", "DNS cases"])
def test_every_case_has_its_entry_and_no_entry_has_two(table: dict[str, str]) -> None:
    assert set(table.values()) <= set(RECORDS)
    assert len(set(table.values())) == len(table)


def missing(words: type[StrEnum], used: Iterable[StrEnum | None]) -> set[StrEnum]:
    return {word for word in words if word not in NOT_OF_THE_WORLD} - set(used)


def test_every_kind_status_and_flag_of_a_route_is_expected_by_an_entry() -> None:
    routes = [record.mail_route for record in RECORDS.values()]
    hosts = [host for record in RECORDS.values() for host in record.mail_hosts]
    statuses = [status for host in hosts for status in (host.a_status, host.aaaa_status)]
    assert missing(RouteKind, [route.kind for route in routes]) == set()
    assert missing(DnsStatus, [*statuses, *(route.dns_status for route in routes)]) == set()
    assert missing(RouteFlag, [flag for route in routes for flag in route.flags]) == set()
    assert missing(HostFlag, [flag for host in hosts for flag in host.flags]) == set()


def test_every_flag_of_an_address_is_expected_by_an_entry() -> None:
    lines = [line for entry in WORLD.entries for host in entry.expect.hosts for line in host.addresses]
    may_be = [flag for line in lines for flag in optional_flags(line)]
    assert missing(AddressFlag, [*may_be, *(flag for address in ADDRESSES for flag in address.flags)]) == set()


def test_every_outcome_stage_and_limit_of_a_session_is_expected_by_an_entry() -> None:
    assert missing(Outcome, [address.outcome for address in ADDRESSES]) == set()
    assert {address.stage for address in ADDRESSES if address.stage} == SURVEY_STAGES
    fired = {address.limit for address in ADDRESSES if address.limit}
    assert fired == {f"limits.{key}" for key in Limits.__struct_fields__} - LIMITS_WITHOUT_AN_OUTCOME


def test_every_verdict_has_every_value_in_an_entry() -> None:
    for name in ("reachable", "smtp", "starttls", "certificate_trusted", "certificate_name"):
        verdicts = [getattr(record.verdicts, name) for record in RECORDS.values()]
        assert {verdict.value for verdict in verdicts} == set(VerdictValue), name


def test_every_kind_of_finding_is_expected_by_an_entry() -> None:
    told = [finding.kind for record in RECORDS.values() for finding in record.findings]
    assert missing(FindingKind, told) == set()


def test_every_cause_that_a_survey_meets_is_a_servers() -> None:
    assert missing(Cause, CAUSES.values()) == set()


def test_a_cause_that_is_about_us_is_the_reason_of_an_unknown() -> None:
    said = {reason for record in RECORDS.values() for reason in record.verdicts.starttls.reasons}
    not_about_us = {Cause.no_service, Cause.overloaded, Cause.other}
    assert said & set(Cause) == set(CAUSES.values()) - not_about_us
