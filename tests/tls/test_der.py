"""DER elements: the forms of X.690 §8.1 that a certificate uses, and everything else refused."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.tls.der import (
    DerError,
    Element,
    parse_bit_string,
    parse_boolean,
    parse_elements,
    parse_integer,
    parse_object_identifier,
    parse_only,
    parse_sequence,
)

from .issuing import encode_tlv


@pytest.mark.parametrize(
    ("octets", "content", "why"),
    [
        ("0500", "", "no content"),
        ("040161", "61", "the short form of a length"),
        ("04810161", "61", "the long form where the short would do: lenient"),
        ("0484" + "00000001" + "61", "61", "leading zeros: lenient"),
        ("0482" + "0100" + "00" * 256, "00" * 256, "two octets of length"),
    ],
)
def test_an_element_is_read_whatever_the_form_of_its_length(octets: str, content: str, why: str) -> None:
    element = parse_only(bytes.fromhex(octets))
    assert element.content.hex() == content, why
    assert element.encoded.hex() == octets, why


@pytest.mark.parametrize(
    ("octets", "reason", "why"),
    [
        ("", "ends within an element", "nothing"),
        ("30", "ends within an element", "no length"),
        ("0402aa", "ends 1 octets early", "too short"),
        ("0401aabb", "1 octets too many", "something behind"),
        ("3080", "an indefinite length, which DER has not", "X.690 §10.1"),
        ("0485" + "0000000001" + "aa", "a length of 5 octets", "longer than anything that is served"),
        ("048201", "ends within a length", "a length cut off"),
        ("04ff", "a length of 127 octets", "X.690 §8.1.3.5 reserves it"),
        ("1f8101", "a tag number above 30", "the long form of a tag"),
    ],
)
def test_what_is_no_element_is_refused_with_its_reason(octets: str, reason: str, why: str) -> None:
    with pytest.raises(DerError) as caught:
        parse_only(bytes.fromhex(octets))
    assert str(caught.value) == reason, why


@pytest.mark.parametrize(
    ("octets", "value"),
    [("020100", 0), ("02017f", 127), ("02020080", 128), ("020180", -128), ("0201ff", -1), ("02020001", 1)],
)
def test_integers_are_signed(octets: str, value: int) -> None:
    assert parse_integer(parse_only(bytes.fromhex(octets))) == value


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("0603551d11", "2.5.29.17"),
        ("06092a864886f70d01010b", "1.2.840.113549.1.1.11"),
        ("060127", "0.39"),
        ("06014f", "1.39"),
        ("060150", "2.0"),
        ("06028837", "2.999"),
    ],
)
def test_object_identifiers_are_written_in_decimals(octets: str, value: str) -> None:
    assert parse_object_identifier(parse_only(bytes.fromhex(octets))) == value


@pytest.mark.parametrize(
    ("parse", "octets", "why"),
    [
        (parse_integer, "0200", "no octets"),
        (parse_integer, "010100", "a boolean"),
        (parse_boolean, "0100", "no octet"),
        (parse_boolean, "01020000", "two octets"),
        (parse_bit_string, "0300", "no count of unused bits"),
        (parse_bit_string, "03020800", "eight unused bits"),
        (parse_object_identifier, "0600", "no octets"),
        (parse_object_identifier, "060188", "ends within a number"),
        (parse_object_identifier, "0642" + "ff" * 65 + "01", "without end"),
        (parse_sequence, "3100", "a set"),
    ],
)
def test_a_value_of_another_form_is_refused(parse: Callable[[Element], object], octets: str, why: str) -> None:
    element = parse_only(bytes.fromhex(octets))
    with pytest.raises(DerError):
        assert parse(element), why


TAGS = st.integers(0, 255).filter(lambda tag: tag & 0x1F != 0x1F)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=20))
def test_elements_come_back_as_they_were_encoded(elements: list[tuple[int, bytes]]) -> None:
    encoded = [encode_tlv(*element) for element in elements]
    found = list(parse_elements(b"".join(encoded)))
    assert [(element.tag, element.content) for element in found] == elements
    assert [element.encoded for element in found] == encoded


@given(st.binary(max_size=200))
def test_any_octets_are_elements_or_an_error(octets: bytes) -> None:
    with suppress(DerError):
        assert b"".join(element.encoded for element in parse_elements(octets)) == octets


def test_deep_nesting_costs_no_stack() -> None:
    nested = b""
    for _ in range(5_000):
        nested = encode_tlv(0x30, nested)
    assert len(parse_sequence(parse_only(nested))) == 1
