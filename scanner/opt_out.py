"""The opt-out list: who wants to be left alone, by domain, mail host, address or network.

One entry a line; `#` begins a comment. A name stands for itself and everything below it, an address for
itself in every form that it can be written in.
"""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

from scanner.addresses import Address, Network, Ranges, forms_of, parse_address
from scanner.names import InvalidName, is_host_name, parse_domain

#: What may stand around an entry: blanks, CR, the no-break space of web pages, the mark of joined files.
_BLANKS = " \t\r\xa0\ufeff"

#: Digits and dots, or hexadecimal digits and colons: no name is written so (RFC 1123 §2.1).
_ADDRESS = re.compile(r"(?:[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:/.*)?")

_EXPECTED = "a domain, a host name, an address or a network as 192.0.2.0/24"

#: So much of a line that is no entry is shown.
_SHOWN_CHARACTERS = 80


class OptOutError(ValueError):
    """A line of an opt-out list that is no entry. The message says which, and what was expected."""

    def __init__(self, line: int, found: str, reason: str) -> None:
        super().__init__(f"line {line}: expected {_EXPECTED}, found {found[:_SHOWN_CHARACTERS]!r} ({reason})")
        self.line = line


class OptOut:
    """Who is left alone. A list of any length is asked in the time of a few look-ups."""

    def __init__(
        self, names: Iterable[str] = (), addresses: Iterable[Address] = (), networks: Iterable[Network] = ()
    ) -> None:
        """`names` in A-labels, lower case, without the final dot."""
        dialled = [_as_dialled_network(network) for network in networks]
        self._names = frozenset(names)
        self._addresses = frozenset(_as_dialled(address) for address in addresses)
        self._ipv4 = Ranges(32, [(network, "") for network in dialled if network.version == 4])
        self._ipv6 = Ranges(128, [(network, "") for network in dialled if network.version == 6])

    def matches_name(self, name: str) -> bool:
        """True if a name or one above it is on the list. A-labels, in any case, with or without the final dot."""
        rest = name.lower().removesuffix(".")
        while rest:
            if rest in self._names:
                return True
            rest = rest.partition(".")[2]
        return False

    def matches_address(self, address: Address) -> bool:
        """True if an address is on the list, or an IPv4 address that it carries: packets would go to that one."""
        return any(self._holds(form) for form in forms_of(address))

    def _holds(self, address: Address) -> bool:
        networks = self._ipv4 if address.version == 4 else self._ipv6
        return address in self._addresses or networks.of(int(address)) is not None


def parse_opt_out(text: str) -> OptOut:
    """A list as its author wrote it. Raises OptOutError at the first line that is no entry."""
    names: list[str] = []
    addresses: list[Address] = []
    networks: list[Network] = []
    for number, entry in _entries(text):
        try:
            if not _ADDRESS.fullmatch(entry):
                names.append(_parse_name(entry))
            elif "/" in entry:
                networks.append(ip_network(entry))
            else:
                addresses.append(parse_address(entry))
        except InvalidName as error:
            raise OptOutError(number, entry, _with_what_was_meant(error)) from error
        except ValueError as error:
            raise OptOutError(number, entry, str(error)) from error
    return OptOut(names, addresses, networks)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are neither blank nor a comment, with their numbers; no entry has a `#` in it."""
    for number, line in enumerate(text.split("\n"), 1):
        if entry := line.partition("#")[0].strip(_BLANKS):
            yield number, entry


def _parse_name(text: str) -> str:
    # A zone may have mail hosts with an underscore, and whoever runs one may opt out with it.
    name = text.lower().removesuffix(".")
    return name if "_" in name and is_host_name(name) else parse_domain(text)


def _with_what_was_meant(error: InvalidName) -> str:
    return error.reason if error.meant is None else f"{error.reason}; {error.meant}?"


def _as_dialled(address: Address) -> Address:
    """The address that a connection goes to: the IPv4 one for an IPv4-mapped (RFC 4291 §2.5.5.2)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _as_dialled_network(network: Network) -> Network:
    """The same for a network within ::ffff:0:0/96."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < 96:
        return network
    return IPv4Network((mapped, network.prefixlen - 96))
