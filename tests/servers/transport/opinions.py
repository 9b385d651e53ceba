"""What mxscan and the tools say of a mail host, in the same words. Pure; ValueError for what is not understood."""

import re
from collections.abc import Callable
from enum import StrEnum

from scanner.outcomes import VerdictValue
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.policy.tls_discovery import Requirement
from scanner.records import Domain


class Dane(StrEnum):
    """What a sender with DANE finds at the host that it would deliver to (RFC 7672 §2.2), or at the only one.

    `host_only`: the host is authenticated, the MX record that names it is not. `encrypted`: no record is of use; TLS
    is required, and no certificate.
    """

    authenticated = "authenticated"
    host_only = "host_only"
    encrypted = "encrypted"
    opportunistic = "opportunistic"
    not_authenticated = "not_authenticated"
    no_tls = "no_tls"
    lookup_failed = "lookup_failed"
    unknown = "unknown"


class WebPki(StrEnum):
    """What a sender finds that wants a certificate for the host's name, of an authority that it knows."""

    verified = "verified"
    wrong_name = "wrong_name"
    not_trusted = "not_trusted"
    no_tls = "no_tls"
    lookup_failed = "lookup_failed"
    unknown = "unknown"


Opinion = Dane | WebPki


class Tool(StrEnum):
    """Those that mxscan is compared with; the first on DANE, the others on certificates."""

    posttls_finger_dane = "posttls-finger -l dane"
    posttls_finger_secure = "posttls-finger -l secure"
    openssl = "openssl s_client"


# posttls-finger ---------------------------------------------------------------------------------------

_ESTABLISHED = re.compile(r"(Verified|Trusted|Untrusted) TLS connection established")
_TLSA = "DNSSEC-signed TLSA record: "
_UNUSABLE = ("unsupported TLSA certificate usage: ", "all TLSA records unusable")
_BY_WORD = {
    "Verified": Dane.authenticated,
    # "MX RRset insecure: log verified as trusted".
    "Trusted": Dane.host_only,
    "Untrusted": Dane.not_authenticated,
    None: Dane.no_tls,
}
#: X509_V_ERR_HOSTNAME_MISMATCH
_WRONG_NAME = "num=62:"


def posttls_finger_on_dane(said: str) -> Dane:
    """From `posttls-finger -l dane -L summary,verbose`."""
    if not _is_connected(said):
        return Dane.lookup_failed
    word = _word(said)
    if _UNUSABLE[1] in said or (_UNUSABLE[0] in said and _TLSA not in said):
        return Dane.encrypted if word else Dane.no_tls
    # Without records it looks at the certificate as for `-l secure`. Postfix does not.
    return _BY_WORD[word] if _TLSA in said else Dane.opportunistic


def posttls_finger_on_certificates(said: str) -> WebPki:
    """From `posttls-finger -l secure -L summary,verbose`."""
    if not _is_connected(said):
        return WebPki.lookup_failed
    match _word(said):
        case None:
            return WebPki.no_tls
        case "Verified":
            return WebPki.verified
    return WebPki.wrong_name if _WRONG_NAME in said else WebPki.not_trusted


def posttls_finger_base_domains(said: str) -> set[str]:
    """Where it found TLSA records."""
    return set(re.findall(rf"{_TLSA}_\d+\._tcp\.(\S+): ", said))


def _is_connected(said: str) -> bool:
    if "Connected to " in said:
        return True
    if "lookup failed: " in said or "TLSA lookup error " in said:
        return False
    raise ValueError(said)


def _word(said: str) -> str | None:
    """None without STARTTLS, of which it says nothing."""
    if found := _ESTABLISHED.search(said):
        return found[1]
    if "STARTTLS" in said:
        raise ValueError(said)
    return None


# OpenSSL ----------------------------------------------------------------------------------------------


def openssl_on_certificates(said: str) -> WebPki:
    """From `openssl s_client -brief -starttls smtp -verify_hostname HOST`: it goes on, and tells all that is wrong."""
    if "BIO_lookup_ex" in said:
        return WebPki.lookup_failed
    if "Didn't find STARTTLS" in said:
        return WebPki.no_tls
    if "Verification: OK" in said:
        return WebPki.verified
    errors = set(re.findall(r"verify error:(num=\d+:)", said))
    if not errors:
        raise ValueError(said)
    return WebPki.wrong_name if errors == {_WRONG_NAME} else WebPki.not_trusted


READ: dict[Tool, Callable[[str], Opinion]] = {
    Tool.posttls_finger_dane: posttls_finger_on_dane,
    Tool.posttls_finger_secure: posttls_finger_on_certificates,
    Tool.openssl: openssl_on_certificates,
}

# mxscan -----------------------------------------------------------------------------------------------

_WHY_IT_FAILS = {
    ResultType.dnssec_invalid: Dane.lookup_failed,
    ResultType.starttls_not_supported: Dane.no_tls,
}
_FAILED_LOOKUPS = {"servfail", "bogus"}


def mxscan_on_dane(record: Domain) -> Dane:
    """From what becomes of a message of a sender with DANE, and what the hosts require of it."""
    delivery = record.verdicts.delivery
    assert delivery is not None
    required = {host.dane.requirement for host in record.mail_hosts if host.dane is not None}
    match delivery.dane.value:
        case Delivery.unknown:
            return Dane.unknown
        case Delivery.fails:
            return _WHY_IT_FAILS.get(delivery.dane.failures[0], Dane.not_authenticated)
        case Delivery.delivers_authenticated:
            return Dane.authenticated
        case Delivery.delivers_encrypted if Requirement.authentication in required:
            return Dane.host_only
    return Dane.encrypted if Requirement.encryption in required else Dane.opportunistic


def mxscan_on_certificates(record: Domain) -> WebPki:
    """From the verdicts on STARTTLS and on certificates."""
    starttls, trusted, name = (
        record.verdicts.starttls,
        record.verdicts.certificate_trusted.value,
        record.verdicts.certificate_name.value,
    )
    if starttls.value is VerdictValue.no:
        return WebPki.no_tls
    if trusted is VerdictValue.no:
        return WebPki.not_trusted
    if name is VerdictValue.no:
        return WebPki.wrong_name
    if trusted is name is VerdictValue.yes:
        return WebPki.verified
    return WebPki.lookup_failed if set(starttls.reasons) <= _FAILED_LOOKUPS else WebPki.unknown


def mxscan_base_domains(record: Domain) -> set[str]:
    """Where the records were looked for that decided."""
    return {host.dane.base_domain for host in record.mail_hosts if host.dane is not None and host.dane.base_domain}
