"""IP addresses: which may be contacted, which IPv4 hides in an IPv6, which network one belongs to.

`ipaddress.is_global` does not decide here: it calls 224.0.0.1, 64:ff9b::7f00:1 and 168.63.129.16 global,
and it changes with the Python version. The table below is the IANA special-purpose address registries
(RFC 6890) as of 2025-10-09, with multicast, what is reserved, and what only looks public. The most specific
range decides.
A few rows are globally reachable by the registry (AS112, AMT, the anycast addresses, ORCHIDv2, DRIP): they
are services of the nearest network or identifiers, no domain's mail server, and are not contacted either.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_SPECIAL = {
    "0.0.0.0/8": "this network (RFC 791 §3.2)",
    "0.0.0.0/32": "unspecified (RFC 1122 §3.2.1.3)",
    "10.0.0.0/8": "private use (RFC 1918 §3)",
    "100.64.0.0/10": "shared address space (RFC 6598)",
    "127.0.0.0/8": "loopback (RFC 1122 §3.2.1.3)",
    "168.63.129.16/32": "a cloud's host agent, answers inside the machine's own network only",
    "169.254.0.0/16": "link-local (RFC 3927 §2.1)",
    "172.16.0.0/12": "private use (RFC 1918 §3)",
    "192.0.0.0/24": "IETF protocol assignments (RFC 6890 §2.1)",
    "192.0.0.0/29": "IPv4 service continuity (RFC 7335)",
    "192.0.0.8/32": "IPv4 dummy address (RFC 7600)",
    "192.0.0.9/32": "port control protocol anycast (RFC 7723)",
    "192.0.0.10/32": "TURN anycast (RFC 8155)",
    "192.0.0.170/31": "NAT64 discovery (RFC 7050)",
    "192.0.2.0/24": "documentation (RFC 5737 §3)",
    "192.31.196.0/24": "AS112 (RFC 7535)",
    "192.52.193.0/24": "AMT (RFC 7450)",
    "192.88.99.0/24": "6to4 relay anycast, deprecated (RFC 7526)",
    "192.88.99.2/32": "6a44 relay anycast (RFC 6751)",
    "192.168.0.0/16": "private use (RFC 1918 §3)",
    "192.175.48.0/24": "AS112 (RFC 7534)",
    "198.18.0.0/15": "benchmarking (RFC 2544 §C.2.2)",
    "198.51.100.0/24": "documentation (RFC 5737 §3)",
    "203.0.113.0/24": "documentation (RFC 5737 §3)",
    "224.0.0.0/4": "multicast (RFC 5771)",
    "240.0.0.0/4": "reserved (RFC 1112 §4)",
    "255.255.255.255/32": "limited broadcast (RFC 919 §7)",
}

#: An empty reason: nothing against the range itself, the IPv4 address inside decides.
_IPV6_SPECIAL = {
    "::/0": "reserved, not global unicast (RFC 4291 §2.4)",
    "2000::/3": "",
    "::/96": "IPv4-compatible, deprecated (RFC 4291 §2.5.5.1)",
    "::/128": "unspecified (RFC 4291 §2.5.2)",
    "::1/128": "loopback (RFC 4291 §2.5.3)",
    "::ffff:0:0/96": "IPv4-mapped (RFC 4291 §2.5.5.2)",
    "64:ff9b::/96": "",
    "64:ff9b:1::/48": "local-use NAT64 (RFC 8215)",
    "100::/64": "discard-only (RFC 6666)",
    "100:0:0:1::/64": "IPv6 dummy prefix (RFC 9780)",
    "2001::/23": "IETF protocol assignments (RFC 2928)",
    "2001::/32": "",
    "2001:1::1/128": "port control protocol anycast (RFC 7723)",
    "2001:1::2/128": "TURN anycast (RFC 8155)",
    "2001:1::3/128": "service registration protocol anycast (RFC 9665)",
    "2001:2::/48": "benchmarking (RFC 5180)",
    "2001:3::/32": "AMT (RFC 7450)",
    "2001:4:112::/48": "AS112 (RFC 7535)",
    "2001:10::/28": "ORCHID, deprecated (RFC 4843)",
    "2001:20::/28": "ORCHIDv2 (RFC 7343)",
    "2001:30::/28": "drone remote identification (RFC 9374)",
    "2001:db8::/32": "documentation (RFC 3849)",
    "2002::/16": "",
    "2620:4f:8000::/48": "AS112 (RFC 7534)",
    "3fff::/20": "documentation (RFC 9637)",
    "5f00::/16": "segment routing identifiers (RFC 9602)",
    "fc00::/7": "unique local (RFC 4193 §3.1)",
    "fe80::/10": "link-local (RFC 4291 §2.5.6)",
    "fec0::/10": "site-local, deprecated (RFC 3879 §4)",
    "ff00::/8": "multicast (RFC 4291 §2.7)",
}


class AddressPolicy:
    """Which addresses may be contacted: public ones, and those of the networks that the user allowed."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """`allowed` are networks in CIDR form; raises ValueError for what is none, or has host bits set."""
        networks = [ip_network(text) for text in allowed]
        self._allowed_v4 = Ranges(32, [(network, "") for network in networks if network.version == 4])
        self._allowed_v6 = Ranges(128, [(network, "") for network in networks if network.version == 6])

    def refusal(self, address: Address) -> str | None:
        """None if the address may be contacted, else why not, as `loopback (RFC 1122 §3.2.1.3)`.

        An allowed network is an exception for an address as it is written and, if it carries an IPv4
        address, for that one too: ::ffff:127.64.0.1 needs both 127.64.0.0/10 and ::ffff:127.64.0.0/106.
        Otherwise 127.64.0.0/10 alone would let packets for 2002:7f40:1:: (6to4) leave the machine, and
        64:ff9b::/96 alone would reach into every private network behind a translator.
        """
        if isinstance(address, IPv4Address):
            reason = _SPECIAL_V4.of(int(address))
            return reason if reason and self._allowed_v4.of(int(address)) is None else None
        return self._refusal_v6(address)

    def _refusal_v6(self, address: IPv6Address) -> str | None:
        value = int(address)
        reason = _SPECIAL_V6.of(value)
        is_allowed = self._allowed_v6.of(value) is not None
        for carrier, carried in _carried_ipv4(value):
            inner = _SPECIAL_V4.of(carried)
            if inner and not (is_allowed and self._allowed_v4.of(carried) is not None):
                return f"{carrier} {IPv4Address(carried)}: {inner}"
        return reason if reason and not is_allowed else None


def parse_address(text: str) -> Address:
    """An address as RFC 5952 or dotted decimal text; ValueError for all else, also for a zone (`%eth0`)."""
    if "%" in text:
        raise ValueError(f"an address with a zone belongs to one machine: {text!r}")
    return IPv6Address(text) if ":" in text else IPv4Address(text)


def address_text(address: Address) -> str:
    """The one text of an address (RFC 5952), the same under every Python: mapped ones as ::ffff:192.0.2.1.

    `str` writes those as ::ffff:c000:201 up to Python 3.12 and dotted from 3.13.
    """
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"  # RFC 5952 §5
    return str(address)


def forms_of(address: Address) -> tuple[Address, ...]:
    """An address and the IPv4 addresses that it carries (Teredo: two): packets for it come to one of them."""
    if isinstance(address, IPv4Address):
        return (address,)
    return (address, *(IPv4Address(carried) for _, carried in _carried_ipv4(int(address))))


def network_of(address: Address) -> str:
    """The network that is paced and owned together: the /24 of an IPv4 address, the /48 of an IPv6 one.

    An IPv4-mapped address is dialled as IPv4 and belongs to the /24 of that.
    """
    value = int(address)
    if isinstance(address, IPv4Address) or value >> 32 == 0xFFFF:
        return f"{value >> 24 & 0xFF}.{value >> 16 & 0xFF}.{value >> 8 & 0xFF}.0/24"
    prefix = f"{value >> 112:x}:{value >> 96 & 0xFFFF:x}:{value >> 80 & 0xFFFF:x}"
    while prefix.endswith(":0"):
        prefix = prefix[:-2]
    return f"{'' if prefix == '0' else prefix}::/48"


def is_address_literal(name: str) -> bool:
    """True if the exchange of an MX record is text of an address: bare, as RFC 5321 §4.1.3, with a dot."""
    text = name.removesuffix(".")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def is_localhost_name(name: str) -> bool:
    """True for `localhost` and every name below it, which never leave the machine (RFC 6761 §6.3)."""
    return f".{name.lower().removesuffix('.')}".endswith(".localhost")


def _carried_ipv4(value: int) -> Sequence[tuple[str, int]]:
    """The IPv4 addresses within an IPv6 address, each with the name of what carries it."""
    high = value >> 96
    if high >> 16 == 0x2002:
        return (("6to4", value >> 80 & 0xFFFFFFFF),)  # RFC 3056 §2
    if high == 0x20010000:  # RFC 4380 §4: the server, flags, a port, and the client with every bit turned
        return (("Teredo server", value >> 64 & 0xFFFFFFFF), ("Teredo client", ~value & 0xFFFFFFFF))
    if high >> 16 >= 0x2000:
        return ()
    if value >> 32 == 0xFFFF:
        return (("IPv4-mapped", value & 0xFFFFFFFF),)
    if value >> 32 == 0 and value > 1:  # :: and ::1 are addresses of their own
        return (("IPv4-compatible", value & 0xFFFFFFFF),)
    if value >> 32 == 0x64FF9B << 64:
        return (("NAT64", value & 0xFFFFFFFF),)  # RFC 6052 §2.1
    if value >> 80 == 0x64FF9B0001:
        return (("local-use NAT64", value & 0xFFFFFFFF),)  # RFC 8215; read with the /96 of RFC 6052 §2.2
    return ()


class Ranges:
    """Networks, nested or not, each with a text; `of` finds the most specific one that holds an address."""

    def __init__(self, bits: int, networks: Iterable[tuple[Network, str]]) -> None:
        self._starts = [0]
        self._texts: list[str | None] = [None]
        enclosing: list[tuple[int, str]] = []
        for start, prefixlen, text in sorted(
            (int(network.network_address), network.prefixlen, text) for network, text in networks
        ):
            self._close(start, enclosing)
            self._begin(start, text)
            enclosing.append((start + (1 << bits - prefixlen) - 1, text))
        self._close(1 << bits, enclosing)

    def of(self, value: int) -> str | None:
        return self._texts[bisect_right(self._starts, value) - 1]

    def _close(self, until: int, enclosing: list[tuple[int, str]]) -> None:
        """Ends the networks that end before `until`; the text of the one around them begins again."""
        while enclosing and enclosing[-1][0] < until:
            end, _ = enclosing.pop()
            self._begin(end + 1, enclosing[-1][1] if enclosing else None)

    def _begin(self, start: int, text: str | None) -> None:
        if self._starts[-1] == start:
            self._texts[-1] = text
        else:
            self._starts.append(start)
            self._texts.append(text)


_SPECIAL_V4 = Ranges(32, [(IPv4Network(network), reason) for network, reason in _IPV4_SPECIAL.items()])
_SPECIAL_V6 = Ranges(128, [(IPv6Network(network), reason) for network, reason in _IPV6_SPECIAL.items()])
