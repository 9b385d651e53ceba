"""The names and addresses that are scanned: a world file for the lab, and lists of domains and addresses.

Three groups of names share the addresses:

- `few`: a domain with one mail host with one address
- `many`: a domain with one mail host with as many addresses as a scan tries
- `whole`: domains on far fewer mail hosts, most of them at few providers, as in the world outside
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.settings import DnsSettings

#: As many as a scan tries of one host.
ADDRESSES_OF_MANY = DnsSettings().max_addresses
#: More than the default width (500), so that no address has to be talked to twice at once; and few enough
#: for the descriptor limit of any machine.
ADDRESSES = 640
_HOSTS_OF_A_PROVIDER = 2
#: One world for every run of it: figures of two days differ by what was measured, not by chance.
_SEED = 20261122


@dataclass(frozen=True)
class Size:
    """How large the measured runs are; `session_hosts` hosts in each of `few` and `many`."""

    rounds: int
    session_hosts: int
    domains: int
    hosts: int
    floor_sessions: int

    @property
    def extra_sessions(self) -> int:
        """The sessions that a scan of `many` has and one of `few` has not. Both have the same lookups."""
        return self.session_hosts * (ADDRESSES_OF_MANY - 1)


SHORT = Size(rounds=3, session_hosts=250, domains=3_000, hosts=300, floor_sessions=2_000)
FULL = Size(rounds=5, session_hosts=600, domains=20_000, hosts=2_000, floor_sessions=6_000)


def addresses() -> list[str]:
    """Where the servers are: 127.66.0.0/16, spread over networks, because pace is per network too."""
    return [f"127.66.{number % 160}.{number // 160 + 1}" for number in range(ADDRESSES)]


def domains(group: str, count: int) -> list[str]:
    return [f"{group}-{number}.lab" for number in range(count)]


def write_world(path: Path, size: Size, *, with_servers: bool) -> None:
    """A world file (TOML) with the records of all groups; the lab itself serves SMTP only if it has to."""
    records = [*_session_records("few", 1, size), *_session_records("many", ADDRESSES_OF_MANY, size)]
    records += _whole_records(size)
    # JSON arrays of strings are TOML too.
    text = f"entries = []\nrecords = {json.dumps(records)}\n"
    if with_servers:
        text += "".join(f'[[servers]]\naddress = "{address}"\nhost = "mx.bench.lab"\n' for address in addresses())
    path.write_text(f"{text}[behaviours.good]\n[certificates.good]\n", encoding="ascii")


def _session_records(group: str, addresses_of_each: int, size: Size) -> Iterator[str]:
    at = addresses()
    for number, domain in enumerate(domains(group, size.session_hosts)):
        host = f"{group}-{number}.bench.lab"
        yield f"{domain}. MX 10 {host}."
        for position in range(addresses_of_each):
            yield f"{host}. A {at[(number * addresses_of_each + position) % ADDRESSES]}"


def _whole_records(size: Size) -> Iterator[str]:
    at = addresses()
    for host in range(size.hosts):
        yield f"mx-{host}.bench.lab. A {at[host % ADDRESSES]}"
    providers = range(size.hosts // _HOSTS_OF_A_PROVIDER)
    # Zipf: the r-th provider has 1/r of the customers of the first, who has about an eighth of all.
    weights = [1 / (rank + 1) for rank in providers]
    chosen = random.Random(_SEED).choices(providers, weights, k=size.domains)
    for domain, provider in zip(domains("whole", size.domains), chosen, strict=True):
        for position in range(_HOSTS_OF_A_PROVIDER):
            host = provider * _HOSTS_OF_A_PROVIDER + position
            yield f"{domain}. MX {10 * (position + 1)} mx-{host}.bench.lab."
