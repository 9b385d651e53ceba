"""The services of the Postfix that takes mail: mail servers, submission for users, relays.

A service NAME is the host NAME.mx.real.test, which is the MX of NAME.real.test.
"""

from .smtpds import Smtpd

_MAY = "smtpd_tls_security_level=may"
_MUST = "smtpd_tls_security_level=encrypt"
_FOR_OURS = "smtpd_relay_restrictions=reject_unauth_destination"
_AT_ONCE = "smtpd_delay_reject=no"


def _mx(name: str, number: int, *parameters: str, certificate: str = "good") -> Smtpd:
    return Smtpd(name, f"127.80.50.{number}", certificate, (_MAY, _FOR_OURS, *parameters))


def _access(kind: str, table: str) -> str:
    return f"smtpd_{kind}_restrictions=check_{kind}_access {table}"


MAIL_SERVERS = (
    _mx("taken", 1),
    Smtpd("no-tls", "127.80.50.2", parameters=(_FOR_OURS,)),
    _mx("wants-tls", 3, _MUST),
    _mx("expired", 4, certificate="expired"),
    _mx("wrong-name", 5, certificate="wrong-name"),
    _mx("stranger", 6, certificate="stranger"),
    _mx("denies", 7),  # its domain is none of Postfix's
    _mx("greylists", 8, "smtpd_recipient_restrictions=check_policy_service unix:$data_directory/greylisting"),
    _mx("defers", 9, "smtpd_recipient_restrictions=defer"),
    _mx("knows-senders", 10, _AT_ONCE, "smtpd_reject_unlisted_sender=yes"),
    _mx("full", 11, _access("recipient", "static:{452 4.2.2 The mailbox is full}")),
    _mx("over-quota", 12, _access("recipient", "static:{552 5.2.2 The mailbox is over its quota}")),
    _mx("bars-us", 13, "smtpd_client_restrictions=reject"),
    _mx("no-smtputf8", 14, "smtpd_discard_ehlo_keywords=smtputf8"),
    _mx("no-bounces", 15, _AT_ONCE, _access("sender", "inline:{ { <> = 550 5.7.1 No bounces here } }")),
    _mx("no-space", 16, "queue_minfree=2000000000000000"),
    _mx("hangs-up", 17, _access("recipient", "static:{421 4.3.2 Shutting down}")),
    Smtpd(
        "pregreets",
        "127.80.50.18",
        "good",
        # Its tests of what comes after the greeting are passed once; who did is let in the next time.
        (_MAY, "postscreen_access_list=", "postscreen_bare_newline_enable=yes"),
        "postscreen",
    ),
)

_SASL = ("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=yes")
_FOR_USERS_TOO = "smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination"


def _submission(name: str, number: int, *parameters: str, certificate: str = "good") -> Smtpd:
    return Smtpd(name, f"127.80.60.{number}", certificate, (_MUST, *_SASL, _FOR_USERS_TOO, *parameters))


SUBMISSION = (
    _submission("submission", 1),
    _submission("smtps", 2, "smtpd_tls_wrappermode=yes"),
    _submission("clear", 3, "smtpd_tls_security_level=none", "smtpd_tls_auth_only=no"),
    _submission("cram-only", 4, "smtpd_sasl_tls_security_options=noanonymous,noplaintext"),
    _submission("stranger-relay", 5, certificate="stranger"),
    _submission("wrong-name-relay", 6, certificate="wrong-name"),
    _submission("expired-relay", 7, certificate="expired"),
    _submission("self-signed-relay", 8, certificate="self-signed"),
    # As Debian's master.cf has it: who does not sign in is refused as a client.
    _submission("users-only", 9, "smtpd_client_restrictions=permit_sasl_authenticated,reject"),
    _submission("own-sender", 10, "smtpd_sender_login_maps=static:somebody-else",
                "smtpd_sender_restrictions=reject_sender_login_mismatch"),
    _submission("tokens", 11, "smtpd_sasl_type=dovecot", "smtpd_sasl_path=$sasl_backend"),
    _submission("nobody-to-ask", 12, "smtpd_sasl_path=away"),
    _submission("may-relay", 13, _MAY, certificate="stranger"),
    _submission("own-users-only", 14, "smtpd_relay_restrictions=reject_unauth_destination"),
)  # fmt: skip

_OURS_BY_CERTIFICATE = ("smtpd_tls_ask_ccert=yes", "smtpd_tls_fingerprint_digest=sha256")


def _relay(name: str, number: int, *parameters: str) -> Smtpd:
    return Smtpd(name, f"127.80.61.{number}", "good", (_MAY, _FOR_OURS, *parameters))


RELAYS = (
    _relay("plain-relay", 1),
    _relay("by-certificate", 2, *_OURS_BY_CERTIFICATE,
           "smtpd_relay_restrictions=permit_tls_clientcerts,reject_unauth_destination"),
    _relay("silent-on-size", 3, "smtpd_discard_ehlo_keywords=size"),
    _relay("old", 4, "smtpd_discard_ehlo_keywords=8bitmime,smtputf8,dsn,size,chunking,pipelining"),
    _relay("no-data", 5, "smtpd_data_restrictions=reject"),
    _relay("not-this-message", 6, "smtpd_end_of_data_restrictions=reject"),
    _relay("not-now", 7, "smtpd_end_of_data_restrictions=defer"),
)  # fmt: skip

SERVICES = (*MAIL_SERVERS, *SUBMISSION, *RELAYS)

#: What is taken for domains: of these it has mailboxes, for the others it is no destination.
OUR_DOMAINS = (
    *(f"{service.name}.real.test" for service in MAIL_SERVERS if service.name != "denies"),
    *("backup.real.test", "old.test", "dead.test", "no-tcp.test"),
)
