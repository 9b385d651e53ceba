"""One anchor instead of a bundle of roots: the same numbers of OpenSSL, and a path that may end anywhere."""

from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from scanner.tls.certificate_fields import parse_certificate
from scanner.tls.trust_anchors import (
    UNREADABLE_ANCHOR,
    is_readable_certificate,
    is_readable_key,
    verify_to_anchor,
    verify_to_key,
)
from tests.properties import SAME_EVERYWHERE

from .issuing import DAY, NOW, Issued, authority, basic_constraints, issue, patch, purposes

ROOT = authority()
INTERMEDIATE = authority("Intermediate", by=ROOT, key=ed25519.Ed25519PrivateKey.generate())
RSA_ROOT = authority("RSA root", key=rsa.generate_private_key(65537, 2048))
LEAF = issue(by=INTERMEDIATE)
OLD = authority("Old", ends=NOW - DAY)
NO_AUTHORITY = issue("No authority", by=ROOT, extensions=[basic_constraints(ca=False)])
IMPOSTOR = authority("Intermediate", by=ROOT)
CHAIN = [LEAF.der, INTERMEDIATE.der]


def key_of(issued: Issued) -> bytes:
    return parse_certificate(issued.der).subject_public_key_info.encoded


@pytest.mark.parametrize(
    ("chain", "anchor", "code", "why"),
    [
        (CHAIN, INTERMEDIATE, 0, "the path may end below the root"),
        (CHAIN, ROOT, 0, "or at a root that is not served"),
        ([LEAF.der], INTERMEDIATE, 0, "nor need the anchor be served"),
        ([LEAF.der, ROOT.der, INTERMEDIATE.der], ROOT, 0, "order does not matter"),
        ([LEAF.der], ROOT, 20, "the intermediate is missing"),
        ([LEAF.der, ROOT.der], authority("Stranger"), 20, "an anchor that signed nothing"),
        (CHAIN, IMPOSTOR, 20, "an anchor of the right name whose key is of another kind"),
        ([issue(by=OLD).der, OLD.der], OLD, 10, "an expired anchor"),
        ([issue(by=INTERMEDIATE, ends=NOW - DAY).der], INTERMEDIATE, 10, "an expired leaf"),
        ([issue(by=INTERMEDIATE, starts=NOW + DAY).der], INTERMEDIATE, 9, "a leaf from tomorrow"),
        ([issue(by=NO_AUTHORITY).der], NO_AUTHORITY, 79, "an anchor that is no authority"),
        ([issue(by=ROOT, extensions=[purposes("1.3.6.1.5.5.7.3.4")]).der], ROOT, 26, "a mail user's certificate"),
    ],
)
def test_a_path_to_an_anchor_has_openssls_number(chain: list[bytes], anchor: Issued, code: int, why: str) -> None:
    result = verify_to_anchor(chain, anchor.der, NOW)
    assert result.code == code, (why, result)
    assert result.trusted is (code == 0), why


@pytest.mark.parametrize(("days", "code"), [(-31, 9), (-29, 0), (59, 0), (61, 10)])
def test_the_time_is_the_given_one(days: int, code: int) -> None:
    assert verify_to_anchor(CHAIN, INTERMEDIATE.der, NOW + days * DAY).code == code


def test_the_time_is_a_moment_whatever_its_zone() -> None:
    lasting_an_hour = issue(by=ROOT, starts=NOW - DAY / 24, ends=NOW + DAY / 24)
    for hours in (-11, 0, 11):
        moment = NOW.astimezone(timezone(timedelta(hours=hours)))
        assert verify_to_anchor([lasting_an_hour.der], ROOT.der, moment).trusted


@pytest.mark.parametrize(
    ("chain", "signer", "is_trusted", "why"),
    [
        (CHAIN, INTERMEDIATE, True, "the key of who signed the leaf"),
        (CHAIN, ROOT, True, "the key of who signed the last one served"),
        ([LEAF.der], INTERMEDIATE, True, "alone"),
        ([issue(by=RSA_ROOT).der], RSA_ROOT, True, "of any kind"),
        ([LEAF.der], ROOT, False, "nothing served is signed by it"),
        (CHAIN, LEAF, False, "the leaf's own key"),
        ([ROOT.der], ROOT, False, "a self-signed leaf's own key"),
        ([issue(by=ROOT).der], IMPOSTOR, False, "somebody else's key"),
        ([issue(by=ROOT, ends=NOW - DAY).der], ROOT, False, "an expired leaf"),
        ([b"garbage"], ROOT, False, "no certificate"),
        ([], ROOT, False, "nothing at all"),
    ],
)
def test_a_bare_key_is_an_anchor(chain: list[bytes], signer: Issued, is_trusted: bool, why: str) -> None:
    assert bool(verify_to_key(chain, key_of(signer), NOW).trusted) is is_trusted, why


# The keys are new each time: what cases are called must not be, or two processes would not have the same tests.
@pytest.mark.parametrize(
    "octets",
    [b"", b"garbage", ROOT.der[:-1], ROOT.der + b"\x00", key_of(ROOT)],
    ids=["nothing", "garbage", "cut", "with more", "a key"],
)
def test_what_is_no_certificate_is_no_anchor(octets: bytes) -> None:
    assert not is_readable_certificate(octets)
    assert verify_to_anchor(CHAIN, octets, NOW) == UNREADABLE_ANCHOR


def test_what_openssl_can_read_is_readable() -> None:
    assert is_readable_certificate(ROOT.der)
    assert is_readable_key(key_of(ROOT))


UNKNOWN_KEY = patch(key_of(ROOT), bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209"))


@pytest.mark.parametrize(
    "octets",
    [b"", b"garbage", key_of(ROOT)[:-1], key_of(ROOT) + b"\x00", ROOT.der, UNKNOWN_KEY],
    ids=["nothing", "garbage", "cut", "with more", "a certificate", "an unknown key"],
)
def test_what_is_no_public_key_is_no_key(octets: bytes) -> None:
    assert not is_readable_key(octets)
    assert not verify_to_key(CHAIN, octets, NOW).trusted


def test_a_certificate_with_an_unknown_kind_of_key_is_not_readable() -> None:
    assert not is_readable_certificate(ROOT.der.replace(key_of(ROOT), UNKNOWN_KEY))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        verify_to_anchor(CHAIN, ROOT.der, datetime(2026, 11, 22))  # noqa: DTZ001


@given(st.lists(st.binary(max_size=60) | st.sampled_from(CHAIN), max_size=3), st.binary(max_size=60))
@SAME_EVERYWHERE
def test_any_octets_have_a_result(chain: list[bytes], octets: bytes) -> None:
    assert not verify_to_anchor(chain, octets, NOW).trusted
    assert not verify_to_key(chain, octets, NOW).trusted
