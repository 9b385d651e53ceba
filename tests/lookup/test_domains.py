"""A domain's route: what is asked for, in which order, and the record made of the answers."""

import asyncio
from typing import Any

import pytest

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.lookup.domains import lookup_route
from scanner.opt_out import parse_opt_out
from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind
from scanner.records import Mx, Route, TxtLookup
from scanner.settings import DnsSettings, LookupsSettings
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


# Texts about TLS ------------------------------------------------------------------------------------------

TEXTS = LookupsSettings()
STS: Answer[Any] = Answer(OK, ((b"v=STSv1; id=1;",),))
RPT: Answer[Any] = Answer(DnsStatus.servfail)
STS_NAME, RPT_NAME = "_mta-sts.a.test", "_smtp._tls.a.test"
MX: Answer[MxData] = Answer(OK, (MxData(10, "mx.test"),))
ADDRESS: Answer[str] = Answer(OK, ("192.0.2.1",))


def route_with_texts(answers: dict[tuple[str, str], Any], lookups: LookupsSettings = TEXTS) -> tuple[Route, set[str]]:
    resolver = FakeResolver(answers, {STS_NAME: STS, RPT_NAME: RPT})
    route = asyncio.run(lookup_route("a.test", resolver, DnsSettings(), EVERYBODY, lookups=lookups))
    return route, {name for name, record_type in resolver.asked if record_type == "TXT"}


@pytest.mark.parametrize(
    ("answers", "kind", "is_kept"),
    [
        ({("a.test", "MX"): MX}, RouteKind.mx, True),
        ({("a.test", "MX"): Answer(NO_DATA), ("a.test", "A"): ADDRESS}, RouteKind.implicit_mx, True),
        ({("a.test", "MX"): Answer(OK, (MxData(0, ""),))}, RouteKind.null_mx, False),
        ({("a.test", "MX"): Answer(NO_DATA)}, RouteKind.no_mail_host, False),
        ({}, RouteKind.nxdomain, False),
        ({("a.test", "MX"): Answer(DnsStatus.servfail)}, RouteKind.dns_failure, False),
    ],
    ids=lambda value: value.value if isinstance(value, RouteKind) else "",
)
def test_texts_are_kept_where_a_server_takes_the_mail(
    answers: dict[tuple[str, str], Any], kind: RouteKind, is_kept: bool
) -> None:
    route, asked = route_with_texts(answers)
    assert (route.kind, asked) == (kind, {STS_NAME, RPT_NAME})
    sts = TxtLookup(dns_status=OK, records=(("v=STSv1; id=1;",),))
    rpt = TxtLookup(dns_status=DnsStatus.servfail)
    assert (route.mta_sts, route.tls_rpt) == ((sts, rpt) if is_kept else (None, None))


@pytest.mark.parametrize(
    ("lookups", "asked"),
    [
        (LookupsSettings(tls_rpt=False), {STS_NAME}),
        (LookupsSettings(mta_sts=False), {RPT_NAME}),
        (LookupsSettings(mta_sts=False, tls_rpt=False), set()),
    ],
)
def test_texts_are_asked_for_as_the_settings_say(lookups: LookupsSettings, asked: set[str]) -> None:
    route, questions = route_with_texts({("a.test", "MX"): MX}, lookups)
    assert questions == asked
    assert (route.mta_sts is not None, route.tls_rpt is not None) == (STS_NAME in asked, RPT_NAME in asked)


def test_of_a_domain_that_opted_out_no_text_is_asked_for() -> None:
    opt_out = parse_opt_out("a.test")
    resolver = FakeResolver({})
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: opt_out)
    route = asyncio.run(lookup_route("a.test", resolver, DnsSettings(), policy, lookups=TEXTS))
    assert (route.mta_sts, route.tls_rpt, resolver.asked) == (None, None, [])


def test_texts_are_asked_for_together_with_mx() -> None:
    class Waiting(FakeResolver):
        """Answers nobody before all three have asked."""

        def __init__(self) -> None:
            super().__init__({})
            self._everybody = asyncio.Barrier(3)

        async def lookup_mx(self, name: str) -> Answer[MxData]:
            await self._everybody.wait()
            return await super().lookup_mx(name)

        async def lookup_txt(self, name: str) -> Answer[tuple[bytes, ...]]:
            await self._everybody.wait()
            return await super().lookup_txt(name)

    async def bounded() -> Route:
        async with asyncio.timeout(10):
            return await lookup_route("a.test", Waiting(), DnsSettings(), EVERYBODY, lookups=TEXTS)

    assert asyncio.run(bounded()).kind is RouteKind.nxdomain
