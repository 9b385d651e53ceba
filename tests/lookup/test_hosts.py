"""A mail host's addresses: each family with a status of its own, none twice, the forbidden ones flagged."""

import asyncio

import pytest

from scanner.addresses import AddressPolicy, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer
from scanner.lookup.hosts import lookup_host
from scanner.opt_out import parse_opt_out
from scanner.outcomes import AddressFlag, DnsStatus, HostPurpose
from scanner.records import AddressLookup, Host, HostAddress
from tests.lookup.fakes import FakeResolver

NOT_PUBLIC = (AddressFlag.not_public,)
OPTED_OUT = AddressFlag.opted_out


def host_of(resolver: FakeResolver, exchange: str = "mx.test", *allowed: str) -> Host:
    return asyncio.run(lookup_host(exchange, resolver, ContactPolicy(AddressPolicy(allowed))))


def opted_out_host(resolver: FakeResolver, listed: str, exchange: str = "mx.test") -> Host:
    opt_out = parse_opt_out(listed)
    return asyncio.run(lookup_host(exchange, resolver, ContactPolicy(AddressPolicy(), opt_out=lambda: opt_out)))


def addresses_of(lookup: AddressLookup) -> list[tuple[str, tuple[AddressFlag, ...]]]:
    return [(each.address, each.flags) for each in lookup.addresses]


def test_each_family_has_its_own_status() -> None:
    resolver = FakeResolver(
        {
            ("mx.test", "A"): Answer(
                DnsStatus.ok, ("8.8.8.8",), ttl_s=60, cname_chain=("b.test",), asked_at=0.5, ms=1.5
            ),
            ("mx.test", "AAAA"): Answer(DnsStatus.servfail, ms=7.0),
        }
    )
    host = host_of(resolver)
    assert host.exchange == "mx.test"
    assert host.a == AddressLookup(
        dns_status=DnsStatus.ok,
        ttl_s=60,
        addresses=(HostAddress(address="8.8.8.8"),),
        cname_chain=("b.test",),
        ad=None,
        asked_at="1970-01-01T00:00:00.500Z",
        ms=1.5,
    )
    assert host.aaaa == AddressLookup(
        dns_status=DnsStatus.servfail,
        ttl_s=None,
        addresses=(),
        cname_chain=(),
        ad=None,
        asked_at=None,
        ms=7.0,
    )
    assert sorted(resolver.asked) == [("mx.test", "A"), ("mx.test", "AAAA")]


def test_addresses_are_distinct_in_order_and_in_their_one_text() -> None:
    resolver = FakeResolver(
        {
            ("mx.test", "A"): Answer(DnsStatus.ok, ("9.9.9.10", "9.9.9.9", "9.9.9.10")),
            ("mx.test", "AAAA"): Answer(DnsStatus.ok, ("2620:FE::0FE", "2620:fe::9", "2620:fe::fe")),
        }
    )
    host = host_of(resolver)
    assert addresses_of(host.a) == [("9.9.9.9", ()), ("9.9.9.10", ())]
    assert addresses_of(host.aaaa) == [("2620:fe::9", ()), ("2620:fe::fe", ())]


@pytest.mark.parametrize(
    ("family", "address", "text"),
    [
        ("A", "127.0.0.1", "127.0.0.1"),
        ("A", "10.1.2.3", "10.1.2.3"),
        ("A", "169.254.169.254", "169.254.169.254"),
        ("AAAA", "::1", "::1"),
        ("AAAA", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("AAAA", "64:ff9b::7f00:1", "64:ff9b::7f00:1"),
    ],
)
def test_an_address_that_is_not_public_is_kept_and_flagged(family: str, address: str, text: str) -> None:
    host = host_of(FakeResolver({("mx.test", family): Answer(DnsStatus.ok, (address,))}))
    assert addresses_of(host.a if family == "A" else host.aaaa) == [(text, NOT_PUBLIC)]


def test_a_network_that_was_allowed_is_not_flagged() -> None:
    answer = Answer(DnsStatus.ok, ("127.64.0.1", "127.0.0.1"))
    host = host_of(FakeResolver({("mx.test", "A"): answer}), "mx.test", "127.64.0.0/10")
    assert addresses_of(host.a) == [("127.0.0.1", NOT_PUBLIC), ("127.64.0.1", ())]


@pytest.mark.parametrize("exchange", [r"a\x00b.test", r"a\x5C000b.test", "a b.test", "", r"m\xC3\xBC.test"])
def test_what_is_no_host_name_is_never_asked_for(exchange: str) -> None:
    resolver = FakeResolver({})
    host = host_of(resolver, exchange)
    assert resolver.asked == []
    assert host.exchange == exchange
    assert (host.a.dns_status, host.aaaa.dns_status) == (DnsStatus.malformed, DnsStatus.malformed)
    assert host.a.asked_at is None


def test_addresses_of_ours_are_flagged() -> None:
    resolver = FakeResolver({("mx.test", "A"): Answer(DnsStatus.ok, ("9.9.9.1", "9.9.9.9"))})
    policy = ContactPolicy(AddressPolicy(), own=[parse_address("9.9.9.1")])
    host = asyncio.run(lookup_host("mx.test", resolver, policy, 2))
    assert addresses_of(host.a) == [("9.9.9.1", (AddressFlag.own_address,)), ("9.9.9.9", ())]
    assert host.attempt == 2


@pytest.mark.parametrize("exchange", ["mx.test", "a.b.mx.test", r"a\x00.mx.test"])
def test_a_host_that_opted_out_is_never_asked_for(exchange: str) -> None:
    resolver = FakeResolver({("mx.test", "A"): Answer(DnsStatus.ok, ("9.9.9.9",))})
    host = opted_out_host(resolver, "MX.test.", exchange)
    assert resolver.asked == []
    for lookup in (host.a, host.aaaa):
        assert (lookup.dns_status, lookup.addresses, lookup.asked_at) == (DnsStatus.not_asked, (), None)


@pytest.mark.parametrize(
    ("listed", "flags", "why"),
    [
        ("9.9.9.9", (OPTED_OUT,), "by address"),
        ("9.9.9.0/24", (OPTED_OUT,), "by network"),
        ("pool.test", (OPTED_OUT,), "by the name behind the alias"),
        ("host.pool.test\n9.9.9.9", (OPTED_OUT,), "by both, said once"),
        ("other.test", (), "somebody else"),
    ],
)
def test_an_address_that_opted_out_is_kept_and_flagged(listed: str, flags: tuple[AddressFlag, ...], why: str) -> None:
    answer = Answer(DnsStatus.ok, ("9.9.9.9",), cname_chain=("host.pool.test",))
    host = opted_out_host(FakeResolver({("mx.test", "A"): answer}), listed)
    assert addresses_of(host.a) == [("9.9.9.9", flags)]


def test_every_reason_against_an_address_is_said() -> None:
    resolver = FakeResolver({("mx.test", "AAAA"): Answer(DnsStatus.ok, ("::ffff:10.0.0.1",))})
    assert addresses_of(opted_out_host(resolver, "10.0.0.0/8").aaaa) == [("::ffff:10.0.0.1", (*NOT_PUBLIC, OPTED_OUT))]


@pytest.mark.parametrize("purpose", list(HostPurpose))
def test_a_host_says_what_it_was_looked_up_for(purpose: HostPurpose) -> None:
    resolver = FakeResolver({("mta-sts.test", "A"): Answer(DnsStatus.ok, ("9.9.9.9",))})
    policy = ContactPolicy(AddressPolicy())
    host = asyncio.run(lookup_host("mta-sts.test", resolver, policy, purpose=purpose))
    assert (host.exchange, host.purpose, addresses_of(host.a)) == ("mta-sts.test", purpose, [("9.9.9.9", ())])
