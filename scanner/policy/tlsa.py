"""TLSA records (RFC 6698 §2): what they consist of, which an SMTP sender can use, and which of those it looks at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256, sha512

from scanner.tls.certificate_fields import parse_certificate
from scanner.tls.trust_anchors import is_readable_certificate, is_readable_key

# RFC 6698 §2.2: three numbers and hexadecimal digits, in which white space may stand.
_TEXT = re.compile(r"\s*([0-9]{1,3})\s+([0-9]{1,3})\s+([0-9]{1,3})(?:\s+([0-9A-Fa-f\s]*))?")


class TlsaError(ValueError):
    """Octets or a text that are no TLSA record at all; one that is only of no use is a record."""


class CertificateUsage(IntEnum):
    """RFC 6698 §2.1.1, by the names of RFC 7218 §2.1."""

    pkix_ta = 0
    pkix_ee = 1
    dane_ta = 2
    dane_ee = 3


class Selector(IntEnum):
    """RFC 6698 §2.1.2: what of a certificate is compared."""

    cert = 0
    spki = 1


class MatchingType(IntEnum):
    """RFC 6698 §2.1.3: as it is, or which digest of it."""

    full = 0
    sha2_256 = 1
    sha2_512 = 2


_DIGESTS = {MatchingType.sha2_256: sha256, MatchingType.sha2_512: sha512}


@dataclass(frozen=True, slots=True)
class TlsaRecord:
    """The rdata; the numbers may be any of an octet, also such as nobody has defined."""

    certificate_usage: int
    selector: int
    matching_type: int
    association_data: bytes

    def __str__(self) -> str:
        """The record as a zone file has it."""
        numbers = f"{self.certificate_usage} {self.selector} {self.matching_type}"
        return f"{numbers} {self.association_data.hex()}".rstrip()


def parse_rdata(rdata: bytes) -> TlsaRecord:
    """A record from the wire (RFC 6698 §2.1). Raises TlsaError for fewer than three octets."""
    if len(rdata) < 3:
        raise TlsaError(f"a TLSA record of {len(rdata)} octets")
    return TlsaRecord(rdata[0], rdata[1], rdata[2], rdata[3:])


def parse_text(text: str) -> TlsaRecord:
    """A record as a zone file has it (RFC 6698 §2.2). Raises TlsaError."""
    found = _TEXT.fullmatch(text)
    digits = "" if found is None else "".join((found[4] or "").split())
    if found is None or len(digits) % 2 or any(int(number) > 255 for number in found.groups()[:3]):
        raise TlsaError(f"no TLSA record: {text[:60]!r}")
    return TlsaRecord(int(found[1]), int(found[2]), int(found[3]), bytes.fromhex(digits))


def tlsa_name(port: int, base_domain: str) -> str:
    """Where the records of a service over TCP stand (RFC 6698 §3, RFC 7672 §2.2.3)."""
    return f"_{port}._tcp.{base_domain}"


def why_unusable(record: TlsaRecord) -> str | None:
    """Why an SMTP sender does not use a record, or None if it does. Never a reason to refuse the others.

    RFC 6698 §4.1: what is not understood, or malformed, is unusable.
    """
    if record.certificate_usage not in (CertificateUsage.dane_ta, CertificateUsage.dane_ee):
        # RFC 7672 §3.1.3: PKIX-TA(0) and PKIX-EE(1) have no meaning for SMTP, and SHOULD be unusable.
        return f"certificate usage {record.certificate_usage} is not used for SMTP"
    if record.selector not in set(Selector):
        return f"selector {record.selector} is not known"
    if record.matching_type == MatchingType.full:
        return _why_not_full(record)
    if record.matching_type not in _DIGESTS:
        return f"matching type {record.matching_type} is not known"
    size = _DIGESTS[MatchingType(record.matching_type)]().digest_size
    if len(record.association_data) != size:
        return f"a digest of {len(record.association_data)} octets, not {size}"
    return None


def select_considered(records: Iterable[TlsaRecord]) -> tuple[TlsaRecord, ...]:
    """The usable records that a sender compares: digest algorithm agility (RFC 7671 §9), each record once.

    Of one usage and selector only the strongest digest counts, SHA2-512 above SHA2-256: then a forged or
    forgotten weaker one does no harm, and a right one does not help. Full(0) is no digest and always counts.
    """
    usable = [record for record in dict.fromkeys(records) if why_unusable(record) is None]
    strongest: dict[tuple[int, int], int] = {}
    for record in usable:
        kind = record.certificate_usage, record.selector
        strongest[kind] = max(strongest.get(kind, 0), record.matching_type)
    return tuple(
        record
        for record in usable
        if record.matching_type in (MatchingType.full, strongest[record.certificate_usage, record.selector])
    )


def is_match(record: TlsaRecord, certificate: bytes) -> bool:
    """Whether a usable record is about this certificate (DER), by selector and matching type (RFC 6698 §2.1)."""
    selected = certificate
    if record.selector == Selector.spki:
        try:
            selected = parse_certificate(certificate).subject_public_key_info.encoded
        except ValueError:
            return False
    digest = _DIGESTS.get(MatchingType(record.matching_type))
    return record.association_data == (selected if digest is None else digest(selected).digest())


def _why_not_full(record: TlsaRecord) -> str | None:
    """RFC 6698 §4.1 again: what should be a certificate or a key in full, and cannot be read."""
    if record.selector == Selector.cert:
        return None if is_readable_certificate(record.association_data) else "no certificate that can be read"
    return None if is_readable_key(record.association_data) else "no public key that can be read"
