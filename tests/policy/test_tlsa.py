"""TLSA records: from the wire and from text, which are usable, and which of those count."""

from hashlib import sha256, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.tlsa import (
    TlsaError,
    TlsaRecord,
    is_match,
    parse_rdata,
    parse_text,
    select_considered,
    tlsa_name,
    why_unusable,
)
from tests.properties import SAME_EVERYWHERE
from tests.tls.issuing import authority, issue
from tests.tls.test_trust_anchors import UNKNOWN_KEY, key_of

LEAF = issue(by=authority())
CERT, SPKI = LEAF.der, key_of(LEAF)
D32, D64 = b"\xab" * 32, b"\xcd" * 64


def record(usage: int, selector: int, matching_type: int, data: bytes | None = None) -> TlsaRecord:
    """A record about LEAF, or with other data."""
    selected = SPKI if selector else CERT
    right = {0: selected, 1: sha256(selected).digest(), 2: sha512(selected).digest()}
    return TlsaRecord(usage, selector, matching_type, right[matching_type] if data is None else data)


#: RFC 6698 §2.3, but for its third example, which ends in an ellipsis.
EXAMPLES = {
    "0 0 1 ( d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971 )": (0, 0, 1, 32),
    "1 1 2 ( 92003ba34942dc74152e2f2c408d29ec a5a520e7f2e06bb944f4dca346baf63c"
    " 1b177615d466f6c4b71c216a50292bd5 8c9ebdd2f74e38fe51ffd48c43326cbc )": (1, 1, 2, 64),
}


@pytest.mark.parametrize(("text", "parts"), EXAMPLES.items())
def test_the_examples_of_the_rfc_are_read(text: str, parts: tuple[int, int, int, int]) -> None:
    parsed = parse_text(text.replace("(", "").replace(")", ""))  # parentheses are the zone file's
    assert (parsed.certificate_usage, parsed.selector, parsed.matching_type, len(parsed.association_data)) == parts


def test_the_wire_has_three_octets_and_the_data() -> None:
    assert parse_rdata(b"\x03\x01\x01" + D32) == TlsaRecord(3, 1, 1, D32)
    assert parse_rdata(b"\xff\x00\x07") == TlsaRecord(255, 0, 7, b"")


@pytest.mark.parametrize("rdata", [b"", b"\x03", b"\x03\x01"])
def test_fewer_than_three_octets_are_no_record(rdata: bytes) -> None:
    with pytest.raises(TlsaError, match="octets"):
        parse_rdata(rdata)


@pytest.mark.parametrize(
    "text", ["", "3 1", "3 1 1 abc", "256 1 1 ab", "3 1 1 xy", "-1 1 1 ab", "3 1 1 (ab)", "٣ 1 1 ab"]
)
def test_a_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(TlsaError, match="no TLSA record"):
        parse_text(text)


def test_where_the_records_stand() -> None:
    assert tlsa_name(25, "mx1.example.com") == "_25._tcp.mx1.example.com"


@pytest.mark.parametrize(
    ("tlsa", "why"),
    [
        (record(3, 1, 1), None),
        (record(3, 0, 2), None),
        (record(2, 0, 1, D32), None),
        (record(2, 1, 2, D64), None),
        (record(3, 0, 0), None),
        (record(2, 1, 0), None),
        (record(0, 0, 1, D32), "certificate usage 0 is not used for SMTP"),
        (record(1, 1, 1), "certificate usage 1 is not used for SMTP"),
        (record(4, 1, 1, D32), "certificate usage 4"),
        (record(255, 1, 1, D32), "certificate usage 255"),
        (record(3, 2, 1, D32), "selector 2 is not known"),
        (record(3, 1, 3, D32), "matching type 3 is not known"),
        (record(3, 1, 1, D32[:-1]), "a digest of 31 octets, not 32"),
        (record(3, 1, 1, D64), "a digest of 64 octets, not 32"),
        (record(3, 1, 2, D32), "a digest of 32 octets, not 64"),
        (record(3, 1, 1, b""), "a digest of 0 octets"),
        (record(3, 1, 1, D32.hex().encode()), "a digest of 64 octets"),
        (record(3, 0, 0, b""), "no certificate"),
        (record(3, 0, 0, SPKI), "no certificate"),
        (record(3, 0, 0, CERT + b"\x00"), "no certificate"),
        (record(2, 1, 0, CERT), "no public key"),
        (record(2, 1, 0, UNKNOWN_KEY), "no public key"),
        (record(3, 1, 0, D32), "no public key"),
    ],
)
def test_a_record_is_usable_or_says_why_not(tlsa: TlsaRecord, why: str | None) -> None:
    reason = why_unusable(tlsa)
    assert (reason is None) is (why is None)
    assert (why or "") in (reason or "")


@pytest.mark.parametrize(
    ("kinds", "considered", "why"),
    [
        (["3 1 1"], ["3 1 1"], "one is considered"),
        (["3 1 1", "3 1 2"], ["3 1 2"], "of two digests the stronger"),
        (["3 1 2", "3 1 1"], ["3 1 2"], "whatever their order"),
        (["3 1 1", "3 1 1"], ["3 1 1", "3 1 1"], "all of the strongest"),
        (["3 1 1", "3 0 2"], ["3 1 1", "3 0 2"], "each selector for itself"),
        (["3 1 1", "2 1 2"], ["3 1 1", "2 1 2"], "each usage for itself"),
        (["3 1 0", "3 1 1", "3 1 2"], ["3 1 0", "3 1 2"], "full is no digest: always considered"),
        (["3 1 0", "3 1 1"], ["3 1 0", "3 1 1"], "and shuts out none"),
        (["3 1 1", "3 1 2 short"], ["3 1 1"], "what is unusable shuts out none either"),
        (["3 1 1", "3 1 3"], ["3 1 1"], "nor does what nobody knows"),
        (["0 0 1", "1 1 1"], [], "PKIX usages are not for SMTP"),
        ([], [], "nothing"),
    ],
)
def test_digest_agility(kinds: list[str], considered: list[str], why: str) -> None:
    records = []
    for number, kind in enumerate(kinds):
        usage, selector, matching_type = map(int, kind.split()[:3])
        size = 5 if "short" in kind else {1: 32, 2: 64}.get(matching_type, 9)
        data = None if matching_type == 0 else bytes([number]) * size
        records.append(record(usage, selector, matching_type, data))
    found = [f"{one.certificate_usage} {one.selector} {one.matching_type}" for one in select_considered(records)]
    assert found == considered, why


def test_a_record_given_twice_counts_once() -> None:
    assert select_considered([record(3, 1, 1), record(3, 1, 1)]) == (record(3, 1, 1),)


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching_type", [0, 1, 2])
def test_a_record_is_about_its_certificate_and_no_other(usage: int, selector: int, matching_type: int) -> None:
    about = record(usage, selector, matching_type)
    assert is_match(about, CERT)
    assert not is_match(about, issue(by=authority()).der)
    assert not is_match(about, b"garbage")


def test_a_key_outlives_its_certificate() -> None:
    renewed = issue(by=authority(), key=LEAF.key).der
    assert is_match(record(3, 1, 1), renewed)
    assert not is_match(record(3, 0, 1), renewed)


OCTET = st.integers(0, 255) | st.integers(0, 3)


@given(st.builds(TlsaRecord, OCTET, OCTET, OCTET, st.binary(max_size=70)))
@SAME_EVERYWHERE
def test_every_record_survives_text_and_wire(written: TlsaRecord) -> None:
    assert parse_text(str(written)) == written
    numbers = bytes([written.certificate_usage, written.selector, written.matching_type])
    assert parse_rdata(numbers + written.association_data) == written
    assert (why_unusable(written) is None) is (select_considered([written]) == (written,))


@given(st.text(max_size=30) | st.text("0123 abf\t\n", max_size=30))
@SAME_EVERYWHERE
def test_any_text_is_a_record_or_none(text: str) -> None:
    try:
        parse_text(text)
    except TlsaError:
        return
    assert text.split()[:2]
