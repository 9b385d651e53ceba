"""What the servers of grown worlds do, and what a session with each comes to: a table. Pure.

The results follow from what the server does by the rules of RFC 5321 and 3207 and the verdict table of the
record format; they are written here by hand, as those of a hand-written world are, and not computed.
"""

from typing import NamedTuple

from scanner.lab.world import Behaviour, CertificateKind

YES, NO, NOT_APPLICABLE = "yes", "no", "not_applicable"


class Habit(NamedTuple):
    """What a server does, and what it comes to.

    `result` is `STAGE OUTCOME [LIMIT] [; CERTIFICATE]`; `units` says yes, no, not_applicable or the reason of an
    unknown for reachable, smtp, starttls, certificate_trusted, certificate_name; `findings` are `KIND SEVERITY`.
    """

    behaviour: str
    certificate: str
    result: str
    units: tuple[str, str, str, str, str]
    findings: tuple[str, ...] = ()


BEHAVIOURS = {
    "good": Behaviour(about="a good server"),
    "tls_1_2": Behaviour(about="a good server of some age", tls_max="1.2"),
    "unhurried": Behaviour(about="looks around before it greets", greeting=("wait 0.1", r"send 220 {host} ESMTP\r\n")),
    "refused": Behaviour(about="nothing listens", listener=False),
    "blackhole": Behaviour(about="a firewall swallows every SYN", blackhole=True),
    "silent": Behaviour(about="never greets", greeting=("silence",)),
    "closes": Behaviour(about="closes at once", greeting=("close",)),
    "resets": Behaviour(about="resets at once", greeting=("reset",)),
    "busy": Behaviour(about="421", greeting=(r"send 421 4.3.2 {host} too busy\r\n", "close")),
    "no_service": Behaviour(about="554", greeting=(r"send 554 5.3.2 {host} no mail service here\r\n", "close")),
    "ssh": Behaviour(about="another service", greeting=(r"send SSH-2.0-OpenSSH_9.2\r\n",)),
    "four_digits": Behaviour(about="no reply code", greeting=(r"send 2200 {host} ESMTP\r\n",)),
    "helo_only": Behaviour(about="knows no EHLO", ehlo=(r"send 502 5.5.1 not implemented\r\n",)),
    "no_starttls": Behaviour(about="plaintext only", offers_starttls=False),
    "masked": Behaviour(
        about="a middlebox hides STARTTLS", ehlo=(r"send 250-{host}\r\n250-SIZE 1000\r\n250 XXXXXXXA\r\n",)
    ),
    "starttls_454": Behaviour(about="no TLS today", starttls=(r"send 454 4.7.0 TLS not available\r\n",)),
    "starttls_554": Behaviour(about="no TLS at all", starttls=(r"send 554 5.7.0 TLS is broken here\r\n",)),
    "tls_silent": Behaviour(about="no answer to the ClientHello", tls=("swallow",)),
    "tls_closes": Behaviour(about="closes on the ClientHello", tls=("close",)),
    "tls_alert": Behaviour(about="alert handshake_failure", tls=(r"send \x15\x03\x03\x00\x02\x02\x28", "close")),
    "tls_1_0": Behaviour(about="TLS 1.0 only", tls_min="1.0", tls_max="1.0"),
}

CERTIFICATES = {
    "good": CertificateKind(),
    "intermediate": CertificateKind(issuer="intermediate"),
    "expired": CertificateKind(starts_days=-100, ends_days=-10),
    "not_yet_valid": CertificateKind(starts_days=10),
    "self_signed": CertificateKind(issuer="self"),
    "stranger": CertificateKind(issuer="stranger"),
    "incomplete": CertificateKind(issuer="hidden", send_intermediate=False),
    "wrong_name": CertificateKind(names=("www.elsewhere.lab",), common_name="www.elsewhere.lab"),
    "cn_only": CertificateKind(names=()),
}

_ALL_YES = (YES, YES, YES, YES, YES)
_NO_TLS = (YES, YES, NO, NOT_APPLICABLE, NOT_APPLICABLE)
_NO_SMTP = (YES, NO, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE)
_NOT_TRUSTED = (YES, YES, YES, NO, YES)
_NOT_NAMED = (YES, YES, YES, YES, NO)


def _unknown_after_connect(reason: str) -> tuple[str, str, str, str, str]:
    return (YES, reason, reason, reason, reason)


def _unknown_after_ehlo(reason: str) -> tuple[str, str, str, str, str]:
    return (YES, YES, reason, reason, reason)


GOOD_HABITS = (
    Habit("good", "good", "done ok", _ALL_YES),
    Habit("good", "intermediate", "done ok", _ALL_YES),
    Habit("tls_1_2", "good", "done ok", _ALL_YES),
    Habit("unhurried", "good", "done ok", _ALL_YES),
)

#: Habits that make a client wait for a limit: a few of them make a world slow.
SLOW_HABITS = (
    Habit("blackhole", "good", "connect timed_out limits.connect_s", ("timed_out",) * 5, ("timed-out warning",)),
    Habit(
        "silent",
        "good",
        "greeting timed_out limits.greeting_s",
        _unknown_after_connect("timed_out"),
        ("timed-out warning",),
    ),
    Habit(
        "tls_silent",
        "good",
        "tls timed_out limits.tls_s",
        _unknown_after_ehlo("timed_out"),
        ("timed-out warning",),
    ),
)

BAD_HABITS = (
    Habit("refused", "good", "connect refused", (NO, *(NOT_APPLICABLE,) * 4), ("connection-refused error",)),
    Habit("good", "expired", "done ok; 10 expired", _NOT_TRUSTED, ("certificate-expired error",)),
    Habit("no_starttls", "good", "done ok; none", _NO_TLS, ("starttls-not-supported error",)),
    Habit("good", "wrong_name", "done ok; no_match", _NOT_NAMED, ("certificate-host-mismatch error",)),
    Habit("good", "self_signed", "done ok; 18 self-signed", _NOT_TRUSTED, ("certificate-not-trusted error",)),
    Habit(
        "busy",
        "good",
        "greeting transient_negative",
        _unknown_after_connect("transient_negative"),
        ("temporary-refusal warning",),
    ),
    Habit("no_service", "good", "greeting permanent_negative", _NO_SMTP, ("service-refused error",)),
    Habit("closes", "good", "greeting closed", _unknown_after_connect("closed"), ("connection-closed warning",)),
    Habit("good", "incomplete", "done ok; 20 unknown issuer", _NOT_TRUSTED, ("certificate-not-trusted error",)),
    Habit("resets", "good", "greeting reset", _unknown_after_connect("reset"), ("connection-reset warning",)),
    Habit("ssh", "good", "greeting not_smtp", _NO_SMTP, ("not-smtp error",)),
    Habit("four_digits", "good", "greeting malformed", _NO_SMTP, ("malformed-reply error",)),
    Habit("good", "stranger", "done ok; 20 unknown issuer", _NOT_TRUSTED, ("certificate-not-trusted error",)),
    Habit("helo_only", "good", "done ok; none", _NO_TLS, ("ehlo-refused notice", "starttls-not-supported error")),
    Habit("masked", "good", "done ok; none", _unknown_after_ehlo("masked"), ("starttls-masked warning",)),
    Habit("good", "cn_only", "done ok; only_common_name", _NOT_NAMED, ("certificate-name-in-cn-only error",)),
    Habit(
        "starttls_454",
        "good",
        "starttls transient_negative",
        _unknown_after_ehlo("transient_negative"),
        ("temporary-refusal warning",),
    ),
    Habit("starttls_554", "good", "starttls permanent_negative", _NO_TLS, ("starttls-not-supported error",)),
    Habit("tls_closes", "good", "tls closed", _unknown_after_ehlo("closed"), ("connection-closed warning",)),
    Habit("tls_alert", "good", "tls tls_failed", _NO_TLS, ("tls-handshake-failed error",)),
    Habit("good", "not_yet_valid", "done ok; 9 not yet valid", _NOT_TRUSTED, ("certificate-not-yet-valid error",)),
    Habit("tls_1_0", "good", "done ok", _ALL_YES, ("tls-version-old warning",)),
)
