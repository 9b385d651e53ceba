"""What the machine can do, found out without a packet; and the clock."""

import asyncio
import functools
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import uvloop

from scanner.net import machine
from scanner.net.clock import SystemClock
from scanner.net.machine import Families, has_ipv4_route, has_ipv6, has_ipv6_route, loop_factory, usable_families

#: Two ends of a wire that leads nowhere else.
_LINK = "ip link add e0 type veth peer name e1 && ip link set e0 up && ip link set e1 up"

LOOPBACK = "00000000000000000000000000000001 01 80 10 80       lo\n"
LINK_LOCAL = "fe800000000000000000000000000001 02 40 20 80     eth0\n"
GLOBAL = "26200000000000000000000000000001 02 40 00 80     eth0\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", False),
        (LOOPBACK, False),
        (LOOPBACK + LINK_LOCAL, False),
        (LOOPBACK + GLOBAL + LINK_LOCAL, True),
        ("something else\n", False),
    ],
)
def test_ipv6_is_there_with_an_address_of_global_scope(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: str, expected: bool
) -> None:
    file = tmp_path / "if_inet6"
    file.write_text(lines, "ascii")
    monkeypatch.setattr(machine, "_INET6_ADDRESSES", file)
    assert has_ipv6() is expected


def test_a_kernel_without_ipv6_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_INET6_ADDRESSES", tmp_path / "if_inet6")
    assert not has_ipv6()


HEADING = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
ON_LINK = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
UNREACHABLE = "*\t007100CB\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"

IPV4_ROUTES = [
    ("no table", None, False),
    ("a heading alone", HEADING, False),
    ("a default route", HEADING + DEFAULT, True),
    ("a network on the link: servers there can be scanned", HEADING + ON_LINK, True),
    ("a route that refuses", HEADING + UNREACHABLE, False),
    ("a route that is down", HEADING + DEFAULT.replace("0003", "0002"), False),
]


@pytest.mark.parametrize(("lines", "expected"), [row[1:] for row in IPV4_ROUTES], ids=[row[0] for row in IPV4_ROUTES])
def test_ipv4_is_usable_with_a_route_that_is_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: str | None, expected: bool
) -> None:
    monkeypatch.setattr(machine, "_IPV4_ROUTES", _table(tmp_path / "route", lines))
    assert has_ipv4_route() is expected


def _route6(destination: str, bits: int, flags: str, device: str) -> str:
    none = "0" * 32
    return f"{destination:<032s} {bits:02x} {none} 00 {none} 00000400 00000001 00000000 {flags} {device:>8}\n"


NEVER = _route6("0", 0, "00200200", "lo")
OURSELVES = _route6("2620", 128, "80200001", "eth0")
LINK = _route6("2620", 64, "00000001", "eth0")
NEIGHBOURS = _route6("ff", 8, "00000001", "eth0")
OUT = _route6("0", 0, "00000003", "eth0")

IPV6_ROUTES = [
    ("no table", None, False),
    ("as every kernel has it", NEVER, False),
    ("ourselves, the link, all neighbours", NEVER + OURSELVES + LINK + NEIGHBOURS, False),
    ("a default route", NEVER + LINK + OUT, True),
    ("a default route that refuses", _route6("0", 0, "00000203", "eth0"), False),
    ("a site behind a router", _route6("2620", 48, "00000003", "eth0"), True),
]


@pytest.mark.parametrize(("lines", "expected"), [row[1:] for row in IPV6_ROUTES], ids=[row[0] for row in IPV6_ROUTES])
def test_ipv6_needs_a_route_that_leads_off_the_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: str | None, expected: bool
) -> None:
    monkeypatch.setattr(machine, "_IPV6_ROUTES", _table(tmp_path / "ipv6_route", lines))
    assert has_ipv6_route() is expected


@pytest.mark.parametrize(
    ("addresses", "routes", "expected"),
    [(LOOPBACK, NEVER + OUT, False), (GLOBAL, NEVER + LINK, False), (GLOBAL, NEVER + OUT, True)],
)
def test_ipv6_is_usable_with_an_address_and_a_route(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, addresses: str, routes: str, expected: bool
) -> None:
    monkeypatch.setattr(machine, "_INET6_ADDRESSES", _table(tmp_path / "if_inet6", addresses))
    monkeypatch.setattr(machine, "_IPV6_ROUTES", _table(tmp_path / "ipv6_route", routes))
    monkeypatch.setattr(machine, "_IPV4_ROUTES", _table(tmp_path / "route", None))
    assert usable_families() == Families(ipv4=False, ipv6=expected)


def _table(path: Path, lines: str | None) -> Path:
    if lines is not None:
        path.write_text(lines, "ascii")
    return path


#: Commands that give a namespace its network, and what is usable then.
NETWORKS = [
    ("nothing at all", "true", Families(ipv4=False, ipv6=False)),
    ("loopback", "ip link set lo up", Families(ipv4=False, ipv6=False)),
    (
        "IPv4 alone",
        f"{_LINK} && ip addr add 198.51.100.2/24 dev e0 && ip route add default via 198.51.100.1",
        Families(ipv4=True, ipv6=False),
    ),
    (
        "IPv6 alone",
        f"{_LINK} && ip addr add 2001:db8::2/64 dev e0 nodad && ip -6 route add default via 2001:db8::1",
        Families(ipv4=False, ipv6=True),
    ),
    (
        "an IPv6 address without a way out",
        f"{_LINK} && ip addr add 2001:db8::2/64 dev e0 nodad",
        Families(False, False),
    ),
]


@pytest.mark.parametrize(("commands", "expected"), [row[1:] for row in NETWORKS], ids=[row[0] for row in NETWORKS])
def test_what_is_usable_is_read_from_the_kernel_itself(commands: str, expected: Families) -> None:
    tell = "from scanner.net.machine import usable_families; print(usable_families())"
    arguments = ["unshare", "-rn", "sh", "-c", f'{commands} && exec "$0" -c "$1"', sys.executable, tell]
    if not _can_make_a_network():
        pytest.skip("no namespaces with a network of their own here (unshare -rn, ip link add type veth)")
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(expected)


@functools.cache
def _can_make_a_network() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "-rn", "sh", "-c", _LINK], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("asked_for", "given"), [("asyncio", "asyncio"), ("uvloop", "uvloop"), ("auto", "uvloop")])
def test_the_loop_asked_for_is_given(asked_for: str, given: str) -> None:
    name, factory = loop_factory(asked_for)
    loop = factory()
    loop.close()
    assert name == given
    assert isinstance(loop, uvloop.Loop) is (given == "uvloop")


def test_without_uvloop_there_is_asyncio_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", refuse)
    assert loop_factory("auto") == ("asyncio", asyncio.new_event_loop)
    with pytest.raises(ImportError):
        loop_factory("uvloop")


def test_the_clock_goes_forward() -> None:
    clock = SystemClock()
    assert abs(clock.now_utc() - time.time()) < 5
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.001))
    assert clock.monotonic() > before
