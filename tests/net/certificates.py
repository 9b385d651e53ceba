"""Certificates and server contexts for tests: a chain of two, in files, for any protocol version."""

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.tls.issuing import authority, dns_names, issue

HOST = "mx.test"

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True)
class Served:
    """A chain as a server sends it, leaf first, and the file that has it with its key."""

    chain: tuple[bytes, ...]
    file: Path


def serve_chain(directory: Path) -> Served:
    """A leaf for HOST and the intermediate that issued it, in a file of the directory."""
    root = authority()
    intermediate = authority("Intermediate", by=root)
    leaf = issue(HOST, by=intermediate, extensions=[dns_names(HOST)])
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = directory / "chain.pem"
    file.write_bytes(leaf.pem + intermediate.pem + key)
    return Served((leaf.der, intermediate.der), file)


def server_context(served: Served, version: str | None = None) -> ssl.SSLContext:
    """Python's own server side; of one protocol version, if one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served.file)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old servers are what a probe meets
            context.minimum_version = context.maximum_version = VERSIONS[version]
    return context
