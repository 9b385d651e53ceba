"""TLSA lines of a world: their data may name a certificate that is made only when a lab is open (world.Entry). Pure."""

import hashlib
import re
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: Issuers that have a certificate, and so can be an anchor.
ANCHORS = frozenset({"authority", "intermediate", "hidden", "private"})

_LINE = re.compile(r"(?P<before>.*\sTLSA\s+\d+\s+(?P<selector>\d+)\s+(?P<matching_type>\d+)\s+)\{(?P<name>[^{}]*)\}\s*")
_LEAF = re.compile(r"leaf:(?P<host>[^/]+)(?:/(?P<kind>.+))?")


class NamedCertificate(NamedTuple):
    """The certificate of an issuer; or the one that the server of that name has, or would have of that kind."""

    issuer: str | None = None
    host: str = ""
    kind: str | None = None


def named_certificate(line: str) -> NamedCertificate | None:
    """The certificate that a line names; None if it has its data."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    leaf = _LEAF.fullmatch(found["name"])
    return NamedCertificate(found["name"]) if leaf is None else NamedCertificate(None, leaf["host"], leaf["kind"])


def fill_in(line: str, certificate: bytes) -> str:
    """A line that names a certificate, with what its selector and matching type make of it (RFC 6698 §2.1)."""
    found = _LINE.fullmatch(line)
    if found is None:
        return line
    data = _association_data(certificate, int(found["selector"]), int(found["matching_type"]))
    return found["before"] + data.hex()


def _association_data(certificate: bytes, selector: int, matching_type: int) -> bytes:
    """For numbers that nobody has defined a digest of the certificate, which is as good as any."""
    selected = certificate
    if selector == 1:
        key = x509.load_der_x509_certificate(certificate).public_key()
        selected = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching_type == 0:
        return selected
    return (hashlib.sha512 if matching_type == 2 else hashlib.sha256)(selected).digest()
