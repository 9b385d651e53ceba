"""The embedded world covers transport security: every case has its entry, every word is used by one."""

from collections.abc import Iterable
from enum import StrEnum

import pytest

from scanner.outcomes import PolicyReason, PolicyValue
from scanner.policy.mta_sts import StsMode
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.policy.tls_discovery import Ground, Requirement
from scanner.records import DeliveryVerdicts
from scanner.tls.identity import NameMatch

from .entries import RECORDS

HOSTS = [host for record in RECORDS.values() for host in record.mail_hosts]
CERTIFICATES = [address.certificate for host in HOSTS for address in host.addresses if address.certificate is not None]

CERTIFICATE_CASES = {
    "expired": "expired.lab",
    "expires soon": "expires-soon.lab",
    "not yet valid": "not-yet-valid.lab",
    "wrong name": "wrong-name.lab",
    "CN only": "cn-only.lab",
    "self-signed": "self-signed.lab",
    "self-signed in the chain": "private-root.lab",
    "unknown issuer": "unknown-issuer.lab",
    "incomplete chain that a known intermediate completes": "incomplete-chain.lab",
    "incomplete chain that nothing completes": "hidden-intermediate.lab",
    "wrong purpose": "wrong-purpose.lab",
    "RSA 1024": "rsa-1024.lab",
    "SHA-1": "sha1.lab",
    "wildcard": "wildcard.lab",
    "1,000 names": "thousand-names.lab",
    "version 6": "certificate-version-6.lab",
    "impossible date": "certificate-impossible-date.lab",
    "a certificate message over 100 KB": "certificate-too-large.lab",
}

DANE_CASES = {
    "3 1 1": "dane-ee-spki.lab",
    "3 0 1": "dane-ee-cert.lab",
    "3 1 2": "dane-ee-sha512.lab",
    "3 0 0, 3 1 0": "dane-ee-full.lab",
    "EE, self-signed": "dane-ee-self-signed.lab",
    "EE, expired": "dane-ee-expired.lab",
    "EE, wrong name": "dane-ee-wrong-name.lab",
    "EE, record out of date": "dane-ee-renewed.lab",
    "2 0 1": "dane-ta-cert.lab",
    "2 1 1": "dane-ta-spki.lab",
    "TA, anchor not sent": "dane-ta-not-sent.lab",
    "TA, anchor in full": "dane-ta-full.lab",
    "TA, the leaf": "dane-ta-leaf.lab",
    "TA, wrong name": "dane-ta-wrong-name.lab",
    "TA, next-hop name": "dane-ta-next-hop.lab",
    "TA, common name": "dane-ta-common-name.lab",
    "TA, expired": "dane-ta-expired.lab",
    "rollover": "dane-rollover.lab",
    "digest agility": "dane-digest-agility.lab",
    "digest agility against": "dane-stronger-wrong.lab",
    "EE and TA": "dane-ee-and-ta.lab",
    "all unusable": "dane-unusable.lab",
    "some unusable": "dane-half-unusable.lab",
    "no STARTTLS": "dane-no-starttls.lab",
    "unusable and no STARTTLS": "dane-unusable-no-starttls.lab",
    "handshake fails": "dane-handshake-fails.lab",
    "refused": "dane-refused.lab",
    "masked": "dane-masked.lab",
    "insecure zone": "dane-unsigned.lab",
    "TLSA insecure": "dane-tlsa-insecure.lab",
    "TLSA NXDOMAIN": "dane-tlsa-nxdomain.lab",
    "TLSA no data": "dane-tlsa-no-data.lab",
    "TLSA SERVFAIL": "dane-tlsa-servfail.lab",
    "TLSA bogus": "dane-tlsa-bogus.lab",
    "TLSA timeout": "dane-tlsa-dropped.lab",
    "TLSA SERVFAIL, then an answer": "dane-tlsa-fails-at-first.lab",
    "TLSA over TCP": "dane-tlsa-truncated.lab",
    "addresses bogus": "dane-addresses-bogus.lab",
    "IPv6 alone": "dane-ipv6.lab",
    "MX insecure": "dane-mx-insecure.lab",
    "MX bogus": "dane-mx-bogus.lab",
    "null MX": "dane-null-mx.lab",
    "implicit MX": "dane-implicit-mx.lab",
    "MX NXDOMAIN": "dane-mx-nxdomain.lab",
    "alias, records at its end": "dane-alias.lab",
    "alias, records at the alias": "dane-alias-itself.lab",
    "secure alias of an insecure name": "dane-alias-to-unsigned.lab",
    "insecure alias": "dane-alias-unsigned.lab",
    "two MX, the second invalid": "dane-backup-invalid.lab",
    "two MX, the first invalid": "dane-first-invalid.lab",
    "two MX, the second without": "dane-backup-without.lab",
    "two equal MX, one without": "dane-equals-without.lab",
    "pool whose members differ": "dane-pool.lab",
}

#: What policy hosts answer, and what their policies are like: the entries are called so.
RESPONSES = [
    "404",
    "301",
    "302",
    "500",
    "503",
    "429",
    "204",
    "slow",
    "silent",
    "drips",
    "endless",
    "largest",
    "too-large",
    "chunked",
    "chunked-too-large",
    "until-close",
    "http-1-0",
    "gzip",
    "cut-short",
    "closes",
    "resets",
    "garbage",
    "header-flood",
    "resets-at-first",
    "html",
]
POLICIES = [
    "crlf",
    "unended",
    "unknown-fields",
    "duplicates",
    "longest-age",
    "many-hosts",
    "upper-case",
    "empty-line",
    "empty",
    "html-page",
    "without-version",
    "wrong-version",
    "without-mode",
    "wrong-mode",
    "upper-case-mode",
    "without-mx",
    "without-age",
    "too-old",
    "age-in-words",
    "mx-no-name",
    "mx-wildcard-inside",
    "mx-list",
    "equals",
    "byte-order-mark",
    "carriage-returns",
]

MTA_STS_CASES = {
    "enforce": "sts-enforce.lab",
    "testing": "sts-testing.lab",
    "none": "sts-mode-none.lab",
    "wildcard of one label": "sts-wildcard.lab",
    "wildcard of two labels": "sts-wildcard-two-labels.lab",
    "MX not in the policy": "sts-mx-not-named.lab",
    "MX not in the policy, testing": "sts-testing-mx-not-named.lab",
    "one MX of two not in the policy": "sts-backup-not-named.lab",
    "MX certificate untrusted": "sts-untrusted.lab",
    "MX certificate mismatched": "sts-mismatch.lab",
    "MX certificate expired": "sts-expired.lab",
    "MX without STARTTLS": "sts-no-starttls.lab",
    "MX handshake fails": "sts-handshake-fails.lab",
    "MX without STARTTLS, testing": "sts-testing-no-starttls.lab",
    "MX silent": "sts-host-silent.lab",
    "with DANE and TLS-RPT": "sts-and-dane.lab",
    "null MX": "sts-null-mx.lab",
    "no id": "sts-without-id.lab",
    "empty id": "sts-empty-id.lab",
    "id too long": "sts-long-id.lab",
    "id with dashes": "sts-id-with-dashes.lab",
    "id of 32": "sts-longest-id.lab",
    "broken fields": "sts-broken-fields.lab",
    "two records": "sts-two-records.lab",
    "other version": "sts-other-version.lab",
    "version in other case": "sts-other-case.lab",
    "TXT in several strings": "sts-in-strings.lab",
    "aliases": "sts-delegated.lab",
    "TXT SERVFAIL": "sts-record-servfail.lab",
    "TXT dropped": "sts-record-dropped.lab",
    "TXT SERVFAIL, then an answer": "sts-record-fails-at-first.lab",
    "policy host NXDOMAIN": "sts-no-policy-host.lab",
    "policy host without address": "sts-policy-host-no-address.lab",
    "policy host private": "sts-policy-host-private.lab",
    "policy host loopback": "sts-policy-host-loopback.lab",
    "policy host SERVFAIL": "sts-policy-host-servfail.lab",
    "refused": "sts-refused.lab",
    "blackhole": "sts-blackhole.lab",
    "second address": "sts-second-address.lab",
    "no TLS": "sts-plaintext.lab",
    "handshake alert": "sts-tls-alert.lab",
    "silent handshake": "sts-tls-silent.lab",
    "reset in the handshake": "sts-tls-reset.lab",
    "policy host certificate expired": "sts-policy-host-expired.lab",
    "policy host certificate mismatched": "sts-policy-host-mismatch.lab",
    "policy host certificate self-signed": "sts-policy-host-self-signed.lab",
    "policy host certificate CN only": "sts-policy-host-cn-only.lab",
    "policy host certificate of unknown issuer": "sts-policy-host-untrusted.lab",
    "policy host certificate without intermediate": "sts-policy-host-incomplete.lab",
    "policy host certificate of wrong purpose": "sts-policy-host-purpose.lab",
    "policy host certificate with wildcard": "sts-policy-host-wildcard.lab",
    "one policy host address, two hosts": "sts-customer-one.lab",
    "the other of the two": "sts-customer-two.lab",
    **{f"HTTP {case}": f"sts-{case}.lab" for case in RESPONSES},
    **{f"policy {case}": f"sts-{case}.lab" for case in POLICIES},
}

TLS_RPT_CASES = {
    "mailto": "rpt-mailto.lab",
    "https": "rpt-https.lab",
    "both, in several strings": "rpt-both.lab",
    "no rua": "rpt-without-rua.lab",
    "no scheme": "rpt-no-scheme.lab",
    "another scheme": "rpt-other-scheme.lab",
    "two records": "rpt-two-records.lab",
    "another record": "rpt-other-record.lab",
    "SERVFAIL": "rpt-servfail.lab",
}

#: Words that the world cannot bring about, and why.
NOT_OF_THE_WORLD = {
    Ground.not_validated: "its resolver validates",
    PolicyReason.no_validating_resolver: "its resolver validates",
    PolicyReason.mx_not_validated: "its resolver validates",
    ResultType.dane_required: "senders that require DANE of everybody are not judged",
}


@pytest.mark.parametrize(
    ("cases", "least"),
    [(CERTIFICATE_CASES, 15), (DANE_CASES, 25), (MTA_STS_CASES, 25), (TLS_RPT_CASES, 5)],
    ids=["certificates", "DANE", "MTA-STS", "TLS-RPT"],
)
def test_every_case_has_its_entry_and_no_entry_has_two(cases: dict[str, str], least: int) -> None:
    assert set(cases.values()) <= set(RECORDS)
    assert len(set(cases.values())) == len(cases) >= least


@pytest.mark.parametrize(("prefix", "cases"), [("dane-", DANE_CASES), ("sts-", MTA_STS_CASES), ("rpt-", TLS_RPT_CASES)])
def test_every_entry_of_these_files_is_a_case(prefix: str, cases: dict[str, str]) -> None:
    assert {domain for domain in RECORDS if domain.startswith(prefix)} == set(cases.values())


def missing(words: type[StrEnum], used: Iterable[str | None]) -> set[StrEnum]:
    return {word for word in words if word not in NOT_OF_THE_WORLD} - set(used)


def test_every_value_of_a_policy_is_expected_by_an_entry() -> None:
    verdicts = [record.verdicts for record in RECORDS.values()]
    assert missing(PolicyValue, [each.dane.value for each in verdicts if each.dane]) == set()
    assert missing(PolicyValue, [each.mta_sts.value for each in verdicts if each.mta_sts]) == set()
    # Nothing that is published for reports is of no use and yet right.
    assert missing(PolicyValue, [each.tls_rpt.value for each in verdicts if each.tls_rpt]) == {PolicyValue.unusable}


def test_every_reason_of_a_policy_is_expected_by_an_entry() -> None:
    verdicts = [record.verdicts for record in RECORDS.values()]
    policies = [policy for each in verdicts for policy in (each.dane, each.mta_sts, each.tls_rpt) if policy is not None]
    assert missing(PolicyReason, [reason for policy in policies for reason in policy.reasons]) == set()


def test_every_requirement_and_every_ground_is_expected_by_an_entry() -> None:
    dane = [host.dane for host in HOSTS if host.dane is not None]
    assert missing(Requirement, [each.requirement for each in dane]) == set()
    assert missing(Ground, [each.ground for each in dane]) == set()


def test_every_mode_of_a_policy_is_expected_by_an_entry() -> None:
    assert missing(StsMode, [record.policy.mode for record in RECORDS.values() if record.policy]) == set()


def test_every_sender_comes_to_everything_that_it_can_come_to() -> None:
    delivery = [record.verdicts.delivery for record in RECORDS.values() if record.verdicts.delivery]
    for sender in DeliveryVerdicts.__struct_fields__:
        verdicts = [getattr(each, sender) for each in delivery]
        unasked = {Delivery.delivers_authenticated} if sender == "opportunistic" else set()
        assert {verdict.value for verdict in verdicts} == set(Delivery) - unasked
        assert {verdict.complete for verdict in verdicts} == {True, False}


def test_every_failure_that_a_report_would_name_is_expected_by_an_entry() -> None:
    delivery = [record.verdicts.delivery for record in RECORDS.values() if record.verdicts.delivery]
    senders = [sender for each in delivery for sender in (each.dane, each.mta_sts)]
    assert missing(ResultType, [failure for sender in senders for failure in sender.failures]) == set()


def test_every_way_in_which_a_certificate_is_trusted_or_named_is_expected_by_an_entry() -> None:
    assert {certificate.name for certificate in CERTIFICATES} == set(NameMatch)
    assert {certificate.trusted for certificate in CERTIFICATES} == {True, False}
    assert {certificate.code for certificate in CERTIFICATES} == {0, 9, 10, 14, 18, 19, 20, 26}
