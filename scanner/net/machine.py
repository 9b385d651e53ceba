"""Which address families this machine can use, and which event loop: found out without a packet."""

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path

_INET6_ADDRESSES = Path("/proc/net/if_inet6")
_GLOBAL_SCOPE = "00"


def has_ipv6() -> bool:
    """True if an interface has an IPv6 address of global scope (Linux: /proc/net/if_inet6)."""
    try:
        lines = _INET6_ADDRESSES.read_text("ascii").splitlines()
    except OSError:
        return False
    return any(fields[3] == _GLOBAL_SCOPE for fields in map(str.split, lines) if len(fields) == 6)


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
