"""TLS discovery: the decision table of RFC 7672 §2.1 and §2.2, row by row."""

from itertools import product

import pytest

from scanner.dns.answers import Answer
from scanner.outcomes import DnsStatus
from scanner.policy.result_types import ResultType
from scanner.policy.tls_discovery import (
    DaneDecision,
    Ground,
    HostAddresses,
    MxSecurity,
    Requirement,
    combine_answers,
    judge_host,
    judge_mx_security,
    select_base_domains,
)
from scanner.policy.tlsa import TlsaRecord

HOST, TARGET = "mx.example.com", "real.example.net"
OK, NO_DATA, NXDOMAIN, SERVFAIL, BOGUS, TIMED_OUT = (
    DnsStatus.ok,
    DnsStatus.no_data,
    DnsStatus.nxdomain,
    DnsStatus.servfail,
    DnsStatus.bogus,
    DnsStatus.timed_out,
)
USABLE, STRONGER = TlsaRecord(3, 1, 1, b"\x01" * 32), TlsaRecord(3, 1, 2, b"\x02" * 64)
UNUSABLE = TlsaRecord(1, 1, 1, b"\x01" * 32)

SECURE = HostAddresses(status=OK, secure=True)
INSECURE = HostAddresses(status=OK, secure=False)
SECURE_ALIAS = HostAddresses(status=OK, secure=True, cname_chain=("between.example.net", TARGET))
INSECURE_TARGET = HostAddresses(status=OK, secure=False, cname_chain=(TARGET,), alias_is_secure=True)
INSECURE_ALIAS = HostAddresses(status=OK, secure=False, cname_chain=(TARGET,), alias_is_secure=False)


def tlsa(status: DnsStatus, *records: TlsaRecord, ad: bool | None = None) -> Answer[TlsaRecord]:
    return Answer(status, records, ad=ad)


FOUND = tlsa(OK, USABLE, ad=True)
ABSENT = tlsa(NO_DATA, ad=True)


@pytest.mark.parametrize(
    ("addresses", "base_domains", "why"),
    [
        (SECURE, (HOST,), "the host itself"),
        (INSECURE, (), "an unsigned zone has no TLSA records, and its servers may fail at the question"),
        (SECURE_ALIAS, (TARGET, HOST), "the end of a secure chain first, then the host"),
        (INSECURE_TARGET, (HOST,), "a secure alias into an unsigned zone: the host only"),
        (INSECURE_ALIAS, (), "an insecure alias"),
        (HostAddresses(status=OK, secure=True, cname_chain=(HOST,)), (HOST,), "each once"),
        (HostAddresses(status=OK, secure=False, alias_is_secure=True), (), "no alias, whoever asked about it"),
        (HostAddresses(status=NO_DATA, secure=True), (), "no address, no question"),
        (HostAddresses(status=OK, secure=None), (), "nobody validated"),
    ],
)
def test_which_base_domains_are_asked_for(addresses: HostAddresses, base_domains: tuple[str, ...], why: str) -> None:
    assert select_base_domains(HOST, addresses) == base_domains, why


@pytest.mark.parametrize(
    ("addresses", "answers", "requirement", "ground", "base_domain", "why"),
    [
        # The four cases of RFC 7672 §2.2
        (SECURE, {HOST: FOUND}, "authentication", "usable_records", HOST, "secure and usable"),
        (SECURE, {HOST: tlsa(OK, UNUSABLE, ad=True)}, "encryption", "unusable_records", HOST, "none usable"),
        (SECURE, {HOST: tlsa(OK, UNUSABLE, USABLE, ad=True)}, "authentication", "usable_records", HOST, "one usable"),
        (SECURE, {HOST: tlsa(OK, USABLE, ad=False)}, "opportunistic", "tlsa_insecure", None, "insecure records"),
        (SECURE, {HOST: ABSENT}, "opportunistic", "tlsa_absent", None, "securely absent"),
        (SECURE, {HOST: tlsa(NXDOMAIN, ad=True)}, "opportunistic", "tlsa_absent", None, "the name as well"),
        (SECURE, {HOST: tlsa(OK, ad=True)}, "opportunistic", "tlsa_absent", None, "an alias to nothing"),
        (SECURE, {HOST: tlsa(NXDOMAIN, ad=False)}, "opportunistic", "tlsa_absent", None, "absent below an opt-out"),
        (SECURE, {HOST: tlsa(SERVFAIL)}, "undeliverable", "tlsa_lookup_failed", HOST, "it is not no DANE"),
        (SECURE, {HOST: tlsa(BOGUS)}, "undeliverable", "tlsa_lookup_failed", HOST, "signed wrongly"),
        (SECURE, {HOST: tlsa(DnsStatus.cname_loop)}, "undeliverable", "tlsa_lookup_failed", HOST, "an alias of itself"),
        # What is about us
        (SECURE, {HOST: tlsa(TIMED_OUT)}, "unknown", "own_lookup_failed", HOST, "our limit"),
        (SECURE, {HOST: tlsa(DnsStatus.refused)}, "unknown", "own_lookup_failed", HOST, "our resolver refused us"),
        (SECURE, {HOST: tlsa(DnsStatus.local_fault)}, "unknown", "own_lookup_failed", HOST, "our machine"),
        (SECURE, {HOST: tlsa(DnsStatus.malformed)}, "unknown", "own_lookup_failed", HOST, "not readable for us"),
        (SECURE, {}, "unknown", "own_lookup_failed", HOST, "not asked"),
        (SECURE, {HOST: tlsa(OK, USABLE, ad=None)}, "unknown", "not_validated", HOST, "nobody validated"),
        (HostAddresses(status=OK, secure=None), {}, "unknown", "not_validated", None, "no validating resolver"),
        (HostAddresses(status=TIMED_OUT, secure=None), {}, "unknown", "address_lookup_failed", None, "our limit"),
        (HostAddresses(status=SERVFAIL, secure=None), {}, "unknown", "address_lookup_failed", None, "nor any"),
        # Addresses: §2.2.2
        (INSECURE, {HOST: FOUND}, "opportunistic", "addresses_insecure", None, "not asked for, so not looked at"),
        (HostAddresses(status=NO_DATA, secure=True), {}, "undeliverable", "no_address", None, "unreachable for all"),
        (HostAddresses(status=NXDOMAIN, secure=None), {}, "undeliverable", "no_address", None, "unreachable for all"),
        (HostAddresses(status=BOGUS, secure=None), {}, "undeliverable", "addresses_bogus", None, "for who validates"),
        # Aliases: §2.2.2
        (SECURE_ALIAS, {TARGET: FOUND}, "authentication", "usable_records", TARGET, "at the expanded name"),
        (SECURE_ALIAS, {TARGET: ABSENT, HOST: FOUND}, "authentication", "usable_records", HOST, "else the host"),
        (SECURE_ALIAS, {TARGET: tlsa(OK, USABLE, ad=False), HOST: FOUND}, "authentication", "usable_records", HOST,
         "insecure records are not found ones"),
        (SECURE_ALIAS, {TARGET: ABSENT, HOST: ABSENT}, "opportunistic", "tlsa_absent", None, "neither"),
        (SECURE_ALIAS, {TARGET: tlsa(SERVFAIL), HOST: FOUND}, "undeliverable", "tlsa_lookup_failed", TARGET,
         "any lookup that fails stops it"),
        (SECURE_ALIAS, {TARGET: tlsa(OK, UNUSABLE, ad=True), HOST: FOUND}, "encryption", "unusable_records", TARGET,
         "unusable records are records: the host's are not asked for"),
        (SECURE_ALIAS, {TARGET: ABSENT, HOST: tlsa(BOGUS)}, "undeliverable", "tlsa_lookup_failed", HOST, "or last"),
        (SECURE_ALIAS, {TARGET: ABSENT}, "unknown", "own_lookup_failed", HOST, "the second was not asked"),
        (INSECURE_TARGET, {HOST: FOUND}, "authentication", "usable_records", HOST, "a secure alias will do"),
        (INSECURE_TARGET, {HOST: ABSENT}, "opportunistic", "tlsa_absent", None, "the same without records"),
        (INSECURE_ALIAS, {HOST: FOUND}, "opportunistic", "addresses_insecure", None, "an insecure alias"),
        (HostAddresses(status=OK, secure=False, cname_chain=(TARGET,)), {}, "unknown", "own_lookup_failed", None,
         "whether the alias is secure was not found out"),
    ],
)  # fmt: skip
def test_what_a_dane_sender_requires(
    addresses: HostAddresses,
    answers: dict[str, Answer[TlsaRecord]],
    requirement: str,
    ground: str,
    base_domain: str | None,
    why: str,
) -> None:
    decision = judge_host(HOST, addresses, answers)
    assert (decision.requirement, decision.ground, decision.base_domain) == (requirement, ground, base_domain), why


def test_a_decision_holds_the_records_that_count() -> None:
    answer = tlsa(OK, USABLE, UNUSABLE, STRONGER, ad=True)
    assert judge_host(HOST, SECURE, {HOST: answer}).records == (STRONGER,)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (tlsa(SERVFAIL), ResultType.dnssec_invalid),
        (tlsa(OK, UNUSABLE, ad=True), ResultType.tlsa_invalid),
        (FOUND, None),
        (ABSENT, None),
        (tlsa(TIMED_OUT), None),
    ],
)
def test_a_decision_has_the_word_of_a_senders_report(answer: Answer[TlsaRecord], failure: ResultType | None) -> None:
    assert judge_host(HOST, SECURE, {HOST: answer}).failure == failure


def test_every_combination_has_a_decision() -> None:
    chains = (), (TARGET,)
    known = None, False, True
    answers = [tlsa(status, ad=ad) for status, ad in product(DnsStatus, known)]
    answers += [tlsa(OK, record, ad=ad) for record, ad in product([USABLE, UNUSABLE], known)]
    for status, secure, chain, alias, first, second in product(
        DnsStatus, known, chains, known, answers, [FOUND, ABSENT]
    ):
        addresses = HostAddresses(status=status, secure=secure, cname_chain=chain, alias_is_secure=alias)
        decision = judge_host(HOST, addresses, {TARGET: first, HOST: second})
        # Only a secure answer binds a sender, and only its records can be compared.
        assert (decision.requirement == Requirement.authentication) is bool(decision.records)
        if decision.requirement in (Requirement.authentication, Requirement.encryption):
            assert decision.base_domain in select_base_domains(HOST, addresses)
        assert decision.ground != Ground.usable_records or decision == DaneDecision(
            Requirement.authentication, Ground.usable_records, decision.base_domain, (USABLE,)
        )


@pytest.mark.parametrize(
    ("status", "secure", "security"),
    [
        (OK, True, MxSecurity.secure),
        (OK, False, MxSecurity.insecure),
        (OK, None, MxSecurity.unknown),
        (NO_DATA, True, MxSecurity.secure),
        (NO_DATA, False, MxSecurity.insecure),
        (BOGUS, None, MxSecurity.bogus),
        (SERVFAIL, None, MxSecurity.unknown),
        (TIMED_OUT, False, MxSecurity.unknown),
        (DnsStatus.not_asked, None, MxSecurity.unknown),
    ],
)
def test_the_security_of_mx(status: DnsStatus, secure: bool | None, security: MxSecurity) -> None:
    assert judge_mx_security(status, secure=secure) == security


@pytest.mark.parametrize(
    ("answers", "combined", "why"),
    [
        ([(OK, True), (OK, True)], (OK, True), "both secure"),
        ([(OK, True), (OK, False)], (OK, False), "one insecure"),
        ([(OK, True), (OK, None)], (OK, None), "one not validated"),
        ([(OK, None), (OK, False)], (OK, False), "insecure is insecure"),
        ([(OK, True), (NO_DATA, False)], (OK, True), "what gave no address does not count"),
        ([(SERVFAIL, None), (OK, True)], (OK, True), "nor what failed"),
        ([(NO_DATA, True), (NO_DATA, True)], (NO_DATA, True), "no address"),
        ([(NO_DATA, True), (SERVFAIL, None)], (SERVFAIL, None), "perhaps there is one"),
        ([(TIMED_OUT, None), (BOGUS, None)], (BOGUS, None), "bogus says most"),
        ([(NXDOMAIN, True), (NXDOMAIN, True)], (NXDOMAIN, True), "no such name"),
    ],
)
def test_two_families_are_one_answer(
    answers: list[tuple[DnsStatus, bool | None]], combined: tuple[DnsStatus, bool | None], why: str
) -> None:
    assert combine_answers(answers) == combined, why
