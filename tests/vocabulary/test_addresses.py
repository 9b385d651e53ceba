"""Addresses: what is never contacted, what hides in an IPv6 address, and what an exception opens."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.addresses import (
    Address,
    AddressPolicy,
    address_text,
    forms_of,
    is_address_literal,
    is_localhost_name,
    network_of,
    parse_address,
)

PUBLIC_ONLY = AddressPolicy()
LAB = AddressPolicy(["127.64.0.0/10", "::ffff:127.64.0.0/106"])
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))

#: Ranges of the IANA registries and others, each with a word of its reason.
REFUSED = [
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.1/32", "this network"),
    ("0.0.0.0/8", "RFC"),
    ("10.0.0.0/8", "private use"),
    ("100.64.0.0/10", "shared"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "host agent"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private use"),
    ("192.0.0.0/29", "service continuity"),
    ("192.0.0.8/32", "dummy"),
    ("192.0.0.9/32", "anycast"),
    ("192.0.0.10/32", "anycast"),
    ("192.0.0.128/25", "RFC"),
    ("192.0.0.170/31", "NAT64 discovery"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.88.99.2/32", "6a44 relay"),
    ("192.168.0.0/16", "private use"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "RFC"),
    ("240.0.0.0/5", "reserved"),
    ("255.255.255.255/32", "broadcast"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::8.8.8.8/128", "IPv4-compatible"),
    ("::ffff:8.8.8.8/128", "IPv4-mapped"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard-only"),
    ("100:0:0:1::/64", "dummy"),
    ("2001:1::/32", "RFC"),
    ("2001:1::1/128", "anycast"),
    ("2001:1::2/128", "anycast"),
    ("2001:1::3/128", "anycast"),
    ("2001:2::/48", "benchmarking"),
    ("2001:3::/32", "AMT"),
    ("2001:4:112::/48", "AS112"),
    ("2001:10::/28", "ORCHID"),
    ("2001:20::/28", "ORCHIDv2"),
    ("2001:30::/28", "drone"),
    ("2001:1ff::/32", "IETF protocol"),
    ("2001:db8::/32", "documentation"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("4000::/3", "RFC"),
    ("8000::/3", "reserved"),
    ("fc00::/7", "unique local"),
    ("fd00::/8", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]


@pytest.mark.parametrize(("network", "word"), REFUSED)
def test_special_ranges_are_refused_from_their_first_to_their_last_address(network: str, word: str) -> None:
    for address in (ip_network(network)[0], ip_network(network)[-1]):
        reason = PUBLIC_ONLY.refusal(address)
        assert reason is not None, address
        assert word in reason


#: What answers inside a cloud's network with a machine's credentials, as those clouds document it.
METADATA = """
    169.254.169.254 169.254.170.2 169.254.0.23 168.63.129.16 100.100.100.200 192.0.0.192
    fd00:ec2::254 fd20:ce::254 fe80::a9fe:a9fe ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b::a83f:8110
    2002:a83f:8110:: 64:ff9b::6464:64c8
"""


@pytest.mark.parametrize("text", METADATA.split())
def test_no_metadata_service_is_contacted(text: str) -> None:
    assert PUBLIC_ONLY.refusal(parse_address(text)) is not None


PUBLIC = """
    1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
    168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0
    192.0.1.255 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 223.255.255.255 8.8.8.8
    2000:: 2001:200:: 2001:db7:ffff:: 2001:db9:: 2003:: 2620:4f:7fff:: 2620:4f:8001:: 2606:4700::1111
    3ffe:ffff:: 3fff:1000::
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_their_public_neighbours_are_not(text: str) -> None:
    assert PUBLIC_ONLY.refusal(parse_address(text)) is None


@pytest.mark.parametrize(
    ("carrying", "reason"),
    [
        ("::ffff:127.0.0.1", "IPv4-mapped 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("::ffff:8.8.8.8", "IPv4-mapped (RFC 4291 §2.5.5.2)"),
        ("::127.0.0.1", "IPv4-compatible 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("::8.8.8.8", "IPv4-compatible, deprecated (RFC 4291 §2.5.5.1)"),
        ("64:ff9b::7f00:1", "NAT64 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("64:ff9b::a00:1", "NAT64 10.0.0.1: private use (RFC 1918 §3)"),
        ("64:ff9b::8.8.8.8", None),
        ("64:ff9b:0:1::", "reserved, not global unicast (RFC 4291 §2.4)"),
        ("64:ff9b:1::7f00:1", "local-use NAT64 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("64:ff9b:1::8.8.8.8", "local-use NAT64 (RFC 8215)"),
        ("2002:7f00:1::", "6to4 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("2002:a9fe:a9fe::1", "6to4 169.254.169.254: link-local (RFC 3927 §2.1)"),
        ("2002:808:808::1", None),
        ("2001:0:7f00:1::f7f7:f7f7", "Teredo server 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("2001:0:808:808::80ff:fffe", "Teredo client 127.0.0.1: loopback (RFC 1122 §3.2.1.3)"),
        ("2001:0:808:808::f7f7:f7f7", None),
    ],
)
def test_an_ipv4_address_within_is_judged_as_well_as_what_carries_it(carrying: str, reason: str | None) -> None:
    assert PUBLIC_ONLY.refusal(parse_address(carrying)) == reason


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("198.18.0.1", []),
        ("2620:fe::fe", []),
        ("::1", []),
        ("::", []),
        ("::ffff:198.18.0.1", ["198.18.0.1"]),
        ("::198.18.0.1", ["198.18.0.1"]),
        ("64:ff9b::198.18.0.1", ["198.18.0.1"]),
        ("64:ff9b:1::198.18.0.1", ["198.18.0.1"]),
        ("2002:c612:1::9", ["198.18.0.1"]),
        ("2001:0:c612:1:0:0:39ed:fffd", ["198.18.0.1", "198.18.0.2"]),
    ],
)
def test_an_address_comes_with_those_that_it_carries(text: str, carried: list[str]) -> None:
    assert [str(form) for form in forms_of(parse_address(text))] == [str(parse_address(text)), *carried]


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_an_ipv4_address_gets_it_contacted(hidden: IPv4Address) -> None:
    value = int(hidden)
    ways = {
        "mapped": 0xFFFF << 32 | value,
        "NAT64": 0x64FF9B << 96 | value,
        "6to4": 0x2002 << 112 | value << 80,
        "Teredo client": 0x20010000 << 96 | 0x08080808 << 64 | ~value & 0xFFFFFFFF,
    }
    for way, carrying in ways.items():
        assert hidden in forms_of(IPv6Address(carrying)), way
        if PUBLIC_ONLY.refusal(hidden) is not None:
            assert PUBLIC_ONLY.refusal(IPv6Address(carrying)) is not None, way


@given(st.one_of(ADDRESSES, st.integers(0x2000 << 112, 0x3FFF_FFFF << 96).map(IPv6Address)))
def test_what_may_be_contacted_is_global_by_the_standard_library_too(address: Address) -> None:
    # Where the library knows better than this table, the table has a hole. The library of some versions
    # calls all of 64:ff9b::/96 and the like global and all of 2002::/16 private: those are left out here.
    carries = len(forms_of(address)) > 1
    if not carries and PUBLIC_ONLY.refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@pytest.mark.parametrize(
    ("text", "may_be_contacted", "why"),
    [
        ("127.64.0.0", True, "the first of the network"),
        ("127.127.255.255", True, "the last"),
        ("127.63.255.255", False, "just before it"),
        ("127.128.0.0", False, "just after it"),
        ("127.0.0.1", False, "this machine's own services"),
        ("::1", False, "the same"),
        ("10.0.0.1", False, "an exception opens its own network only"),
        ("::ffff:127.64.0.1", True, "both forms are allowed"),
        ("::ffff:127.0.0.1", False, "neither is"),
        ("::127.64.0.1", False, "IPv4-compatible is not written down as allowed"),
        ("64:ff9b::127.64.0.1", False, "it would leave the machine"),
        ("2002:7f40:1::", False, "6to4: it would leave the machine"),
        ("8.8.8.8", True, "public addresses stay as they are"),
    ],
)
def test_an_allowed_network_is_the_only_exception(text: str, may_be_contacted: bool, why: str) -> None:
    assert (LAB.refusal(parse_address(text)) is None) is may_be_contacted


@pytest.mark.parametrize(
    ("allowed", "text", "may_be_contacted"),
    [
        (["127.64.0.0/10"], "::ffff:127.64.0.1", False),
        (["::ffff:127.64.0.0/106"], "::ffff:127.64.0.1", False),
        (["::ffff:127.64.0.0/106", "127.64.0.0/10"], "::ffff:127.64.0.1", True),
        (["64:ff9b::/96"], "64:ff9b::10.0.0.1", False),
        (["64:ff9b::/96", "10.0.0.0/8"], "64:ff9b::10.0.0.1", True),
        (["64:ff9b:1::/48"], "64:ff9b:1::8.8.8.8", True),
        (["10.0.0.0/8", "10.1.0.0/16"], "10.2.0.1", True),
        (["10.1.0.0/16", "10.0.0.0/8"], "10.1.0.1", True),
        (["10.1.0.0/16"], "10.2.0.1", False),
        (["fd00::/8"], "fd00::1", True),
        (["::1/128"], "::1", True),
        (["127.0.0.1"], "127.0.0.1", True),
        (["0.0.0.0/0"], "127.0.0.1", True),
        (["0.0.0.0/0"], "::1", False),
    ],
)
def test_an_address_within_an_address_must_be_allowed_in_both_forms(
    allowed: list[str], text: str, may_be_contacted: bool
) -> None:
    assert (AddressPolicy(allowed).refusal(parse_address(text)) is None) is may_be_contacted


@pytest.mark.parametrize("network", ["", "127.64.0.0/9", "10.0.0.0/33", "example.org", "10.0.0.0/8 "])
def test_what_is_no_network_is_refused_as_an_exception(network: str) -> None:
    with pytest.raises(ValueError, match=r"address|network|host bits|prefix|Netmask|permitted"):
        AddressPolicy([network])


@pytest.mark.parametrize(
    ("text", "is_address", "why"),
    [
        ("127.0.0.1", True, "dotted decimal"),
        ("2001:DB8::A", True, "either case"),
        ("::ffff:192.0.2.1", True, "mixed notation (RFC 4291 §2.2)"),
        ("", False, "nothing"),
        ("127.1", False, "inet_aton's short form"),
        ("127.0.0.01", False, "octal for some"),
        ("0x7f.0.0.1", False, "hexadecimal for some"),
        ("2130706433", False, "one number for some"),
        ("127.0.0.256", False, "no octet"),
        ("127.0.0.1\n", False, "with a line end"),
        (" ::1", False, "with a blank"),
        ("１２７.0.0.1", False, "digits of another script"),
        ("[::1]", False, "a literal of RFC 5321, not an address"),
        ("fe80::1%eth0", False, "a zone belongs to one machine"),
        ("::1/128", False, "a network"),
        ("1:2:3:4:5:6:7", False, "a group is missing"),
        ("example.org", False, "a name"),
    ],
)
def test_an_address_is_read_strictly(text: str, is_address: bool, why: str) -> None:
    assert can_be_read(text) is is_address


def can_be_read(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("0.0.0.1", "0.0.0.0/24"),
        ("255.255.255.255", "255.255.255.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8::3", "2001:db8::/48"),
        ("2001:0:1::3", "2001:0:1::/48"),
        ("2606::1", "2606::/48"),
        ("::1", "::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
    ],
)
def test_an_address_belongs_to_a_network(text: str, network: str) -> None:
    assert network_of(parse_address(text)) == network


@given(ADDRESSES)
def test_its_network_holds_it_and_is_written_in_one_way(address: Address) -> None:
    network = ip_network(network_of(address))
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped
    assert (mapped or address) in network
    assert str(network) == network_of(address)
    assert network.prefixlen == (24 if network.version == 4 else 48)


@given(ADDRESSES)
def test_an_address_has_one_text_and_comes_back_from_it(address: Address) -> None:
    assert parse_address(address_text(address)) == address


def test_a_mapped_address_is_written_as_people_know_it() -> None:
    assert address_text(parse_address("::ffff:7f40:1")) == "::ffff:127.64.0.1"


@pytest.mark.parametrize(
    ("exchange", "is_literal"),
    [
        ("192.0.2.1", True),
        ("192.0.2.1.", True),
        ("[192.0.2.1]", True),
        ("[192.0.2.1].", True),
        ("2001:db8::1", True),
        ("[IPv6:2001:db8::1]", True),
        ("[ipv6:2001:db8::1].", True),
        ("mx.example.org", False),
        ("192.0.2.1.example.org", False),
        ("192.0.2", False),
        ("192.0.2.300", False),
        ("", False),
        (".", False),
        ("[]", False),
    ],
)
def test_an_exchange_is_text_of_an_address_or_not(exchange: str, is_literal: bool) -> None:
    assert is_address_literal(exchange) is is_literal


@pytest.mark.parametrize(
    ("name", "is_localhost"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("mail.localhost", True),
        ("notlocalhost", False),
        ("localhost.example.org", False),
        ("localhost.localdomain", False),
        ("", False),
    ],
)
def test_a_name_means_this_machine_or_not(name: str, is_localhost: bool) -> None:
    assert is_localhost_name(name) is is_localhost
