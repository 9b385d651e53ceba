"""A certificate taken apart (RFC 5280 §4.1): its fields as DER elements, and the plain ones read."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from scanner.tls.der import (
    DerError,
    Element,
    Tag,
    context_tag,
    expect,
    parse_bit_string,
    parse_integer,
    parse_object_identifier,
    parse_only,
    parse_sequence,
)

_VERSION = context_tag(0, constructed=True)
_EXTENSIONS = context_tag(3, constructed=True)

#: RFC 5280 §4.1.2.5.1 and §4.1.2.5.2: seconds always, `Z` always, no fractions.
_UTC_TIME = re.compile(rb"([0-9]{2})" + rb"([0-9]{2})" * 5 + rb"Z")
_GENERALIZED_TIME = re.compile(rb"([0-9]{4})" + rb"([0-9]{2})" * 5 + rb"Z")


class CertificateFields(NamedTuple):
    """The fields by the names of RFC 5280 §4.1, unread, so that each can fail alone. None: not there."""

    version: Element | None
    serial_number: Element
    signature: Element
    issuer: Element
    validity: Element
    subject: Element
    subject_public_key_info: Element
    extensions: Element | None
    signature_algorithm: Element


def parse_certificate(der: bytes) -> CertificateFields:
    """The fields of a certificate, each an element that may still hold anything. Raises DerError."""
    outer = parse_sequence(parse_only(der))
    if len(outer) != 3:
        raise DerError(f"a certificate of {len(outer)} parts instead of 3")
    to_be_signed, signature_algorithm, _ = outer
    fields = parse_sequence(to_be_signed)
    version = fields.pop(0) if fields and fields[0].tag == _VERSION else None
    if len(fields) < 6:
        raise DerError(f"a certificate with {len(fields)} of its 6 obligatory fields")
    extensions = next((field for field in fields[6:] if field.tag == _EXTENSIONS), None)
    return CertificateFields._make([version, *fields[:6], extensions, signature_algorithm])


def parse_version(fields: CertificateFields) -> int:
    """1, 2 or 3 (RFC 5280 §4.1.2.1); the encoded number is one less."""
    if fields.version is None:
        return 1
    number = parse_only(fields.version.content)
    version = parse_integer(number) + 1
    if not 1 <= version <= 3:
        found = f"version {version}" if len(number.content) == 1 else f"a version of {len(number.content)} octets"
        raise DerError(f"{found}, known are 1 to 3")
    return version


def parse_not_before(fields: CertificateFields) -> datetime:
    return _parse_time(_validity(fields)[0])


def parse_not_after(fields: CertificateFields) -> datetime:
    return _parse_time(_validity(fields)[1])


def parse_signature_algorithm(fields: CertificateFields) -> str:
    """The object identifier of the signature's algorithm. Raises DerError if the two places of it differ."""
    # RFC 5280 §4.1.1.2: this field MUST contain the same algorithm identifier as the signature field.
    if fields.signature.encoded != fields.signature_algorithm.encoded:
        raise DerError("the signed algorithm differs from the one beside the signature")
    return parse_algorithm(fields.signature_algorithm)[0]


def parse_algorithm(identifier: Element) -> tuple[str, Element | None]:
    """An AlgorithmIdentifier (RFC 5280 §4.1.1.2): its object identifier and its parameters, if any."""
    parts = parse_sequence(identifier)
    if not 1 <= len(parts) <= 2:
        raise DerError(f"an algorithm identifier of {len(parts)} parts")
    return parse_object_identifier(parts[0]), parts[1] if len(parts) == 2 else None


def parse_public_key_info(info: Element) -> tuple[str, Element | None, bytes]:
    """A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): algorithm, its parameters, and the octets of the key."""
    parts = parse_sequence(info)
    if len(parts) != 2:
        raise DerError(f"a public key info of {len(parts)} parts instead of 2")
    algorithm, parameters = parse_algorithm(parts[0])
    return algorithm, parameters, parse_bit_string(parts[1])


def _validity(fields: CertificateFields) -> tuple[Element, Element]:
    times = parse_sequence(fields.validity)
    if len(times) != 2:
        raise DerError(f"a validity of {len(times)} times instead of 2")
    return times[0], times[1]


def _parse_time(time: Element) -> datetime:
    """A time in UTC. Raises ValueError for one that no calendar has."""
    is_utc_time = time.tag == Tag.utc_time
    octets = expect(time, Tag.utc_time if is_utc_time else Tag.generalized_time)
    found = (_UTC_TIME if is_utc_time else _GENERALIZED_TIME).fullmatch(octets)
    if found is None:
        raise DerError("a time that is not written as RFC 5280 §4.1.2.5 says")
    year, month, day, hour, minute, second = map(int, found.groups())
    if is_utc_time:
        year += 1900 if year >= 50 else 2000  # RFC 5280 §4.1.2.5.1
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
