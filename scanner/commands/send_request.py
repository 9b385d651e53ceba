"""What `mxscan send` is asked, as it was typed: parsed and refused before anything is sent anywhere."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from scanner.addresses import Address, parse_address
from scanner.commands.arguments import refuse_controls
from scanner.commands.send_errors import RequestError
from scanner.message.composing import Field, parse_field
from scanner.message.fields import FieldError, check_value
from scanner.names import InvalidName, parse_domain
from scanner.outcomes import Stage, TlsMode
from scanner.report.shown_text import shown
from scanner.smtp.commands import CommandError
from scanner.smtp.mailboxes import Mailbox, MailboxError, parse_mailbox, parse_reverse_path
from scanner.smtp.parameters import MAX_ENVID, Notify, Return, encode_xtext

T = TypeVar("T")

SUBMISSION_PORT = 587
IMPLICIT_TLS_PORT = 465
SMTP_PORT = 25

_RELAY = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:.]+)")


@dataclass(frozen=True, slots=True)
class Relay:
    """The server to send through: a host name in A-labels, or an address; its port if one was given."""

    host: str
    address: Address | None
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """What to send, to whom, by which way; `sender` is None for the null reverse-path."""

    sender: Mailbox | None
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    relay: Relay | None
    tls: TlsMode | None
    mechanism: str | None
    insecure: bool
    subject: str | None
    fields: tuple[Field, ...]
    notify: frozenset[Notify]
    ret: Return | None
    envid: str | None
    quit_after: Stage | None

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """All recipients, each once."""
        return tuple(dict.fromkeys((*self.to, *self.cc, *self.bcc)))


def parse_request(options: Mapping[str, Any]) -> SendRequest:
    """The options as they were typed → what is asked. Raises RequestError."""
    refuse_controls(options)
    _refuse_contradictions(options)
    return SendRequest(
        sender=_parsed("--from", options["sender"], parse_reverse_path),
        to=_mailboxes("--to", options["to"]),
        cc=_mailboxes("--cc", options["cc"]),
        bcc=_mailboxes("--bcc", options["bcc"]),
        relay=None if options["relay"] is None else parse_relay(options["relay"]),
        tls=None if options["tls"] is None else TlsMode(options["tls"]),
        mechanism=None if options["mechanism"] is None else options["mechanism"].upper(),
        insecure=options["insecure"],
        subject=None if options["subject"] is None else _subject(options["subject"]),
        fields=tuple(_parsed("--header", text, parse_field) for text in options["header"]),
        notify=_notify(options["dsn_notify"]),
        ret=None if options["dsn_return"] is None else _RETURNS[options["dsn_return"]],
        envid=None if options["dsn_envid"] is None else _envid(options["dsn_envid"]),
        quit_after=None if options["quit_after"] is None else Stage(options["quit_after"]),
    )


# All arguments ----------------------------------------------------------------------------------------


def _refuse_contradictions(options: Mapping[str, Any]) -> None:
    has_password = options["password_env"] is not None or options["password_file"] is not None
    refused = {
        "name a recipient: --to, --cc or --bcc": not (options["to"] or options["cc"] or options["bcc"]),
        "the text comes from --body or from --body-file": options["body"] is not None
        and options["body_file"] is not None,
        "the password comes from --password-env or from --password-file": options["password_env"] is not None
        and options["password_file"] is not None,
        "a password needs --user": has_password and options["user"] is None,
        "--auth needs --user": options["mechanism"] is not None and options["user"] is None,
        "--user is for a relay (--relay HOST): a recipient's own MX takes mail without a password": options["user"]
        is not None
        and options["relay"] is None,
        "--quit-after tls needs TLS: leave out --tls none": options["quit_after"] == Stage.tls
        and options["tls"] == TlsMode.none,
        "--quit-after auth needs --user": options["quit_after"] == Stage.auth and options["user"] is None,
        "the port of a relay is written as --relay HOST:PORT": options["port"] is not None
        and options["relay"] is not None,
    }
    for said, is_so in refused.items():
        if is_so:
            raise RequestError(said)


# What goes without saying -----------------------------------------------------------------------------


def relay_port(relay: Relay, tls: TlsMode | None) -> int:
    """The port of a relay: as given, else that of submission (RFC 6409 §3.1, RFC 8314 §3.3)."""
    return relay.port or (IMPLICIT_TLS_PORT if tls is TlsMode.implicit else SUBMISSION_PORT)


def tls_mode_for(request: SendRequest, port: int) -> TlsMode:
    """How TLS is asked for: as given; else what the port is for, and between servers as they do (RFC 7435)."""
    if request.tls is not None:
        return request.tls
    if request.relay is None or port == SMTP_PORT:
        return TlsMode.opportunistic
    return TlsMode.implicit if port == IMPLICIT_TLS_PORT else TlsMode.starttls


# One argument -----------------------------------------------------------------------------------------


def _parsed(option: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except (MailboxError, FieldError) as error:
        raise RequestError(f"{option} {shown(text)!r}: {error}") from error


def _mailboxes(option: str, texts: Iterable[str]) -> tuple[Mailbox, ...]:
    return tuple(dict.fromkeys(_parsed(option, text, _sendable) for text in texts))


def _sendable(text: str) -> Mailbox:
    mailbox = parse_mailbox(text)
    if mailbox.is_address_literal and mailbox.address is None:
        place = text.index("[") + 1
        raise MailboxError("an address literal that is no IP address", place, "write an IPv4 or IPv6 address")
    return mailbox


def _subject(text: str) -> str:
    try:
        check_value(text)
    except FieldError as error:
        raise RequestError(f"--subject: {error}") from error
    return text


def parse_relay(text: str) -> Relay:
    """`HOST`, `HOST:PORT`, an address, or `[ADDRESS]:PORT` → the relay. Raises RequestError."""
    match = _RELAY.fullmatch(text)
    host = "" if match is None else match["v6"] or match["bare"] or match["host"]
    try:
        if match is None or not host:
            raise RequestError(f"--relay {shown(text)!r}: expected HOST, HOST:PORT or [IPV6 ADDRESS]:PORT")
        port = None if match["port"] is None else int(match["port"])
        if port is not None and not 1 <= port <= 65535:
            raise RequestError(f"--relay {shown(text)!r}: a port is a number from 1 to 65535")
        if address := _address(host):
            return Relay(str(address), address, port)
        return Relay(parse_domain(host), None, port)
    except InvalidName as error:
        raise RequestError(f"--relay {shown(text)!r}: {error}") from error


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except ValueError:
        return None


_RETURNS = {"full": Return.full, "headers": Return.headers}


def _notify(text: str | None) -> frozenset[Notify]:
    if text is None:
        return frozenset()
    try:
        words = frozenset(Notify(word.strip().upper()) for word in text.split(","))
    except ValueError as error:
        raise RequestError(f"--dsn-notify {text!r}: expected never, or some of success,failure,delay") from error
    if Notify.never in words and len(words) > 1:
        raise RequestError("--dsn-notify: never stands alone (RFC 3461 §4.1)")
    return words


def _envid(text: str) -> str:
    try:
        encoded = encode_xtext(text)
    except CommandError as error:
        raise RequestError(f"--dsn-envid: {error}") from error
    if len(encoded) > MAX_ENVID:
        raise RequestError(f"--dsn-envid: {MAX_ENVID} characters at most, as xtext it has {len(encoded)}")
    return text
