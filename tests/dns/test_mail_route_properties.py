"""Mail routes from any MX records in any order: what holds for all of them (RFC 5321 §5.1, RFC 7505)."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scanner.dns.answers import FAILURES, Answer, MxData
from scanner.dns.mail_routes import MailRoute, needs_addresses, select_mail_route
from scanner.outcomes import DnsStatus, RouteFlag, RouteKind
from tests.properties import SAME_EVERYWHERE

DOMAIN = "a.test"

# RFC 1035 §3.3.9: PREFERENCE is 16 bits; EXCHANGE is a name, "" for the root. Few of each, so that they meet.
EXCHANGE = st.sampled_from(["", "a.test", "b.test", "mx.a.test", "localhost", "192.0.2.1", "::1"]) | st.builds(
    "mx{}.test".format, st.integers(0, 30)
)
PREFERENCE = st.sampled_from([0, 5, 10]) | st.integers(0, 65535)
RECORDS = st.lists(st.builds(MxData, PREFERENCE, EXCHANGE), min_size=1, max_size=40)
MAX_HOSTS = st.integers(1, 25)
STATUS = st.sampled_from(DnsStatus)


def route_of(records: list[MxData], max_hosts: int = 20) -> MailRoute:
    return select_mail_route(DOMAIN, Answer(DnsStatus.ok, tuple(records)), (), max_hosts)


@SAME_EVERYWHERE
@given(RECORDS, MAX_HOSTS, st.randoms(use_true_random=False))
def test_the_order_of_the_records_changes_nothing(records: list[MxData], max_hosts: int, random: Random) -> None:
    shuffled = random.sample(records, len(records))
    assert route_of(shuffled, max_hosts) == route_of(records, max_hosts)


@SAME_EVERYWHERE
@given(RECORDS, MAX_HOSTS)
def test_hosts_are_the_best_in_order_of_preference_then_name(records: list[MxData], max_hosts: int) -> None:
    route = route_of(records, max_hosts)
    hosts = [(host.preference, host.exchange) for host in route.hosts]
    said = {(record.preference, record.exchange) for record in records if record.exchange}
    best = {min(pair for pair in said if pair[1] == exchange) for _, exchange in said}
    assert hosts == sorted(best)[:max_hosts]
    assert route.mx_total == len(records)
    assert (RouteFlag.mx_over_limit in route.flags) is (len(best) > max_hosts)


@SAME_EVERYWHERE
@given(RECORDS)
def test_null_mx_is_one_only_without_any_other(records: list[MxData]) -> None:
    route = route_of(records)
    named = [record for record in records if record.exchange]
    assert (route.kind is RouteKind.null_mx) is not bool(named)
    assert (route.kind is RouteKind.mx) is bool(route.hosts) is bool(named)
    assert (RouteFlag.null_mx_with_others in route.flags) is (0 < len(named) < len(records))
    preferred = any(record.preference for record in records)
    assert (RouteFlag.null_mx_preference in route.flags) is (not named and preferred)


@SAME_EVERYWHERE
@given(RECORDS, st.booleans())
def test_every_flag_stands_once_and_has_its_reason(records: list[MxData], alias: bool) -> None:
    chain = ("b.test",) if alias else ()
    route = select_mail_route(DOMAIN, Answer(DnsStatus.ok, tuple(records), cname_chain=chain), (), 100)
    assert len(set(route.flags)) == len(route.flags)
    assert (RouteFlag.domain_is_cname in route.flags) is alias
    named = [record.exchange for record in records if record.exchange]
    counted = named or [record.exchange for record in records]
    assert (RouteFlag.duplicate_mx in route.flags) is (len(set(counted)) < len(counted))


@SAME_EVERYWHERE
@given(RECORDS, st.lists(STATUS, max_size=2))
def test_with_records_no_address_of_the_domain_is_looked_at(records: list[MxData], addresses: list[DnsStatus]) -> None:
    mx = Answer(DnsStatus.ok, tuple(records))
    assert not needs_addresses(mx)
    assert select_mail_route(DOMAIN, mx, tuple(addresses), 20) == route_of(records)


@SAME_EVERYWHERE
@given(
    st.sampled_from(sorted(FAILURES | {DnsStatus.no_data, DnsStatus.nxdomain})),
    st.tuples(*[st.sampled_from(sorted(FAILURES | {DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain}))] * 2),
)
def test_without_records_no_failure_is_ever_a_no(status: DnsStatus, addresses: tuple[DnsStatus, DnsStatus]) -> None:
    mx: Answer[MxData] = Answer(status)
    route = select_mail_route(DOMAIN, mx, addresses if needs_addresses(mx) else (), 20)
    asked = {status, *addresses} if needs_addresses(mx) else {status}
    assert (route.kind is RouteKind.implicit_mx) is (DnsStatus.ok in asked)
    assert [host.exchange for host in route.hosts] == ([DOMAIN] if DnsStatus.ok in asked else [])
    assert (route.kind is RouteKind.dns_failure) is (bool(asked & FAILURES) and DnsStatus.ok not in asked)
    assert (route.dns_status in FAILURES) is (route.kind is RouteKind.dns_failure)
    assert (route.mx_total, {host.preference for host in route.hosts} - {None}) == (0, set())
