"""Where a domain receives mail: RFC 5321 §5.1 and RFC 7505, row by row."""

from itertools import permutations

import pytest

from scanner.dns.answers import FAILURES, Answer, MxData
from scanner.dns.mail_routes import MailHost, MailRoute, needs_addresses, select_mail_route
from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind

OK, NO_DATA, NXDOMAIN = DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain
LITERAL, LOCALHOST = (HostFlag.mx_is_address_literal,), (HostFlag.mx_is_localhost,)
DOMAIN = "a.test"


def mx_of(*records: tuple[int, str], alias: bool = False) -> Answer[MxData]:
    chain = ("b.test",) if alias else ()
    return Answer(OK, tuple(MxData(*record) for record in records), cname_chain=chain)


Hosts = list[tuple[int | None, str, tuple[HostFlag, ...]]]

WITH_RECORDS: list[tuple[str, list[tuple[int, str]], RouteKind, set[RouteFlag], Hosts]] = [
    ("one MX", [(10, "mx.test")], RouteKind.mx, set(), [(10, "mx.test", ())]),
    ("by preference, whatever the order of the answer", [(20, "a.test"), (5, "b.test"), (10, "c.test")],
     RouteKind.mx, set(), [(5, "b.test", ()), (10, "c.test", ()), (20, "a.test", ())]),
    ("equals by name; only a sender shuffles them", [(10, "c.test"), (10, "a.test"), (10, "b.test")],
     RouteKind.mx, set(), [(10, "a.test", ()), (10, "b.test", ()), (10, "c.test", ())]),
    ("preferences are numbers, no text", [(100, "a.test"), (20, "b.test"), (0, "c.test")],
     RouteKind.mx, set(), [(0, "c.test", ()), (20, "b.test", ()), (100, "a.test", ())]),
    ("twice the same record", [(10, "mx.test"), (10, "mx.test")],
     RouteKind.mx, {RouteFlag.duplicate_mx}, [(10, "mx.test", ())]),
    ("twice the same host: its best preference", [(20, "mx.test"), (10, "b.test"), (5, "mx.test")],
     RouteKind.mx, {RouteFlag.duplicate_mx}, [(5, "mx.test", ()), (10, "b.test", ())]),
    ("as many as are kept", [(0, "a.test"), (1, "b.test"), (2, "c.test")],
     RouteKind.mx, set(), [(0, "a.test", ()), (1, "b.test", ()), (2, "c.test", ())]),
    ("more than are kept", [(3, "d.test"), (0, "a.test"), (1, "b.test"), (2, "c.test")],
     RouteKind.mx, {RouteFlag.mx_over_limit}, [(0, "a.test", ()), (1, "b.test", ()), (2, "c.test", ())]),
    ("three hosts in four records are not too many",
     [(1, "a.test"), (2, "a.test"), (3, "b.test"), (4, "c.test")],
     RouteKind.mx, {RouteFlag.duplicate_mx}, [(1, "a.test", ()), (3, "b.test", ()), (4, "c.test", ())]),
    ("the text of an address", [(10, "192.0.2.1")], RouteKind.mx, set(), [(10, "192.0.2.1", LITERAL)]),
    ("of an IPv6 address", [(10, "2001:db8::1")], RouteKind.mx, set(), [(10, "2001:db8::1", LITERAL)]),
    ("in brackets", [(10, "[192.0.2.1]")], RouteKind.mx, set(), [(10, "[192.0.2.1]", LITERAL)]),
    ("localhost", [(10, "localhost")], RouteKind.mx, set(), [(10, "localhost", LOCALHOST)]),
    ("below localhost", [(10, "mx.localhost")], RouteKind.mx, set(), [(10, "mx.localhost", LOCALHOST)]),
    ("not below it", [(10, "notlocalhost")], RouteKind.mx, set(), [(10, "notlocalhost", ())]),
    ("the domain itself", [(10, DOMAIN)], RouteKind.mx, set(), [(10, DOMAIN, ())]),
    ("null MX (RFC 7505 §3)", [(0, "")], RouteKind.null_mx, set(), []),
    ("null MX at another preference", [(10, "")], RouteKind.null_mx, {RouteFlag.null_mx_preference}, []),
    ("null MX twice", [(0, ""), (0, "")], RouteKind.null_mx, {RouteFlag.duplicate_mx}, []),
    ("null MX twice, once at another preference", [(0, ""), (1, "")], RouteKind.null_mx,
     {RouteFlag.duplicate_mx, RouteFlag.null_mx_preference}, []),
    ("null MX beside others is ignored, and told", [(0, ""), (10, "mx.test")],
     RouteKind.mx, {RouteFlag.null_mx_with_others}, [(10, "mx.test", ())]),
    ("beside others at any preference", [(10, "mx.test"), (10, "")],
     RouteKind.mx, {RouteFlag.null_mx_with_others}, [(10, "mx.test", ())]),
    ("two of them beside others are no duplicate host", [(0, ""), (5, ""), (10, "mx.test")],
     RouteKind.mx, {RouteFlag.null_mx_with_others}, [(10, "mx.test", ())]),
    ("everything at once",
     [(0, ""), (1, "a.test"), (1, "a.test"), (2, "b.test"), (3, "c.test"), (4, "d.test")],
     RouteKind.mx, {RouteFlag.null_mx_with_others, RouteFlag.duplicate_mx, RouteFlag.mx_over_limit},
     [(1, "a.test", ()), (2, "b.test", ()), (3, "c.test", ())]),
]  # fmt: skip


@pytest.mark.parametrize("alias", [False, True], ids=["", "through a CNAME"])
@pytest.mark.parametrize(
    ("records", "kind", "flags", "hosts"),
    [row[1:] for row in WITH_RECORDS],
    ids=[row[0] for row in WITH_RECORDS],
)
def test_the_route_of_a_domain_with_mx_records(
    records: list[tuple[int, str]], kind: RouteKind, flags: set[RouteFlag], hosts: Hosts, alias: bool
) -> None:
    expected = flags | ({RouteFlag.domain_is_cname} if alias else set())
    for order in permutations(records):
        route = select_mail_route(DOMAIN, mx_of(*order, alias=alias), (), max_hosts=3)
        assert (route.kind, route.dns_status, set(route.flags)) == (kind, OK, expected)
        assert len(route.flags) == len(expected)
        assert [(host.preference, host.exchange, host.flags) for host in route.hosts] == hosts
        assert route.mx_total == len(records)


def test_with_mx_records_the_domains_own_addresses_are_never_used() -> None:
    mx = mx_of((10, "mx.test"))
    assert not needs_addresses(mx)
    assert select_mail_route(DOMAIN, mx, (OK, OK), 20) == select_mail_route(DOMAIN, mx, (), 20)


IMPLICIT = (MailHost(None, DOMAIN),)
SERVFAIL, TIMED_OUT = DnsStatus.servfail, DnsStatus.timed_out

WITHOUT_RECORDS: list[tuple[str, tuple[DnsStatus, DnsStatus], MailRoute]] = [
    ("both families", (OK, OK), MailRoute(RouteKind.implicit_mx, NO_DATA, (), IMPLICIT)),
    ("A only", (OK, NO_DATA), MailRoute(RouteKind.implicit_mx, NO_DATA, (), IMPLICIT)),
    ("AAAA only", (NO_DATA, OK), MailRoute(RouteKind.implicit_mx, NO_DATA, (), IMPLICIT)),
    ("one family is enough when the other fails", (SERVFAIL, OK),
     MailRoute(RouteKind.implicit_mx, NO_DATA, (), IMPLICIT)),
    ("neither", (NO_DATA, NO_DATA), MailRoute(RouteKind.no_mail_host, NO_DATA)),
    ("a server that denies the name for one type", (NXDOMAIN, NO_DATA),
     MailRoute(RouteKind.no_mail_host, NO_DATA)),
    ("A fails: unknown is not no", (SERVFAIL, NO_DATA), MailRoute(RouteKind.dns_failure, SERVFAIL)),
    ("AAAA fails", (NO_DATA, TIMED_OUT), MailRoute(RouteKind.dns_failure, TIMED_OUT)),
    ("both fail: the first is told", (SERVFAIL, TIMED_OUT), MailRoute(RouteKind.dns_failure, SERVFAIL)),
    ("our own fault", (DnsStatus.local_fault, NO_DATA),
     MailRoute(RouteKind.dns_failure, DnsStatus.local_fault)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("addresses", "route"), [row[1:] for row in WITHOUT_RECORDS], ids=[row[0] for row in WITHOUT_RECORDS]
)
def test_the_route_of_a_domain_without_mx_records(addresses: tuple[DnsStatus, DnsStatus], route: MailRoute) -> None:
    mx: Answer[MxData] = Answer(NO_DATA)
    assert needs_addresses(mx)
    assert select_mail_route(DOMAIN, mx, addresses, 20) == route


def test_an_implicit_mx_behind_an_alias_is_the_domain_as_it_was_asked_for() -> None:
    mx: Answer[MxData] = Answer(NO_DATA, cname_chain=("b.test",))
    route = select_mail_route(DOMAIN, mx, (OK, NO_DATA), 20)
    assert route == MailRoute(RouteKind.implicit_mx, NO_DATA, (RouteFlag.domain_is_cname,), IMPLICIT)


def test_an_implicit_mx_below_localhost_says_so() -> None:
    route = select_mail_route("x.localhost", Answer(NO_DATA), (OK, NO_DATA), 20)
    assert route.hosts == (MailHost(None, "x.localhost", LOCALHOST),)


def test_a_domain_that_does_not_exist_is_final() -> None:
    mx: Answer[MxData] = Answer(NXDOMAIN)
    assert not needs_addresses(mx)
    assert select_mail_route(DOMAIN, mx, (), 20) == MailRoute(RouteKind.nxdomain, NXDOMAIN)


@pytest.mark.parametrize("status", sorted(FAILURES))
def test_a_lookup_that_failed_is_never_no_mail(status: DnsStatus) -> None:
    mx: Answer[MxData] = Answer(status)
    assert not needs_addresses(mx)
    assert select_mail_route(DOMAIN, mx, (), 20) == MailRoute(RouteKind.dns_failure, status)
