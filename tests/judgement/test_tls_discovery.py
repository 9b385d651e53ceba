"""What a host's record says to TLS discovery, and when something is missing in it."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.dns.answers import Answer
from scanner.judgement.tls_discovery import host_addresses, lacks_security, tlsa_answers
from scanner.outcomes import DnsStatus
from scanner.policy.tls_discovery import HostAddresses
from scanner.policy.tlsa import parse_text
from scanner.records import AddressLookup, Host, TlsaLookup

from .found import host, looked_up

OK = DnsStatus.ok
NOTHING = looked_up()


def ipv4(ad: bool | None, *, alias: str | None = None) -> AddressLookup:
    return replace(looked_up("192.0.2.1", alias=alias), ad=ad)


def ipv6(ad: bool | None) -> AddressLookup:
    return replace(looked_up("2001:db8::1"), ad=ad)


def failed(status: str) -> AddressLookup:
    return looked_up(status=DnsStatus(status))


@pytest.mark.parametrize(
    ("found", "expected", "lacks", "why"),
    [
        (host(ipv4(True)), (OK, True), False, "one family"),
        (host(ipv4(True), ipv6(True)), (OK, True), False, "both"),
        (host(ipv4(True), ipv6(False)), (OK, False), False, "one insecure is insecure"),
        (host(ipv4(False), ipv6(None)), (OK, False), False, "the second was not asked, and need not be"),
        (host(ipv4(True), ipv6(None)), (OK, None), True, "here it need be"),
        (host(ipv4(None)), (OK, None), True, "nobody knows"),
        (host(ipv4(True), failed("servfail")), (OK, True), False, "what gave an address decides"),
        (host(failed("servfail"), failed("bogus")), (DnsStatus.bogus, None), False, "no address at all: the worst"),
        (host(), (DnsStatus.no_data, None), False, "nor here: there is nothing to secure"),
    ],
)
def test_both_families_make_one_answer(found: Host, expected: Any, lacks: bool, why: str) -> None:
    addresses = host_addresses(found)
    assert (addresses.status, addresses.secure) == expected, why
    assert lacks_security(found) is lacks, why


@pytest.mark.parametrize(
    ("ad", "alias_ad", "lacks", "why"),
    [
        (False, None, True, "behind an alias, the alias decides"),
        (False, False, False, "it is known"),
        (False, True, False, "it is known"),
        (True, None, False, "a secure chain says all"),
    ],
)
def test_of_an_alias_its_own_security_may_be_missing(ad: bool, alias_ad: bool | None, lacks: bool, why: str) -> None:
    aliased = replace(host(ipv4(ad, alias="b.test")), alias_ad=alias_ad)
    assert lacks_security(aliased) is lacks, why


def test_names_are_restored() -> None:
    aliased = host(ipv4(False, alias=r"\xC3\xBC.test"))
    assert host_addresses(aliased) == HostAddresses(status=OK, secure=False, cname_chain=("ü.test",))


def test_the_chain_is_that_of_a_family_with_addresses() -> None:
    found = host(replace(NOTHING, cname_chain=("elsewhere.test",)), replace(ipv6(True), cname_chain=("b.test",)))
    assert host_addresses(found).cname_chain == ("b.test",)


def test_tlsa_lookups_are_answers_by_base_domain() -> None:
    record = f"3 1 1 {'ab' * 32}"
    lookups = (
        TlsaLookup(base_domain="b.test", dns_status=DnsStatus.nxdomain, ad=True),
        TlsaLookup(base_domain="mx.test", dns_status=OK, ad=True, records=(record,)),
    )
    assert tlsa_answers(replace(host(), tlsa=lookups)) == {
        "b.test": Answer(DnsStatus.nxdomain, ad=True),
        "mx.test": Answer(OK, (parse_text(record),), ad=True),
    }
    assert tlsa_answers(host()) == {}
