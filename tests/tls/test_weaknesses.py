"""Keys and signatures that are too weak, and those that are not."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, rsa

from scanner.tls.certificates import CertificateDescription, describe_certificate
from scanner.tls.weaknesses import weak_key, weak_signature

from .issuing import issue, sign_again

RSA_ROOT = issue("RSA root", key=rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(
    ("key_type", "key_bits", "weakness"),
    [
        ("rsa", 1024, "an RSA key of 1024 bits, less than 2048"),
        ("rsa", 2047, "an RSA key of 2047 bits, less than 2048"),
        ("rsa", 2048, None),
        ("rsa-pss", 1024, "an RSA key of 1024 bits, less than 2048"),
        ("rsa", None, None),
        ("ec", 192, "an EC key of 192 bits, less than 224"),
        ("ec", 224, None),
        ("ec", 256, None),
        ("ec", None, None),
        ("dsa", 1024, "a DSA key"),
        ("dsa", 3072, "a DSA key"),
        ("dsa", None, "a DSA key"),
        ("ed25519", 256, None),
        ("1.2.3.4", None, None),
        (None, None, None),
    ],
)
def test_a_key_is_weak_by_its_type_and_size(key_type: str | None, key_bits: int | None, weakness: str | None) -> None:
    description = CertificateDescription(sha256="", key_type=key_type, key_bits=key_bits)
    assert weak_key(description) == weakness


@pytest.mark.parametrize(
    ("algorithm", "weakness"),
    [
        ("md2WithRSAEncryption", "signed with MD2 (md2WithRSAEncryption)"),
        ("md4WithRSAEncryption", "signed with MD4 (md4WithRSAEncryption)"),
        ("md5WithRSAEncryption", "signed with MD5 (md5WithRSAEncryption)"),
        ("sha1WithRSAEncryption", "signed with SHA-1 (sha1WithRSAEncryption)"),
        ("dsaWithSHA1", "signed with SHA-1 (dsaWithSHA1)"),
        ("ecdsa-with-SHA1", "signed with SHA-1 (ecdsa-with-SHA1)"),
        ("sha224WithRSAEncryption", None),
        ("ecdsa-with-SHA256", None),
        ("1.2.3.4", None),
        (None, None),
    ],
)
def test_a_signature_is_weak_by_its_digest(algorithm: str | None, weakness: str | None) -> None:
    description = CertificateDescription(sha256="", signature_algorithm=algorithm)
    assert weak_signature(description) == weakness


def test_the_signature_of_a_self_issued_certificate_is_nobodys_proof() -> None:
    served = describe_certificate(sign_again(issue(by=RSA_ROOT), RSA_ROOT, "sha1"))
    root = describe_certificate(sign_again(RSA_ROOT, RSA_ROOT, "sha1"))
    assert root.signature_algorithm == served.signature_algorithm == "sha1WithRSAEncryption"
    assert weak_signature(served) is not None
    assert weak_signature(root) is None


@pytest.mark.parametrize(
    ("key", "weakness"),
    [
        (rsa.generate_private_key(65537, 1024), "an RSA key of 1024 bits, less than 2048"),
        (dsa.generate_private_key(1024), "a DSA key"),
    ],
)
def test_the_weakness_of_a_described_key_is_found(key: rsa.RSAPrivateKey | dsa.DSAPrivateKey, weakness: str) -> None:
    description = describe_certificate(issue(key=key).der)
    assert description.key_bits == 1024
    assert description.parse_errors == {}
    assert weak_key(description) == weakness
