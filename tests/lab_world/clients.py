"""A plain client for the servers of the embedded world, and what they kept of it."""

import smtplib
import ssl

from scanner.lab.mail_store import KeptMessage, read_messages
from tests.lab.running import RunningLab

from .entries import WORLD

YOU, PASSWORD = "you@sender.lab", "correct horse battery staple"
BODY = b"Subject: a test\r\n\r\n.dots\r\n"
#: How long a silence has to last.
SILENCE_S = 0.25

ENTRIES = {entry.domain: entry for entry in WORLD.entries}


def connected(lab: RunningLab, domain: str, *, tls: bool = True) -> smtplib.SMTP:
    """A client that has said EHLO to the first server of a domain, over TLS unless it is told otherwise."""
    server = ENTRIES[domain].servers[0]
    client = smtplib.SMTP(server.address, lab.lab.ports.smtp, "client.lab", timeout=5)
    client.ehlo()
    if tls and client.has_extn("STARTTLS"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
    return client


def said(client: smtplib.SMTP, *commands: str) -> tuple[int, bytes]:
    """The reply to the last of these commands; all before it are taken."""
    for command in commands[:-1]:
        code, text = ask(client, command)
        assert code in (250, 354), (command, code, text)
    return ask(client, commands[-1])


def ask(client: smtplib.SMTP, text: str) -> tuple[int, bytes]:
    """The reply to a command or a message."""
    client.send(text + "\r\n")
    return client.getreply()


def kept(lab: RunningLab, domain: str) -> list[KeptMessage]:
    hosts = {server.host for server in ENTRIES[domain].servers}
    return [each for each in read_messages(lab.directory / "messages") if each.envelope.host in hosts]


def wait_no_longer(client: smtplib.SMTP) -> None:
    """From now on a silence is one after SILENCE_S."""
    assert client.sock is not None
    client.sock.settimeout(SILENCE_S)
