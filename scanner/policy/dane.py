"""DANE authentication (RFC 7672 §3): whether a served chain is what the TLSA records say it must be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from scanner.policy.result_types import ResultType
from scanner.policy.tlsa import (
    CertificateUsage,
    MatchingType,
    Selector,
    TlsaRecord,
    is_match,
    select_considered,
)
from scanner.tls.certificates import describe_certificate
from scanner.tls.identity import match_dns_names
from scanner.tls.trust import TrustResult
from scanner.tls.trust_anchors import verify_to_anchor, verify_to_key

#: X509_V_ERR_CERT_HAS_EXPIRED
_EXPIRED = 10

#: Of several failures the one that came closest to success is told.
_CLOSEST_FIRST = (
    ResultType.certificate_host_mismatch,
    ResultType.certificate_expired,
    ResultType.certificate_not_trusted,
    ResultType.validation_failure,
)


class Authentication(StrEnum):
    """What came of comparing a chain with a host's TLSA records."""

    authenticated = "authenticated"
    not_matched = "not_matched"
    all_unusable = "all_unusable"


@dataclass(frozen=True, slots=True)
class DaneResult:
    """One matching record is enough; `unmatched` beside `matched` is a rollover, or what was left of one.

    Both are of the records that count (usable, strongest digest). `failure` is None once authenticated.
    """

    authentication: Authentication
    matched: tuple[TlsaRecord, ...] = ()
    unmatched: tuple[TlsaRecord, ...] = ()
    failure: ResultType | None = None


def authenticate(
    records: Sequence[TlsaRecord], chain: Sequence[bytes], reference_identifiers: Sequence[str], at: datetime
) -> DaneResult:
    """Compare a served chain (DER, the leaf first, at least the leaf) with all TLSA records of a host.

    `at` is the session's time, an aware datetime. `reference_identifiers` are the names of which DANE-TA(2) wants
    one in the certificate (RFC 7672 §3.2.2): the TLSA base domain; then, unless the MX records that led there could
    be forged, the domain that mail is for, and the name that it is an alias of.
    """
    considered = select_considered(records)
    if not considered:
        # RFC 7672 §2.2: "Any connection to the MTA MUST be made via TLS, but authentication is not required."
        return DaneResult(Authentication.all_unusable, failure=ResultType.tlsa_invalid)
    failures = {
        record: why_not_ee(record, chain[0])
        if record.certificate_usage == CertificateUsage.dane_ee
        else why_not_ta(record, chain, reference_identifiers, at)
        for record in considered
    }
    matched = tuple(record for record in considered if failures[record] is None)
    unmatched = tuple(record for record in considered if failures[record] is not None)
    if matched:
        return DaneResult(Authentication.authenticated, matched, unmatched)
    closest = next(failure for failure in _CLOSEST_FIRST if failure in failures.values())
    return DaneResult(Authentication.not_matched, matched, unmatched, closest)


def why_not_ee(record: TlsaRecord, leaf: bytes) -> ResultType | None:
    """None if a usable DANE-EE(3) record is about this leaf (DER).

    RFC 7672 §3.1.1: names and dates of the certificate are ignored, and what signed it.
    """
    return None if is_match(record, leaf) else ResultType.validation_failure


def why_not_ta(
    record: TlsaRecord, chain: Sequence[bytes], reference_identifiers: Sequence[str], at: datetime
) -> ResultType | None:
    """None if a usable DANE-TA(2) record vouches for the leaf of this chain (RFC 7672 §3.1.2), and for a name."""
    result = _verify_to_record(record, tuple(chain), at)
    if result is None:
        return ResultType.certificate_not_trusted
    if not result.trusted:
        return ResultType.certificate_expired if result.code == _EXPIRED else ResultType.certificate_not_trusted
    if not _has_name(chain[0], reference_identifiers):
        return ResultType.certificate_host_mismatch
    return None


# One chain serves ten thousand domains, and their names are looked at one by one: the path is not.
@lru_cache(maxsize=1024)
def _verify_to_record(record: TlsaRecord, chain: tuple[bytes, ...], at: datetime) -> TrustResult | None:
    """OpenSSL's result for the record's anchor, a good one if there is one; None if the anchor is not there.

    RFC 7672 §3.1.2: the server MUST send the anchor, as whoever has a digest of it has it from nowhere else;
    in full it may come from the record itself. An anchor is another certificate than the leaf: OpenSSL too
    compares DANE-TA(2) records with what stands above the leaf only.
    """
    leaf, *others = chain
    anchors = [other for other in dict.fromkeys(others) if other != leaf and is_match(record, other)]
    in_full = record.matching_type == MatchingType.full
    if in_full and record.selector == Selector.cert and record.association_data not in {leaf, *anchors}:
        anchors.append(record.association_data)
    results = [verify_to_anchor(chain, anchor, at) for anchor in anchors]
    if in_full and record.selector == Selector.spki:
        results.append(verify_to_key(chain, record.association_data, at))
    return next((result for result in results if result.trusted), results[0] if results else None)


def _has_name(leaf: bytes, reference_identifiers: Sequence[str]) -> bool:
    """RFC 7672 §3.2.3: common names are "only considered when no DNS-IDs are present"."""
    description = describe_certificate(leaf)
    presented = description.dns_names or description.common_names or ()
    return any(match_dns_names(name, presented) for name in reference_identifiers)
