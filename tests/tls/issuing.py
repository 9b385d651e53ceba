"""Certificates as an authority, a stranger or a vandal would make them. All times are around NOW."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from OpenSSL import crypto

from scanner.tls.der import parse_only, parse_sequence

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MX = "mx1.example.org"

Key = (
    rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def dns_names(*names: str) -> Extension:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False


def basic_constraints(*, ca: bool, path_length: int | None = None) -> Extension:
    return x509.BasicConstraints(ca=ca, path_length=path_length), True


def purposes(*identifiers: str) -> Extension:
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(identifier) for identifier in identifiers]), False


def raw_extension(identifier: str, value: bytes) -> Extension:
    """An extension with any octets as its value."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(identifier), value), False


def key_usage(*usages: str) -> Extension:
    known = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{usage: usage in usages for usage in known}), True


def issue(
    subject: str | x509.Name = MX,
    *,
    by: Issued | None = None,
    issuer: x509.Name | None = None,
    key: Key | None = None,
    starts: datetime = NOW - 30 * DAY,
    ends: datetime = NOW + 60 * DAY,
    extensions: Sequence[Extension] = (),
    serial: int = 4711,
) -> Issued:
    """A certificate for `subject`, signed by `by` (or by itself), claiming `issuer` (or the true one)."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = common_name(subject) if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or (by.certificate.subject if by else name))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(starts)
        .not_valid_after(ends)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signing_key = by.key if by else key
    has_own_digest = isinstance(signing_key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return Issued(builder.sign(signing_key, None if has_own_digest else hashes.SHA256()), key)


def authority(
    subject: str = "Root",
    *,
    by: Issued | None = None,
    key: Key | None = None,
    starts: datetime = NOW - 1000 * DAY,
    ends: datetime = NOW + 1000 * DAY,
    extensions: Sequence[Extension] = (),
) -> Issued:
    """A root, or an intermediate if it is issued by another."""
    extensions = [basic_constraints(ca=True), *extensions]
    return issue(subject, by=by, key=key, starts=starts, ends=ends, extensions=extensions)


def sign_again(issued: Issued, by: Issued, digest: str) -> bytes:
    """The same certificate signed with a digest that cryptography refuses. Only OpenSSL does this."""
    certificate = crypto.X509.from_cryptography(issued.certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # X509.sign is deprecated because it should not be used for good ones
        certificate.sign(crypto.PKey.from_cryptography_key(by.key), digest)
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def encode_tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sign_damaged(der: bytes, by: Issued) -> bytes:
    """A certificate damaged after it was signed, signed once more: nothing but the damage is wrong."""
    to_be_signed, algorithm, _ = parse_sequence(parse_only(der))
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    signature = by.key.sign(to_be_signed.encoded, ec.ECDSA(hashes.SHA256()))
    return encode_tlv(0x30, to_be_signed.encoded + algorithm.encoded + encode_tlv(3, b"\x00" + signature))


def patch(der: bytes, old: bytes, new: bytes) -> bytes:
    """Octets exchanged for as many others, at their only place."""
    assert der.count(old) == 1, der.count(old)
    assert len(old) == len(new)
    return der.replace(old, new)


def with_version(der: bytes, encoded: int) -> bytes:
    """A certificate with another version number; the encoded one is one less than what people say."""
    version_3 = bytes.fromhex("a003020102")
    return patch(der, version_3, version_3[:-1] + bytes([encoded]))


def with_month_13(issued: Issued) -> bytes:
    """A certificate whose notAfter no calendar has."""
    ends = issued.certificate.not_valid_after_utc
    return patch(issued.der, f"{ends:%y%m%d%H%M%SZ}".encode(), f"{ends:%y}13{ends:%d%H%M%SZ}".encode())


def with_negative_serial(der: bytes) -> bytes:
    """A certificate of serial 4711 (0x1267) with -28057 (0x9267 in two octets) instead."""
    return patch(der, bytes.fromhex("02021267"), bytes.fromhex("02029267"))
