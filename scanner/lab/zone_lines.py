"""Lines of a zone file → records on the wire (RFC 1035 §3.2, §5.1). Pure; names are absolute, dot or no dot.

The types that a mail world is full of are encoded here, because dnspython takes fifty times as long for a
line; and TLSA, because it refuses such as real zones have. Every other type is left to it.
"""

import ipaddress
import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

DEFAULT_TTL_S = 300
MAX_TTL_S = 0x7FFFFFFF  # RFC 2181 §8

A, CNAME, SOA, MX, AAAA, TLSA = 1, 5, 6, 15, 28, 52

_GENERATE = "$GENERATE"
_RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")
_NUMBER = re.compile(r"\$(?:\{(\d{1,6}),(\d{1,2})\})?")

_COMMON_TYPES = {"A": A, "CNAME": CNAME, "MX": MX, "AAAA": AAAA, "TLSA": TLSA}


class ZoneError(ValueError):
    """A text that is no record, name or type. The message shows it."""


class Record(NamedTuple):
    """A record without its owner; names in `rdata` are uncompressed."""

    type: int
    ttl_s: int
    rdata: bytes


def encode_name(text: str) -> bytes:
    """A name → the wire, its case kept. Raises ZoneError."""
    if text == ".":
        return b"\0"
    if "\\" in text or len(text) > 253:
        return _name_by_dnspython(text)
    try:
        labels = text.removesuffix(".").encode("ascii").split(b".")
    except UnicodeEncodeError as error:
        raise ZoneError(f"{text!r}: names stand in records as A-labels") from error
    if not all(0 < len(label) <= 63 for label in labels):
        raise ZoneError(f"{text!r} is no name: a label has 1 to 63 octets")
    return b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"


def expand_line(line: str) -> Iterator[str]:
    """The lines that a line stands for: `$GENERATE FIRST-LAST LINE` is LINE with each number for `$`, as in BIND.

    `${OFFSET,WIDTH}` is the number and OFFSET, padded with zeros. Raises ZoneError.
    """
    if not line.startswith(_GENERATE):
        yield line
        return
    fields = line.split(None, 2)
    found = _RANGE.fullmatch(fields[1]) if len(fields) == 3 else None
    if found is None:
        raise ZoneError(f"{line!r}: expected $GENERATE FIRST-LAST LINE")
    for number in range(int(found[1]), int(found[2]) + 1):
        yield _NUMBER.sub(lambda place, number=number: _padded(number, place), fields[2])  # type: ignore[misc]


def _padded(number: int, place: re.Match[str]) -> str:
    offset, width = place[1] or "0", place[2] or "0"
    return str(number + int(offset)).zfill(int(width))


def parse_owner(line: str) -> bytes:
    """The owner of a line on the wire, in lower case. Raises ZoneError."""
    fields = line.split(None, 1)
    if len(fields) < 2:
        raise ZoneError(f"{line!r} is no record: expected OWNER [TTL] [IN] TYPE RDATA")
    return encode_name(fields[0]).lower()


def parse_record(line: str) -> Record:
    """`OWNER [TTL] [IN] TYPE RDATA` → the record. Raises ZoneError."""
    ttl_s = DEFAULT_TTL_S
    fields = line.split(None, 2)
    while len(fields) == 3 and (fields[1].isdecimal() or fields[1].upper() == "IN"):
        if fields[1].isdecimal():
            ttl_s = int(fields[1])
        fields[1:] = fields[2].split(None, 1)
    if len(fields) != 3 or ttl_s > MAX_TTL_S:
        raise ZoneError(f"{line!r} is no record: expected OWNER [TTL] [IN] TYPE RDATA")
    record_type = parse_type(fields[1])
    encode = _ENCODERS.get(record_type) or _by_dnspython(record_type)
    try:
        return Record(record_type, ttl_s, encode(fields[2].strip()))
    except (ValueError, struct.error, dns.exception.DNSException) as error:
        raise ZoneError(f"{line!r}: {error or type(error).__name__}") from error


def parse_type(word: str) -> int:
    """`MX`, `TYPE65` → its number. Raises ZoneError."""
    try:
        return _COMMON_TYPES.get(word) or int(dns.rdatatype.from_text(word))
    except (ValueError, dns.exception.DNSException) as error:
        raise ZoneError(f"{word!r} is no record type") from error


def _name_by_dnspython(text: str) -> bytes:
    try:
        return dns.name.from_text(text).to_wire() or b""
    except dns.exception.DNSException as error:
        raise ZoneError(f"{text!r} is no name: {error or type(error).__name__}") from error


def _encode_mx(rdata: str) -> bytes:
    preference, exchange = rdata.split()
    return struct.pack("!H", int(preference)) + encode_name(exchange)


def _encode_tlsa(rdata: str) -> bytes:
    """RFC 6698 §2.1, §2.2; any numbers, and data of any length."""
    usage, selector, matching_type, *digits = rdata.split()
    return bytes((int(usage), int(selector), int(matching_type))) + bytes.fromhex("".join(digits))


def _by_dnspython(record_type: int) -> Callable[[str], bytes]:
    kind = dns.rdatatype.RdataType.make(record_type)

    def encode(rdata: str) -> bytes:
        return (
            dns.rdata.from_text(dns.rdataclass.IN, kind, rdata, origin=dns.name.root, relativize=False).to_wire() or b""
        )

    return encode


_ENCODERS: dict[int, Callable[[str], bytes]] = {
    A: lambda rdata: ipaddress.IPv4Address(rdata).packed,
    AAAA: lambda rdata: ipaddress.IPv6Address(rdata).packed,
    CNAME: encode_name,
    MX: _encode_mx,
    TLSA: _encode_tlsa,
}
