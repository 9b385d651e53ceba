"""The sink's certificate, from the lab's authority: `python -m benchmarks.certificates DIRECTORY`.

A process of its own, because the memory of the one that starts a scan would count as the scan's (usage.py).
"""

import datetime as dt
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.lab.authority import Authority
from scanner.lab.world import CertificateKind

#: In the directory: the root to trust; what the sink serves (leaf, intermediate, and the leaf's key).
ROOT_FILE, SERVED_FILE = "root.pem", "served.pem"


def write_certificates(directory: Path) -> None:
    """One certificate for all mail hosts, as a large provider has it."""
    authority = Authority(directory / "authority", dt.datetime.now(dt.UTC).date())
    kind = CertificateKind(names=("*.bench.lab",), issuer="intermediate")
    certificate = authority.certificate(kind, "bench.lab")
    key = certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / ROOT_FILE).write_bytes(authority.roots_pem)
    (directory / SERVED_FILE).write_bytes(certificate.chain_pem + key)


if __name__ == "__main__":
    write_certificates(Path(sys.argv[1]))
