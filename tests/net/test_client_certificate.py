"""Our own certificate: taken from a PEM file, or refused without a word of what is in it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from scanner.net.client_certificate import ClientCertificateError, present_certificate
from scanner.net.tls import probing_context
from tests.tls.issuing import Issued, authority, issue

INTERMEDIATE = authority("Intermediate", by=authority())
OURS, ANOTHERS = issue("me.test", by=INTERMEDIATE), issue("you.test")
TRADITIONAL = PrivateFormat.TraditionalOpenSSL


def key_of(issued: Issued, form: PrivateFormat = PrivateFormat.PKCS8, *, encrypted: bool = False) -> bytes:
    assert isinstance(issued.key, ec.EllipticCurvePrivateKey)
    encryption = BestAvailableEncryption(b"secret") if encrypted else NoEncryption()
    return issued.key.private_bytes(Encoding.PEM, form, encryption)


GOOD: list[tuple[str, bytes]] = [
    ("certificate, key", OURS.pem + key_of(OURS)),
    ("key, certificate", key_of(OURS) + OURS.pem),
    ("with its issuer", OURS.pem + INTERMEDIATE.pem + key_of(OURS)),
    ("a key of the old form", OURS.pem + key_of(OURS, TRADITIONAL)),
    ("with words between, and CRLF", (b"Our key\n" + key_of(OURS) + b"and:\n" + OURS.pem).replace(b"\n", b"\r\n")),
]


@pytest.mark.parametrize("pem", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_a_certificate_with_its_key_is_taken(pem: bytes) -> None:
    context = probing_context()
    present_certificate(context, pem)
    context.check_privatekey()


BAD: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "found no certificate"),
    ("no key", OURS.pem, "found no private key"),
    ("no certificate", key_of(OURS), "found no certificate"),
    ("another's key", OURS.pem + key_of(ANOTHERS), "not the first certificate's"),
    ("an encrypted key", OURS.pem + key_of(OURS, encrypted=True), "the key is encrypted"),
    ("an encrypted key of the old form", OURS.pem + key_of(OURS, TRADITIONAL, encrypted=True), "the key is encrypted"),
    ("a damaged key", OURS.pem + key_of(OURS).replace(b"M", b"N"), "the key can't be read"),
    ("a damaged certificate", OURS.pem.replace(b"M", b"N") + key_of(OURS), "a certificate in it can't be read"),
    ("octets", bytes(range(256)), "found no certificate"),
]


@pytest.mark.parametrize(("pem", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_cannot_be_used_is_refused_and_not_told(pem: bytes, words: str) -> None:
    with pytest.raises(ClientCertificateError, match=words) as refused:
        present_certificate(probing_context(), pem)
    told = str(refused.value)
    assert not any(len(line) > 20 and line.decode("latin-1") in told for line in pem.splitlines())
    assert refused.value.__context__ is None or refused.value.__suppress_context__
