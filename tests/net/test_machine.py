"""What the machine can do, found out without a packet; and the clock."""

import asyncio
import time
from pathlib import Path

import pytest
import uvloop

from scanner.net import machine
from scanner.net.clock import SystemClock
from scanner.net.machine import has_ipv6, loop_factory

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
