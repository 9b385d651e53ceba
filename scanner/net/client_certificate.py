"""Our own certificate in a handshake, for servers that ask who we are."""

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.+?-----END (?:[A-Z]+ )*PRIVATE KEY-----", re.DOTALL)

#: What certificates for TLS have (RFC 8446 §4.2.3).
_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


class ClientCertificateError(ValueError):
    """A file that holds no certificate with its key. The message has nothing of what is in it."""


def present_certificate(context: SSL.Context, pem: bytes) -> None:
    """Has a context show the first certificate of a PEM file, with those after it, to servers that ask for one.

    The key stands in the same file, not encrypted. Raises ClientCertificateError.
    """
    certificates = [_load_certificate(match) for match in _CERTIFICATE.findall(pem)]
    key = _KEY.search(pem)
    if not certificates or key is None:
        missing = "certificate" if not certificates else "private key"
        raise ClientCertificateError(f"expected a certificate and its key in PEM, found no {missing}")
    try:
        context.use_certificate(certificates[0])
        for issuer in certificates[1:]:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey(_load_key(key[0]))
        context.check_privatekey()
    except SSL.Error:
        raise ClientCertificateError("the key is not the first certificate's, or OpenSSL refuses one of them") from None


def _load_certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion):
        raise ClientCertificateError("a certificate in it can't be read") from None


def _load_key(pem: bytes) -> _Key:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ClientCertificateError(
            "the key is encrypted: decrypt it first (openssl pkey -in FILE), into a file that only you may read"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ClientCertificateError("the key can't be read") from None
    if not isinstance(key, _Key):
        raise ClientCertificateError("the key is of a kind that no certificate for TLS has")
    return key
