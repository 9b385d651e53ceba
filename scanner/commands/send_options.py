"""The options of `mxscan send`."""

from pathlib import Path

import click

from scanner.commands.foreground_options import foreground_options
from scanner.commands.scan_options import C

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
]


def send_options(command: C) -> C:
    """Adds the options of `send` to a command."""
    for option in reversed((*_ENVELOPE, *_SERVER, *_MESSAGE, *_COURSE, foreground_options)):
        command = option(command)
    return command
