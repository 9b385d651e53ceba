"""A Postfix of our own: one service per address of 127.80.0.0/16, each with its certificate and its manners."""

import contextlib
import datetime as dt
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.lab.authority import Authority, ServerCertificate

from .programs import can_bind, cannot_run, find_program, free_port, require_programs, wait_until
from .smtpds import CERTIFICATES, RATE_UNIT_S, Smtpd

# Nothing here looks up a name or a user, and nobody is written to (notify_classes): no mail is ever queued.
# A client counts as one of its network, so limits are for all (event_limit_exceptions).
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
smtpd_client_event_limit_exceptions =
anvil_rate_time_unit = {rate_unit_s}s
smtpd_error_sleep_time = 0
postscreen_cache_map =
postscreen_greet_wait = 1s
postscreen_greet_action = enforce
postscreen_watchdog_timeout = 30s
"""

_SERVICES = """\
postlog   unix-dgram n - n - 1 postlogd
tlsmgr    unix - - n 1000? 1 tlsmgr
tlsproxy  unix - - n -   0 tlsproxy
  -o {{ smtpd_tls_security_level=may }}
  -o {{ smtpd_tls_chain_files={directory}/good.pem }}
rewrite   unix - - n -   - trivial-rewrite
proxymap  unix - - n -   - proxymap
anvil     unix - - n -   1 anvil
smtpd     pass - - n -   - smtpd
  -o {{ smtpd_tls_security_level=may }}
  -o {{ smtpd_tls_chain_files={directory}/good.pem }}
"""


@dataclass(frozen=True)
class Postfix:
    """A Postfix: its addresses and their one port, the CA of its good certificates, its log."""

    directory: Path
    addresses: tuple[str, ...]
    port: int

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def log(self) -> Path:
        return self.directory / "log/mail.log"

    def start(self) -> None:
        """Starts it; it listens when this returns."""
        self._run("start")
        wait_until(lambda: not any(can_bind(address, self.port) for address in self.addresses), "Postfix", self.log)

    def stop(self) -> None:
        """Stops it, if it was ever started."""
        if self._command("status").returncode == 0:
            self._run("stop")

    def connections(self, name: str) -> int:
        """How many connections the service of that name has logged so far."""
        return len(self._logged(name, ": connect from "))

    def ends(self, name: str) -> list[str]:
        """What that service logged at the end of each session so far: `… ehlo=2 starttls=1 quit=1 commands=4`."""
        return self._logged(name, ": disconnect from ")

    def _logged(self, name: str, words: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if f" postfix/{name}/" in line and words in line]

    def _run(self, verb: str) -> None:
        done = self._command(verb)
        if done.returncode != 0:
            raise RuntimeError(f"postfix {verb}: exit {done.returncode}: {done.stderr}")

    def _command(self, verb: str) -> "subprocess.CompletedProcess[str]":
        program = find_program("postfix")
        assert program is not None
        command = [program, "-c", str(self.directory / "etc"), verb]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@contextlib.contextmanager
def configured_postfix(
    smtpds: Sequence[Smtpd], *, port: int | None = None, main_cf: str = "", master_cf: str = ""
) -> Iterator[Postfix]:
    """A Postfix with these services, not started yet, as a context. Root only: its master starts as nobody else.

    What is in `main_cf` is appended, so it overrides; `master_cf` has services beside these. In both {directory} is
    where it lives.
    """
    require_programs("postfix")
    if os.geteuid() != 0:
        cannot_run("Postfix is started by root only")
    # Not below pytest's own directory, which nobody but its owner may enter: smtpd runs as `postfix`.
    with tempfile.TemporaryDirectory(prefix="mxscan-postfix-") as made:
        directory = Path(made)
        directory.chmod(0o755)
        addresses = tuple(smtpd.address for smtpd in smtpds)
        server = Postfix(directory, addresses, port or free_port(addresses))
        _configure(server, smtpds, main_cf, master_cf)
        try:
            yield server
        finally:
            server.stop()


def _configure(server: Postfix, smtpds: Sequence[Smtpd], more_main_cf: str, more_master_cf: str) -> None:
    directory = server.directory
    for name in ("etc", "spool", "data", "log"):
        (directory / name).mkdir(mode=0o755)
    shutil.chown(directory / "data", pwd.getpwnam("postfix").pw_uid)
    _write_certificates(directory)
    main_cf = _without_earlier(_MAIN_CF + more_main_cf).format(directory=directory, rate_unit_s=RATE_UNIT_S)
    (directory / "etc/main.cf").write_text(main_cf, encoding="utf-8")
    listeners = "".join(_master_line(smtpd, server.port, directory) for smtpd in smtpds)
    services = (_SERVICES + more_master_cf).format(directory=directory)
    (directory / "etc/master.cf").write_text(services + listeners, encoding="utf-8")


def _without_earlier(main_cf: str) -> str:
    """Each parameter once, as it is given last: Postfix warns of others."""
    parameters: dict[str, str] = {}
    for line in main_cf.splitlines():
        name, _, value = line.partition(" =")
        parameters[name] = value.strip()
    return "".join(f"{name} = {value}\n" for name, value in parameters.items())


def _master_line(smtpd: Smtpd, port: int, directory: Path) -> str:
    own = (f"syslog_name=postfix/{smtpd.name}", f"smtpd_tls_chain_files={directory}/{smtpd.certificate}.pem")
    options = "".join(f"  -o {{ {parameter} }}\n" for parameter in (*own, *smtpd.parameters))
    at_most = 1 if smtpd.program == "postscreen" else "-"
    return f"{smtpd.address}:{port} inet n - n - {at_most} {smtpd.program}\n{options}"


def _write_certificates(directory: Path) -> None:
    authority = Authority(directory / "authority", dt.datetime.now(dt.UTC).date())
    (directory / "ca.pem").write_bytes(authority.roots_pem)
    for name, kind in CERTIFICATES.items():
        (directory / f"{name}.pem").write_bytes(_pem(authority.certificate(kind, "mx.real.test")))


def _pem(certificate: ServerCertificate) -> bytes:
    """Key and chain in one file, the key first, as smtpd_tls_chain_files wants them."""
    key = certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + certificate.chain_pem
