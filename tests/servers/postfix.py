"""A Postfix of our own: one smtpd per address of 127.80.0.0/16, each with its certificate and its manners."""

import contextlib
import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.lab.authority import Authority, ServerCertificate
from scanner.lab.world import CertificateKind

from .programs import cannot_run, find_program, free_port, require_programs, wait_until


@dataclass(frozen=True)
class Smtpd:
    """One smtpd: where it listens, which of the certificates it has, its own parameters."""

    address: str
    certificate: str = "good"
    parameters: tuple[str, ...] = ()


_OUR_HOSTS = ("*.mx.real.test",)
CERTIFICATES = {
    "good": CertificateKind(names=_OUR_HOSTS, issuer="intermediate"),
    "wrong-name": CertificateKind(names=("another.example",), common_name="another.example"),
    "expired": CertificateKind(names=_OUR_HOSTS, starts_days=-90, ends_days=-2),
    "self-signed": CertificateKind(names=_OUR_HOSTS, issuer="self"),
    "stranger": CertificateKind(names=_OUR_HOSTS, issuer="stranger"),
    "incomplete": CertificateKind(names=_OUR_HOSTS, issuer="intermediate", send_intermediate=False),
}

_MAY = "smtpd_tls_security_level=may"
_AT_ONCE = "smtpd_delay_reject=no"

SMTPDS = (
    Smtpd("127.80.0.1", "good", (_MAY,)),
    Smtpd("127.80.0.2", "wrong-name", (_MAY,)),
    Smtpd("127.80.0.3", "expired", (_MAY,)),
    Smtpd("127.80.0.4", "self-signed", (_MAY,)),
    Smtpd("127.80.0.5", "stranger", (_MAY,)),
    Smtpd("127.80.0.6"),
    Smtpd("127.80.0.7", "good", (_MAY, "smtpd_discard_ehlo_keywords=starttls")),
    Smtpd("127.80.0.8", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=reject")),
    Smtpd("127.80.0.9", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=defer")),
    Smtpd("127.80.0.10", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=sleep 1")),
    Smtpd("127.80.0.11", "good", (_MAY, _AT_ONCE, "smtpd_helo_restrictions=reject")),
    Smtpd("127.80.0.12", "good", ("smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt")),
    Smtpd("127.80.0.13", "incomplete", (_MAY,)),
)

# Nothing here looks up a name or a user, and nobody is written to (notify_classes): no mail is ever queued.
_MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {directory}/spool
data_directory = {directory}/data
maillog_file = {directory}/log/mail.log
maillog_file_prefixes = {directory}/log
myhostname = postfix.real.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
"""

_SERVICES = """\
postlog   unix-dgram n - n - 1 postlogd
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -   - trivial-rewrite
proxymap  unix - - n -   - proxymap
anvil     unix - - n -   1 anvil
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: its one port, the CA of its good certificates, its log."""

    port: int
    ca_file: Path
    log: Path


@contextlib.contextmanager
def postfix() -> Iterator[Postfix]:
    """A Postfix with every smtpd of SMTPDS, as a context. Root only: its master starts as nobody else."""
    require_programs("postfix")
    if os.geteuid() != 0:
        cannot_run("Postfix is started by root only")
    # Not below pytest's own directory, which nobody but its owner may enter: smtpd runs as `postfix`.
    with tempfile.TemporaryDirectory(prefix="mxscan-postfix-") as made:
        directory = Path(made)
        directory.chmod(0o755)
        server = _configure(directory)
        _postfix(directory, "start")
        try:
            wait_until(lambda: _all_listen(server.port), "Postfix", server.log)
            yield server
        finally:
            _postfix(directory, "stop")


def _configure(directory: Path) -> Postfix:
    for name in ("etc", "spool", "data", "log"):
        (directory / name).mkdir(mode=0o755)
    shutil.chown(directory / "data", pwd.getpwnam("postfix").pw_uid)
    port = free_port([smtpd.address for smtpd in SMTPDS])
    _write_certificates(directory)
    (directory / "etc/main.cf").write_text(_MAIN_CF.format(directory=directory), encoding="utf-8")
    listeners = "".join(_master_line(smtpd, port, directory) for smtpd in SMTPDS)
    (directory / "etc/master.cf").write_text(_SERVICES + listeners, encoding="utf-8")
    return Postfix(port, directory / "ca.pem", directory / "log/mail.log")


def _master_line(smtpd: Smtpd, port: int, directory: Path) -> str:
    chain = f"smtpd_tls_chain_files={directory}/{smtpd.certificate}.pem"
    options = "".join(f"  -o {{ {parameter} }}\n" for parameter in (chain, *smtpd.parameters))
    return f"{smtpd.address}:{port} inet n - n - - smtpd\n{options}"


def _write_certificates(directory: Path) -> None:
    authority = Authority(directory / "authority", dt.datetime.now(dt.UTC).date())
    (directory / "ca.pem").write_bytes(authority.roots_pem)
    for name, kind in CERTIFICATES.items():
        (directory / f"{name}.pem").write_bytes(_pem(authority.certificate(kind, "mx.real.test")))


def _pem(certificate: ServerCertificate) -> bytes:
    """Key and chain in one file, the key first, as smtpd_tls_chain_files wants them."""
    key = certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + certificate.chain_pem


def _postfix(directory: Path, verb: str) -> None:
    program = find_program("postfix")
    assert program is not None
    done = subprocess.run(
        [program, "-c", str(directory / "etc"), verb], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        raise RuntimeError(f"postfix {verb}: exit {done.returncode}: {done.stderr}")


def _all_listen(port: int) -> bool:
    return all(_listens(smtpd.address, port) for smtpd in SMTPDS)


def _listens(address: str, port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((address, port)) == 0
