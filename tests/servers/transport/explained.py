"""Where a tool says something else than the table of configurations does, and why."""

from dataclasses import dataclass

from .opinions import Dane, Tool, WebPki


@dataclass(frozen=True)
class Difference:
    """What the tool says instead, and why it does."""

    says: Dane | WebPki
    why: str


_COMMON_NAME = Difference(
    WebPki.verified,
    "RFC 9525 §6.3 knows DNS-IDs only; OpenSSL still takes a common name where there is none (RFC 6125 §6.4.4). For"
    " mxscan that is a no of its own, certificate-name-in-cn-only",
)
_SECURITY_LEVEL = Difference(
    WebPki.not_trusted,
    "Debian's OpenSSL wants keys of 112 bits of security (SECLEVEL=2, error 66), Postfix does not, and no RFC makes a"
    " short key an untrusted one. For mxscan that is certificate-weak-key",
)
_LAST_ERROR = Difference(
    WebPki.wrong_name,
    "two things are wrong, and posttls-finger tells one; mxscan and OpenSSL tell both, here counted as not trusted",
)

EXPLAINED: dict[tuple[str, Tool], Difference] = {
    ("ta-old", Tool.posttls_finger_dane): Difference(
        Dane.authenticated,
        "RFC 7671 §5.2 does not say whether an anchor may be out of date, RFC 5280 §6.1.1 knows no dates of anchors:"
        " OpenSSL looks at those of one that is self-issued (ta-old-root), and not at those of an intermediate. Go's"
        " verifier looks at all, and so does mxscan: senders differ, and such a host is not safe",
    ),
    ("mx-insecure-next-hop", Tool.posttls_finger_dane): Difference(
        Dane.host_only,
        'RFC 7672 §3.2.2: with insecure MX "the MX hostname is the only reference identifier"; Postfix takes the'
        " domain's name as well",
    ),
    ("backup-of-wrong", Tool.posttls_finger_dane): Difference(
        Dane.not_authenticated,
        "RFC 7672 §2.2: a sender goes on to the next MX host; posttls-finger delivers nothing, and so it stops at the"
        " first one that it can talk to",
    ),
    ("mx-bogus", Tool.openssl): Difference(WebPki.verified, "OpenSSL is told the host, it knows no MX records"),
    ("ee-weak", Tool.openssl): _SECURITY_LEVEL,
    ("web-weak", Tool.openssl): _SECURITY_LEVEL,
    ("ta-cn-only", Tool.openssl): _COMMON_NAME,
    ("ta-cn-only", Tool.posttls_finger_secure): _COMMON_NAME,
    ("web-cn-only", Tool.openssl): _COMMON_NAME,
    ("web-cn-only", Tool.posttls_finger_secure): _COMMON_NAME,
    ("ta-private-name", Tool.posttls_finger_secure): _LAST_ERROR,
    ("web-expired-wrong-name", Tool.posttls_finger_secure): _LAST_ERROR,
}
