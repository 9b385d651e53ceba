"""Whether a server's certificate is one to give a message or a password to: the answer in words, or nothing."""

from collections.abc import Sequence
from datetime import datetime

from scanner.addresses import parse_address
from scanner.judgement.trust_reasons import trust_reason
from scanner.tls.certificates import CertificateDescription, describe_certificate
from scanner.tls.identity import NameMatch, match_certificate_name
from scanner.tls.trust import TrustStore

#: So many of a certificate's names are told.
MAX_NAMES_TOLD = 5


def judge_relay_certificate(chain: Sequence[bytes], reference: str, roots: TrustStore, at: datetime) -> str | None:
    """What is wrong with a chain (DER, leaf first) for a server of this name or address; None if nothing is.

    The path must lead to a root at that time, and the leaf must be for the reference identifier (RFC 9525 §6):
    a DNS-ID for a name, an iPAddress for an address (RFC 5280 §4.2.1.6).
    """
    if not chain:
        return "the server showed no certificate"
    leaf = describe_certificate(chain[0])
    result = roots.verify(chain, at)
    if not result.trusted:
        return f"the certificate is not trusted: {trust_reason(result, leaf, is_incomplete=False)}{_date(leaf, at)}"
    return _judge_name(reference, leaf)


def _date(leaf: CertificateDescription, at: datetime) -> str:
    """Since when or until when the leaf is not valid, if that is the matter."""
    if leaf.not_after is not None and leaf.not_after < at:
        return f" since {leaf.not_after:%Y-%m-%d}"
    if leaf.not_before is not None and leaf.not_before > at:
        return f" before {leaf.not_before:%Y-%m-%d}"
    return ""


def _judge_name(reference: str, leaf: CertificateDescription) -> str | None:
    address = _address_text(reference)
    if address is not None:
        addresses = leaf.ip_addresses or ()
        return None if address in addresses else f"the certificate is not for the address {address}: {_names(leaf)}"
    match match_certificate_name(reference, leaf.dns_names or (), leaf.common_names or ()):
        case NameMatch.matches:
            return None
        case NameMatch.only_common_name:
            return f"the certificate has {reference} as its common name only, which does not count (RFC 9525)"
        case NameMatch.no_match:
            return f"the certificate is not for {reference}: {_names(leaf)}"


def _address_text(reference: str) -> str | None:
    try:
        return str(parse_address(reference))
    except ValueError:
        return None


def _names(leaf: CertificateDescription) -> str:
    names = (*(leaf.dns_names or ()), *(leaf.ip_addresses or ()))
    if not names:
        return "it is for no name at all"
    more = f" and {len(names) - MAX_NAMES_TOLD} more" if len(names) > MAX_NAMES_TOLD else ""
    return f"it is for {', '.join(names[:MAX_NAMES_TOLD])}{more}"
