"""A bundle of trusted roots in PEM (RFC 7468 §5) → the DER of each."""

import re
from base64 import b64decode

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_WHITE_SPACE = re.compile(rb"\s+")


def parse_roots(pem: bytes) -> tuple[bytes, ...]:
    """The certificates of a bundle, in order, each once; text between them is ignored (RFC 7468 §2).

    Raises ValueError for a bundle without any, and for a block that is no Base64, with its number.
    """
    roots = [_decode(number, block) for number, block in enumerate(_CERTIFICATE.findall(pem), 1)]
    if not roots:
        raise ValueError("no certificate (-----BEGIN CERTIFICATE-----) in the bundle of roots")
    return tuple(dict.fromkeys(roots))


def _decode(number: int, block: bytes) -> bytes:
    try:
        return b64decode(_WHITE_SPACE.sub(b"", block), validate=True)
    except ValueError as error:
        raise ValueError(f"certificate {number} in the bundle of roots is no Base64: {error}") from error
