"""The tables of DANE authentication, asked of OpenSSL's own implementation over a real handshake on loopback."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.policy.dane import Authentication, authenticate
from scanner.policy.result_types import ResultType
from scanner.policy.tlsa import TlsaRecord
from tests.tls.issuing import MX, NOW, Issued

from . import test_dane

pytestmark = pytest.mark.acceptance

CERTIFICATES = {value.der: value for value in vars(test_dane).values() if isinstance(value, Issued)}
CASES = [([record], chain, why) for record, chain, _, why in test_dane.ONE_RECORD] + [
    (list(test_dane.tlsa_of(*ignored, *unmatched, *matched)), test_dane.GOOD, why)
    for matched, unmatched, ignored, why in test_dane.SEVERAL_RECORDS
]


@contextmanager
def served(chain: list[bytes], directory: Path) -> Iterator[int]:
    """The port on 127.0.0.1 of a server that shows this chain, to one client."""
    leaf, *others = [CERTIFICATES[der] for der in chain]
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "leaf.pem").write_bytes(leaf.pem + key)
    (directory / "others.pem").write_bytes(b"".join(other.pem for other in others))
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(directory / "leaf.pem")]
    command += ["-cert_chain", str(directory / "others.pem")] if others else []
    # It ends with its standard input, so that has to stay.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            assert server.stdout is not None
            accepts = next(line for line in server.stdout if line.startswith(b"ACCEPT"))
            yield int(accepts.rpartition(b":")[2])
        finally:
            server.kill()


def openssls_opinion(port: int, records: list[TlsaRecord]) -> tuple[Authentication, int | None]:
    """What `openssl s_client` makes of the records, and its number of what is wrong."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief", "-attime", f"{NOW.timestamp():.0f}"]
    # RFC 7672 §3.1.1: names do not matter for DANE-EE(3). Here MX is the only reference identifier.
    command += ["-dane_tlsa_domain", MX, "-dane_ee_no_namechecks"]
    for record in records:
        command += ["-dane_tlsa_rrdata", str(record)]
    ended = subprocess.run(command, input="Q\n", capture_output=True, text=True, timeout=30, check=False)
    told = ended.stdout + ended.stderr
    if "Verification: OK" in told and "DANE TLSA" in told:
        return Authentication.authenticated, None
    number = re.search(r"verify error:num=(\d+)", told)
    assert number is not None, told
    return Authentication.not_matched, int(number[1])


@pytest.mark.parametrize(("records", "chain", "why"), CASES)
def test_openssl_says_the_same(tmp_path: Path, records: list[TlsaRecord], chain: list[bytes], why: str) -> None:
    with served(chain, tmp_path) as port:
        authentication, number = openssls_opinion(port, records)
    ours = authenticate(records, chain, (MX,), NOW)
    assert ours.authentication == authentication, why
    # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH
    assert (ours.failure == ResultType.certificate_expired) is (number == 10), why
    assert (ours.failure == ResultType.certificate_host_mismatch) is (number == 62), why
