"""This machine's own addresses and those of the DNS servers it asks: found out without a packet."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from scanner.addresses import Address, parse_address

_IPV4_ROUTES = Path("/proc/net/fib_trie")
_INET6_ADDRESSES = Path("/proc/net/if_inet6")

#: A leaf of the routing trie is an address, then a line for each of its routes: an address of ours is a /32.
_LEAF = re.compile(r"\|-- ([0-9.]+)")
_OUR_ROUTE = "/32 host LOCAL"

#: As settings and c-ares write it: ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT; a link-local one with its zone.
_SERVER = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::[0-9]+)?"
    r"|(?P<ipv4>[0-9.]+)(?::[0-9]+)?"
    r"|(?P<ipv6>[0-9A-Fa-f:.]+)(?:%.*)?"
)


def own_addresses(dns_servers: Iterable[str] = ()) -> frozenset[Address]:
    """The addresses of all interfaces but loopback (Linux), and of these DNS servers wherever they are.

    Loopback is left out because nothing there is public, and the lab's servers have addresses of it.
    """
    found: list[Address] = [*_ipv4_addresses(), *_ipv6_addresses()]
    interfaces = [address for address in found if not address.is_loopback]
    return frozenset([*interfaces, *map(_server_address, dns_servers)])


def _ipv4_addresses() -> Iterator[IPv4Address]:
    leaf = ""
    for line in _lines(_IPV4_ROUTES):
        if found := _LEAF.search(line):
            leaf = found[1]
        elif line.strip() == _OUR_ROUTE:
            yield IPv4Address(leaf)


def _ipv6_addresses() -> Iterator[IPv6Address]:
    for fields in map(str.split, _lines(_INET6_ADDRESSES)):
        if len(fields) == 6:
            yield IPv6Address(int(fields[0], 16))


def _lines(path: Path) -> list[str]:
    """The lines of a table of the kernel; none where it has no such family, or is another kernel."""
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []


def _server_address(server: str) -> Address:
    found = _SERVER.fullmatch(server)
    if found is None:
        raise ValueError(f"no address of a DNS server: {server!r}")
    return parse_address(found["bracketed"] or found["ipv4"] or found["ipv6"])
