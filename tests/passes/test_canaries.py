"""Which servers are asked first: those that most domains share, unrelated to each other, in bounded memory."""

from collections.abc import Iterator

import pytest

from scanner.addresses import AddressPolicy, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.outcomes import AddressFlag, DnsStatus, RouteKind
from scanner.passes.canaries import (
    COUNTED_HOSTS,
    MAX_CANARIES,
    NO_NAME,
    choose_canaries,
    configured_canaries,
    count_mail_hosts,
)
from scanner.passes.plan import plan_targets
from scanner.records import AddressLookup, Host, HostAddress, Mx, Route, Target

PORT = 25


def route(domain: str, *mx: str) -> Route:
    """Each MX as `PREFERENCE EXCHANGE`."""
    records = tuple(
        Mx(preference=int(preference), exchange=exchange) for preference, exchange in (text.split() for text in mx)
    )
    return Route(
        domain=domain, attempt=1, kind=RouteKind.mx, flags=(), dns_status=DnsStatus.ok, ttl_s=60, asked_at=None,
        ms=1, cname_chain=(), ad=None, mx_total=len(mx), mx=records,
    )  # fmt: skip


def host(exchange: str, *addresses: str, flags: tuple[AddressFlag, ...] = ()) -> Host:
    def lookup(found: list[str]) -> AddressLookup:
        listed = tuple(HostAddress(address=address, flags=flags) for address in found)
        return AddressLookup(
            dns_status=DnsStatus.ok, ttl_s=60, addresses=listed, cname_chain=(), ad=None, asked_at=None, ms=1
        )

    ipv4 = [address for address in addresses if ":" not in address]
    ipv6 = [address for address in addresses if ":" in address]
    return Host(exchange=exchange, attempt=1, a=lookup(ipv4), aaaa=lookup(ipv6))


def targets_of(found: Host) -> Iterator[Target]:
    return plan_targets(found, PORT, 8)


def chosen(routes: list[Route], hosts: list[Host]) -> list[str]:
    return [f"{target.address} {target.server_name}" for target in choose_canaries(routes, hosts, targets_of)]


SHARED = [route(f"d{n}.test", "10 mx.big.test", "20 mx2.big.test") for n in range(3)] + [
    route("e0.test", "10 mx.mid.test", "10 mx2.mid.test"),
    route("e1.test", "10 mx.mid.test"),
    route("f.test", "5 mx.one.test"),
]
BIG, MID, ONE = "mx.big.test", "mx.mid.test", "mx.one.test"

CHOSEN: list[tuple[str, list[Host], list[str]]] = [
    (
        "the most shared come first",
        [host(ONE, "192.0.2.1"), host(BIG, "198.51.100.1"), host(MID, "203.0.113.1")],
        [f"198.51.100.1 {BIG}", f"203.0.113.1 {MID}", f"192.0.2.1 {ONE}"],
    ),
    (
        "one of a network",
        [host(BIG, "198.51.100.1"), host(MID, "198.51.100.2"), host(ONE, "192.0.2.1")],
        [f"198.51.100.1 {BIG}", f"192.0.2.1 {ONE}"],
    ),
    (
        "one of a pace group, though it has more networks",
        [host(BIG, "198.51.100.1", "203.0.113.1"), host(ONE, "192.0.2.1")],
        [f"198.51.100.1 {BIG}", f"192.0.2.1 {ONE}"],
    ),
    (
        "only the most preferred host of a domain counts",
        [host("mx2.big.test", "198.51.100.1"), host(ONE, "192.0.2.1")],
        [f"192.0.2.1 {ONE}"],
    ),
    (
        "an address counts for every name it has, and goes by the one that most domains have",
        [host(BIG, "198.51.100.1"), host(MID, "203.0.113.1"), host("mx2.mid.test", "203.0.113.1"),
         host(ONE, "203.0.113.1")],
        [f"203.0.113.1 {MID}", f"198.51.100.1 {BIG}"],
    ),
    (
        "the last line of a host counts",
        [host(ONE, "192.0.2.1"), host(ONE, "192.0.2.9")],
        [f"192.0.2.9 {ONE}"],
    ),
    (
        "an address that is not contacted is none",
        [host(BIG, "10.0.0.1", flags=(AddressFlag.not_public,)), host(ONE, "192.0.2.1")],
        [f"192.0.2.1 {ONE}"],
    ),
    ("a host of no domain is none", [host("mx.other.test", "192.0.2.1")], []),
    ("no hosts", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("hosts", "expected"), [row[1:] for row in CHOSEN], ids=[row[0] for row in CHOSEN])
def test_canaries_are_the_addresses_that_most_domains_share(hosts: list[Host], expected: list[str]) -> None:
    assert chosen(SHARED, hosts) == expected


def test_eight_are_enough() -> None:
    routes = [route(f"d{n}.test", f"10 mx.d{n}.test") for n in range(20)]
    hosts = [host(f"mx.d{n}.test", f"192.0.{n}.1") for n in range(20)]
    assert len(chosen(routes, hosts)) == MAX_CANARIES


def test_a_long_list_is_counted_in_bounded_memory_and_its_providers_are_found() -> None:
    def routes() -> Iterator[Route]:
        for n in range(4 * COUNTED_HOSTS):
            yield route(f"d{n}.test", "10 mx.big.test" if n % 50 == 0 else f"10 mx.d{n}.test")

    counts = count_mail_hosts(routes())
    assert len(counts) < 2 * COUNTED_HOSTS
    assert counts.most_common(1)[0][0] == "mx.big.test"


def test_a_long_list_without_any_provider_still_has_canaries() -> None:
    assert count_mail_hosts(route(f"d{n}.test", f"10 mx.d{n}.test") for n in range(2 * COUNTED_HOSTS + 1))


def test_configured_canaries_are_those_that_may_be_contacted_each_once() -> None:
    policy = ContactPolicy(AddressPolicy(["127.64.0.0/10"]), own=[parse_address("127.64.0.9")])
    given = ("127.64.0.1", "127.0.0.1", "127.64.0.9", "127.64.0.1", "::ffff:127.64.0.1")
    targets = configured_canaries(given, PORT, policy)
    assert [(target.address, target.server_name, target.port) for target in targets] == [("127.64.0.1", NO_NAME, PORT)]


def test_a_configured_canary_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mx\.test"):
        configured_canaries(["mx.test"], PORT, ContactPolicy(AddressPolicy()))
