"""The relay of the month: STARTTLS with a certificate of our own authority, a user to sign in as, and its bad days."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.acceptance.month.nights import RelayDoes
from tests.net.certificates import Served, server_context
from tests.net.mail_relay import Behaviour, MailRelay
from tests.net.scripted import new_address, unused_port
from tests.tls.issuing import DAY, authority, issue

USER, PASSWORD = "watch", "correct horse"
_OFFERS = ("SIZE 10000000", "ENHANCEDSTATUSCODES", "AUTH PLAIN")


class Relay:
    """A relay at one address, for every night anew; its root certificate is in `roots`."""

    def __init__(self, home: Path) -> None:
        self.roots = home / "relay-root.pem"
        self.password_file = home / "password"
        self.password_file.write_text(PASSWORD)
        self._address = new_address()
        self._served = self._certified(home / "relay.pem")

    def tonight(self, does: RelayDoes) -> MailRelay | None:
        """The server of a night; the kernel takes connections already, and they are answered once it is entered."""
        if does == "is gone":
            return None
        says = {"MAIL": "451 4.3.2 no time now"} if does == "has no time" else {}
        return MailRelay(Behaviour(says, _OFFERS, server_context(self._served)), self._address)

    def place(self, server: MailRelay | None) -> str:
        """For --relay: where it is, or where nothing listens."""
        return f"{self._address}:{server.port if server else unused_port(self._address)}"

    def _certified(self, file: Path) -> Served:
        """A certificate for the address. Whose it is, is verified by the machine's clock: its dates are not played."""
        now = datetime.now(UTC)
        root = authority(starts=now - DAY, ends=now + DAY)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(self._address))])
        leaf = issue("relay", by=root, extensions=[(names, False)], starts=now - DAY, ends=now + DAY)
        self.roots.write_bytes(root.pem)
        file.write_bytes(leaf.pem + leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Served((leaf.der,), file)
