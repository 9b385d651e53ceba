"""The lab's certificate authorities: one that a scan of the lab trusts, and others that nobody does.

Only keys are kept in the lab's directory. Certificates are made from them when asked for, with fixed serial
numbers, dates counted from midnight and deterministic signatures: a resumed lab serves the same ones.
"""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scanner.lab.der import BIT_STRING, SEQUENCE, content_of, encode_element, split_elements
from scanner.lab.world import CertificateKind

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_AUTHORITY_FROM = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_AUTHORITY_UNTIL = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)
#: RFC 5280 appendix A.1: ub-common-name.
_MAX_COMMON_NAME = 64

_MAKE_KEY: dict[str, Callable[[], PrivateKey]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505  # too short on purpose
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "p256_next": lambda: ec.generate_private_key(ec.SECP256R1()),
}
_PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
# RFC 3279 §2.2.1, §2.2.3: AlgorithmIdentifier of ecdsa-with-SHA1 and sha1WithRSAEncryption.
_ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
_RSA_SHA1 = bytes.fromhex("300d06092a864886f70d0101050500")


@dataclass(frozen=True)
class Issuer:
    """Who signs: a name and a key. `chain` is what a server sends after its own certificate."""

    name: x509.Name
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True)
class ServerCertificate:
    """What a server presents: its chain in DER, the leaf first, and the leaf's key."""

    chain: tuple[bytes, ...]
    key: PrivateKey

    @property
    def chain_pem(self) -> bytes:
        return b"".join([_pem(certificate) for certificate in self.chain])


class Authority:
    """Makes the certificates of a world. The keys are in `directory`, made there if it has none."""

    def __init__(self, directory: Path, today: dt.date) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._midnight = dt.datetime.combine(today, dt.time(), dt.UTC)
        root = Issuer(_name("mxscan lab root"), self._key("root", "p256"))
        intermediate = Issuer(_name("mxscan lab intermediate"), self._key("intermediate", "p256"))
        hidden = Issuer(_name("mxscan lab hidden intermediate"), self._key("hidden", "p256"))
        stranger = Issuer(_name("Somebody else's root"), self._key("stranger", "p256"))
        private = Issuer(_name("mxscan lab private root"), self._key("private", "p256"))
        self._root = _authority_certificate(root, root)
        self._issuers = {
            "authority": root,
            "intermediate": _sending(intermediate, _authority_certificate(intermediate, root)),
            "hidden": _sending(hidden, _authority_certificate(hidden, root)),
            "stranger": stranger,
            "private": _sending(private, _authority_certificate(private, private)),
        }

    @property
    def roots_pem(self) -> bytes:
        """The only root that a scan of the lab trusts."""
        return self._root.public_bytes(Encoding.PEM)

    def issuer_certificate(self, issuer: str) -> bytes:
        """The certificate of an issuer that has one (tlsa_lines.ANCHORS), in DER."""
        certificate = self._root if issuer == "authority" else self._issuers[issuer].chain[0]
        return certificate.public_bytes(Encoding.DER)

    def certificate(self, kind: CertificateKind, host: str) -> ServerCertificate:
        """The certificate of a kind for a host. Raises ValueError for what no certificate can hold."""
        key = self._key(f"server-{kind.key}", kind.key)
        subject = _name(kind.common_name.replace("{host}", host))
        issuer = Issuer(subject, key) if kind.issuer == "self" else self._issuers[kind.issuer]
        builder = self._builder(kind, host, subject, issuer).public_key(key.public_key())
        leaf = _sign(builder, issuer)
        leaf_der = leaf.public_bytes(Encoding.DER)
        if kind.damage or kind.digest == "sha1":
            leaf_der = _signed_again(leaf, kind, issuer)
        sent = issuer.chain if kind.send_intermediate else ()
        return ServerCertificate((leaf_der, *[each.public_bytes(Encoding.DER) for each in sent]), key)

    def _builder(self, kind: CertificateKind, host: str, subject: x509.Name, issuer: Issuer) -> x509.CertificateBuilder:
        seed = hashlib.sha256(f"{kind}|{host}".encode()).digest()
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.name)
            .serial_number(int.from_bytes(seed[:16], "big") | 1)
            .not_valid_before(self._midnight + dt.timedelta(days=kind.starts_days))
            .not_valid_after(self._midnight + dt.timedelta(days=kind.ends_days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_PURPOSES[kind.purpose]]), critical=False)
            .add_extension(_authority_key_identifier(issuer), critical=False)
        )
        names = [name.replace("{host}", host) for name in kind.names]
        names += [f"alternative-name-{number:05d}.{host}" for number in range(kind.extra_names)]
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder

    def _key(self, name: str, kind: str) -> PrivateKey:
        path = self._directory / f"{name}.key.pem"
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
            return key
        made = _MAKE_KEY[kind]()
        path.touch(mode=0o600)
        path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made


def _sending(issuer: Issuer, certificate: x509.Certificate) -> Issuer:
    return Issuer(issuer.name, issuer.key, (certificate,))


def _name(common_name: str) -> x509.Name:
    """A name with that CN alone; an empty name when there is none or it is too long to be one."""
    if not 0 < len(common_name) <= _MAX_COMMON_NAME:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _authority_key_identifier(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())


def _authority_certificate(subject: Issuer, issuer: Issuer) -> x509.Certificate:
    public_key = subject.key.public_key()
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    builder = (
        x509.CertificateBuilder(subject_name=subject.name, issuer_name=issuer.name)
        .serial_number(1 if subject is issuer else 2)
        .not_valid_before(_AUTHORITY_FROM)
        .not_valid_after(_AUTHORITY_UNTIL)
        .public_key(public_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
                **usage,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
    )
    return _sign(builder, issuer)


def _sign(builder: x509.CertificateBuilder, issuer: Issuer) -> x509.Certificate:
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        return builder.sign(issuer.key, hashes.SHA256())
    return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=True)


def _signed_again(leaf: x509.Certificate, kind: CertificateKind, issuer: Issuer) -> bytes:
    """The leaf with its damage and with its digest, signed by its issuer: DER."""
    elements = split_elements(content_of(leaf.tbs_certificate_bytes))
    if kind.damage == "version_6":
        elements[0] = encode_element(0xA0, encode_element(0x02, b"\x05"))  # v6 is 5, as v3 is 2
    if kind.damage == "impossible_date":
        not_before, not_after = split_elements(content_of(elements[4]))
        not_after = encode_element(0x17, not_after[2:4] + b"1332256199Z")  # day 32 of month 13
        elements[4] = encode_element(SEQUENCE, not_before + not_after)
    digest: hashes.HashAlgorithm = hashes.SHA256()
    if kind.digest == "sha1":
        digest = hashes.SHA1()  # noqa: S303  # weak on purpose
        elements[2] = _RSA_SHA1 if isinstance(issuer.key, rsa.RSAPrivateKey) else _ECDSA_SHA1
    to_be_signed = encode_element(SEQUENCE, b"".join(elements))
    signature = encode_element(BIT_STRING, b"\0" + _signature(issuer.key, to_be_signed, digest))
    return encode_element(SEQUENCE, to_be_signed + elements[2] + signature)


def _pem(certificate_der: bytes) -> bytes:
    text = base64.encodebytes(certificate_der)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def _signature(key: PrivateKey, octets: bytes, digest: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), digest)
    return key.sign(octets, ec.ECDSA(digest, deterministic_signing=True))
