"""A chain as a session was served it: what mail hosts and domains are judged by, beside what it says at once."""

from dataclasses import dataclass
from datetime import datetime

from scanner.records import JudgedCertificate
from scanner.tls.certificates import CertificateDescription
from scanner.tls.identity import NameMatch, match_certificate_name


@dataclass(frozen=True, slots=True)
class Leaf:
    """A server's own certificate, described; one for all sessions that were served it.

    `names` are its DNS-IDs in lower case, `not_after` is the text of a record.
    """

    description: CertificateDescription
    not_after: str | None
    names: frozenset[str]

    def may_name(self, name: str, wildcard: str) -> bool:
        """False if it surely is not for a name, nor for the wildcard that would cover it."""
        return name in self.names or wildcard in self.names

    def match(self, reference: str) -> NameMatch | None:
        """How it fits a name (RFC 9525); None if its names cannot be read."""
        described = self.description
        if described.dns_names is None:
            return None
        return match_certificate_name(reference, described.dns_names, described.common_names or ())


@dataclass(frozen=True, slots=True)
class Served:
    """A chain (DER, the leaf first) and when the session was that it was served in, to the second."""

    chain: tuple[bytes, ...]
    leaf: Leaf
    at: datetime
    certificate: JudgedCertificate


def wildcard_for(name: str) -> str:
    """The wildcard that covers a name (RFC 9525 §6.3)."""
    return f"*.{name.partition('.')[2]}"
