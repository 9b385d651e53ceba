"""The grown world of domains that insist on TLS: how many, how few the hosts, and what is expected of each."""

from collections import Counter
from ipaddress import IPv4Address, IPv4Network

import pytest

from scanner.lab.grown import grow_world
from scanner.lab.tlsa_lines import named_certificate
from scanner.lab.world import Entry, World
from scanner.lab.world_file import policy_addresses_of, servers_of
from tests.expectation import differences, expected_record

DOMAINS = 20000


@pytest.fixture(scope="module")
def world() -> World:
    return grow_world(DOMAINS, 7, "secured")


def with_dane(world: World) -> list[Entry]:
    return [entry for entry in world.entries if entry.expect.dane != "none"]


def with_mta_sts(world: World) -> list[Entry]:
    return [entry for entry in world.entries if entry.expect.mta_sts != "none"]


def test_a_twentieth_of_all_domains_has_mta_sts_and_another_one_dane(world: World) -> None:
    assert len(with_dane(world)) == len(with_mta_sts(world)) == DOMAINS // 20


def test_most_of_both_are_well_and_every_other_verdict_is_there(world: World) -> None:
    dane = Counter(entry.expect.dane for entry in with_dane(world))
    mta_sts = Counter(entry.expect.mta_sts for entry in with_mta_sts(world))
    assert dane.keys() == {"valid", "unusable mx_insecure", "invalid validation-failure"}
    assert mta_sts.keys() == {
        "valid",
        "invalid validation-failure",
        "invalid sts-policy-fetch-error",
        "invalid sts-webpki-invalid",
        "invalid sts-policy-invalid",
    }
    assert dane["valid"] > 0.7 * len(with_dane(world))
    assert mta_sts["valid"] == 0.8 * len(with_mta_sts(world))


def test_mail_hosts_and_policy_hosts_are_few(world: World) -> None:
    for entries in (with_dane(world), with_mta_sts(world)):
        hosts = {host.exchange for entry in entries for host in entry.expect.hosts}
        assert len(entries) / len(hosts) == 50
    assert len(policy_addresses_of(world)) == 6


def test_a_domain_is_protected_where_its_zone_is_signed_and_its_hosts_record_is_right(world: World) -> None:
    signed = {*world.signed, *(zone for entry in world.entries for zone in entry.signed)}
    named = {line.split()[0]: named_certificate(line) for line in world.records if " TLSA " in line}
    kinds = {server.host: server.certificate for server in world.servers}
    for entry in with_dane(world):
        (host,) = entry.expect.hosts
        record = named[f"_25._tcp.{host.exchange}."]
        assert record is not None
        assert host.exchange.split(".", 1)[1] in signed
        is_right = kinds[host.exchange] == record.kind
        is_signed = entry.domain in signed
        expected = "valid" if is_right and is_signed else "unusable" if is_right else "invalid"
        assert entry.expect.dane.split()[0] == expected


def test_a_policy_that_holds_is_there_and_names_the_host(world: World) -> None:
    for entry in with_mta_sts(world):
        (host,) = entry.expect.hosts
        (policy_host,) = entry.policy_hosts
        is_named = f"mx: {host.exchange}\\n" in policy_host.policy
        is_served = (policy_host.behaviour, policy_host.certificate) == ("good", "good")
        assert (entry.expect.mta_sts == "valid") == (is_named and is_served and "id=20261122;" in entry.records[1])
        assert f"mta-sts.{entry.domain} A {policy_host.address}" in entry.records


def test_the_provider_has_networks_of_its_own(world: World) -> None:
    def networks(addresses: list[str]) -> set[IPv4Network]:
        return {IPv4Network(f"{address}/24", strict=False) for address in addresses}

    hosts = ("dane-provider.lab", "sts-provider.lab")
    provider = [server.address for server in world.servers if server.host.endswith(hosts)]
    others = [server.address for server in servers_of(world) if server.address not in provider]
    policies = [hosts[0].address for hosts in policy_addresses_of(world)]
    assert networks([*provider, *policies]) & networks(others) == set()
    assert networks(provider) & networks(policies) == set()
    assert all(IPv4Address(address) in IPv4Network("127.64.0.0/10") for address in (*provider, *policies))


def test_every_record_that_is_expected_is_one(world: World) -> None:
    for entry in (*with_dane(world), *with_mta_sts(world)):
        assert differences(entry, expected_record(entry)) == []
