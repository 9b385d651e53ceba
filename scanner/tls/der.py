"""DER (X.690) as far as a certificate needs it: elements read one after another, never deeper than asked for.

Lenient where that loses nothing: lengths and integers need not have their shortest form. Everything that
cannot be read is a DerError; nothing else is raised, whatever the octets.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

#: X.690 §8.1.3: more octets of length than these belong to no certificate that fits into a TLS handshake.
MAX_LENGTH_OCTETS = 4

#: The longest object identifiers in use have some 20 octets; an endless one would cost time to write down.
MAX_OBJECT_IDENTIFIER_OCTETS = 64


class DerError(ValueError):
    """Octets that are not the DER that was expected; the message says what was, and never quotes them."""


class Tag(IntEnum):
    """Identifier octets (X.680 §8.4); the context-specific ones are made with `context_tag`."""

    boolean = 0x01
    integer = 0x02
    bit_string = 0x03
    octet_string = 0x04
    object_identifier = 0x06
    utf8_string = 0x0C
    utc_time = 0x17
    generalized_time = 0x18
    universal_string = 0x1C
    bmp_string = 0x1E
    sequence = 0x30
    set = 0x31


class Element(NamedTuple):
    """One value: its identifier octet, its content, and both with the length as they were encoded."""

    tag: int
    content: bytes
    encoded: bytes


def context_tag(number: int, *, constructed: bool) -> int:
    """The identifier octet of `[number]`."""
    return (0xA0 if constructed else 0x80) | number


def parse_only(octets: bytes) -> Element:
    """The one element that the octets are, with nothing behind it."""
    element, end = _read_element(octets, 0)
    if end != len(octets):
        raise DerError(f"{len(octets) - end} octets too many")
    return element


def parse_elements(content: bytes) -> Iterator[Element]:
    """The elements that a constructed value consists of, in their order."""
    position = 0
    while position < len(content):
        element, position = _read_element(content, position)
        yield element


def parse_sequence(element: Element) -> list[Element]:
    """The elements of a SEQUENCE."""
    return list(parse_elements(expect(element, Tag.sequence)))


def expect(element: Element, tag: int) -> bytes:
    """The content of an element that must have this tag."""
    if element.tag != tag:
        raise DerError(f"tag 0x{element.tag:02x} where 0x{tag:02x} belongs")
    return element.content


def parse_integer(element: Element) -> int:
    content = expect(element, Tag.integer)
    if not content:
        raise DerError("an integer without octets")
    return int.from_bytes(content, "big", signed=True)


def parse_boolean(element: Element) -> bool:
    content = expect(element, Tag.boolean)
    if len(content) != 1:
        raise DerError(f"a boolean of {len(content)} octets")
    return content != b"\x00"


def parse_bit_string(element: Element) -> bytes:
    """The octets of a BIT STRING, its unused bits at the end included as they are."""
    content = expect(element, Tag.bit_string)
    if not content or content[0] > 7:
        raise DerError("a bit string without a count of its unused bits")
    return content[1:]


def parse_object_identifier(element: Element) -> str:
    """An OBJECT IDENTIFIER in dotted decimals (X.690 §8.19)."""
    content = expect(element, Tag.object_identifier)
    if not content or len(content) > MAX_OBJECT_IDENTIFIER_OCTETS or content[-1] & 0x80:
        raise DerError(f"no object identifier in {len(content)} octets")
    subidentifiers: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            subidentifiers.append(value)
            value = 0
    root = min(subidentifiers[0] // 40, 2)
    return ".".join(map(str, [root, subidentifiers[0] - 40 * root, *subidentifiers[1:]]))


def _read_element(octets: bytes, start: int) -> tuple[Element, int]:
    """The element at `start`, and where the next one begins."""
    if start + 2 > len(octets):
        raise DerError("ends within an element")
    tag = octets[start]
    if tag & 0x1F == 0x1F:
        raise DerError("a tag number above 30")
    length, begin = octets[start + 1], start + 2
    if length >= 0x80:
        length, begin = _read_long_length(octets, start + 1)
    end = begin + length
    if end > len(octets):
        raise DerError(f"ends {end - len(octets)} octets early")
    return Element(tag, octets[begin:end], octets[start:end]), end


def _read_long_length(octets: bytes, position: int) -> tuple[int, int]:
    """The long form of a length (X.690 §8.1.3.5) at `position`, and where the content begins."""
    size = octets[position] & 0x7F
    if size == 0:
        raise DerError("an indefinite length, which DER has not")  # X.690 §10.1
    if size > MAX_LENGTH_OCTETS:
        raise DerError(f"a length of {size} octets")
    begin = position + 1 + size
    if begin > len(octets):
        raise DerError("ends within a length")
    return int.from_bytes(octets[position + 1 : begin], "big"), begin
