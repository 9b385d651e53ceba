"""Address literals (RFC 5321 §4.1.3): an IP address where a domain would stand, in brackets."""

import re
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

# Snum = 1*3DIGIT "representing a decimal integer value in the range 0 through 255", so zeros may lead.
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
# Only what an IPv6 address is written with: no zone, no prefix.
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")
# General-address-literal = Standardized-tag ":" 1*dcontent; tag = Ldh-str, dcontent = %d33-90 / %d94-126.
_GENERAL = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+")
_IPV6_TAG = "ipv6:"


class AddressLiteralError(ValueError):
    """What stands within the brackets is no address literal: what it is, and what to do."""

    def __init__(self, what: str, what_to_do: str) -> None:
        super().__init__(f"{what}: {what_to_do}")
        self.what = what
        self.what_to_do = what_to_do


def address_literal(address: Address) -> str:
    """The literal of an address, which EHLO says where there is no name (§4.1.4): [192.0.2.1], [IPv6:2001:db8::1]."""
    if address.version == 4:
        return f"[{address}]"
    return f"[IPv6:{IPv6Address(int(address))}]"  # a zone (%eth0) means nothing to the other side


def parse_address_literal(text: str) -> tuple[str, Address | None]:
    """What stands within the brackets → the whole literal, as `address_literal` writes it, and its address.

    None for a literal with another tag: IANA has registered IPv6 alone, so there is nobody to deliver to.
    """
    if _IPV4.fullmatch(text):
        address: Address = _ipv4(text)
    elif text.lower().startswith(_IPV6_TAG):
        address = _ipv6(text[len(_IPV6_TAG) :])
    elif is_ipv6(text):
        raise AddressLiteralError("an IPv6 address without its tag", f"write [IPv6:{text}]")
    elif _GENERAL.fullmatch(text):
        return f"[{text}]", None
    else:
        raise AddressLiteralError("no address literal", "write one like [192.0.2.1] or [IPv6:2001:db8::1]")
    return address_literal(address), address


def is_ipv4(text: str) -> bool:
    """True for four decimal numbers with dots, whatever they are."""
    return _IPV4.fullmatch(text) is not None


def is_ipv6(text: str) -> bool:
    """True for an IPv6 address as text (RFC 4291 §2.2), without a zone."""
    if not _IPV6.fullmatch(text):
        return False
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _ipv4(text: str) -> IPv4Address:
    numbers = [int(number) for number in text.split(".")]
    too_large = next((number for number in numbers if number > 255), None)
    if too_large is not None:
        raise AddressLiteralError(f"{too_large} in an IPv4 address", "each of its four numbers is 255 at most")
    return IPv4Address(bytes(numbers))


def _ipv6(text: str) -> IPv6Address:
    if not is_ipv6(text):
        raise AddressLiteralError("no IPv6 address after the tag", "write one like [IPv6:2001:db8::1]")
    return IPv6Address(text)
