"""Grown worlds of a shape: who sits on the large provider, and what may be said of its customers."""

from collections import Counter
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from typing import get_args, get_type_hints

import pytest

from scanner.lab.grown import grow_world
from scanner.lab.grown_shapes import SHAPES
from scanner.lab.world import Entry, World
from scanner.lab.world_file import find_problems, servers_of
from scanner.settings import LabSettings, ProbeSettings
from tests.expectation import differences, expected_record

DOMAINS = 3000
SHARES = {"rate_limited": 0.3, "blackholed": 1 / 3, "tarpit": 1 / 3, "one_address": 1.0, "secured": 0.1}

each_shape = pytest.mark.parametrize("shape", SHAPES)
each_hard_shape = pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"secured"}))


def customers_of(world: World) -> list[Entry]:
    return [entry for entry in world.entries if entry.domain.startswith(("customer-", "dane-", "sts-"))]


def addresses_of(entry: Entry) -> list[str]:
    return [line.split()[-1] for line in entry.records if " A " in line]


def test_every_shape_of_the_settings_can_be_grown() -> None:
    words = get_args(get_type_hints(LabSettings)["shape"])
    assert set(words) == {"mixed", *SHAPES}


@each_shape
@pytest.mark.parametrize("domains", [1, 7, 300])
def test_a_world_has_the_domains_asked_for_and_can_be_served(shape: str, domains: int) -> None:
    world = grow_world(domains, 3, shape)
    assert len({entry.domain for entry in world.entries}) == domains
    assert list(find_problems(world)) == []
    assert world == grow_world(domains, 3, shape)


@each_shape
def test_the_provider_has_its_share_of_the_domains_and_they_stand_among_the_others(shape: str) -> None:
    world = grow_world(DOMAINS, 5, shape)
    customers = customers_of(world)
    assert len(customers) == round(DOMAINS * SHARES[shape])
    if shape != "one_address":
        first_half = [entry for entry in world.entries[: DOMAINS // 2] if entry in customers]
        assert 0.4 < len(first_half) / len(customers) < 0.6


@each_hard_shape
def test_each_customer_has_a_name_of_its_own_and_a_server_of_the_provider(shape: str) -> None:
    world = grow_world(DOMAINS, 5, shape)
    customers = customers_of(world)
    assert len({entry.expect.hosts[0].exchange for entry in customers}) == len(customers)
    served = {server.address for server in servers_of(world)}
    assert {address for entry in customers for address in addresses_of(entry)} <= served


@each_hard_shape
def test_every_record_that_may_come_out_is_one_and_none_calls_a_customer_broken(shape: str) -> None:
    for entry in customers_of(grow_world(300, 5, shape)):
        assert differences(entry, expected_record(entry)) == []
        for expect in (entry.expect, *entry.or_expect):
            said = (expect.reachable, expect.smtp, expect.starttls, expect.certificate_trusted, expect.certificate_name)
            assert {text.split()[0] for text in said} <= {"yes", "unknown"}
            assert {finding.split()[1] for finding in expect.findings} <= {"notice", "warning"}


def test_a_rate_limited_provider_has_fewer_names_at_an_address_than_are_asked_there() -> None:
    world = grow_world(DOMAINS, 5, "rate_limited")
    names = Counter(address for entry in customers_of(world) for address in addresses_of(entry))
    assert len(names) == 6
    assert max(names.values()) < ProbeSettings().names_per_address
    customer = customers_of(world)[0]
    assert customer.expect.smtp == "yes 1/0/0"
    assert [expect.smtp for expect in customer.or_expect] == ["unknown 0/0/1 rate_limited"]


def test_a_blackholed_provider_has_eight_addresses_in_four_networks() -> None:
    world = grow_world(DOMAINS, 5, "blackholed")
    addresses = {address for entry in customers_of(world) for address in addresses_of(entry)}
    networks = Counter(IPv4Network(f"{address}/24", strict=False) for address in addresses)
    assert sorted(networks.values()) == [2, 2, 2, 2]
    behaviours = {server.behaviour for server in world.servers if server.address in addresses}
    assert {world.behaviours[name].blackhole for name in behaviours} == {True}


@pytest.mark.parametrize("shape", ["tarpit", "one_address"])
def test_a_provider_of_one_address_has_no_other(shape: str) -> None:
    customers = customers_of(grow_world(DOMAINS, 5, shape))
    assert len({address for entry in customers for address in addresses_of(entry)}) == 1


def test_at_the_one_address_more_names_have_certificates_of_their_own_than_are_asked() -> None:
    customers = customers_of(grow_world(DOMAINS, 5, "one_address"))
    own = [entry for entry in customers if entry.or_expect]
    assert len(own) > ProbeSettings().names_per_address
    assert {entry.or_expect[0].certificate_name for entry in own} == {"unknown 0/0/1 certificate_differs_by_name"}
    covered = [entry for entry in customers if not entry.or_expect]
    assert {entry.expect.hosts[0].exchange.partition(".")[2] for entry in covered} == {"one-address.lab"}


def test_at_the_one_address_the_names_of_the_wildcard_get_the_servers_own_certificate() -> None:
    world = grow_world(300, 5, "one_address")
    (server,) = world.servers
    assert world.certificates[server.certificate].names == ("*.one-address.lab",)
    for entry in customers_of(world):
        exchange = entry.expect.hosts[0].exchange
        is_chosen = any(fnmatchcase(exchange, pattern) for pattern in server.by_server_name)
        assert is_chosen == bool(entry.or_expect), exchange
