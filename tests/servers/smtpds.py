"""The services of the Postfix that the tests share: where each listens, its certificate, its parameters."""

from dataclasses import dataclass
from typing import Literal

from scanner.lab.world import CertificateKind


@dataclass(frozen=True)
class Smtpd:
    """One service: its name in the log, where it listens, which of the certificates it has, its own parameters."""

    name: str
    address: str
    certificate: str = "good"
    parameters: tuple[str, ...] = ()
    program: Literal["smtpd", "postscreen"] = "smtpd"


_OUR_HOSTS = ("*.mx.real.test",)
CERTIFICATES = {
    "good": CertificateKind(names=_OUR_HOSTS, issuer="intermediate"),
    "wrong-name": CertificateKind(names=("another.example",), common_name="another.example"),
    "expired": CertificateKind(names=_OUR_HOSTS, starts_days=-90, ends_days=-2),
    "self-signed": CertificateKind(names=_OUR_HOSTS, issuer="self"),
    "stranger": CertificateKind(names=_OUR_HOSTS, issuer="stranger"),
    "incomplete": CertificateKind(names=_OUR_HOSTS, issuer="intermediate", send_intermediate=False),
    "ours": CertificateKind(names=("scanner.real.test",), purpose="client"),  # of a client, not of a service
}

#: anvil forgets how often a client came after so many seconds (a minute, unless it is told otherwise).
RATE_UNIT_S = 1
#: So many connections in that time are let in, and so many new TLS sessions.
RATE_LIMIT = 4

_MAY = "smtpd_tls_security_level=may"
_AT_ONCE = "smtpd_delay_reject=no"

#: One manner each: what a session says about it is a row of a table.
MANNERS = (
    Smtpd("good", "127.80.0.1", "good", (_MAY,)),
    Smtpd("wrong-name", "127.80.0.2", "wrong-name", (_MAY,)),
    Smtpd("expired", "127.80.0.3", "expired", (_MAY,)),
    Smtpd("self-signed", "127.80.0.4", "self-signed", (_MAY,)),
    Smtpd("stranger", "127.80.0.5", "stranger", (_MAY,)),
    Smtpd("no-tls", "127.80.0.6"),
    Smtpd("not-offered", "127.80.0.7", "good", (_MAY, "smtpd_discard_ehlo_keywords=starttls")),
    Smtpd("rejects", "127.80.0.8", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=reject")),
    Smtpd("defers", "127.80.0.9", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=defer")),
    Smtpd("slow", "127.80.0.10", "good", (_MAY, _AT_ONCE, "smtpd_client_restrictions=sleep 1")),
    Smtpd("refuses-ehlo", "127.80.0.11", "good", (_MAY, _AT_ONCE, "smtpd_helo_restrictions=reject")),
    Smtpd("implicit-tls", "127.80.0.12", "good", ("smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt")),
    Smtpd("incomplete", "127.80.0.13", "incomplete", (_MAY,)),
)

#: Those that find us too much, each in a network of its own: one that does must not slow the next one down.
_LIMITING = (
    Smtpd("rate", "127.80.1.1", "wrong-name", (_MAY, f"smtpd_client_connection_rate_limit={RATE_LIMIT}")),
    Smtpd("tls-rate", "127.80.2.1", "wrong-name", (_MAY, f"smtpd_client_new_tls_session_rate_limit={RATE_LIMIT}")),
    Smtpd("one-at-a-time", "127.80.3.1", "wrong-name", (_MAY, "smtpd_client_connection_count_limit=1")),
)

_NOBODY_KNOWN = "postscreen_access_list="
_ACCESS = "postscreen_access_list=cidr:{{127.0.0.0/8 reject}}"
_POSTSCREENS = (
    Smtpd("teaser", "127.80.4.1", "good", (_MAY, _NOBODY_KNOWN), "postscreen"),
    Smtpd("drops", "127.80.4.2", "good", (_MAY, _ACCESS, "postscreen_denylist_action=drop"), "postscreen"),
    Smtpd("enforces", "127.80.4.3", "good", (_MAY, _ACCESS, "postscreen_denylist_action=enforce"), "postscreen"),
    Smtpd(
        "counts",
        "127.80.4.4",
        "good",
        (_MAY, _NOBODY_KNOWN, "postscreen_client_connection_count_limit=1", "postscreen_greet_wait=60s"),
        "postscreen",
    ),
)

#: Those at which there are many names.
_SHARED = (
    Smtpd("shared", "127.80.5.1", "good", (_MAY,)),
    Smtpd("shared-no-tls", "127.80.5.2"),
    Smtpd("shared-wrong-name", "127.80.5.3", "wrong-name", (_MAY,)),
)

#: Those that are to see nobody, because the domain, the mail host, the address or its network opted out.
OPTED_OUT = (
    Smtpd("left-alone", "127.80.7.1", "good", (_MAY,)),
    Smtpd("by-host", "127.80.7.2", "wrong-name", (_MAY,)),
    Smtpd("by-address", "127.80.7.3", "good", (_MAY,)),
    Smtpd("by-network", "127.80.7.65", "good", (_MAY,)),
)

SMTPDS = (*MANNERS, *_LIMITING, *_POSTSCREENS, *_SHARED, *OPTED_OUT)
