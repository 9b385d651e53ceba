"""Which address families this machine can use, and which event loop: found out without a packet."""

import asyncio
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_INET6_ADDRESSES = Path("/proc/net/if_inet6")
_IPV4_ROUTES = Path("/proc/net/route")
_IPV6_ROUTES = Path("/proc/net/ipv6_route")
_GLOBAL_SCOPE = "00"

#: A link has a /64 (RFC 4291 §2.5.1): a route that leads off it is wider.
_LINK_BITS = 64
_MULTICAST = "ff"

# The flags of a route (linux/route.h): it is up; it refuses what it matches.
_UP, _REJECT = 0x1, 0x200


class Families(NamedTuple):
    """The address families with which servers elsewhere can be reached, as far as the kernel knows."""

    ipv4: bool
    ipv6: bool


def usable_families() -> Families:
    """Which families have an address and a route that leave this machine (Linux: /proc/net)."""
    return Families(has_ipv4_route(), has_ipv6() and has_ipv6_route())


def has_ipv6() -> bool:
    """True if an interface has an IPv6 address of global scope (Linux: /proc/net/if_inet6)."""
    return any(fields[3] == _GLOBAL_SCOPE for fields in _table(_INET6_ADDRESSES) if len(fields) == 6)


def has_ipv4_route() -> bool:
    """True if a route of IPv4 is up; loopback has none in this table, and a route needs an address."""
    routes = (fields for fields in _table(_IPV4_ROUTES) if len(fields) == 11 and fields[0] != "Iface")
    return any(int(fields[3], 16) & (_UP | _REJECT) == _UP for fields in routes)


def has_ipv6_route() -> bool:
    """True if a route of IPv6 leads off the link: not to ourselves, a neighbour, all neighbours, or nowhere."""
    routes = (fields for fields in _table(_IPV6_ROUTES) if len(fields) == 10)
    return any(
        int(fields[8], 16) & (_UP | _REJECT) == _UP
        and fields[9] != "lo"
        and int(fields[1], 16) < _LINK_BITS
        and not fields[0].startswith(_MULTICAST)
        for fields in routes
    )


def loop_factory(name: str) -> tuple[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop asked for (`auto`: uvloop where it is importable) and its name. Raises ImportError."""
    if name != "asyncio":
        try:
            uvloop = importlib.import_module("uvloop")
        except ImportError:
            if name == "uvloop":
                raise
        else:
            return "uvloop", uvloop.new_event_loop
    return "asyncio", asyncio.new_event_loop


def _table(path: Path) -> Iterator[list[str]]:
    """The fields of each line of one of the kernel's tables; none where it has no such table."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return
    yield from map(str.split, lines)
