"""A certificate's description as the record of format 1."""

from scanner.records import Certificate
from scanner.times import datetime_text
from scanner.tls.certificates import describe_certificate
from scanner.wire_text import escape_octets


def certificate_record(der: bytes) -> Certificate:
    """The record of a certificate; its DER is kept whatever could be read of it."""
    found = describe_certificate(der)
    return Certificate(
        sha256=found.sha256,
        der=der,
        spki_sha256=found.spki_sha256,
        subject=found.subject,
        issuer=found.issuer,
        common_names=found.common_names,
        serial=found.serial,
        dns_names=found.dns_names,
        ip_addresses=found.ip_addresses,
        not_before=None if found.not_before is None else datetime_text(found.not_before),
        not_after=None if found.not_after is None else datetime_text(found.not_after),
        key_type=found.key_type,
        key_bits=found.key_bits,
        signature_algorithm=found.signature_algorithm,
        is_ca=found.is_ca,
        is_self_issued=found.is_self_issued,
        extended_key_usage=found.extended_key_usage,
        parse_errors={field: escape_octets(text.encode()) for field, text in found.parse_errors.items()},
    )
