"""Why the path of a certificate is trusted or not, in words of ours for OpenSSL's numeric codes."""

from scanner.tls.certificates import CertificateDescription
from scanner.tls.trust import TrustResult
from scanner.tls.weaknesses import weak_key, weak_signature

#: The path ends at a certificate whose issuer nobody sent and nobody trusts.
UNKNOWN_ISSUER = frozenset({2, 20, 21})

INCOMPLETE = "incomplete: verifies with a known intermediate"

#: The X509_V_ERR_* of OpenSSL's x509_vfy.h that are told apart; for all others its own text stands.
_ABOUT_THE_PATH = {
    2: "unknown issuer",
    18: "self-signed",
    19: "self-signed in the chain",
    20: "unknown issuer",
    21: "unknown issuer",
}
_ABOUT_A_CERTIFICATE = {
    9: "not yet valid",
    10: "expired",
    26: "wrong purpose",
    66: "weak key",
    67: "weak key",
    68: "weak signature",
}


def trust_reason(result: TrustResult, leaf: CertificateDescription, *, is_incomplete: bool) -> str:
    """A result of path validation in words; `is_incomplete` if it would be good with a certificate known here."""
    if result.trusted is None:
        return "unreadable"
    if result.trusted:
        return f"trusted{_weakness(leaf)}"
    if is_incomplete:
        return INCOMPLETE
    code = result.code or 0
    if words := _ABOUT_THE_PATH.get(code):
        return words
    return _ABOUT_A_CERTIFICATE.get(code, result.text) + _place(result)


def _weakness(leaf: CertificateDescription) -> str:
    """OpenSSL takes it at the security level of a scan; senders at a higher one do not."""
    if key := weak_key(leaf):
        return f", but weak key: {key}"
    if signature := weak_signature(leaf):
        return f", but weak signature: {signature}"
    return ""


def _place(result: TrustResult) -> str:
    return f" (certificate {result.depth} of the path)" if result.depth else ""
