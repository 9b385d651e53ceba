"""What a certificate says, field by field: one that cannot be read never takes another with it.

The fields are read by our own short reader and not by `cryptography`, because that refuses a whole
certificate for one field (version 6, 31 February) and because it tells of negative serials by warnings, which
are the state of the whole process. The tests hold both equal wherever `cryptography` can read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from scanner.tls.algorithms import parse_key_bits, parse_key_type, signature_algorithm_name
from scanner.tls.certificate_fields import (
    CertificateFields,
    parse_certificate,
    parse_not_after,
    parse_not_before,
    parse_signature_algorithm,
    parse_version,
)
from scanner.tls.der import Element, parse_integer
from scanner.tls.distinguished_names import encode_rfc4514, parse_common_names
from scanner.tls.extensions import (
    Extensions,
    parse_dns_names,
    parse_extended_key_usage,
    parse_extensions,
    parse_ip_addresses,
    parse_is_ca,
)
from scanner.wire_text import escape_octets

Source = TypeVar("Source")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDescription:
    """A certificate described. A field that could not be read is None and has its reason in `parse_errors`.

    Three reasons there are not a field's: `certificate` stands for all of them, `extensions` for the names,
    `is_ca` and the purposes, `version` for none. What is not in the certificate is empty: no SAN, no EKU.
    Digests are lower-case hexadecimal; `subject`, `issuer` (RFC 4514), `common_names` and `dns_names` are
    octets as wire_text.py writes them; `serial` is hexadecimal, with a minus sign if it is negative.
    `key_bits` is also None, without a reason, for a type or a curve whose size is not known here.
    """

    sha256: str
    spki_sha256: str | None = None
    subject: str | None = None
    issuer: str | None = None
    common_names: tuple[str, ...] | None = None
    serial: str | None = None
    dns_names: tuple[str, ...] | None = None
    ip_addresses: tuple[str, ...] | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    key_type: str | None = None
    key_bits: int | None = None
    signature_algorithm: str | None = None
    is_ca: bool | None = None
    is_self_issued: bool | None = None
    extended_key_usage: tuple[str, ...] | None = None
    parse_errors: dict[str, str] = field(default_factory=dict)


def describe_certificate(der: bytes) -> CertificateDescription:
    """Describe a certificate, or whatever octets a server gave for one. Never raises."""
    guard = _Guard()
    fingerprint = sha256(der).hexdigest()
    fields = guard.read("certificate", parse_certificate, der)
    if fields is None:
        return CertificateDescription(sha256=fingerprint, parse_errors=guard.errors)
    return _describe_fields(fingerprint, fields, guard)


class _Guard:
    """Reads field after field and keeps the reason of each that could not be read.

    There is nothing to be read in a source that is None itself, and the reason for that is kept already.
    """

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def read(self, name: str, parse: Callable[[Source], Value], source: Source | None) -> Value | None:
        if source is None:
            return None
        try:
            return parse(source)
        except ValueError as error:
            self.errors[name] = escape_octets(str(error).encode())
            return None


def _describe_fields(fingerprint: str, fields: CertificateFields, guard: _Guard) -> CertificateDescription:
    guard.read("version", parse_version, fields)
    extensions = guard.read("extensions", parse_extensions, fields)
    info = fields.subject_public_key_info
    return CertificateDescription(
        sha256=fingerprint,
        spki_sha256=sha256(info.encoded).hexdigest(),
        subject=guard.read("subject", _name_text, fields.subject),
        issuer=guard.read("issuer", _name_text, fields.issuer),
        common_names=guard.read("common_names", _common_names, fields.subject),
        serial=guard.read("serial", _serial, fields.serial_number),
        dns_names=guard.read("dns_names", _dns_names, extensions),
        ip_addresses=guard.read("ip_addresses", parse_ip_addresses, extensions),
        not_before=guard.read("not_before", parse_not_before, fields),
        not_after=guard.read("not_after", parse_not_after, fields),
        key_type=guard.read("key_type", parse_key_type, info),
        key_bits=guard.read("key_bits", parse_key_bits, info),
        signature_algorithm=guard.read("signature_algorithm", _signature_algorithm, fields),
        is_ca=guard.read("is_ca", parse_is_ca, extensions),
        is_self_issued=fields.subject.encoded == fields.issuer.encoded,  # RFC 5280 §3.2
        extended_key_usage=guard.read("extended_key_usage", parse_extended_key_usage, extensions),
        parse_errors=guard.errors,
    )


def _name_text(name: Element) -> str:
    return escape_octets(encode_rfc4514(name))


def _common_names(subject: Element) -> tuple[str, ...]:
    return tuple(map(escape_octets, parse_common_names(subject)))


def _serial(serial_number: Element) -> str:
    return f"{parse_integer(serial_number):x}"


def _dns_names(extensions: Extensions) -> tuple[str, ...]:
    return tuple(map(escape_octets, parse_dns_names(extensions)))


def _signature_algorithm(fields: CertificateFields) -> str:
    return signature_algorithm_name(parse_signature_algorithm(fields))
