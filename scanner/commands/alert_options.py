"""The options of `mxscan watch` that say who is told of what it finds, and which setting each one is."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

#: Option → the path of its setting. All of them are None when not given.
ALERT_SETTINGS = {
    "alert_to": "alerts.to",
    "alert_from": "alerts.sender",
    "relay": "alerts.relay",
    "relay_tls": "alerts.tls",
    "user": "alerts.user",
    "password_env": "alerts.password_env",
    "password_file": "alerts.password_file",
    "timezone": "alerts.timezone",
    "alert_command": "alerts.command",
    "metrics": "alerts.metrics",
}

_OPTIONS = [
    click.option("--alert-to", multiple=True, metavar="ADDRESS", help="Who gets every alert by mail; repeatable."),
    click.option("--alert-from", metavar="ADDRESS", help="The sender of the mails  [mxscan@ our name in EHLO]"),
    click.option("--relay", metavar="HOST[:PORT]", help="The relay that takes the mails  [port 587, 465 or 25]"),
    click.option(
        "--relay-tls",
        type=click.Choice(["auto", "starttls", "implicit", "none"]),
        help="Encryption towards the relay  [auto: implicit on port 465, else starttls]",
    ),
    click.option("--user", help="The user to sign in as at the relay."),
    click.option("--password-env", metavar="NAME", help="The environment variable that has the password."),
    click.option("--password-file", metavar="FILE", help="The file that has the password."),
    click.option("--timezone", metavar="ZONE", help="Tell times in this zone too, as Europe/Berlin."),
    click.option("--alert-command", metavar="COMMAND", help="A program that gets each alert as JSON on its input."),
    click.option("--metrics", metavar="FILE", help="Write figures for Prometheus into this file."),
]


def alert_options(command: C) -> C:
    """Adds the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
