"""A domain's route: what is asked for, in which order, and the record made of the answers."""

import asyncio

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.lookup.domains import lookup_route
from scanner.opt_out import parse_opt_out
from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind
from scanner.records import Mx, Route
from scanner.settings import DnsSettings
from tests.lookup.fakes import FakeResolver

OK, NO_DATA = DnsStatus.ok, DnsStatus.no_data
ASKED_AT = 1_780_000_000.1234
ASKED_AT_TEXT = "2026-05-28T20:26:40.123Z"
EVERYBODY = ContactPolicy(AddressPolicy())


def route_of(resolver: FakeResolver, settings: DnsSettings | None = None) -> Route:
    return asyncio.run(lookup_route("a.test", resolver, settings or DnsSettings(), EVERYBODY))


def test_a_domain_with_mx_records_is_asked_for_nothing_else() -> None:
    mx = Answer(
        OK,
        (MxData(20, "b.test"), MxData(10, "192.0.2.1")),
        ttl_s=300,
        cname_chain=("c.test", "d.test"),
        asked_at=ASKED_AT,
        ms=12.3,
    )
    resolver = FakeResolver({("a.test", "MX"): mx})
    assert route_of(resolver) == Route(
        domain="a.test",
        attempt=1,
        kind=RouteKind.mx,
        flags=(RouteFlag.domain_is_cname,),
        dns_status=OK,
        ttl_s=300,
        asked_at=ASKED_AT_TEXT,
        ms=12.3,
        cname_chain=("c.test", "d.test"),
        ad=None,
        mx_total=2,
        mx=(
            Mx(preference=10, exchange="192.0.2.1", flags=(HostFlag.mx_is_address_literal,)),
            Mx(preference=20, exchange="b.test"),
        ),
    )
    assert resolver.asked == [("a.test", "MX")]


def test_without_mx_records_the_domains_addresses_decide_and_their_time_counts() -> None:
    resolver = FakeResolver(
        {
            ("a.test", "MX"): Answer(NO_DATA, ttl_s=60, asked_at=ASKED_AT, ms=1.0),
            ("a.test", "A"): Answer(OK, ("192.0.2.1",), ms=2.0),
            ("a.test", "AAAA"): Answer(NO_DATA, ms=0.14),
        }
    )
    route = route_of(resolver)
    assert (route.kind, route.dns_status, route.ms) == (RouteKind.implicit_mx, NO_DATA, 3.1)
    assert route.mx == (Mx(preference=None, exchange="a.test"),)
    assert route.mx_total == 0
    assert resolver.asked == [("a.test", "MX"), ("a.test", "A"), ("a.test", "AAAA")]


def test_a_domain_that_does_not_exist_is_asked_for_once() -> None:
    resolver = FakeResolver({})
    route = route_of(resolver)
    assert (route.kind, route.dns_status, route.mx, route.asked_at) == (
        RouteKind.nxdomain,
        DnsStatus.nxdomain,
        (),
        None,
    )
    assert resolver.asked == [("a.test", "MX")]


def test_more_mx_than_the_setting_are_counted_and_not_kept() -> None:
    mx = Answer(OK, tuple(MxData(number, f"mx{number}.test") for number in range(5)))
    route = route_of(FakeResolver({("a.test", "MX"): mx}), DnsSettings(max_mx=2))
    assert route.flags == (RouteFlag.mx_over_limit,)
    assert [each.exchange for each in route.mx] == ["mx0.test", "mx1.test"]
    assert route.mx_total == 5


def test_octets_of_a_name_from_a_zone_are_written_inertly() -> None:
    mx = Answer(OK, (MxData(10, "a\\007b\x1b.test"),), cname_chain=("c\x00.test",))
    route = route_of(FakeResolver({("a.test", "MX"): mx}))
    assert [each.exchange for each in route.mx] == [r"a\x5C007b\x1B.test"]
    assert route.cname_chain == (r"c\x00.test",)


def test_the_attempt_is_the_callers() -> None:
    route = asyncio.run(lookup_route("a.test", FakeResolver({}), DnsSettings(), EVERYBODY, attempt=2))
    assert route.attempt == 2


def test_a_domain_that_opted_out_is_skipped_without_a_question() -> None:
    opt_out = parse_opt_out("test")
    resolver = FakeResolver({("a.test", "MX"): Answer(OK, (MxData(10, "b.example"),))})
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: opt_out)
    assert asyncio.run(lookup_route("a.test", resolver, DnsSettings(), policy, 2)) == Route(
        domain="a.test",
        attempt=2,
        kind=RouteKind.skipped,
        flags=(),
        dns_status=DnsStatus.not_asked,
        ttl_s=None,
        asked_at=None,
        ms=0,
        cname_chain=(),
        ad=None,
        mx_total=0,
        mx=(),
    )
    assert resolver.asked == []


def test_whose_mail_goes_to_a_host_that_opted_out_is_not_skipped_itself() -> None:
    opt_out = parse_opt_out("mx.example")
    resolver = FakeResolver({("a.test", "MX"): Answer(OK, (MxData(10, "mx.example"),))})
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: opt_out)
    route = asyncio.run(lookup_route("a.test", resolver, DnsSettings(), policy))
    assert [mx.exchange for mx in route.mx] == ["mx.example"]
