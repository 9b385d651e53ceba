"""A Postfix that takes mail: submission with SASL and TLS, an MX, and every way to refuse; what it delivered."""

import contextlib
import pwd
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.net.name_server import NameServer, Table

from .postfix import Postfix, configured_postfix
from .sasl_backend import AWAY, sasl_backend
from .smtpds import Smtpd

USER, PASSWORD = "me@real.test", "correct horse battery staple"
USERS = {USER: PASSWORD, AWAY: PASSWORD}
SIZE_LIMIT = 200_000

_TLS = "smtpd_tls_security_level=encrypt"
_MAY = "smtpd_tls_security_level=may"
_SIGNED_IN = (
    "smtpd_sasl_auth_enable=yes",
    "smtpd_tls_auth_only=yes",
    "smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination",
)
#: As postgrey, and others that Postfix asks, have it.
_GREYLISTED = "check_recipient_access static:{450 4.2.0 Greylisted, please try again in 300 seconds}"

#: Each is the host NAME.mx.real.test.
SERVICES = (
    Smtpd("submission", "127.82.0.1", "good", (_TLS, *_SIGNED_IN)),
    Smtpd("smtps", "127.82.0.2", "good", (_TLS, "smtpd_tls_wrappermode=yes", *_SIGNED_IN)),
    Smtpd("in", "127.82.0.3", "good", (_MAY, "smtpd_relay_restrictions=reject_unauth_destination")),
    Smtpd("clear", "127.82.0.4", "good", ("smtpd_sasl_auth_enable=yes", *_SIGNED_IN[2:])),
    Smtpd("stranger", "127.82.0.5", "stranger", (_TLS, *_SIGNED_IN)),
    Smtpd("another", "127.82.0.6", "wrong-name", (_TLS, *_SIGNED_IN)),
    Smtpd("expired", "127.82.0.7", "expired", (_TLS, *_SIGNED_IN)),
    Smtpd("users-only", "127.82.0.8", "good", (_TLS, *_SIGNED_IN,
          "smtpd_client_restrictions=permit_sasl_authenticated,reject")),
    Smtpd("own-sender", "127.82.0.9", "good", (_TLS, *_SIGNED_IN, "smtpd_sender_login_maps=static:somebody@else.test",
          "smtpd_sender_restrictions=reject_sender_login_mismatch")),
    Smtpd("silent-on-size", "127.82.0.10", "good", (_MAY, "smtpd_discard_ehlo_keywords=size",
          "smtpd_relay_restrictions=reject_unauth_destination")),
    Smtpd("greylists", "127.82.0.11", "good", (_MAY, "smtpd_relay_restrictions=reject_unauth_destination",
          f"smtpd_recipient_restrictions={_GREYLISTED}")),
    Smtpd("old", "127.82.0.12", "good", (_MAY, "smtpd_discard_ehlo_keywords=8bitmime,smtputf8,dsn,size",
          "smtpd_relay_restrictions=reject_unauth_destination")),
)  # fmt: skip

_MAIN_CF = """\
virtual_mailbox_domains = real.test
virtual_mailbox_base = {directory}/mail
virtual_mailbox_maps = inline:{{ {{ you@real.test = you/ }}, {{ they@real.test = they/ }} }}
virtual_minimum_uid = 1
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = SIZE_LIMIT
smtpd_sasl_type = dovecot
smtpd_sasl_path = SASL_PATH
smtpd_sasl_security_options = noanonymous
relay_transport = discard:
default_transport = discard:
smtputf8_enable = yes
"""

_MASTER_CF = """\
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
discard   unix - - n - - discard
virtual   unix - n n - - virtual
"""

_DELIVERED_WITHIN_S = 10.0


@dataclass(frozen=True)
class MailTaking:
    """The Postfix, a name server that knows its hosts, and settings for `mxscan send`."""

    postfix: Postfix
    resolver: str
    config: Path

    def relay(self, name: str) -> str:
        """A service as a relay."""
        return f"{name}.mx.real.test:{self.postfix.port}"

    def delivered(self, mailbox: str, message_id: str) -> bytes:
        """The message as it was put into a mailbox, with CRLF for its line ends; waits for it."""
        place = self.postfix.directory / "mail" / mailbox / "new"
        end = time.monotonic() + _DELIVERED_WITHIN_S
        while time.monotonic() < end:
            for path in place.glob("*"):
                octets = path.read_bytes()
                if message_id.encode() in octets:
                    return octets.replace(b"\n", b"\r\n")
            time.sleep(0.05)  # until Postfix's queue manager has had its turn
        raise AssertionError(f"{message_id} was not delivered:\n{self.postfix.log.read_text()[-3000:]}")


@contextlib.contextmanager
def mail_taking(directory: Path) -> Iterator[MailTaking]:
    """Everything, open while the block runs."""
    owner = pwd.getpwnam("nobody")
    with sasl_backend(USERS) as sasl_path:
        main_cf = _MAIN_CF
        for name, value in {
            "UID": owner.pw_uid,
            "GID": owner.pw_gid,
            "SASL_PATH": sasl_path,
            "SIZE_LIMIT": SIZE_LIMIT,
        }.items():
            main_cf = main_cf.replace(name, str(value))
        with configured_postfix(SERVICES, main_cf=main_cf, master_cf=_MASTER_CF) as postfix, NameServer(_zone()) as dns:
            mail = postfix.directory / "mail"
            mail.mkdir()
            mail.chmod(0o777)
            postfix.start()
            yield MailTaking(postfix, dns.server, _config(directory, postfix, dns))


def _zone() -> Table:
    table: Table = {
        f"{each.name}.mx.real.test A": [f"{each.name}.mx.real.test 60 A {each.address}"] for each in SERVICES
    }
    table["real.test MX"] = ["real.test 60 MX 10 in.mx.real.test."]
    return table


def _config(directory: Path, postfix: Postfix, dns: NameServer) -> Path:
    path = directory / "config.toml"
    path.write_text(
        f"""\
[dns]
servers = ["{dns.server}"]
lookup_s = 2.0
[probe]
port = {postfix.port}
ehlo_name = "scanner.test"
allow_networks = ["127.82.0.0/16"]
[trust]
ca_file = "{postfix.ca_file}"
[limits]
greeting_s = 1.5
""",
        encoding="utf-8",
    )
    return path
