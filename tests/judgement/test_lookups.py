"""Several lookups of a domain or a mail host: which one counts."""

import pytest

from scanner.judgement.lookups import merge_hosts, merge_routes
from scanner.outcomes import AddressFlag, DnsStatus, RouteKind
from scanner.records import AddressLookup, HostAddress, Route

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
