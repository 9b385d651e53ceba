"""The options of `mxscan send`, and which of them are settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

#: Option → the path of its setting.
SEND_SETTINGS = {
    "dns": "dns.servers",
    "ehlo_name": "probe.ehlo_name",
    "port": "probe.port",
    "source_address": "probe.source_address",
    "ca_file": "trust.ca_file",
    "allow_network": "probe.allow_networks",
    "opt_out": "probe.opt_out",
    "canary": "vantage.canaries",
    "lab_world": "lab.world",
    "lab_real_limits": "lab.real_limits",
    "loop": "run.loop",
}

#: A path as it was typed; click's own type looks at the file, and fails at a NUL before we can tell its place.
_PATH = Path

_ENVELOPE = [
    click.option("--to", multiple=True, metavar="ADDRESS", help="A recipient; repeatable."),
    click.option("--cc", multiple=True, metavar="ADDRESS", help="A recipient of a copy; repeatable."),
    click.option("--bcc", multiple=True, metavar="ADDRESS", help="A recipient whom nobody sees; repeatable."),
    click.option(
        "--from", "sender", required=True, metavar="ADDRESS", help="The sender; '<>' is the null reverse path."
    ),
]
_SERVER = [
    click.option(
        "--relay", metavar="HOST[:PORT]", help="Send through this server  [the recipient's own MX; port 587 or 465]"
    ),
    click.option(
        "--tls",
        type=click.Choice(["starttls", "implicit", "none", "opportunistic"]),
        help="Encryption  [465: implicit, other ports of a relay but 25: starttls, else opportunistic]",
    ),
    click.option("--user", help="The user to sign in as; the password is asked for, unless one of the next two is."),
    click.option("--password-env", metavar="NAME", help="The environment variable that has the password."),
    click.option("--password-file", type=_PATH, metavar="FILE", help="The file that has the password."),
    click.option(
        "--auth",
        "mechanism",
        type=click.Choice(["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"], case_sensitive=False),
        help="How to sign in  [as the server offers it; XOAUTH2, with a token for a password, only if asked for]",
    ),
    click.option("--insecure", is_flag=True, help="Take any certificate, and say the password in the clear too."),
    click.option("--ca-file", help="Root certificates in PEM  [the system's]"),
    click.option("--client-cert", type=_PATH, metavar="FILE", help="Our certificate and its key in PEM."),
]
_MESSAGE = [
    click.option("--subject", help="The subject  [says that this is a test]"),
    click.option("--body", help="The text, in one line  [says that this is a test]"),
    click.option(
        "--body-file",
        type=_PATH,
        metavar="FILE|-",
        help="The text, UTF-8; `-` is standard input, as is anything piped.",
    ),
    click.option("--html", "is_html", is_flag=True, help="The text is HTML."),
    click.option("--attach", type=_PATH, multiple=True, metavar="FILE", help="A file to attach; repeatable."),
    click.option("--header", multiple=True, metavar="'NAME: VALUE'", help="A header field to add; repeatable."),
    click.option(
        "--dsn-notify", metavar="WHEN[,WHEN]", help="Ask for reports: never, or some of success, failure, delay."
    ),
    click.option("--dsn-return", type=click.Choice(["full", "headers"]), help="What a report brings back."),
    click.option("--dsn-envid", metavar="TEXT", help="What a report is to call this message."),
]
_COURSE = [
    click.option(
        "--quit-after",
        type=click.Choice(["connect", "ehlo", "tls", "auth", "mail", "rcpt"]),
        help="Stop when this has gone well: nothing is sent.",
    ),
    click.option("--save", type=_PATH, metavar="DIR", help="Keep message, transcript and result here."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, at the end."),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment does the same."),
    click.option("--config", type=_PATH, help="Settings in TOML; see configs/default.toml."),
    click.option("--ehlo-name", help="Our name in EHLO  [this host's name if it resolves, else its address]"),
    click.option(
        "-d", "--dns", multiple=True, metavar="SERVER[:PORT]", help="DNS server to ask; repeatable  [the system's]"
    ),
    click.option("--port", type=click.IntRange(1, 65535), help="TCP port of the recipients' mail servers  [25]"),
    click.option("--source-address", multiple=True, metavar="ADDRESS", help="Our address, one of each family."),
    click.option("--allow-network", multiple=True, metavar="CIDR", help="Contact these though not public; repeatable."),
    click.option("--opt-out", metavar="FILE", help="Domains, MX hosts, addresses and networks to leave alone."),
    click.option("--canary", multiple=True, metavar="ADDRESS", help="A mail server that is up, to check our way out."),
    click.option("--lab", is_flag=True, help="Send within the embedded mail world on loopback."),
    click.option("--lab-world", metavar="FILE", help="A world file of your own instead."),
    click.option("--lab-real-limits", is_flag=True, default=None, help="The lab at the default limits."),
    click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), help="The event loop  [auto]"),
]


def send_options(command: C) -> C:
    """Adds the options of `send` to a command."""
    for option in reversed((*_ENVELOPE, *_SERVER, *_MESSAGE, *_COURSE)):
        command = option(command)
    return command
