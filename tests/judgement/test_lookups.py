"""Several lookups of a domain or a mail host: which one counts."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement.lookups import merge_hosts, merge_routes
from scanner.outcomes import AddressFlag, DnsStatus, RouteKind
from scanner.records import AddressLookup, Host, HostAddress, Route, TlsaLookup, TxtLookup

from .found import flagged, host, looked_up, mx, route

GONE = AddressFlag.address_withdrawn
ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def failed(status: str) -> AddressLookup:
    return looked_up(status=DnsStatus(status))


def failure(status: str) -> Route:
    return route(RouteKind.dns_failure, dns_status=DnsStatus(status))


SKIPPED = route(RouteKind.skipped, dns_status=DnsStatus.not_asked)
TO_MX = route(RouteKind.mx, mx())
TO_ANOTHER = route(RouteKind.mx, mx("mx9.example.org"))
NXDOMAIN = route(RouteKind.nxdomain, dns_status=DnsStatus.nxdomain)


@pytest.mark.parametrize(
    ("earlier", "later", "counts", "why"),
    [
        (None, failure("servfail"), "later", "the only one"),
        (failure("servfail"), TO_MX, "later", "that is what a second attempt is for"),
        (TO_MX, failure("timed_out"), "earlier", "a failure tells nothing about what was known"),
        (TO_MX, TO_ANOTHER, "later", "the DNS has changed"),
        (TO_MX, NXDOMAIN, "later", "NXDOMAIN is an answer too"),
        (NXDOMAIN, failure("servfail"), "earlier", "and no failure takes it back"),
        (failure("servfail"), failure("timed_out"), "later", "both failed: the last"),
        (failure("servfail"), failure("local_fault"), "earlier", "a fault of ours does not displace one of theirs"),
        (failure("local_fault"), failure("servfail"), "later", "but it is displaced by one"),
        (failure("timed_out"), SKIPPED, "earlier", "who was asked and opted out later was asked"),
        (SKIPPED, TO_MX, "later", "taken off the list, and asked"),
        (SKIPPED, failure("servfail"), "later", "a failure tells more than no question"),
    ],
)
def test_the_last_route_counts_unless_it_knows_less(earlier: Route | None, later: Route, counts: str, why: str) -> None:
    assert merge_routes(earlier, later) is (later if counts == "later" else earlier)


@pytest.mark.parametrize(
    ("lookups", "status", "addresses", "why"),
    [
        ([looked_up(ONE)], "ok", [flagged(ONE)], "one lookup is what it is"),
        ([looked_up(ONE), looked_up(ONE)], "ok", [flagged(ONE)], "the same again"),
        ([looked_up(ONE), looked_up(TWO)], "ok", [flagged(TWO), flagged(ONE, GONE)], "one went, another came"),
        ([looked_up(ONE, TWO), looked_up(TWO)], "ok", [flagged(TWO), flagged(ONE, GONE)], "one of two went"),
        ([looked_up(ONE), looked_up(), looked_up(ONE)], "ok", [flagged(ONE)], "and came back"),
        (
            [looked_up(ONE), looked_up(TWO), looked_up(THREE)],
            "ok",
            [flagged(THREE), flagged(TWO, GONE), flagged(ONE, GONE)],
            "all that ever were are kept, withdrawn once",
        ),
        ([looked_up(ONE), looked_up()], "no_data", [flagged(ONE, GONE)], "no data is an answer: it is gone"),
        ([looked_up(ONE), failed("nxdomain")], "nxdomain", [flagged(ONE, GONE)], "so is NXDOMAIN"),
        ([looked_up(ONE), failed("servfail")], "ok", [flagged(ONE)], "a failure withdraws nothing"),
        ([looked_up(ONE), failed("servfail"), looked_up(ONE)], "ok", [flagged(ONE)], "nor one in between"),
        ([failed("servfail"), looked_up(ONE)], "ok", [flagged(ONE)], "the second attempt found it"),
        ([failed("servfail"), failed("timed_out")], "timed_out", [], "if all failed, the last"),
        ([failed("servfail"), failed("local_fault")], "servfail", [], "but not a fault of ours"),
        ([failed("not_asked"), looked_up(ONE)], "ok", [flagged(ONE)], "asked after all"),
        ([looked_up(ONE), failed("not_asked")], "ok", [flagged(ONE)], "not asking again withdraws nothing"),
        (
            [looked_up(flagged(ONE, AddressFlag.opted_out)), looked_up()],
            "no_data",
            [flagged(ONE, AddressFlag.opted_out, GONE)],
            "a flag of its own is kept",
        ),
    ],
)
def test_of_each_family_the_last_lookup_counts_that_did_not_fail(
    lookups: list[AddressLookup], status: str, addresses: list[HostAddress], why: str
) -> None:
    ipv4 = ipv6 = None
    for lookup in lookups:
        ipv4, ipv6 = merge_hosts(ipv4, host(a=lookup)), merge_hosts(ipv6, host(aaaa=lookup))
    assert ipv4 is not None
    assert ipv6 is not None
    assert (ipv4.a.dns_status, list(ipv4.a.addresses)) == (status, addresses)
    assert ipv6.aaaa == ipv4.a
    assert (ipv4.aaaa, ipv6.a) == (looked_up(), looked_up()), "the other family is left alone"


# Texts about TLS ------------------------------------------------------------------------------------------


def text(status: str, *records: str) -> TxtLookup:
    return TxtLookup(dns_status=DnsStatus(status), records=tuple((record,) for record in records))


FOUND, FOUND_LATER = text("ok", "v=STSv1; id=1;"), text("ok", "v=STSv1; id=2;")


@pytest.mark.parametrize(
    ("earlier", "later", "counts", "why"),
    [
        (FOUND, FOUND_LATER, FOUND_LATER, "the later one"),
        (text("servfail"), FOUND, FOUND, "that is what a second attempt is for"),
        (FOUND, text("timed_out"), FOUND, "unless it knows less"),
        (FOUND, text("nxdomain"), text("nxdomain"), "that it is gone is an answer"),
        (None, FOUND, FOUND, "asked for only later"),
        (FOUND, None, FOUND, "and only before"),
        (text("local_fault"), None, text("local_fault"), "our own fault is more than no question: it is made again"),
        (text("servfail"), text("local_fault"), text("servfail"), "but less than a failure of theirs"),
        (None, None, None, "never"),
    ],
)
def test_each_text_counts_by_itself(
    earlier: TxtLookup | None, later: TxtLookup | None, counts: TxtLookup | None, why: str
) -> None:
    for field, other in (("mta_sts", "tls_rpt"), ("tls_rpt", "mta_sts")):
        before, after = replace(TO_MX, **{field: earlier}), replace(TO_ANOTHER, **{field: later})
        merged = merge_routes(before, after)
        assert merged == replace(TO_ANOTHER, **{field: counts}), why
        assert getattr(merged, other) is None


def test_a_text_outlives_the_failure_of_the_route_beside_it() -> None:
    first = replace(TO_MX, mta_sts=text("servfail"), tls_rpt=FOUND)
    again = replace(failure("servfail"), mta_sts=None, tls_rpt=None)
    last = replace(TO_MX, attempt=2, mta_sts=FOUND, tls_rpt=text("timed_out"))
    assert merge_routes(first, again) is first
    assert merge_routes(merge_routes(first, again), last) == replace(last, tls_rpt=FOUND)


@pytest.mark.parametrize("gone", [NXDOMAIN, route(RouteKind.null_mx), route(RouteKind.no_mail_host)])
def test_where_no_server_takes_mail_any_more_no_text_is_kept(gone: Route) -> None:
    assert merge_routes(replace(TO_MX, mta_sts=FOUND), gone) is gone


# Security -------------------------------------------------------------------------------------------------

USABLE = TlsaLookup(base_domain="mx.test", dns_status=DnsStatus.ok, ad=True, records=(f"3 1 1 {'ab' * 32}",))
FAILED_TLSA = TlsaLookup(base_domain="mx.test", dns_status=DnsStatus.servfail, ad=None)


def secured(a: bool | None, aaaa: bool | None = None, *tlsa: TlsaLookup, alias: str | None = None, **more: Any) -> Host:
    """A host with an address of each family, their AD bits, and TLSA lookups."""
    ipv4, ipv6 = replace(looked_up(ONE, alias=alias), ad=a), replace(looked_up("2001:db8::1", alias=alias), ad=aaaa)
    return replace(host(ipv4, ipv6), tlsa=tlsa or None, **more)


NOT_ASKED = secured(None)
INSECURE = secured(False)
WITH_TLSA = secured(True, True, USABLE, tlsa_base_domain="mx.test")
TLSA_FAILED = secured(True, True, FAILED_TLSA)
ALIAS_UNKNOWN = secured(False, None, alias="b.test")
ALIAS_KNOWN = secured(False, None, alias="b.test", alias_ad=False)
HALF_KNOWN = secured(True, None)


def security(host: Host) -> tuple[Any, ...]:
    return host.a.ad, host.aaaa.ad, host.alias_ad, host.tlsa, host.tlsa_base_domain


@pytest.mark.parametrize(
    ("earlier", "later", "counts", "why"),
    [
        (INSECURE, WITH_TLSA, "later", "the later one"),
        (WITH_TLSA, INSECURE, "later", "also if there is less"),
        (WITH_TLSA, NOT_ASKED, "earlier", "addresses asked for again before a session: nobody asked for more"),
        (WITH_TLSA, TLSA_FAILED, "earlier", "a failure takes nothing back"),
        (TLSA_FAILED, WITH_TLSA, "later", "that is what a second attempt is for"),
        (TLSA_FAILED, NOT_ASKED, "earlier", "a failure is more than no question"),
        (NOT_ASKED, TLSA_FAILED, "later", "whichever is first"),
        (ALIAS_KNOWN, ALIAS_UNKNOWN, "earlier", "what is said of an alias is part of it"),
        (ALIAS_UNKNOWN, ALIAS_KNOWN, "later", "here too"),
        (TLSA_FAILED, TLSA_FAILED, "later", "both failed"),
    ],
)
def test_what_is_known_of_security_counts_as_a_whole(earlier: Host, later: Host, counts: str, why: str) -> None:
    merged = merge_hosts(earlier, later)
    assert security(merged) == security(earlier if counts == "earlier" else later), why


@pytest.mark.parametrize("family", ["a", "aaaa"])
def test_a_family_that_failed_keeps_the_bit_that_goes_with_its_addresses(family: str) -> None:
    later = replace(WITH_TLSA, **{family: looked_up(status=DnsStatus.servfail)})
    assert merge_hosts(WITH_TLSA, later) == WITH_TLSA


def test_half_of_it_is_nothing() -> None:
    assert security(merge_hosts(INSECURE, HALF_KNOWN))[2:] == security(INSECURE)[2:]
    assert security(merge_hosts(HALF_KNOWN, INSECURE)) == security(INSECURE)
