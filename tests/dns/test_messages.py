"""DNS messages: what is written and read by hand is what dnspython writes and reads."""

import contextlib

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.dns.messages import (
    RecordType,
    encode_query,
    encode_question,
    is_answer_to,
    parse_answers,
    parse_header,
)
from scanner.outcomes import DnsStatus

LABELS = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=8).map(".".join).filter(lambda name: len(name) <= 253)
TYPES = st.sampled_from(RecordType)


@given(st.integers(0, 65535), NAMES, TYPES, st.booleans())
def test_a_query_says_what_dnspython_would_say(message_id: int, name: str, kind: RecordType, checks: bool) -> None:
    query = dns.message.make_query(name, kind.name, use_edns=0, payload=1232, id=message_id)
    query.flags |= dns.flags.AD | (0 if checks else dns.flags.CD)
    assert encode_query(message_id, encode_question(name, kind), checking_disabled=not checks) == query.to_wire()


def test_the_root_is_a_name_too() -> None:
    assert encode_question(".", RecordType.SOA) == b"\0\0\6\0\1"


@pytest.mark.parametrize("name", ["", "a..b", ".a", "a.", "a" * 64, ".".join(["a" * 63] * 4), "é.test"])
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError, match=r"not a name|ascii"):
        encode_question(name, RecordType.A)


STATUSES = {
    dns.rcode.FORMERR: DnsStatus.malformed,
    dns.rcode.NXDOMAIN: DnsStatus.nxdomain,
    dns.rcode.NOTIMP: DnsStatus.refused,
    dns.rcode.REFUSED: DnsStatus.refused,
}


@given(st.integers(0, 65535), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 15), st.integers(0, 3))
def test_a_header_is_read_as_dnspython_reads_it(
    message_id: int, is_response: bool, is_cut: bool, ad: bool, rcode: int, records: int
) -> None:
    message = dns.message.make_query("a.test", "A", id=message_id)
    message.flags |= (is_response and dns.flags.QR) | (is_cut and dns.flags.TC) | (ad and dns.flags.AD)
    message.set_rcode(dns.rcode.Rcode(rcode))
    if records:
        addresses = [f"192.0.2.{number}" for number in range(records)]
        message.answer = [dns.rrset.from_text("a.test.", 60, "IN", "A", *addresses)]
    header = parse_header(message.to_wire())
    assert (header.is_response, header.is_truncated, header.is_authenticated) == (is_response, is_cut, ad)
    if rcode == dns.rcode.NOERROR:
        assert header.status is (DnsStatus.ok if records else DnsStatus.no_data)
    else:
        assert header.status is STATUSES.get(dns.rcode.Rcode(rcode), DnsStatus.servfail)


def test_what_is_shorter_than_a_header_has_none() -> None:
    with pytest.raises(ValueError, match="11 octets"):
        parse_header(bytes(11))


QUESTION = encode_question("host.test", RecordType.A)
HEADER = b"\0\1\x81\xa0\0\1\0\0\0\0\0\0"
NO_QUESTION = b"\0\1\x81\xa0" + bytes(8)


@pytest.mark.parametrize(
    ("message", "is_answer", "why"),
    [
        (HEADER + QUESTION, True, "it repeats the question"),
        (HEADER + QUESTION.upper(), True, "in another case"),
        (b"\0\1\x01\xa0" + HEADER[4:] + QUESTION, False, "a query, not a response"),
        (HEADER + encode_question("most.test", RecordType.A), False, "another name"),
        (HEADER + encode_question("host.test", RecordType.MX), False, "another type"),
        (HEADER + QUESTION[:-1] + b"\3", False, "another class"),
        (HEADER + QUESTION[:-1], False, "cut"),
        (NO_QUESTION, False, "about nothing"),
        (b"\0\1\x81\xa1" + bytes(8), True, "about nothing, since it could not be read"),
        (b"\0\1\x81\xa2" + bytes(8), False, "SERVFAIL about nothing is about anything"),
    ],
)
def test_an_answer_repeats_its_question(message: bytes, is_answer: bool, why: str) -> None:
    assert is_answer_to(QUESTION, message, parse_header(message)) is is_answer, why


def message_of(records: list[tuple[str, str, bytes]]) -> bytes:
    """A response with these in the answer section, and something in the others; names are compressed."""
    message = dns.message.make_response(dns.message.make_query("a.test", "TLSA"))
    for owner, kind, data in records:
        generic = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.from_text(kind), data)
        message.answer.append(dns.rrset.from_rdata(owner, 60, generic))
    message.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "ns.test."))
    message.additional.append(dns.rrset.from_text("ns.test.", 60, "IN", "A", "192.0.2.1"))
    return message.to_wire()


ENTRIES = st.tuples(NAMES.map("{}.".format), st.sampled_from(["TLSA", "RRSIG"]), st.binary(max_size=80))


@given(st.lists(ENTRIES, max_size=6))
def test_records_of_the_answer_section_are_read_and_no_others(entries: list[tuple[str, str, bytes]]) -> None:
    read = parse_answers(message_of(entries))
    assert read == [(int(dns.rdatatype.from_text(kind)), data) for _, kind, data in entries]


def test_a_message_that_is_cut_anywhere_is_not_read() -> None:
    message = message_of([("_25._tcp.a.test.", "TLSA", b"\3\1\1" + bytes(32)), ("a.test.", "TLSA", b"")])
    for end in range(len(message)):
        with pytest.raises(ValueError, match=r"cut"):
            parse_answers(message[:end])


@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_octets_are_records_or_no_message(data: bytes, more: bytes) -> None:
    whole = message_of([("a.test.", "TLSA", data)])
    for message in (data, HEADER[:6] + b"\0\2" + HEADER[8:] + data, whole[: len(whole) // 2] + more):
        with contextlib.suppress(ValueError):
            assert sum(len(found) for _, found in parse_answers(message)) <= len(message)


@pytest.mark.parametrize("octet", [0x40, 0x7F, 0x80, 0xBF])
def test_a_label_of_a_kind_that_nobody_uses_is_none(octet: int) -> None:
    message = HEADER + bytes((octet,)) + QUESTION
    with pytest.raises(ValueError, match="a label that is none"):
        parse_answers(message)


def test_a_name_that_points_to_itself_is_passed_over() -> None:
    pointer = b"\xc0\x0c"
    message = b"\0\1\x81\xa0\0\1\0\1\0\0\0\0" + pointer + b"\0\x34\0\1" + pointer + b"\0\x34\0\1\0\0\0\1\0\1x"
    assert parse_answers(message) == [(RecordType.TLSA, b"x")]
