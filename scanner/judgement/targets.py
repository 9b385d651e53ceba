"""Which addresses of a mail host are talked to, and what the session with each is called."""

from hashlib import sha256
from itertools import zip_longest

from scanner.outcomes import AddressFlag
from scanner.records import Host, HostAddress
from scanner.wire_text import restore_octets

#: Reasons that an address carries not to be talked to.
_NOT_CONTACTED = frozenset(
    {AddressFlag.not_public, AddressFlag.own_address, AddressFlag.opted_out, AddressFlag.address_withdrawn}
)


def target_id(address: str, port: int, server_name: str) -> str:
    """The same for the same target in every run: 16 hex digits of SHA-256 of `address|port|server_name`."""
    return sha256(f"{address}|{port}|{server_name}".encode()).hexdigest()[:16]


def select_addresses(host: Host, most: int) -> tuple[list[HostAddress], list[HostAddress]]:
    """The addresses of a host that are tried and those over the limit: families in turn (RFC 5321 §5.1)."""
    contactable = [
        [address for address in lookup.addresses if is_contactable(address)] for lookup in (host.a, host.aaaa)
    ]
    in_turn = [address for pair in zip_longest(*contactable) for address in pair if address is not None]
    return in_turn[:most], in_turn[most:]


def server_name_of(host: Host) -> str:
    """The name that a session to this host asks for (SNI): the MX host itself, or its TLSA base domain.

    RFC 7672 §8.1: a DANE sender asks for the TLSA base domain, so that it is sent the chain that it is to see.
    """
    return restore_octets(host.tlsa_base_domain or host.exchange).decode("ascii")


def is_withdrawn(address: HostAddress) -> bool:
    """True for an address that an earlier lookup of its host gave, and the one that counts does not."""
    return AddressFlag.address_withdrawn in address.flags


def is_contactable(address: HostAddress) -> bool:
    """False for an address that carries a reason not to talk to it."""
    return _NOT_CONTACTED.isdisjoint(address.flags)
