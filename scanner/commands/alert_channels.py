"""The ways by which alerts leave: what settings say of them, checked before a scan begins."""

import shlex
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from scanner.commands.send_credentials import read_credentials
from scanner.commands.send_errors import RequestError
from scanner.commands.send_request import parse_relay
from scanner.commands.settings_source import SettingsError
from scanner.net.mail import MailLimits, Relay, Security
from scanner.outages.deliveries import Channel, Routing
from scanner.report.alert_text import Extent
from scanner.report.moments import Moments
from scanner.settings import AlertSettings, Settings
from scanner.smtp.mailboxes import Mailbox, MailboxError, parse_mailbox
from scanner.watch.alert_command import AlertCommand
from scanner.watch.alert_mails import AlertMails, MailStyle
from scanner.watch.alerts_file import AlertsFile
from scanner.watch.outbox import HandsOver

_PORTS = {Security.starttls: 587, Security.implicit: 465, Security.none: 25}


def routing_of(settings: Settings) -> Routing:
    """Who gets what. Raises SettingsError for an address that is none."""
    return Routing(
        operators=tuple(str(_mailbox("--alert-to", address)) for address in settings.alerts.to),
        tells_owners=bool(settings.watch.owner_column),
        has_command=bool(settings.alerts.command),
    )


def open_channels(settings: Settings, alerts_file: Path, ehlo_name: str) -> Mapping[Channel, HandsOver]:
    """Every way that the settings name; nothing is connected or started yet. Raises SettingsError."""
    alerts = settings.alerts
    channels: dict[Channel, HandsOver] = {Channel.file: AlertsFile(alerts_file)}
    if alerts.relay:
        channels[Channel.mail] = _mails(alerts, ehlo_name)
    elif alerts.to or settings.watch.owner_column:
        raise SettingsError("alerts are to be mailed, and no relay is named: give --relay HOST[:PORT]")
    if alerts.command:
        channels[Channel.command] = AlertCommand(_words(alerts.command), alerts.command_s)
    return channels


def second_zone(alerts: AlertSettings) -> tzinfo | None:
    """The time zone in which times are told besides UTC. Raises SettingsError."""
    if not alerts.timezone:
        return None
    try:
        return ZoneInfo(alerts.timezone)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"--timezone {alerts.timezone!r}: no such zone on this system; as Europe/Berlin") from error


def _mails(alerts: AlertSettings, ehlo_name: str) -> AlertMails:
    sender = _mailbox("--alert-from", alerts.sender or f"mxscan@{ehlo_name}")
    limits = MailLimits(alerts.connect_s, alerts.reply_s, alerts.message_s, alerts.mail_s)
    extent = Extent(transcript_lines=alerts.transcript_lines)
    style = MailStyle(str(sender), sender.domain.strip("[]"), Moments(second_zone(alerts)), extent)
    try:
        return AlertMails(_relay(alerts, ehlo_name), limits, style)
    except OSError as error:
        raise SettingsError(f"alerts.ca_file {alerts.ca_file!r} can't be used: {error}") from error


def _relay(alerts: AlertSettings, ehlo_name: str) -> Relay:
    try:
        place = parse_relay(alerts.relay)
        security = _security(alerts, place.port)
        user, password = _credentials(alerts, place.host)
    except RequestError as error:
        raise SettingsError(str(error)) from error
    is_near = place.host == "localhost" or (place.address is not None and place.address.is_loopback)
    if user and security is Security.none and not is_near:
        raise SettingsError("--relay-tls none: the password would cross the network in the clear; use starttls")
    return Relay(place.host, place.port or _PORTS[security], security, ehlo_name, user, password, alerts.ca_file)


def _security(alerts: AlertSettings, port: int | None) -> Security:
    if alerts.tls == "auto":
        return Security.implicit if port == _PORTS[Security.implicit] else Security.starttls
    return Security(alerts.tls)


def _credentials(alerts: AlertSettings, host: str) -> tuple[str, str]:
    """User and password; nobody is there at night to be asked for one."""
    if not alerts.user:
        return "", ""
    if bool(alerts.password_env) is bool(alerts.password_file):
        raise SettingsError("--user needs a password: give either --password-env NAME or --password-file FILE")
    file = Path(alerts.password_file) if alerts.password_file else None
    credentials = read_credentials(alerts.user, alerts.password_env or None, file, host)
    return (credentials.user, credentials.password) if credentials else ("", "")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"--alert-command {command!r}: {error}") from error
    if not words:
        raise SettingsError("--alert-command: a program and its arguments are expected")
    return words


def _mailbox(option: str, address: str) -> Mailbox:
    try:
        mailbox = parse_mailbox(address)
    except MailboxError as error:
        raise SettingsError(f"{option} {address!r}: {error}") from error
    if mailbox.needs_smtputf8:
        raise SettingsError(f"{option} {address!r}: alerts go to addresses whose part before the @ is ASCII")
    return mailbox
