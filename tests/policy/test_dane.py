"""DANE authentication: a served chain against TLSA records, DANE-EE and DANE-TA, names, dates, rollover."""

from dataclasses import replace
from hashlib import sha256, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.dane import Authentication, DaneResult, authenticate
from scanner.policy.result_types import ResultType
from scanner.policy.tlsa import TlsaRecord
from tests.properties import SAME_EVERYWHERE
from tests.tls.issuing import DAY, MX, NOW, Issued, authority, dns_names, issue
from tests.tls.test_trust_anchors import key_of

ROOT = authority()
INTERMEDIATE = authority("Intermediate", by=ROOT)
OLD_INTERMEDIATE = authority("Intermediate", by=ROOT, key=INTERMEDIATE.key, ends=NOW - DAY)
STRANGER = authority("Stranger")
NEXT_HOP = "example.org"
NAMES = (MX, NEXT_HOP)
SAN = dns_names(MX)

LEAF = issue(by=INTERMEDIATE, extensions=[SAN])
SELF_SIGNED = issue("whoever.invalid")
EXPIRED = issue(by=INTERMEDIATE, ends=NOW - DAY, extensions=[SAN])
NOT_YET_VALID = issue(by=INTERMEDIATE, starts=NOW + DAY, extensions=[SAN])
OTHER_NAME = issue(by=INTERMEDIATE, extensions=[dns_names("other.example.org")])
NEXT_HOP_NAME = issue(by=INTERMEDIATE, extensions=[dns_names(NEXT_HOP)])
WILDCARD = issue(by=INTERMEDIATE, extensions=[dns_names("*.example.org")])
CN_ONLY = issue(MX, by=INTERMEDIATE)
CN_BESIDE_SAN = issue(MX, by=INTERMEDIATE, extensions=[dns_names("other.example.org")])
ROOT_AS_LEAF = authority(MX, extensions=[SAN])


def tlsa(kind: str, issued: Issued) -> TlsaRecord:
    """A record about a certificate, by its three numbers."""
    usage, selector, matching_type = map(int, kind.split())
    selected = key_of(issued) if selector else issued.der
    data = {0: selected, 1: sha256(selected).digest(), 2: sha512(selected).digest()}[matching_type]
    return TlsaRecord(usage, selector, matching_type, data)


def ders(*chain: Issued) -> list[bytes]:
    return [issued.der for issued in chain]


GOOD = ders(LEAF, INTERMEDIATE)
HOST_MISMATCH, EXPIRED_FAILURE = ResultType.certificate_host_mismatch, ResultType.certificate_expired
NOT_TRUSTED, NO_MATCH = ResultType.certificate_not_trusted, ResultType.validation_failure


# fmt: off
ONE_RECORD = [
    # DANE-EE(3): RFC 7672 §3.1.1
    (tlsa("3 1 1", LEAF), GOOD, None, "the recommended kind"),
    (tlsa("3 1 2", LEAF), GOOD, None, "with the stronger digest"),
    (tlsa("3 0 1", LEAF), GOOD, None, "of the whole certificate"),
    (tlsa("3 0 0", LEAF), GOOD, None, "in full"),
    (tlsa("3 1 0", LEAF), GOOD, None, "the key in full"),
    (tlsa("3 1 1", SELF_SIGNED), ders(SELF_SIGNED), None, "who signed it does not matter, nor its name"),
    (tlsa("3 1 1", EXPIRED), ders(EXPIRED), None, "nor does its date"),
    (tlsa("3 1 1", OTHER_NAME), ders(OTHER_NAME), None, "nor another name"),
    (tlsa("3 1 1", SELF_SIGNED), GOOD, NO_MATCH, "another certificate"),
    (tlsa("3 1 1", INTERMEDIATE), GOOD, NO_MATCH, "of DANE-EE only the leaf is compared"),
    (replace(tlsa("3 1 1", LEAF), selector=0), GOOD, NO_MATCH, "a digest of the key called one of the certificate"),
    # DANE-TA(2): RFC 7672 §3.1.2
    (tlsa("2 1 1", INTERMEDIATE), GOOD, None, "an intermediate as the anchor"),
    (tlsa("2 0 2", INTERMEDIATE), GOOD, None, "by its certificate"),
    (tlsa("2 0 1", ROOT), ders(LEAF, INTERMEDIATE, ROOT), None, "a root that is served"),
    (tlsa("2 0 1", ROOT), ders(LEAF, ROOT, INTERMEDIATE), None, "in any order"),
    (tlsa("2 0 1", ROOT), GOOD, NOT_TRUSTED, "a root that is not served"),
    (tlsa("2 0 0", ROOT), GOOD, None, "the same root, but the record holds it"),
    (tlsa("2 1 0", ROOT), GOOD, None, "or its key"),
    (tlsa("2 0 0", INTERMEDIATE), ders(LEAF), None, "an intermediate that the record holds"),
    (tlsa("2 1 0", INTERMEDIATE), GOOD, None, "a key in full of what is served"),
    (tlsa("2 1 1", INTERMEDIATE), ders(LEAF, OLD_INTERMEDIATE, INTERMEDIATE), None, "renewed, its old one served too"),
    (tlsa("2 0 0", ROOT), ders(LEAF), NOT_TRUSTED, "what lies between is missing"),
    (tlsa("2 1 0", STRANGER), GOOD, NOT_TRUSTED, "a key that signed nothing"),
    (tlsa("2 0 0", STRANGER), GOOD, NOT_TRUSTED, "an anchor that signed nothing"),
    (tlsa("2 0 1", STRANGER), ders(LEAF, INTERMEDIATE, STRANGER), NOT_TRUSTED, "served, and signed nothing"),
    (tlsa("2 1 1", LEAF), GOOD, NOT_TRUSTED, "the leaf is not its own anchor"),
    (tlsa("2 0 0", LEAF), GOOD, NOT_TRUSTED, "not in full either"),
    (tlsa("2 0 1", ROOT_AS_LEAF), ders(*[ROOT_AS_LEAF] * 2), NOT_TRUSTED, "nor served twice"),
    (tlsa("2 1 1", INTERMEDIATE), ders(EXPIRED, INTERMEDIATE), EXPIRED_FAILURE, "dates count"),
    (tlsa("2 1 1", INTERMEDIATE), ders(NOT_YET_VALID, INTERMEDIATE), NOT_TRUSTED, "also the other one"),
    # RFC 7672 §3.2.2, §3.2.3
    (tlsa("2 1 1", INTERMEDIATE), ders(OTHER_NAME, INTERMEDIATE), HOST_MISMATCH, "names count"),
    (tlsa("2 1 1", INTERMEDIATE), ders(NEXT_HOP_NAME, INTERMEDIATE), None, "the next-hop domain is one of them"),
    (tlsa("2 1 1", INTERMEDIATE), ders(WILDCARD, INTERMEDIATE), None, "a wildcard"),
    (tlsa("2 1 1", INTERMEDIATE), ders(CN_ONLY, INTERMEDIATE), None, "a common name where there is no DNS name"),
    (tlsa("2 1 1", INTERMEDIATE), ders(CN_BESIDE_SAN, INTERMEDIATE), HOST_MISMATCH, "and only there"),
]
# fmt: on


@pytest.mark.parametrize(("record", "chain", "failure", "why"), ONE_RECORD)
def test_one_record(record: TlsaRecord, chain: list[bytes], failure: ResultType | None, why: str) -> None:
    result = authenticate([record], chain, NAMES, NOW)
    if failure is None:
        assert result == DaneResult(Authentication.authenticated, matched=(record,)), why
    else:
        assert result == DaneResult(Authentication.not_matched, unmatched=(record,), failure=failure), why


def tlsa_of(*named: str) -> tuple[TlsaRecord, ...]:
    """Records by their numbers and the name of a certificate of this module."""
    return tuple(tlsa(text[:5], globals()[text[6:]]) for text in named)


SEVERAL_RECORDS = [
    (["3 1 1 LEAF"], ["3 1 1 SELF_SIGNED"], [], "rollover: the next key is published before it is served"),
    (["2 1 1 INTERMEDIATE"], ["3 1 1 SELF_SIGNED"], [], "an anchor helps when the leaf was forgotten"),
    (["3 1 1 LEAF"], ["2 1 1 STRANGER"], [], "and the other way round"),
    (["3 1 1 LEAF", "2 1 1 INTERMEDIATE"], [], [], "both"),
    (["3 1 2 LEAF"], [], ["3 1 1 SELF_SIGNED"], "a weaker digest does no harm"),
    ([], ["3 1 2 SELF_SIGNED"], ["3 1 1 LEAF"], "nor does it help: the stronger one was forgotten"),
    (["3 0 1 LEAF"], ["3 1 2 SELF_SIGNED"], [], "of another selector it helps"),
    (["3 1 1 LEAF"], [], ["1 1 1 SELF_SIGNED"], "an unusable one is not looked at"),
]


@pytest.mark.parametrize(("matched", "unmatched", "ignored", "why"), SEVERAL_RECORDS)
def test_several_records(matched: list[str], unmatched: list[str], ignored: list[str], why: str) -> None:
    records = tlsa_of(*ignored, *unmatched, *matched)
    result = authenticate(records, GOOD, NAMES, NOW)
    assert (result.matched, result.unmatched) == (tlsa_of(*matched), tlsa_of(*unmatched)), why
    assert (result.authentication == Authentication.authenticated) is bool(matched), why
    assert (result.failure is None) is bool(matched), why


@pytest.mark.parametrize(
    ("kinds", "failure"),
    [
        (["3 1 1 SELF_SIGNED", "2 1 1 STRANGER"], NOT_TRUSTED),
        (["2 1 1 STRANGER", "2 0 1 INTERMEDIATE"], HOST_MISMATCH),
    ],
)
def test_the_failure_that_came_closest_is_told(kinds: list[str], failure: ResultType) -> None:
    assert authenticate(tlsa_of(*kinds), ders(OTHER_NAME, INTERMEDIATE), NAMES, NOW).failure == failure


@pytest.mark.parametrize("records", [[], [tlsa("0 0 1", ROOT)], [tlsa("1 1 1", LEAF), TlsaRecord(3, 1, 1, b"short")]])
def test_without_a_usable_record_nothing_is_compared(records: list[TlsaRecord]) -> None:
    result = authenticate(records, GOOD, NAMES, NOW)
    assert result == DaneResult(Authentication.all_unusable, failure=ResultType.tlsa_invalid)


OCTET = st.integers(0, 3)
RECORDS = st.lists(
    st.builds(TlsaRecord, OCTET, OCTET, OCTET, st.binary(max_size=70))
    | st.builds(tlsa, st.sampled_from(["3 1 1", "3 0 0", "2 1 1", "2 0 0", "2 1 0"]), st.sampled_from([LEAF, ROOT])),
    max_size=4,
)


@given(RECORDS, st.lists(st.binary(max_size=60) | st.sampled_from(GOOD), min_size=1, max_size=3))
@SAME_EVERYWHERE
def test_any_records_and_any_chain_have_a_result(records: list[TlsaRecord], chain: list[bytes]) -> None:
    result = authenticate(records, chain, NAMES, NOW)
    assert (result.failure is None) is (result.authentication == Authentication.authenticated)
    assert set(result.matched).isdisjoint(result.unmatched)
    assert set(result.matched) | set(result.unmatched) <= set(records)
