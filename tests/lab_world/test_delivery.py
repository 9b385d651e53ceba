"""What becomes of mail in the embedded world: every server with a say in it says it, to a plain client."""

import contextlib
import re
import smtplib

import pytest

from scanner.lab.world import Behaviour
from scanner.outcomes import Cause
from scanner.smtp.causes import read_refusal
from scanner.smtp.replies import Reply
from tests.lab.running import RunningLab

from .clients import BODY, YOU, connected, kept, said, wait_no_longer
from .entries import WORLD

#: What of a behaviour is about mail.
MAIL_FIELDS = (
    *("mail", "rcpt", "data", "message", "senders", "recipients", "max_message_bytes"),
    *("requires_tls", "requires_auth", "local_domains", "asks_client_certificate"),
)

#: Those that are asked in a test of their own.
FURTHER = {"four-digits-on-rcpt.lab", "deaf-on-data.lab", "early-refusal.lab"}


def mail(domain: str, sender: str = YOU) -> tuple[str, ...]:
    return (f"MAIL FROM:<{sender}>",)


def rcpt(domain: str, local_part: str = "postmaster") -> tuple[str, ...]:
    return (*mail(domain), f"RCPT TO:<{local_part}@{domain}>")


def data(domain: str) -> tuple[str, ...]:
    return (*rcpt(domain), "DATA")


def message(domain: str) -> tuple[str, ...]:
    return (*data(domain), "Subject: a test\r\n\r\nhello\r\n.")


REFUSALS = [
    ("mailboxes.lab", rcpt("mailboxes.lab", "unknown"), 550, Cause.user_unknown),
    ("mailboxes.lab", rcpt("mailboxes.lab", "full"), 452, Cause.mailbox_full),
    ("mailboxes.lab", rcpt("mailboxes.lab", "over-quota"), 552, Cause.mailbox_full),
    ("mailboxes.lab", rcpt("mailboxes.lab", "disabled"), 550, Cause.user_unknown),
    ("mailboxes.lab", rcpt("mailboxes.lab", "moved"), 551, Cause.user_unknown),
    ("mailboxes.lab", rcpt("mailboxes.lab", "greylisted"), 450, Cause.greylisted),
    ("mailboxes.lab", rcpt("mailboxes.lab", "misspelt"), 553, None),
    ("mailboxes.lab", rcpt("mailboxes.lab", "members-only"), 550, Cause.policy),
    ("relay-denied.lab", rcpt("relay-denied.lab"), 554, Cause.relay_denied),
    ("listed-at-rcpt.lab", rcpt("listed-at-rcpt.lab"), 550, Cause.blocklisted),
    ("sender-refused.lab", mail("sender-refused.lab"), 550, None),
    ("no-bounces.lab", mail("no-bounces.lab", ""), 550, Cause.policy),
    ("wants-auth.lab", mail("wants-auth.lab"), 530, Cause.auth_required),
    ("mail-421.lab", mail("mail-421.lab"), 421, Cause.overloaded),
    ("rcpt-421.lab", rcpt("rcpt-421.lab"), 421, Cause.overloaded),
    ("hostile-replies.lab", rcpt("hostile-replies.lab"), 550, Cause.user_unknown),
    ("data-refused.lab", data("data-refused.lab"), 554, Cause.policy),
    ("message-refused.lab", message("message-refused.lab"), 550, Cause.policy),
    ("message-451.lab", message("message-451.lab"), 451, None),
    ("message-over-quota.lab", message("message-over-quota.lab"), 552, Cause.mailbox_full),
    ("small-messages.lab", ("MAIL FROM:<you@sender.lab> SIZE=10001",), 552, None),
    ("no-size.lab", ("MAIL FROM:<you@sender.lab> SIZE=1",), 555, None),
    ("seven-bit.lab", ("MAIL FROM:<you@sender.lab> BODY=8BITMIME",), 555, None),
    ("relay.lab", ("MAIL FROM:<you@sender.lab>", "RCPT TO:<me@elsewhere.lab>"), 554, Cause.relay_denied),
]


@pytest.mark.parametrize(
    ("domain", "commands", "code", "cause"), REFUSALS, ids=[f"{row[0]} {row[1][-1].split()[-1]}" for row in REFUSALS]
)
def test_mail_is_refused(
    lab: RunningLab, domain: str, commands: tuple[str, ...], code: int, cause: Cause | None
) -> None:
    with connected(lab, domain) as client:
        found, text = said(client, *commands)
    assert found == code
    assert kept(lab, domain) == []
    enhanced_code = re.match(rb"[245]\.\d+\.\d+", text)
    assert enhanced_code is not None
    reply = Reply(code, enhanced_code[0].decode(), tuple(text.splitlines()))
    assert cause is None or read_refusal(reply).cause is cause


TAKEN = [
    ("good.lab", YOU, "postmaster@good.lab"),
    ("good.lab", "", "postmaster"),
    ("sender.lab", YOU, "you@sender.lab"),
    ("mailboxes.lab", YOU, "forwarded@mailboxes.lab"),
    ("mailboxes.lab", YOU, "talkative@mailboxes.lab"),
    ("mailboxes.lab", YOU, "slow@mailboxes.lab"),
    ("sender-refused.lab", "else@elsewhere.lab", "a@sender-refused.lab"),
    ("no-bounces.lab", YOU, "a@no-bounces.lab"),
    ("wants-tls.lab", YOU, "a@wants-tls.lab"),
    ("slow-delivery.lab", YOU, "a@slow-delivery.lab"),
    ("small-messages.lab", YOU, "a@small-messages.lab"),
    ("no-fixed-size.lab", YOU, "a@no-fixed-size.lab"),
    ("no-size.lab", YOU, "a@no-size.lab"),
    ("seven-bit.lab", YOU, "a@seven-bit.lab"),
    ("utf8.lab", YOU, "a@utf8.lab"),
    ("relay.lab", YOU, "a@relay.lab"),
    ("client-certificate.lab", YOU, "a@client-certificate.lab"),
]


@pytest.mark.parametrize(("domain", "sender", "recipient"), TAKEN, ids=[f"{row[1]} to {row[2]}" for row in TAKEN])
def test_mail_is_taken_and_kept(lab: RunningLab, domain: str, sender: str, recipient: str) -> None:
    before = len(kept(lab, domain))
    with connected(lab, domain) as client:
        assert client.sendmail(sender, [recipient], BODY) == {}
    message = kept(lab, domain)[before]
    assert message.octets == BODY
    assert message.envelope.reverse_path == sender
    assert [each.forward_path for each in message.envelope.recipients] == [recipient]


def test_who_is_greylisted_is_welcome_at_the_second_visit(lab: RunningLab) -> None:
    commands = rcpt("greylisting.lab")
    found = []
    for _ in range(3):
        with connected(lab, "greylisting.lab") as client:
            found.append(said(client, *commands)[0])
    assert found == [451, 250, 250]


def test_mail_in_the_clear_is_refused_where_tls_is_wanted(lab: RunningLab) -> None:
    with connected(lab, "wants-tls.lab", tls=False) as client:
        code, text = client.docmd("MAIL FROM:<you@sender.lab>")
        assert (code, read_refusal(Reply(code, "5.7.0", (text,))).cause) == (530, Cause.tls_required)


SIZES = [("small-messages.lab", 9_990, 250), ("small-messages.lab", 10_001, 552), ("no-size.lab", 10_001, 552)]


@pytest.mark.parametrize(("domain", "octets", "code"), SIZES)
def test_a_message_is_too_large_at_its_end(lab: RunningLab, domain: str, octets: int, code: int) -> None:
    with connected(lab, domain) as client:
        assert said(client, *data(domain), "x" * (octets - 2) + "\r\n.")[0] == code


SILENT = [
    ("mailboxes.lab", rcpt("mailboxes.lab", "silent")),
    ("silent-on-mail.lab", mail("silent-on-mail.lab")),
    ("silent-on-rcpt.lab", rcpt("silent-on-rcpt.lab")),
    ("silent-on-data.lab", data("silent-on-data.lab")),
    ("silent-on-message.lab", message("silent-on-message.lab")),
]


@pytest.mark.parametrize(("domain", "commands"), SILENT, ids=[row[0] for row in SILENT])
def test_nothing_is_said(lab: RunningLab, domain: str, commands: tuple[str, ...]) -> None:
    client = connected(lab, domain)
    if commands[:-1]:
        said(client, *commands[:-1])
    wait_no_longer(client)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        said(client, commands[-1])
    client.close()


GONE = [
    ("mailboxes.lab", rcpt("mailboxes.lab", "closing")),
    ("closes-on-mail.lab", mail("closes-on-mail.lab")),
    ("closes-on-rcpt.lab", rcpt("closes-on-rcpt.lab")),
    ("resets-on-rcpt.lab", rcpt("resets-on-rcpt.lab")),
    ("closes-on-data.lab", data("closes-on-data.lab")),
    ("closes-on-message.lab", message("closes-on-message.lab")),
]


@pytest.mark.parametrize(("domain", "commands"), GONE, ids=[row[0] for row in GONE])
def test_the_server_goes_away(lab: RunningLab, domain: str, commands: tuple[str, ...]) -> None:
    client = connected(lab, domain)
    with pytest.raises(smtplib.SMTPServerDisconnected, match=r"unexpectedly closed|reset"):
        said(client, *commands)
    client.close()


def test_a_reply_has_no_code(lab: RunningLab) -> None:
    with connected(lab, "four-digits-on-rcpt.lab") as client:
        client.docmd(*mail("four-digits-on-rcpt.lab"))
        client.putcmd("RCPT TO:<a@four-digits-on-rcpt.lab>")
        assert client.file is not None
        assert client.file.readline() == b"2500 ok\r\n"


@pytest.mark.parametrize(("domain", "code"), [("deaf-on-data.lab", None), ("early-refusal.lab", 552)])
def test_a_message_is_not_read_to_its_end(lab: RunningLab, domain: str, code: int | None) -> None:
    client = connected(lab, domain, tls=False)
    said(client, *data(domain))
    wait_no_longer(client)
    assert client.sock is not None
    with pytest.raises(TimeoutError):
        client.sock.sendall(b"x" * 50_000_000)
    with contextlib.suppress(smtplib.SMTPServerDisconnected) if code is None else contextlib.nullcontext():
        assert client.getreply()[0] == code
    client.close()


# All of it --------------------------------------------------------------------------------------------------


def has_a_say(behaviour: Behaviour) -> bool:
    """True if it is not a good server's to mail, whatever it does before."""
    good = Behaviour()
    return any(getattr(behaviour, field) != getattr(good, field) for field in MAIL_FIELDS)


def test_every_server_that_has_a_say_in_mail_is_asked() -> None:
    asked = {row[0] for row in (*REFUSALS, *TAKEN, *SILENT, *GONE)} | FURTHER
    for entry in WORLD.entries:
        for server in entry.servers:
            behaviour = WORLD.behaviours[server.behaviour]
            assert not has_a_say(behaviour) or behaviour.auth_mechanisms or entry.domain in asked, entry.domain
