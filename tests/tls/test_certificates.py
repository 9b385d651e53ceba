"""Certificates described: the good, the odd and the broken, each field alone, as cryptography reads them."""

import ipaddress
import warnings
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import crypto

from scanner.tls.certificates import CertificateDescription, describe_certificate
from scanner.tls.der import parse_only, parse_sequence
from scanner.tls.identity import NameMatch, match_certificate_name
from scanner.wire_text import restore_octets

from .issuing import (
    DAY,
    MX,
    NOW,
    Extension,
    Key,
    authority,
    basic_constraints,
    dns_names,
    encode_tlv,
    issue,
    patch,
    purposes,
    raw_extension,
    sign_again,
    with_month_13,
    with_negative_serial,
    with_version,
)

ROOT = authority()
GOOD = issue(
    by=ROOT,
    extensions=[
        dns_names(MX, "*.example.org"),
        basic_constraints(ca=False),
        purposes("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3.4"),
    ],
)

#: What there is of any octets: their digest and the reasons.
ALWAYS = {"sha256", "parse_errors"}


def unread(description: CertificateDescription) -> set[str]:
    """The fields that are None."""
    return {field.name for field in fields(description) if getattr(description, field.name) is None}


def test_every_field_of_a_good_certificate_is_described() -> None:
    key_info = GOOD.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert describe_certificate(GOOD.der) == CertificateDescription(
        sha256=sha256(GOOD.der).hexdigest(),
        spki_sha256=sha256(key_info).hexdigest(),
        subject=f"CN={MX}",
        issuer="CN=Root",
        common_names=(MX,),
        serial="1267",
        dns_names=(MX, "*.example.org"),
        ip_addresses=(),
        not_before=NOW - 30 * DAY,
        not_after=NOW + 60 * DAY,
        key_type="ec",
        key_bits=256,
        signature_algorithm="ecdsa-with-SHA256",
        is_ca=False,
        is_self_issued=False,
        extended_key_usage=("serverAuth", "clientAuth", "1.2.3.4"),
        parse_errors={},
    )


def test_what_a_certificate_has_not_is_empty_and_no_error() -> None:
    description = describe_certificate(issue("").der)
    assert unread(description) == set()
    assert description.subject == description.issuer == ""
    assert description.common_names == description.dns_names == description.ip_addresses == ()
    assert description.extended_key_usage == ()
    assert description.is_ca is False
    assert description.is_self_issued is True
    assert description.parse_errors == {}


def test_a_root_is_an_authority_that_issued_itself() -> None:
    description = describe_certificate(ROOT.der)
    assert (description.is_ca, description.is_self_issued) == (True, True)


def test_the_addresses_of_a_certificate_are_read_apart_from_its_names() -> None:
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("192.0.2.1", "2001:db8::1")]
    others = [
        x509.RFC822Name("postmaster@example.org"),
        x509.UniformResourceIdentifier("https://example.org"),
    ]
    names = x509.SubjectAlternativeName([others[0], addresses[0], x509.DNSName(MX), addresses[1], others[1]])
    description = describe_certificate(issue(extensions=[(names, False)]).der)
    assert description.dns_names == (MX,)
    assert description.ip_addresses == ("192.0.2.1", "2001:db8::1")


def test_a_thousand_names_are_read_in_their_order() -> None:
    names = [f"host{number}.example.org" for number in range(1000)]
    description = describe_certificate(issue(extensions=[dns_names(*names)]).der)
    assert description.dns_names == tuple(names)
    assert description.parse_errors == {}


@pytest.mark.parametrize(
    ("make", "key_type", "key_bits", "algorithm"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "rsa", 1024, "sha256WithRSAEncryption"),
        (lambda: rsa.generate_private_key(65537, 2048), "rsa", 2048, "sha256WithRSAEncryption"),
        (lambda: ec.generate_private_key(ec.SECP192R1()), "ec", 192, "ecdsa-with-SHA256"),
        (lambda: ec.generate_private_key(ec.SECP224R1()), "ec", 224, "ecdsa-with-SHA256"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "ec", 256, "ecdsa-with-SHA256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "ec", 384, "ecdsa-with-SHA256"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "ec", 521, "ecdsa-with-SHA256"),
        (lambda: ec.generate_private_key(ec.BrainpoolP512R1()), "ec", 512, "ecdsa-with-SHA256"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519", 256, "ED25519"),
        (ed448.Ed448PrivateKey.generate, "ed448", 456, "ED448"),
    ],
)
def test_a_key_has_a_type_and_a_size(make: Callable[[], Key], key_type: str, key_bits: int, algorithm: str) -> None:
    description = describe_certificate(issue(key=make()).der)
    assert (description.key_type, description.key_bits) == (key_type, key_bits)
    assert description.signature_algorithm == algorithm
    assert description.parse_errors == {}


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_old_signatures_are_named(digest: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    signer = issue("Old root", key=key)
    description = describe_certificate(sign_again(issue(by=signer), signer, digest))
    assert description.signature_algorithm == f"{digest}WithRSAEncryption"
    assert description.parse_errors == {}


def test_an_unknown_algorithm_is_its_dotted_number() -> None:
    # 1.3.101.113 (Ed448) in both places becomes 1.3.101.99; the key's type is a third place.
    der = issue(key=ed448.Ed448PrivateKey.generate()).der.replace(b"\x06\x03\x2b\x65\x71", b"\x06\x03\x2b\x65\x63")
    description = describe_certificate(der)
    assert description.signature_algorithm == description.key_type == "1.3.101.99"
    assert description.key_bits is None
    assert description.parse_errors == {}, "not to know a type is no error of the certificate"


@pytest.mark.parametrize(
    ("attributes", "text", "why"),
    [
        ([(NameOID.COMMON_NAME, "a"), (NameOID.ORGANIZATION_NAME, "b")], "O=b,CN=a", "§2.1: the last first"),
        (
            [(NameOID.COMMON_NAME, "a+b, c\\d")],
            r"CN=a\x5C+b\x5C, c\x5C\x5Cd",
            "§2.4, then escaped as wire text",
        ),
        ([(NameOID.COMMON_NAME, " #a ")], r"CN=\x5C #a\x5C ", "§2.4: a space at either end"),
        ([(NameOID.COMMON_NAME, "#a")], r"CN=\x5C#a", "§2.4: a # at the beginning"),
        ([(NameOID.COMMON_NAME, "é")], r"CN=\xC3\xA9", "UTF-8, as wire text"),
        ([(NameOID.EMAIL_ADDRESS, "a@b.test")], "emailAddress=a@b.test", "OpenSSL's descriptor"),
        ([(NameOID.ORGANIZATION_IDENTIFIER, "V")], "2.5.4.97=#0c0156", "§2.4: a type without a descriptor"),
    ],
)
def test_a_name_is_written_as_rfc_4514_says(
    attributes: list[tuple[x509.ObjectIdentifier, str]], text: str, why: str
) -> None:
    name = x509.Name([x509.NameAttribute(identifier, value) for identifier, value in attributes])
    assert describe_certificate(issue(name).der).subject == text, why


def test_several_attributes_on_one_level_stand_together() -> None:
    level = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.COMMON_NAME, "b")]
    description = describe_certificate(issue(x509.Name([x509.RelativeDistinguishedName(level)])).der)
    assert description.subject == "CN=a+CN=b"
    assert description.common_names == ("a", "b")


@pytest.mark.parametrize(
    ("tag", "octets", "text"),
    [
        (0x13, b"mx1.test", "mx1.test"),
        (0x14, b"m\xe9......", r"m\xE9......"),
        (0x1E, "mé€x".encode("utf-16-be"), r"m\xC3\xA9\xE2\x82\xACx"),
        (0x1C, "m\U0001f4e7".encode("utf-32-be"), r"m\xF0\x9F\x93\xA7"),
    ],
)
def test_old_kinds_of_strings_are_read(tag: int, octets: bytes, text: str) -> None:
    der = issue("N" * 8).der.replace(b"\x0c\x08" + b"N" * 8, bytes([tag, 8]) + octets)
    description = describe_certificate(der)
    assert description.common_names == (text,)
    assert description.subject == f"CN={text}"
    assert description.parse_errors == {}


def test_a_wide_string_that_is_none_is_unread() -> None:
    lone_surrogate = b"\xd8\x00\x00N\x00N\x00N"
    der = issue("N" * 8).der.replace(b"\x0c\x08" + b"N" * 8, b"\x1e\x08" + lone_surrogate)
    assert set(describe_certificate(der).parse_errors) == {"subject", "issuer", "common_names"}


def test_no_octet_of_a_name_is_lost_or_dangerous() -> None:
    vandal = issue("N" * 16, extensions=[dns_names("n" * 16)])
    octets = b'\x00\x1b[2J<b>\\\xff\xfe\x85\r\n\x7f"'
    assert len(octets) == 16
    der = vandal.der.replace(b"N" * 16, octets).replace(b"n" * 16, octets)
    description = describe_certificate(der)
    assert description.parse_errors == {}
    assert description.common_names is not None
    assert description.dns_names is not None
    for text in (*description.common_names, *description.dns_names):
        assert text.isascii()
        assert text.isprintable()
        assert restore_octets(text) == octets


# Certificates that OpenSSL serves and cryptography refuses ---------------------------------------------


@pytest.mark.parametrize("der", [with_version(GOOD.der, 5), with_month_13(GOOD)], ids=["version", "date"])
def test_openssl_serves_what_cryptography_refuses(der: bytes) -> None:
    crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    with pytest.raises((ValueError, x509.InvalidVersion)):
        x509.load_der_x509_certificate(der)


def test_a_certificate_of_version_6_is_described_in_full() -> None:
    description = describe_certificate(with_version(GOOD.der, 5))
    assert description.parse_errors == {"version": "version 6, known are 1 to 3"}
    good = describe_certificate(GOOD.der)
    for field in {field.name for field in fields(good)} - ALWAYS:
        assert getattr(description, field) == getattr(good, field), field


def test_an_impossible_date_takes_no_other_field_with_it() -> None:
    description = describe_certificate(with_month_13(GOOD))
    assert description.parse_errors == {"not_after": "month must be in 1..12"}
    assert unread(description) == {"not_after"}
    assert description.not_before == NOW - 30 * DAY
    assert description.dns_names == (MX, "*.example.org")


def test_a_negative_serial_is_shown_with_its_sign() -> None:
    description = describe_certificate(with_negative_serial(GOOD.der))
    assert description.serial == "-6d99"
    assert description.parse_errors == {}


OF_NAMES = {"dns_names", "ip_addresses"}
OF_EXTENSIONS = OF_NAMES | {"is_ca", "extended_key_usage"}
MX_HEX = MX.encode().hex()
NOT_BEFORE = b"261023120000Z".hex()


@pytest.mark.parametrize(
    ("old", "new", "errors", "why"),
    [
        ("0603551d13", "0603551d11", OF_NAMES, "two SANs (RFC 5280 §4.2)"),
        ("0603551d25", "0603551d13", {"is_ca"}, "two basic constraints"),
        ("3020820f", "3120820f", OF_NAMES, "names in a SET"),
        ("0603551d25", "0503551d25", {"extensions"}, "an extension without identifier"),
        ("06082b06010505070301", "05082b06010505070301", {"extended_key_usage"}, "a NULL as purpose"),
        ("02021267", "04021267", {"serial"}, "a serial that is no integer"),
        ("06082a8648ce3d030107", "04082a8648ce3d030107", {"key_bits"}, "a curve without a name"),
        ("0c0f" + MX_HEX, "040f" + MX_HEX, {"common_names"}, "a common name that is no string"),
        ("170d" + NOT_BEFORE, "170d" + b"261023120060Z".hex(), {"not_before"}, "a second that is none"),
        ("170d" + NOT_BEFORE, "170d" + b"2610231200+00".hex(), {"not_before"}, "§4.1.2.5.1: always Z"),
        ("170d" + NOT_BEFORE, "180d" + NOT_BEFORE, {"not_before"}, "§4.1.2.5.2: a year has four digits"),
        ("170d" + NOT_BEFORE, "130d" + NOT_BEFORE, {"not_before"}, "a time that is a string"),
    ],
)
def test_a_broken_field_is_alone_in_being_unread(old: str, new: str, errors: set[str], why: str) -> None:
    description = describe_certificate(patch(GOOD.der, bytes.fromhex(old), bytes.fromhex(new)))
    assert set(description.parse_errors) == errors, why
    assert unread(description) == (OF_EXTENSIONS if errors == {"extensions"} else errors), why


@pytest.mark.parametrize(
    ("identifier", "value", "errors", "why"),
    [
        ("2.5.29.37", "3000", {"extended_key_usage"}, "RFC 5280 §4.2.1.12: one purpose or more"),
        ("2.5.29.37", "", {"extended_key_usage"}, "no value at all"),
        ("2.5.29.17", "3000", set(), "no names, though RFC 5280 §4.2.1.6 wants one"),
        ("2.5.29.17", "30008200", OF_NAMES, "something behind the names"),
        ("2.5.29.17", "3003820278", OF_NAMES, "a name cut off"),
        ("2.5.29.19", "3000", set(), "RFC 5280 §4.2.1.9: cA is FALSE unless it is said"),
        ("2.5.29.19", "3003020100", set(), "a path length without cA"),
        ("2.5.29.19", "30020100", {"is_ca"}, "a boolean without a value"),
        ("1.2.3.4", "ff", set(), "what the value of another extension is, nobody asks"),
    ],
)
def test_an_extension_is_read_or_named_as_unread(identifier: str, value: str, errors: set[str], why: str) -> None:
    der = issue(extensions=[raw_extension(identifier, bytes.fromhex(value))]).der
    description = describe_certificate(der)
    assert set(description.parse_errors) == unread(description) == errors, why
    assert not description.is_ca, why


@pytest.mark.parametrize(
    ("time", "expected", "why"),
    [
        (b"\x17\x0d500101000000Z", datetime(1950, 1, 1, tzinfo=UTC), "RFC 5280 §4.1.2.5.1: 50 is 1950"),
        (b"\x17\x0d491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), "49 is 2049"),
        (b"\x18\x0f19491231235959Z", datetime(1949, 12, 31, 23, 59, 59, tzinfo=UTC), "four digits stand"),
        (b"\x18\x0f99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "§4.1.2.5: no end"),
        (b"\x18\x0f20261023120000+", None, "§4.1.2.5.2: Z"),
        (b"\x18\x0f2026102312.500Z", None, "§4.1.2.5.2: no fractions"),
        (b"\x18\x0f00000101000000Z", None, "no year 0"),
        (b"\x17\x0d260229000000Z", None, "no leap year"),
    ],
)
def test_a_time_is_read_as_rfc_5280_says(time: bytes, expected: datetime | None, why: str) -> None:
    to_be_signed, *rest = parse_sequence(parse_only(GOOD.der))
    fields_before = parse_sequence(to_be_signed)
    validity = encode_tlv(0x30, time + parse_sequence(fields_before[4])[1].encoded)
    parts = [element.encoded for element in fields_before]
    parts[4] = validity
    damaged = encode_tlv(0x30, b"".join(parts)) + b"".join(element.encoded for element in rest)
    description = describe_certificate(encode_tlv(0x30, damaged))
    assert description.not_before == expected, why
    assert description.not_after == NOW + 60 * DAY, why
    assert set(description.parse_errors) == (set() if expected else {"not_before"}), why


@pytest.mark.parametrize(
    ("encoded", "errors"),
    [
        (0, {}),
        (1, {}),
        (2, {}),
        (3, {"version": "version 4, known are 1 to 3"}),
        (0xFF, {"version": "version 0, known are 1 to 3"}),
    ],
)
def test_versions_1_to_3_are_known(encoded: int, errors: dict[str, str]) -> None:
    assert describe_certificate(with_version(GOOD.der, encoded)).parse_errors == errors


def test_an_address_of_the_wrong_size_leaves_the_names() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName(MX), x509.DNSName("12345")])
    der = patch(issue(extensions=[(names, False)]).der, b"\x82\x0512345", b"\x87\x0512345")
    description = describe_certificate(der)
    assert description.dns_names == (MX,)
    assert description.ip_addresses is None
    assert description.parse_errors == {"ip_addresses": "an address of neither 4 nor 16 octets"}


def test_two_signature_algorithms_are_an_error() -> None:
    ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    der = GOOD.der
    place = der.rindex(ecdsa_with_sha256)
    description = describe_certificate(der[:place] + ecdsa_with_sha256[:-1] + b"\x01" + der[place + 12 :])
    assert set(description.parse_errors) == unread(description) == {"signature_algorithm"}


def test_the_names_of_a_broken_certificate_still_match() -> None:
    description = describe_certificate(with_version(with_month_13(GOOD), 5))
    assert description.dns_names is not None
    assert description.common_names is not None
    found = match_certificate_name(MX, description.dns_names, description.common_names)
    assert found is NameMatch.matches


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "nothing"),
        (b"garbage", "no DER"),
        (b"-----BEGIN CERTIFICATE-----", "PEM"),
        (b"\x30\x00", "a sequence of nothing"),
        (b"\x30\x06\x30\x00\x30\x00\x03\x00", "three parts without fields"),
        (GOOD.der + b"\x00", "an octet too many"),
        (
            GOOD.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "another structure",
        ),
        (b"\x30\x80" * 10_000, "nested without end"),
        (b"\xff" * 100_000, "a lot"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_octets_that_are_no_certificate_have_a_digest_and_a_reason(octets: bytes, why: str) -> None:
    description = describe_certificate(octets)
    assert description.sha256 == sha256(octets).hexdigest(), why
    assert set(description.parse_errors) == {"certificate"}, why
    assert unread(description) == {field.name for field in fields(description)} - ALWAYS, why


def test_a_certificate_cut_at_any_octet_is_none() -> None:
    for length in range(len(GOOD.der)):
        assert set(describe_certificate(GOOD.der[:length]).parse_errors) == {"certificate"}, length


@given(st.binary(max_size=400))
def test_any_octets_are_described(octets: bytes) -> None:
    assert describe_certificate(octets).sha256 == sha256(octets).hexdigest()


@given(st.lists(st.tuples(st.integers(0, len(GOOD.der) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_vandalised_certificate_is_described(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(GOOD.der)
    for position, octet in changes:
        octets[position] = octet
    description = describe_certificate(bytes(octets))
    assert all(text.isascii() and text.isprintable() for text in description.parse_errors.values())
    reasons = set(description.parse_errors)
    if not reasons & {"certificate", "extensions"}:
        assert unread(description) - {"key_bits"} <= reasons
        assert reasons - {"version"} <= unread(description)


# Against another reader --------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)
NAMES = st.lists(
    st.tuples(st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME]), TEXTS),
    max_size=4,
).map(lambda pairs: x509.Name([x509.NameAttribute(*pair) for pair in pairs]))
TIMES = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
HOSTS = st.from_regex(r"[a-z0-9*]{1,10}(\.[a-z0-9-]{1,10}){0,4}", fullmatch=True)
PURPOSES = st.sampled_from(["2.5.29.37.0", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "1.2.840.113549.1.1.11"])
EXTENSIONS = st.tuples(
    st.lists(HOSTS, min_size=1, max_size=5).map(lambda names: [dns_names(*names)]) | st.just([]),
    st.booleans().map(lambda ca: [basic_constraints(ca=ca)]) | st.just([]),
    st.lists(PURPOSES, min_size=1, max_size=3).map(lambda chosen: [purposes(*chosen)]) | st.just([]),
).map(lambda groups: [extension for group in groups for extension in group])
KEY = ec.generate_private_key(ec.SECP256R1())


@given(NAMES, NAMES, TIMES, TIMES, EXTENSIONS, st.integers(1, (1 << 159) - 1))
def test_a_certificate_reads_as_cryptography_reads_it(
    subject: x509.Name,
    issuer: x509.Name,
    one: datetime,
    other: datetime,
    extensions: list[Extension],
    serial: int,
) -> None:
    issued = issue(
        subject,
        issuer=issuer,
        key=KEY,
        starts=min(one, other),
        ends=max(one, other),
        extensions=extensions,
        serial=serial,
    )
    description = describe_certificate(issued.der)
    certificate = issued.certificate
    assert description.parse_errors == {}
    assert restore_octets(description.subject or "").decode() == certificate.subject.rfc4514_string()
    assert restore_octets(description.issuer or "").decode() == certificate.issuer.rfc4514_string()
    assert description.is_self_issued is (certificate.subject == certificate.issuer)
    assert (description.not_before, description.not_after) == (min(one, other), max(one, other))
    assert description.serial == f"{serial:x}"
    assert (description.dns_names or ()) == tuple(_names_by_cryptography(certificate))
    assert description.is_ca is any(getattr(extension, "ca", False) for extension, _ in extensions)


def _names_by_cryptography(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)


def test_describing_warns_of_nothing() -> None:
    der = with_negative_serial(GOOD.der)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        describe_certificate(der)
        assert told == []
        x509.load_der_x509_certificate(der)
    assert told != [], "cryptography does warn, so the test could have failed"
