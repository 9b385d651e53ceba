"""To which servers a message goes, in which order; and why to none."""

import pytest

from scanner.addresses import parse_address
from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_reasons import Reason
from scanner.diagnosis.send_ways import MAX_PLACES, Place, Way, way_by_relay, way_by_route, way_to_address
from scanner.outcomes import AddressFlag, DnsStatus, RouteKind
from scanner.records import AddressLookup, Host, Route
from tests.judgement.found import flagged, host, looked_up, mx, route

K = ReasonKind
A, B = "a.example.org", "b.example.org"
SERVFAIL, NXDOMAIN = looked_up(status=DnsStatus.servfail), looked_up(status=DnsStatus.nxdomain)


def places(way: Way) -> list[str]:
    assert way.reason is None
    return [f"{place.preference} {place.host} {place.address}" for place in way.places]


def reason(way: Way) -> Reason:
    assert way.places == ()
    assert way.reason is not None
    return way.reason


def test_places_come_by_preference_and_their_families_in_turn() -> None:
    hosts = [
        host(looked_up("192.0.2.1", "192.0.2.2"), looked_up("2001:db8::1"), exchange=A),
        host(looked_up("192.0.2.9"), exchange=B),
    ]
    assert places(way_by_route(route(RouteKind.mx, mx(A, 10), mx(B, 20)), hosts)) == [
        f"10 {A} 192.0.2.1",
        f"10 {A} 2001:db8::1",
        f"10 {A} 192.0.2.2",
        f"20 {B} 192.0.2.9",
    ]


def test_an_implicit_mx_has_no_preference() -> None:
    found = route(RouteKind.implicit_mx, mx("example.org", None))
    assert places(way_by_route(found, [host(looked_up("192.0.2.1"), exchange="example.org")])) == [
        "None example.org 192.0.2.1"
    ]


def test_no_more_places_are_tried_than_a_mail_server_would() -> None:
    many = looked_up(*(f"192.0.2.{number}" for number in range(1, 9)))
    way = way_by_route(route(RouteKind.mx, mx(A, 10), mx(B, 20)), [host(many, exchange=A), host(many, exchange=B)])
    assert len(way.places) == MAX_PLACES


def test_an_address_that_must_not_be_contacted_is_passed_over() -> None:
    found = host(looked_up(flagged("10.0.0.1", AddressFlag.not_public), "192.0.2.1"), exchange=A)
    assert places(way_by_route(route(RouteKind.mx, mx(A)), [found])) == [f"10 {A} 192.0.2.1"]


NO_ROUTES: list[tuple[str, Route, ReasonKind]] = [
    ("no such domain", route(RouteKind.nxdomain), K.domain_does_not_exist),
    ("a null MX", route(RouteKind.null_mx), K.null_mx),
    ("no server", route(RouteKind.no_mail_host), K.no_mail_host),
    ("opted out", route(RouteKind.skipped), K.left_alone),
    ("its name servers fail", route(RouteKind.dns_failure, dns_status=DnsStatus.servfail), K.dns_failure),
    ("no resolver answers", route(RouteKind.dns_failure, dns_status=DnsStatus.local_fault), K.our_dns_failure),
]


@pytest.mark.parametrize(("found", "kind"), [row[1:] for row in NO_ROUTES], ids=[row[0] for row in NO_ROUTES])
def test_a_domain_without_a_route_says_why(found: Route, kind: ReasonKind) -> None:
    assert reason(way_by_route(found, [])).kind is kind


NO_PLACES: list[tuple[str, AddressLookup, AddressLookup, ReasonKind]] = [
    ("no data", looked_up(), looked_up(), K.no_address),
    ("it does not exist", NXDOMAIN, NXDOMAIN, K.no_address),
    ("its name servers fail", SERVFAIL, looked_up(), K.dns_failure),
    ("no resolver answers", looked_up(status=DnsStatus.local_fault), SERVFAIL, K.our_dns_failure),
    ("only private ones", looked_up(flagged("10.0.0.1", AddressFlag.not_public)), looked_up(), K.not_public),
    ("opted out by its address", looked_up(flagged("192.0.2.1", AddressFlag.opted_out)), looked_up(), K.left_alone),
    ("opted out by its name", looked_up(status=DnsStatus.not_asked), looked_up(status=DnsStatus.not_asked),
     K.left_alone),
]  # fmt: skip


@pytest.mark.parametrize(("a", "aaaa", "kind"), [row[1:] for row in NO_PLACES], ids=[row[0] for row in NO_PLACES])
def test_hosts_without_an_address_to_go_to_say_why(a: AddressLookup, aaaa: AddressLookup, kind: ReasonKind) -> None:
    found = host(a, aaaa, exchange=A)
    assert reason(way_by_route(route(RouteKind.mx, mx(A)), [found])).kind is kind
    of_relay = K.relay_does_not_exist if a is NXDOMAIN else kind
    assert reason(way_by_relay(found)).kind is of_relay


def test_a_private_relay_says_how_to_allow_it() -> None:
    found = host(looked_up(flagged("10.0.0.1", AddressFlag.not_public)), exchange=A)
    assert "--allow-network 10.0.0.1/32" in reason(way_by_relay(found)).what_to_do
    way = way_to_address(parse_address("fd00::1"), (AddressFlag.not_public,))
    assert "--allow-network fd00::1/128" in reason(way).what_to_do


def test_an_opted_out_address_is_left_alone() -> None:
    assert reason(way_to_address(parse_address("192.0.2.1"), (AddressFlag.opted_out,))).kind is K.left_alone


def test_an_address_is_asked_for_by_its_reverse_name() -> None:
    way = way_to_address(parse_address("192.0.2.1"), ())
    assert way.places == (Place("192.0.2.1", "1.2.0.192.in-addr.arpa", "192.0.2.1"),)


def test_a_relay_has_no_preference() -> None:
    found: Host = host(looked_up("192.0.2.1"), exchange=A)
    assert way_by_relay(found).places == (Place(A, A, "192.0.2.1", None),)
