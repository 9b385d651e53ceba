"""Grown worlds: the same for the same seed, as large and as bad as promised, and right by their own words."""

from collections import Counter
from ipaddress import IPv4Address, IPv4Network

import pytest

from scanner.lab.grown import grow_world
from scanner.lab.grown_expectation import GrownHost, MissingHost, expect_mx
from scanner.lab.habits import BAD_HABITS, BEHAVIOURS, CERTIFICATES, GOOD_HABITS, SLOW_HABITS
from scanner.lab.world import World
from scanner.lab.world_file import find_problems, servers_of
from scanner.outcomes import DnsStatus, RouteKind
from tests.expectation import expected_record

SIZES = [1, 7, 100, 3000]


@pytest.fixture(scope="module")
def world() -> World:
    return grow_world(5000, 7)


def test_a_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert grow_world(300, 7) == grow_world(300, 7)
    assert grow_world(300, 7) != grow_world(300, 8)


@pytest.mark.parametrize("domains", SIZES)
def test_a_world_has_the_domains_asked_for_and_can_be_served(domains: int) -> None:
    world = grow_world(domains, 3)
    assert len({entry.domain for entry in world.entries}) == domains
    assert list(find_problems(world)) == []


@pytest.mark.parametrize("domains", SIZES)
def test_every_expectation_is_a_record(domains: int) -> None:
    for entry in grow_world(domains, 5).entries:
        record = expected_record(entry)
        assert record.domain == entry.domain


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_enough_hosts_and_domains_are_not_good(seed: int) -> None:
    world = grow_world(3000, seed)
    good = {(habit.behaviour, habit.certificate) for habit in GOOD_HABITS}
    hosts = {server.host for server in world.servers}
    bad_hosts = {server.host for server in world.servers if (server.behaviour, server.certificate) not in good}
    assert len(bad_hosts) >= 0.15 * len(hosts)
    troubled = [
        entry
        for entry in world.entries
        if any(finding.split()[2] == entry.domain or "mx-" in finding for finding in entry.expect.findings)
        and any(" notice " not in finding for finding in entry.expect.findings)
    ]
    assert len(troubled) >= 0.05 * 3000


def test_providers_are_networks_of_their_own_and_few_have_most_customers(world: World) -> None:
    networks: dict[str, set[IPv4Network]] = {}
    for server in world.servers:
        provider = server.host.split(".")[1]
        networks.setdefault(provider, set()).add(IPv4Network(f"{server.address}/24", strict=False))
    assert all(len(held) == 1 for held in networks.values())
    assert len({min(held) for held in networks.values()}) == len(networks)
    assert all(IPv4Address(server.address) >= IPv4Address("127.96.0.0") for server in servers_of(world))
    customers = Counter(
        entry.expect.hosts[0].exchange.split(".")[1]
        for entry in world.entries
        if entry.expect.hosts and "provider" in entry.expect.hosts[0].exchange
    )
    assert customers.most_common(1)[0][1] > 0.1 * len(world.entries)
    assert sum(count for _, count in customers.most_common(len(networks) // 10)) > 0.5 * len(world.entries)


def test_about_ten_domains_share_a_host(world: World) -> None:
    assert 7 < len(world.entries) / len({server.host for server in world.servers}) < 13


def test_every_kind_of_route_and_every_habit_is_there(world: World) -> None:
    kinds = {entry.expect.kind for entry in world.entries}
    assert kinds == set(RouteKind) - {RouteKind.invalid_name, RouteKind.skipped}
    habits = {(server.behaviour, server.certificate) for server in world.servers}
    assert {(habit.behaviour, habit.certificate) for habit in (*GOOD_HABITS, *BAD_HABITS, *SLOW_HABITS)} == habits
    assert {behaviour for behaviour, _ in habits} == BEHAVIOURS.keys()
    assert {certificate for _, certificate in habits} == CERTIFICATES.keys()


def test_few_servers_make_a_client_wait(world: World) -> None:
    slow = {habit.behaviour for habit in SLOW_HABITS}
    assert len([server for server in world.servers if server.behaviour in slow]) < 0.05 * len(world.servers)
    assert len([entry for entry in world.entries if "drop" in entry.dns.values()]) <= 5


GOOD, EXPIRED, REFUSED, SILENT = GOOD_HABITS[0], BAD_HABITS[1], BAD_HABITS[0], SLOW_HABITS[1]
A = "127.96.0.101"
B = "127.96.0.102"


def test_a_pool_whose_members_differ_is_mixed_and_said() -> None:
    expect = expect_mx([(10, GrownHost("mx.p.lab", ((A, GOOD), (B, EXPIRED))))])
    assert (expect.reachable, expect.certificate_trusted) == ("yes 2/0/0", "mixed 1/1/0")
    assert expect.hosts[0].addresses == (f"{A} done ok", f"{B} done ok; 10 expired")
    assert expect.delivery == ("all delivers_encrypted",)
    assert expect.findings == (
        f"certificate-expired error mx.p.lab [{B}]",
        "pool-members-differ warning mx.p.lab",
    )


def test_a_member_that_is_down_is_no_difference() -> None:
    expect = expect_mx([(10, GrownHost("mx.p.lab", ((A, GOOD), (B, REFUSED))))])
    assert (expect.reachable, expect.smtp) == ("mixed 1/1/0", "yes 1/0/0")
    assert expect.delivery == ("all delivers_encrypted",)
    assert expect.findings == (f"connection-refused error mx.p.lab [{B}]",)


def test_the_preferred_hosts_are_told_from_the_others() -> None:
    hosts: list[tuple[int, GrownHost | MissingHost]] = [
        (10, MissingHost("gone.lab", DnsStatus.nxdomain)),
        (20, GrownHost("mx.p.lab", ((A, SILENT),))),
    ]
    expect = expect_mx(hosts)
    assert expect.reachable == "mixed 1/1/0 preferred=no"
    assert expect.smtp == "unknown 0/0/1 preferred=not_applicable timed_out"
    assert expect.mx_total == 2
    assert expect.delivery == ("all unknown incomplete",)


NO_STARTTLS = BAD_HABITS[2]
DELIVERIES: list[tuple[list[tuple[int, GrownHost | MissingHost]], str, str]] = [
    (
        [(10, GrownHost("a", ((A, GOOD),))), (20, GrownHost("b", ((B, SILENT),)))],
        "delivers_encrypted",
        "the first does",
    ),
    (
        [(10, GrownHost("a", ((A, SILENT),))), (20, GrownHost("b", ((B, GOOD),)))],
        "delivers_encrypted incomplete",
        "perhaps",
    ),
    ([(10, GrownHost("a", ((A, GOOD), (B, NO_STARTTLS))))], "delivers", "of equals the weaker one"),
    ([(10, GrownHost("a", ((A, REFUSED),))), (20, GrownHost("b", ((B, NO_STARTTLS),)))], "delivers", "the next one"),
    ([(10, GrownHost("a", ((A, REFUSED),))), (20, MissingHost("b", DnsStatus.nxdomain))], "fails", "nobody is there"),
]


@pytest.mark.parametrize(("hosts", "delivery", "why"), DELIVERIES, ids=[row[-1] for row in DELIVERIES])
def test_a_message_goes_on_until_somebody_takes_it(
    hosts: list[tuple[int, GrownHost | MissingHost]], delivery: str, why: str
) -> None:
    assert expect_mx(hosts).delivery == (f"all {delivery}",)
