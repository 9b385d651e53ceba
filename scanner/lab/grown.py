"""Grown worlds: any number of domains on few providers, good and not good, and what a scan must say of each.

As was measured in the wild, a domain's provider is drawn by Zipf's law; a provider is one /24. About ten
domains share a mail host; at least 15 % of the hosts and 5 % of the domains are not good. Few make a client
wait for a whole limit, so that a scan is as fast as the scanner. In a world of another shape than "mixed", a
good part of the domains sit on one provider that is hard to scan, or whose customers insist on TLS. The same
number, seed and shape: the same world.
"""

import random
from collections.abc import Callable
from functools import partial
from itertools import cycle
from math import ceil

from msgspec.structs import replace

from scanner.lab.grown_expectation import (
    GrownHost,
    MissingHost,
    expect_implicit_mx,
    expect_mx,
    expect_no_host,
)
from scanner.lab.grown_hosts import Route, address_records, grow_hosts, lab_address, routes_of, servers_at
from scanner.lab.grown_secured import SECURED_BEHAVIOURS
from scanner.lab.grown_shapes import SHAPE_BEHAVIOURS, SHAPE_CERTIFICATES, SHAPES
from scanner.lab.habits import BEHAVIOURS, CERTIFICATES, GOOD_HABITS
from scanner.lab.world import DnsFault, Entry, World
from scanner.outcomes import DnsStatus, RouteFlag, RouteKind

DOMAINS_A_PROVIDER = 25
#: Keeps the servers of a large world within some ten thousand descriptors.
MAX_PROVIDERS = 4000
BAD_DOMAIN_SHARE = 0.07
#: Domains that are set up in a rarer way, well or nearly so.
ODD_DOMAIN_SHARE = 0.03
#: One domain in so many has a DNS that never answers.
DOMAINS_A_DROP = 2000
#: Domains that are their own mail host need a server each, so many in a network.
MAX_SELF_HOSTED = 600
_SELF_HOSTED_A_NETWORK = 150

Grow = Callable[[str, Route], Entry]


def grow_world(domains: int, seed: int, shape: str = "mixed") -> World:
    """A world of that many domains; `shape` is a word of the setting `lab.shape`.

    Providers' records and servers belong to the world, not to an entry.
    """
    rng = random.Random(f"grown world {seed}")
    if shape == "mixed":
        return _grow_mixed(domains, rng)
    share, grow_provider = SHAPES[shape]
    customers = round(domains * share)
    provider, others = grow_provider(customers), domains - customers
    world = _grow_mixed(others, rng) if others else World(behaviours=BEHAVIOURS, certificates=CERTIFICATES, entries=())
    entries = [*world.entries, *provider.entries]
    rng.shuffle(entries)
    return replace(
        world,
        behaviours=BEHAVIOURS | SHAPE_BEHAVIOURS,
        certificates=CERTIFICATES | SHAPE_CERTIFICATES,
        entries=tuple(entries),
        records=(*world.records, *provider.records),
        signed=provider.signed,
        servers=(*world.servers, *provider.servers),
        policy_behaviours=SECURED_BEHAVIOURS,
    )


def _grow_mixed(domains: int, rng: random.Random) -> World:
    providers = min(max(domains // DOMAINS_A_PROVIDER, 1), MAX_PROVIDERS)
    weights = [1 / rank for rank in range(1, providers + 1)]
    hosts = grow_hosts([domains * weight / sum(weights) for weight in weights], rng)
    routes = [routes_of(provider_hosts) for provider_hosts in hosts]
    rarer = _draw_rarer(domains, rng)
    entries = [
        rarer.get(number, _customer)(f"domain-{number:06d}.lab", rng.choice(routes[provider]))
        for number, provider in enumerate(rng.choices(range(providers), weights, k=domains))
    ]
    every_host = [host for provider_hosts in hosts for host in provider_hosts]
    return World(
        behaviours=BEHAVIOURS,
        certificates=CERTIFICATES,
        entries=tuple(entries),
        records=tuple([line for host in every_host for line in address_records(host)]),
        servers=tuple([server for host in every_host for server in servers_at(host)]),
    )


def _draw_rarer(domains: int, rng: random.Random) -> dict[int, Grow]:
    """Which domains are no plain customers, and how each of them is grown."""
    bad, odd = ceil(domains * BAD_DOMAIN_SHARE), int(domains * ODD_DOMAIN_SHARE)
    drawn = rng.sample(range(domains), bad + odd)
    drops = domains // DOMAINS_A_DROP
    rarer: dict[int, Grow] = dict.fromkeys(drawn[:drops], partial(_dns_failure, "drop", DnsStatus.timed_out))
    rarer.update(zip(drawn[drops:bad], cycle(_BAD), strict=False))
    rarer.update({number: _odd(index) for index, number in enumerate(drawn[bad:])})
    return rarer


def _odd(index: int) -> Grow:
    turn, number = index % 3, index // 3
    if turn == 0 and number < MAX_SELF_HOSTED:
        return partial(_self_hosted, number)
    return _null_mx if turn == 1 else _duplicate_mx


def _mx_records(domain: str, route: Route) -> tuple[str, ...]:
    return tuple([f"{domain} MX {preference} {host.exchange}" for preference, host in route.mx])


def _customer(domain: str, route: Route) -> Entry:
    return Entry(domain=domain, why="a customer", records=_mx_records(domain, route), expect=route.expect)


# Good or nearly so --------------------------------------------------------------------------------------


def _null_mx(domain: str, _: Route) -> Entry:
    expect = expect_no_host(RouteKind.null_mx, DnsStatus.ok, (), mx_total=1)
    return Entry(domain=domain, why="accepts no mail", records=(f"{domain} MX 0 .",), expect=expect)


def _duplicate_mx(domain: str, route: Route) -> Entry:
    notice = f"duplicate-mx notice {domain}"
    exchange = route.mx[0][1].exchange
    return Entry(
        domain=domain,
        why="names a host twice",
        records=(*_mx_records(domain, route), f"{domain} MX 50 {exchange}"),
        expect=expect_mx(route.mx, (RouteFlag.duplicate_mx,), more_mx=1, findings=(notice,)),
    )


def _self_hosted(number: int, domain: str, _: Route) -> Entry:
    network, position = divmod(number, _SELF_HOSTED_A_NETWORK)
    host = GrownHost(domain, ((lab_address(MAX_PROVIDERS + network, position), GOOD_HABITS[0]),))
    return Entry(
        domain=domain,
        why="is its own mail host",
        records=tuple(address_records(host)),
        servers=tuple(servers_at(host)),
        expect=expect_implicit_mx(domain, host),
    )


# Not good -----------------------------------------------------------------------------------------------


def _not_existing(domain: str, _: Route) -> Entry:
    expect = expect_no_host(RouteKind.nxdomain, DnsStatus.nxdomain, (f"domain-does-not-exist error {domain}",))
    return Entry(domain=domain, why="was given up", expect=expect)


def _no_mail_host(domain: str, _: Route) -> Entry:
    expect = expect_no_host(RouteKind.no_mail_host, DnsStatus.no_data, (f"no-mail-host error {domain}",))
    return Entry(domain=domain, why="is parked", records=(f'{domain} TXT "v=spf1 -all"',), expect=expect)


def _dns_failure(fault: DnsFault, status: DnsStatus, domain: str, route: Route) -> Entry:
    return Entry(
        domain=domain,
        why="its DNS does not work",
        records=_mx_records(domain, route),
        dns={f"{domain} MX": fault},
        expect=expect_no_host(RouteKind.dns_failure, status, (f"dns-failure warning {domain}",)),
    )


def _dangling_mx(domain: str, _: Route) -> Entry:
    exchange = f"old.{domain}"
    return Entry(
        domain=domain,
        why="its only mail host is gone",
        records=(f"{domain} MX 10 {exchange}",),
        expect=expect_mx([(10, MissingHost(exchange, DnsStatus.nxdomain))]),
    )


def _half_dangling_mx(domain: str, route: Route) -> Entry:
    exchange = f"old.{domain}"
    return Entry(
        domain=domain,
        why="one of its mail hosts is gone",
        records=(*_mx_records(domain, route), f"{domain} MX 50 {exchange}"),
        expect=expect_mx([*route.mx, (50, MissingHost(exchange, DnsStatus.nxdomain))]),
    )


def _mx_without_address(domain: str, _: Route) -> Entry:
    exchange = f"mx.{domain}"
    return Entry(
        domain=domain,
        why="its mail host has no address",
        records=(f"{domain} MX 10 {exchange}", f'{exchange} TXT "no address"'),
        expect=expect_mx([(10, MissingHost(exchange, DnsStatus.no_data))]),
    )


def _null_mx_with_others(domain: str, route: Route) -> Entry:
    warning = f"null-mx-with-others warning {domain}"
    return Entry(
        domain=domain,
        why="accepts no mail and names hosts that do",
        records=(f"{domain} MX 0 .", *_mx_records(domain, route)),
        expect=expect_mx(route.mx, (RouteFlag.null_mx_with_others,), more_mx=1, findings=(warning,)),
    )


_BAD: tuple[Grow, ...] = (
    _not_existing,
    _dangling_mx,
    _no_mail_host,
    _half_dangling_mx,
    partial(_dns_failure, "servfail", DnsStatus.servfail),
    _mx_without_address,
    _null_mx_with_others,
    partial(_dns_failure, "refused", DnsStatus.refused),
)
