"""The providers of a grown world: their hosts, addresses, habits, and the routes of their customers. Pure."""

import random
from collections.abc import Sequence
from itertools import cycle
from math import ceil, log2
from typing import NamedTuple

from scanner.lab.grown_expectation import GrownHost, expect_mx
from scanner.lab.habits import BAD_HABITS, GOOD_HABITS, SLOW_HABITS, Habit
from scanner.lab.world import Entry, Expectation, Server

BAD_HOST_SHARE = 0.18
#: Of the bad hosts, those that make a client wait for a whole limit.
SLOW_HOST_SHARE = 0.1
IPV6_HOST_SHARE = 0.04
#: The networks begin at 127.96.0.0/24: hand-written worlds stay below.
_FIRST_NETWORK = 96 << 8
#: Addresses begin at .101: as text they have the order that they have as numbers.
_FIRST_OCTET = 101
_MAPPED = "::ffff:"


class Provider(NamedTuple):
    """A provider that a shape adds: its customers, their servers, and what it publishes itself."""

    entries: tuple[Entry, ...]
    servers: tuple[Server, ...]
    records: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()


class Route(NamedTuple):
    """Where some of a provider's customers receive mail, and what to say of it."""

    mx: tuple[tuple[int, GrownHost], ...]
    expect: Expectation


def grow_hosts(sizes: Sequence[float], rng: random.Random) -> list[list[GrownHost]]:
    """The hosts of each provider, more of them the more customers it has (`sizes`)."""
    counts = [1 + round(log2(size + 1) / 2.5) for size in sizes]
    total = sum(counts)
    bad = rng.sample(range(total), ceil(total * BAD_HOST_SHARE))
    slow_count = int(len(bad) * SLOW_HOST_SHARE)
    habits: dict[int, Habit] = dict(zip(bad[:slow_count], cycle(SLOW_HABITS), strict=False))
    habits.update(zip(bad[slow_count:], cycle(BAD_HABITS), strict=False))
    numbers = iter(range(total))
    return [
        _provider_hosts(provider, [habits.get(next(numbers)) for _ in range(count)], rng)
        for provider, count in enumerate(counts)
    ]


def routes_of(hosts: Sequence[GrownHost]) -> list[Route]:
    """Each customer has two of its provider's hosts, if there are two."""
    pairs = list(zip(hosts, [*hosts[1:], hosts[0]], strict=True)) if len(hosts) > 1 else [(hosts[0],)]
    ranked = [tuple([(10 * rank, host) for rank, host in enumerate(pair, 1)]) for pair in pairs]
    return [Route(mx, expect_mx(mx)) for mx in ranked]


def address_records(host: GrownHost) -> list[str]:
    """The zone file lines of a host's addresses."""
    record_type = "AAAA" if host.is_ipv6 else "A"
    return [f"{host.exchange} {record_type} {address}" for address, _ in host.addresses]


def servers_at(host: GrownHost) -> list[Server]:
    """The servers of a host."""
    return [
        Server(
            address=address.removeprefix(_MAPPED),
            host=host.exchange,
            behaviour=habit.behaviour,
            certificate=habit.certificate,
        )
        for address, habit in host.addresses
    ]


def lab_address(network: int, position: int) -> str:
    """The address at a position (from 0) of a network (from 0) of the grown part of the lab."""
    number = _FIRST_NETWORK + network
    return f"127.{number >> 8}.{number & 0xFF}.{_FIRST_OCTET + position}"


def _provider_hosts(provider: int, bad_habits: Sequence[Habit | None], rng: random.Random) -> list[GrownHost]:
    """A host for each of `bad_habits` (None: a good one), all in one network; large providers have pools."""
    hosts = []
    position = 0
    for number, bad_habit in enumerate(bad_habits, 1):
        size = rng.choice((2, 3, 4) if len(bad_habits) > 3 else (1, 1, 1, 1, 1, 1, 1, 2))
        habits = [rng.choice(GOOD_HABITS)] * size
        if bad_habit is not None:
            bad_members = rng.choice((1, size))
            habits[:bad_members] = [bad_habit] * bad_members
        prefix = _MAPPED if rng.random() < IPV6_HOST_SHARE else ""
        addresses = [prefix + lab_address(provider, position + member) for member in range(size)]
        position += size
        pool = tuple(zip(addresses, habits, strict=True))
        hosts.append(GrownHost(f"mx{number}.provider-{provider:04d}.lab", pool))
    return hosts
