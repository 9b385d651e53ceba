"""A Postfix that takes mail, signs users in by Cyrus SASL, and delivers into Maildirs; what its log says of us."""

import contextlib
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificates

from .delivering_services import OUR_DOMAINS, SERVICES
from .greylisting import greylisting
from .postfix import Postfix, configured_postfix
from .programs import find_program, require_programs, wait_until
from .sasl_backend import sasl_backend

USER = "me@taken.real.test"
#: With whatever an encoding changes: a character outside ASCII, `=`, `+`, `/`, a space.
PASSWORD = "gehäim=wört + 47/11"
SIZE_LIMIT = 200_000

#: Of each of its domains.
LOCAL_PARTS = ("me", "you", "they", "all", "jörg")

# What is not for its mailboxes is taken from users and goes nowhere. A report (DSN) goes to a mailbox again.
_MAIN_CF = """\
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {{directory}}/mail
virtual_mailbox_maps = texthash:{{directory}}/mailboxes
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
virtual_mailbox_limit = 0
message_size_limit = {size_limit}
header_checks = regexp:{{{{ {{{{ /^Subject:.*lottery/ REJECT No lotteries here }}}} }}}}
smtpd_sasl_local_domain = real.test
smtpd_sasl_security_options = noanonymous
relay_transport = discard:
default_transport = discard:
sasl_backend = {sasl_backend}
relay_clientcerts = texthash:{{directory}}/clients
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

_SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5
sasldb_path: {sasl}/users
"""

_NOBODY_TO_ASK = """\
pwcheck_method: saslauthd
saslauthd_path: {sasl}/nobody-listens-here
mech_list: PLAIN LOGIN
"""


@dataclass(frozen=True)
class DeliveringPostfix:
    """The Postfix, and what it did with what it took."""

    postfix: Postfix

    @property
    def our_certificate(self) -> Path:
        """A certificate that one of its relays knows, with its key."""
        return self.postfix.directory / "ours.pem"

    def relay(self, name: str) -> str:
        """A service as a relay."""
        return f"{name}.mx.real.test:{self.postfix.port}"

    def sessions(self, client: str, at_least: int = 0) -> list[str]:
        """What it counted in each session of a client's address: `ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1`.

        Of sessions in which something was said; waits for the ends of so many, and of all that have begun.
        """
        log = self.postfix.log
        wait_until(lambda: _have_ended(log.read_text(), client, at_least), f"the end of {client}'s session", log)
        return _ends(log.read_text(), client)

    def fates(self, message_id: str) -> set[str]:
        """What became of a message that it took in one session, `RECIPIENT STATUS`; waits until it left the queue."""
        log = self.postfix.log
        wait_until(lambda: bool(self._queue_ids(message_id)), message_id, log)
        (queue_id,) = self._queue_ids(message_id)
        wait_until(lambda: f": {queue_id}: removed" in log.read_text(), f"the end of {message_id}", log)
        status = rf": {queue_id}: to=<([^>]*)>,.* status=(\w+)"
        return {f"{recipient} {fate}" for recipient, fate in re.findall(status, log.read_text())}

    def was_queued(self, message_id: str) -> bool:
        """True if a message came into its queue; of a session that is over (`sessions`)."""
        log = self.postfix.log.read_text()
        return any(re.search(rf"/qmgr\[\d+\]: {queue_id}: ", log) for queue_id in self._queue_ids(message_id))

    def _queue_ids(self, message_id: str) -> list[str]:
        """Under which names it got a message, in whole or in part."""
        got = rf"/cleanup\[\d+\]: (\w+): message-id={re.escape(message_id)}$"
        return re.findall(got, self.postfix.log.read_text(), re.MULTILINE)

    def delivered(self, mailbox: str, text: bytes) -> list[bytes]:
        """The messages in a mailbox that have a text, with CRLF for their line ends; waits for the first."""
        found: list[bytes] = []

        def look() -> bool:
            new = self.postfix.directory / "mail" / mailbox / "new"
            octets = (path.read_bytes().replace(b"\n", b"\r\n") for path in new.glob("*"))
            found.extend(each for each in octets if text in each)
            return bool(found)

        wait_until(look, f"{text!r} in {mailbox}", self.postfix.log)
        return found


def _have_ended(log: str, client: str, at_least: int) -> bool:
    begun, ended = (log.count(f": {word} from unknown[{client}]") for word in ("connect", "disconnect"))
    return begun <= ended and len(_ends(log, client)) >= at_least


def _ends(log: str, client: str) -> list[str]:
    pattern = rf": disconnect from unknown\[{re.escape(client)}\] (.*) commands=\S+$"
    return re.findall(pattern, log, re.MULTILINE)


@contextlib.contextmanager
def delivering_postfix() -> Iterator[DeliveringPostfix]:
    """It runs while the block runs."""
    require_programs("postfix", "saslpasswd2")
    with sasl_backend({USER: PASSWORD}) as backend:
        main_cf = _MAIN_CF.format(
            domains=" ".join(OUR_DOMAINS),
            owner=pwd.getpwnam("nobody"),
            size_limit=SIZE_LIMIT,
            sasl_backend=backend,
        )
        with configured_postfix(SERVICES, main_cf=main_cf, master_cf=_MASTER_CF) as postfix:
            it = DeliveringPostfix(postfix)
            _make_mailboxes(postfix.directory)
            _make_users(postfix.directory)
            _make_us_known(it)
            postfix.start()
            with greylisting(postfix.directory / "data/greylisting"):
                yield it


def _make_mailboxes(directory: Path) -> None:
    mailboxes = [f"{local_part}@{domain}" for domain in OUR_DOMAINS for local_part in LOCAL_PARTS]
    (directory / "mailboxes").write_text("".join(f"{each} {each}/\n" for each in mailboxes), encoding="utf-8")
    (directory / "mail").mkdir()
    shutil.chown(directory / "mail", "nobody")


def _make_users(directory: Path) -> None:
    sasl = directory / "etc/sasl"  # where Debian's Postfix looks for Cyrus SASL's settings
    sasl.mkdir()
    (sasl / "smtpd.conf").write_text(_SASL.format(sasl=sasl), encoding="ascii")
    (sasl / "away.conf").write_text(_NOBODY_TO_ASK.format(sasl=sasl), encoding="ascii")
    program = find_program("saslpasswd2")
    assert program is not None
    user, _, realm = USER.partition("@")
    command = [program, "-p", "-c", "-f", str(sasl / "users"), "-u", realm, user]
    subprocess.run(command, input=PASSWORD.encode(), check=True, timeout=30)
    shutil.chown(sasl / "users", group="postfix")


def _make_us_known(it: DeliveringPostfix) -> None:
    certificate, *_ = load_pem_x509_certificates(it.our_certificate.read_bytes())
    fingerprint = certificate.fingerprint(SHA256()).hex(":").upper()
    (it.postfix.directory / "clients").write_text(f"{fingerprint} us\n", encoding="ascii")
