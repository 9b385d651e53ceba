"""What is asked about a mail host for DANE, in which order, and what is not asked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer
from scanner.lookup.hosts import lookup_host
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus
from scanner.policy.tlsa import TlsaRecord, parse_text
from scanner.records import Host, TlsaLookup
from tests.lookup.fakes import ABSENT, INSECURE, SECURE, FakeResolver, FakeValidated, Question

OK, NO_DATA = DnsStatus.ok, DnsStatus.no_data
USABLE, UNUSABLE = f"3 1 1 {'ab' * 32}", f"1 1 1 {'ab' * 32}"

IPV4: Answer[str] = Answer(OK, ("192.0.2.1",))
IPV6: Answer[str] = Answer(OK, ("2001:db8::1",))
NOTHING: Answer[str] = Answer(NO_DATA)
MX_TLSA, END_TLSA = ("_25._tcp.mx.test", "TLSA"), ("_25._tcp.end.test", "TLSA")
A, AAAA, CNAME = ("mx.test", "A"), ("mx.test", "AAAA"), ("mx.test", "CNAME")


def failed(status: str) -> Answer[Any]:
    return Answer(DnsStatus(status))


def tlsa(*records: str, ad: bool = True) -> Answer[TlsaRecord]:
    return Answer(OK, tuple(map(parse_text, records)), ad=ad)


def aliased(answer: Answer[str], *chain: str) -> Answer[str]:
    return Answer(answer.status, answer.records, cname_chain=chain)


def discover(
    addresses: tuple[Answer[str], Answer[str]],
    answers: Mapping[Question, Answer[Any] | Sequence[Answer[Any]]],
    opt_out: OptOut | None = None,
) -> tuple[Host, list[Question]]:
    """`mx.test` as it is found, and what a validating resolver was asked for it."""
    validated = FakeValidated(answers)
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: opt_out or OptOut())
    resolver = FakeResolver({A: addresses[0], AAAA: addresses[1]})
    discovery = TlsDiscovery(validated, 25, policy)
    host = asyncio.run(lookup_host("mx.test", resolver, policy, discovery=discovery))
    return host, validated.asked


def bits(host: Host) -> tuple[bool | None, bool | None, bool | None]:
    return host.a.ad, host.aaaa.ad, host.alias_ad


#: What the addresses are, what is said of their security, the bits kept, what is asked, the reason.
SECURITY: list[tuple[tuple[Answer[str], Answer[str]], dict[Question, Answer[Any]], Any, list[Question], str]] = [
    ((IPV4, IPV6), {A: INSECURE}, (False, None, None), [A], "most hosts: one question"),
    ((NOTHING, IPV6), {AAAA: INSECURE}, (None, False, None), [AAAA], "only a family that gave addresses is asked for"),
    ((IPV4, NOTHING), {A: SECURE}, (True, None, None), [A, MX_TLSA], "secure: TLSA"),
    ((IPV4, IPV6), {A: SECURE, AAAA: SECURE}, (True, True, None), [A, AAAA, MX_TLSA], "both families"),
    ((IPV4, IPV6), {A: SECURE, AAAA: INSECURE}, (True, False, None), [A, AAAA], "one that is insecure is enough"),
    ((NOTHING, NOTHING), {}, (None, None, None), [], "no address, nothing to deliver to"),
    ((failed("timed_out"), NOTHING), {}, (None, None, None), [], "addresses that could not be found out"),
    ((IPV4, NOTHING), {A: failed("timed_out")}, (None, None, None), [A], "not known: no TLSA either"),
    ((IPV4, failed("timed_out")), {A: SECURE}, (True, None, None), [A, MX_TLSA], "the family that is there decides"),
    ((aliased(IPV4, "end.test"), NOTHING), {A: INSECURE, CNAME: INSECURE}, (False, None, False), [A, CNAME],
     "an insecure alias"),
    ((aliased(IPV4, "end.test"), NOTHING), {A: INSECURE, CNAME: SECURE}, (False, None, True), [A, CNAME, MX_TLSA],
     "a secure alias to where it is insecure: its own name alone"),
    ((aliased(IPV4, "end.test"), NOTHING), {A: INSECURE, CNAME: failed("servfail")}, (False, None, None), [A, CNAME],
     "an alias of which nothing is known"),
    ((aliased(IPV4, "b.test", "end.test"), NOTHING), {A: SECURE}, (True, None, None), [A, END_TLSA, MX_TLSA],
     "a secure chain: its end, then its beginning; the alias itself is not asked about"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("addresses", "answers", "expected", "asked", "why"), SECURITY, ids=[row[-1] for row in SECURITY]
)
def test_security_is_asked_where_it_matters(
    addresses: tuple[Answer[str], Answer[str]],
    answers: dict[Question, Answer[Any]],
    expected: object,
    asked: list[Question],
    why: str,
) -> None:
    host, questions = discover(addresses, answers)
    assert (bits(host), questions) == (expected, asked), why


def test_a_failure_of_validation_is_told_from_others() -> None:
    host, asked = discover((failed("servfail"), failed("servfail")), {A: failed("bogus"), AAAA: failed("servfail")})
    assert (host.a.dns_status, host.aaaa.dns_status) == (DnsStatus.bogus, DnsStatus.servfail)
    assert asked == [A, AAAA]


def test_an_address_that_was_found_stays_found_if_its_security_is_not() -> None:
    host, _ = discover((IPV4, NOTHING), {A: failed("bogus")})
    assert (host.a.dns_status, len(host.a.addresses), host.a.ad) == (OK, 1, None)


ALIAS = (aliased(IPV4, "end.test"), NOTHING)

#: What the two candidates answer, in order, which are asked, where usable records are.
CANDIDATES: list[tuple[Answer[Any], Answer[Any], int, str | None, str]] = [
    (tlsa(USABLE), ABSENT, 1, "end.test", "the end of the chain comes first"),
    (ABSENT, tlsa(USABLE), 2, "mx.test", "failing that, the name itself"),
    (Answer(NO_DATA, ad=True), tlsa(USABLE), 2, "mx.test", "no data is absence too"),
    (ABSENT, ABSENT, 2, None, "neither has any"),
    (tlsa(USABLE, ad=False), tlsa(USABLE), 2, "mx.test", "insecure records are none"),
    (tlsa(USABLE), tlsa(USABLE), 1, "end.test", "the other is not asked once one has secure records"),
    (tlsa(UNUSABLE), tlsa(USABLE), 1, None, "not even if they are of no use"),
    (tlsa(UNUSABLE, USABLE), ABSENT, 1, "end.test", "one that is of use is enough"),
    (failed("servfail"), tlsa(USABLE), 1, None, "a failure is the end: it may hide something"),
    (failed("bogus"), tlsa(USABLE), 1, None, "so is what does not validate"),
    (failed("timed_out"), tlsa(USABLE), 1, None, "and what may be our own"),
    (ABSENT, failed("servfail"), 2, None, "also of the second"),
]


@pytest.mark.parametrize(
    ("end", "beginning", "asked", "found_at", "why"), CANDIDATES, ids=[row[-1] for row in CANDIDATES]
)
def test_candidates_are_asked_until_there_are_secure_records_or_a_failure(
    end: Answer[Any], beginning: Answer[Any], asked: int, found_at: str | None, why: str
) -> None:
    host, questions = discover(ALIAS, {A: SECURE, END_TLSA: end, MX_TLSA: beginning})
    assert questions == [A, END_TLSA, MX_TLSA][: asked + 1], why
    answers = [("end.test", end), ("mx.test", beginning)][:asked]
    assert host.tlsa == tuple(
        TlsaLookup(base_domain=name, dns_status=answer.status, ad=answer.ad, records=tuple(map(str, answer.records)))
        for name, answer in answers
    )
    assert host.tlsa_base_domain == found_at


def test_without_a_candidate_there_is_no_tlsa_lookup() -> None:
    host, _ = discover((IPV4, NOTHING), {A: INSECURE})
    assert (host.tlsa, host.tlsa_base_domain) == (None, None)


def test_tlsa_is_asked_for_the_port_that_is_given() -> None:
    policy = ContactPolicy(AddressPolicy())
    validated = FakeValidated({A: SECURE})
    resolver = FakeResolver({A: IPV4})
    asyncio.run(lookup_host("mx.test", resolver, policy, discovery=TlsDiscovery(validated, 2525, policy)))
    assert validated.asked[-1] == ("_2525._tcp.mx.test", "TLSA")


@pytest.mark.parametrize("exchange", ["a b.test", r"a\x00.test"])
def test_of_what_is_no_host_name_nothing_is_asked(exchange: str) -> None:
    policy = ContactPolicy(AddressPolicy())
    validated = FakeValidated()
    asyncio.run(lookup_host(exchange, FakeResolver({}), policy, discovery=TlsDiscovery(validated, 25, policy)))
    assert validated.asked == []


def test_of_a_host_that_opted_out_nothing_is_asked() -> None:
    _, asked = discover((IPV4, IPV6), {A: SECURE, AAAA: SECURE}, OptOut(["mx.test"]))
    assert asked == []


def test_the_name_behind_an_alias_is_not_asked_for_if_it_opted_out() -> None:
    host, asked = discover(ALIAS, {A: SECURE, END_TLSA: tlsa(USABLE)}, OptOut(["end.test"]))
    assert (asked, host.tlsa) == ([A], None)


def test_a_lookup_without_discovery_says_nothing_about_security() -> None:
    host = asyncio.run(lookup_host("mx.test", FakeResolver({A: IPV4}), ContactPolicy(AddressPolicy())))
    assert (bits(host), host.tlsa, host.tlsa_base_domain) == ((None, None, None), None, None)
