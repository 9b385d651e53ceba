"""The certificates of the mail hosts: each kind is a leaf, who signed it, and what is sent along with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.tls.issuing import Issued, Key, authority, dns_names, issue, purposes

_TODAY = datetime.now(UTC)
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string
_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string

Signer = Literal["root", "intermediate", "old-intermediate", "stranger", "old-stranger", "itself"]


@dataclass(frozen=True)
class Kind:
    """`{host}` and `{domain}` stand for the names of the mail host and of the domain; `sends` follows the leaf."""

    names: tuple[str, ...] = ("{host}",)
    common_name: str = ""
    signed_by: Signer = "intermediate"
    sends: tuple[Signer, ...] = ("intermediate",)
    days: tuple[int, int] = (-30, 60)
    key: Literal["p256", "rsa2048", "rsa1024"] = "p256"
    purpose: str = _SERVER


_ANOTHER = ("another.example",)
_PAST = (-90, -2)

KINDS = {
    "good": Kind(),
    "rsa": Kind(key="rsa2048"),
    "weak": Kind(key="rsa1024"),
    "wrong-name": Kind(_ANOTHER),
    "next-hop-name": Kind(("{domain}",)),
    "expanded-name": Kind(("to.{domain}",)),
    "wildcard": Kind(("*.{domain}",)),
    "cn-only": Kind((), "{host}"),
    "cn-beside": Kind(_ANOTHER, "{host}"),
    "expired": Kind(days=_PAST),
    "expired-wrong-name": Kind(_ANOTHER, days=_PAST),
    "not-yet": Kind(days=(2, 90)),
    "client-only": Kind(purpose=_CLIENT),
    "self-signed": Kind(signed_by="itself", sends=()),
    "from-the-root": Kind(signed_by="root", sends=()),
    "incomplete": Kind(sends=()),
    "whole-chain": Kind(sends=("intermediate", "root")),
    "out-of-order": Kind(sends=("root", "intermediate")),
    "old-intermediate": Kind(signed_by="old-intermediate", sends=("old-intermediate",)),
    "stranger": Kind(signed_by="stranger", sends=()),
    "stranger-sent": Kind(signed_by="stranger", sends=("stranger",)),
    "stranger-wrong-name": Kind(_ANOTHER, signed_by="stranger", sends=("stranger",)),
    "old-stranger": Kind(signed_by="old-stranger", sends=("old-stranger",)),
}


@dataclass(frozen=True)
class Served:
    """What a mail host shows."""

    chain: tuple[Issued, ...]

    @property
    def pem(self) -> bytes:
        """The key and the chain, the leaf first, as `smtpd_tls_chain_files` wants them."""
        key = self.chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + b"".join(issued.pem for issued in self.chain)


class Authorities:
    """A root that is trusted and what it vouches for; a stranger; some that are of the past; and nobody."""

    def __init__(self) -> None:
        begins = _TODAY - timedelta(days=1000)
        soon, past = _TODAY + timedelta(days=1000), _TODAY - timedelta(days=2)
        root = authority("Root", starts=begins, ends=soon)
        self._issued = {
            "root": root,
            "intermediate": authority("Intermediate", by=root, starts=begins, ends=soon),
            "old-intermediate": authority("Old intermediate", by=root, starts=begins, ends=past),
            "stranger": authority("Stranger", starts=begins, ends=soon),
            "old-stranger": authority("Old stranger", starts=begins, ends=past),
            "nobody": issue("nobody.example", starts=begins, ends=soon),
        }

    @property
    def roots_pem(self) -> bytes:
        return self._issued["root"].pem

    def serve(self, kind: Kind, host: str, domain: str) -> Served:
        """What a host of a domain shows if its certificate is of that kind."""
        names = [name.format(host=host, domain=domain) for name in kind.names]
        starts, ends = (_TODAY + timedelta(days=days) for days in kind.days)
        leaf = issue(
            kind.common_name.format(host=host),
            by=self._issued.get(kind.signed_by),
            key=_make_key(kind.key),
            starts=starts,
            ends=ends,
            extensions=[purposes(kind.purpose), *([dns_names(*names)] if names else [])],
            serial=x509.random_serial_number(),
        )
        return Served((leaf, *(self._issued[signer] for signer in kind.sends)))

    def tlsa(self, text: str, served: Served | None) -> str:
        """A TLSA record from `USAGE SELECTOR MATCHING_TYPE OF`: the leaf, one of ours, or digits as they are."""
        usage, selector, matching_type, of = text.split()
        issued = served.chain[0] if served is not None and of == "leaf" else self._issued.get(of)
        data = of if issued is None else _association(issued.certificate, int(selector), int(matching_type)).hex()
        return f"{usage} {selector} {matching_type} {data}"


def _association(certificate: x509.Certificate, selector: int, matching_type: int) -> bytes:
    """RFC 6698 §2.1.4. What nobody has defined is made as the whole certificate, and as a SHA2-256."""
    selected = certificate.public_bytes(Encoding.DER)
    if selector == 1:
        selected = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching_type == 0:
        return selected
    return (sha512 if matching_type == 2 else sha256)(selected).digest()


def _make_key(kind: str) -> Key:
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
