"""Distinguished names (RFC 5280 §4.1.2.4) as text (RFC 4514), octet by octet, without losing any."""

import re

from scanner.tls.der import (
    DerError,
    Element,
    Tag,
    expect,
    parse_elements,
    parse_object_identifier,
    parse_sequence,
)

COMMON_NAME = "2.5.4.3"

#: RFC 4514 §3, and behind them descriptors that everyone knows (OpenSSL's spelling).
_DESCRIPTORS = {
    COMMON_NAME: b"CN",
    "2.5.4.7": b"L",
    "2.5.4.8": b"ST",
    "2.5.4.10": b"O",
    "2.5.4.11": b"OU",
    "2.5.4.6": b"C",
    "2.5.4.9": b"STREET",
    "0.9.2342.19200300.100.1.25": b"DC",
    "0.9.2342.19200300.100.1.1": b"UID",
    "2.5.4.5": b"serialNumber",
    "2.5.4.15": b"businessCategory",
    "2.5.4.17": b"postalCode",
    "1.2.840.113549.1.9.1": b"emailAddress",
}

#: RFC 5280 §4.1.2.4 and appendix A.1: the strings of one octet a character, or UTF-8, stand as they are.
_OCTET_STRINGS = frozenset({Tag.utf8_string, 0x12, 0x13, 0x14, 0x16, 0x1A})
_WIDE_STRINGS = {Tag.bmp_string: "utf-16-be", Tag.universal_string: "utf-32-be"}

_SPECIAL = re.compile(rb'["+,;<>\\\x00]|\A[ #]| \Z')

Attribute = tuple[str, Element]


def encode_rfc4514(name: Element) -> bytes:
    """A Name as RFC 4514 §2 writes it, the most specific part first; the octets of its values as served."""
    names = [b"+".join(map(_encode_attribute, attributes)) for attributes in _relative_names(name)]
    return b",".join(reversed(names))  # RFC 4514 §2.1: starting with the last element of the sequence


def parse_common_names(name: Element) -> tuple[bytes, ...]:
    """The values of every commonName of a Name, in its order, as octets."""
    return tuple(
        _value_octets(value)
        for attributes in _relative_names(name)
        for identifier, value in attributes
        if identifier == COMMON_NAME
    )


def _relative_names(name: Element) -> list[list[Attribute]]:
    return [
        [_parse_attribute(attribute) for attribute in parse_elements(expect(relative, Tag.set))]
        for relative in parse_sequence(name)
    ]


def _parse_attribute(attribute: Element) -> Attribute:
    parts = parse_sequence(attribute)
    if len(parts) != 2:
        raise DerError(f"an attribute of a name with {len(parts)} parts instead of 2")
    return parse_object_identifier(parts[0]), parts[1]


def _encode_attribute(attribute: Attribute) -> bytes:
    identifier, value = attribute
    descriptor = _DESCRIPTORS.get(identifier)
    if descriptor is None or not _is_string(value):
        # RFC 4514 §2.4: a type in dotted decimals, or a value without a string form, has its encoding in hex.
        return (descriptor or identifier.encode()) + b"=#" + value.encoded.hex().encode()
    return descriptor + b"=" + _escape(_value_octets(value))


def _is_string(value: Element) -> bool:
    return value.tag in _OCTET_STRINGS or value.tag in _WIDE_STRINGS


def _value_octets(value: Element) -> bytes:
    if value.tag in _OCTET_STRINGS:
        return value.content
    for tag, encoding in _WIDE_STRINGS.items():
        if value.tag == tag:
            return value.content.decode(encoding).encode()
    raise DerError(f"a name in a value with tag 0x{value.tag:02x}, which is no string")


def _escape(octets: bytes) -> bytes:
    """Octets with the escapes of RFC 4514 §2.4; wire_text escapes what is left for the eye."""
    return _SPECIAL.sub(lambda found: b"\\00" if found[0] == b"\x00" else b"\\" + found[0], octets)
