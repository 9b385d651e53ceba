"""Our own addresses: read from tables of the kernel, without a packet; and those of the DNS servers asked."""

import socket
from pathlib import Path

import pytest

from scanner.addresses import parse_address
from scanner.net import own_addresses as module
from scanner.net.own_addresses import own_addresses

# As Linux writes it: every leaf twice, once in each table; broadcasts and networks are no addresses of ours.
FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
           /32 link BROADCAST
        |-- 192.0.2.2
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.77.0.1
        /16 link UNICAST
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 04 40 00 82     eth0
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
"""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory in whose files, if there are any, the kernel's tables are."""
    monkeypatch.setattr(module, "_IPV4_ROUTES", tmp_path / "fib_trie")
    monkeypatch.setattr(module, "_INET6_ADDRESSES", tmp_path / "if_inet6")
    return tmp_path


def texts(addresses: object) -> set[str]:
    assert isinstance(addresses, frozenset)
    return {str(address) for address in addresses}


def test_they_are_those_of_all_interfaces_but_loopback(kernel: Path) -> None:
    (kernel / "fib_trie").write_text(FIB_TRIE)
    (kernel / "if_inet6").write_text(IF_INET6)
    expected = {"10.77.0.1", "192.0.2.2", "2001:db8::2", "fe80::fc:ff:fe00:1"}
    assert texts(own_addresses()) == expected
    assert texts(own_addresses(["198.51.100.53"])) == expected | {"198.51.100.53"}


def test_a_kernel_that_tells_nothing_has_none(kernel: Path) -> None:
    assert own_addresses() == frozenset()


@pytest.mark.parametrize(
    ("server", "address", "why"),
    [
        ("198.51.100.53", "198.51.100.53", "as a user writes it"),
        ("198.51.100.53:5353", "198.51.100.53", "with a port"),
        ("2001:db8::53", "2001:db8::53", "IPv6 as a user writes it"),
        ("[2001:db8::53]", "2001:db8::53", "as c-ares writes it"),
        ("[2001:db8::53]:53", "2001:db8::53", "with a port"),
        ("fe80::53%eth0", "fe80::53", "link-local, as resolv.conf has it"),
        ("[fe80::53%eth0]:53", "fe80::53", "with everything"),
        ("127.0.0.1", "127.0.0.1", "loopback: with a lab or a tunnel it may be allowed"),
    ],
)
def test_a_dns_server_is_one_of_ours_wherever_it_is(kernel: Path, server: str, address: str, why: str) -> None:
    assert own_addresses([server]) == {parse_address(address)}


@pytest.mark.parametrize("server", ["", "localhost", "a.test:53", "[::1", "1.2.3.4:x"])
def test_what_is_no_address_of_a_server_is_refused(kernel: Path, server: str) -> None:
    with pytest.raises(ValueError, match="no address of a DNS server"):
        own_addresses([server])


def test_on_this_machine_every_one_can_be_bound() -> None:
    # Binding sends nothing. A link-local address needs its interface, and is left out here.
    for address in own_addresses():
        if not address.is_link_local:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with socket.socket(family, socket.SOCK_STREAM) as bound:
                bound.bind((str(address), 0))
