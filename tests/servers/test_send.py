"""What `mxscan send` says of a real Postfix, every success and every failure, in the words that a user reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, OURS, PROBLEM

from .delivering import PASSWORD, SIZE_LIMIT, USER, DeliveringPostfix
from .foreground import Arguments, Ran, run_all
from .mail_world import MailWorld

ENVIRONMENT = {"PASSWORD": PASSWORD, "WRONG": "not the password"}
SIGNED_IN = ("--user", USER, "--password-env", "PASSWORD")
WRONGLY = ("--user", USER, "--password-env", "WRONG")
#: Another file than the one with the message is made where this stands.
OURS_PEM, LARGE = "OURS.PEM", "LARGE"

ELSEWHERE = "x@elsewhere.test"
YOU = "you@taken.real.test"

# What Postfix counts in a session, by how far it went.
GREETED = "ehlo=2 starttls=1 quit=1"
NOT_SIGNED_IN = "ehlo=2 starttls=1 auth=0/1 quit=1"
AT_MAIL = "ehlo=2 starttls=1 mail=0/1 quit=1"
AT_RCPT = "ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1"
AT_RCPT_SIGNED_IN = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=0/1 quit=1"
SENT = "ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1"
SENT_SIGNED_IN = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1"
SENT_AT_ONCE_SIGNED_IN = "ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1"
REFUSED_AT_DATA = "ehlo=2 starttls=1 mail=1 rcpt=1 data=0/1 quit=1"


@dataclass(frozen=True)
class Row:
    """Why, what is typed, the exit code, the reason ("" if it was taken), what is read, and what Postfix saw."""

    why: str
    arguments: tuple[str, ...]
    exit_code: int
    kind: str
    words: str
    seen: tuple[str, ...]

    def __str__(self) -> str:
        return self.why


def taken(why: str, arguments: tuple[str, ...], words: str, *seen: str) -> Row:
    return Row(why, arguments, OK, "", words, seen)


def refused(why: str, arguments: tuple[str, ...], kind: str, words: str, *seen: str) -> Row:
    return Row(why, arguments, PROBLEM, kind, words, seen)


def ours(why: str, arguments: tuple[str, ...], kind: str, words: str, *seen: str) -> Row:
    return Row(why, arguments, OURS, kind, words, seen)


def uncertain(why: str, arguments: tuple[str, ...], kind: str, words: str, *seen: str) -> Row:
    return Row(why, arguments, INCONCLUSIVE, kind, words, seen)


def to(mailbox: str, *more: str) -> tuple[str, ...]:
    return ("--to", mailbox, *more)


def by(name: str, *more: str, to: str = ELSEWHERE) -> tuple[str, ...]:
    return ("--to", to, "--relay", f"RELAY:{name}", *more)


def stopped(stage: str, seen: str) -> Row:
    arguments = by("submission", *SIGNED_IN, "--quit-after", stage)
    return taken(f"stopped after {stage}", arguments, "as asked: all went well up to there", seen)


ROWS = (
    # Through a relay, signed in
    taken("signed in by PLAIN", by("submission", *SIGNED_IN), "AUTH PLAIN [hidden]", SENT_SIGNED_IN),
    taken("by LOGIN", by("submission", *SIGNED_IN, "--auth", "LOGIN"), "-> AUTH LOGIN", SENT_SIGNED_IN),
    taken("by CRAM-MD5", by("submission", *SIGNED_IN, "--auth", "CRAM-MD5"), "-> AUTH CRAM-MD5", SENT_SIGNED_IN),
    taken("by XOAUTH2", by("tokens", *SIGNED_IN, "--auth", "XOAUTH2"), "AUTH XOAUTH2 [hidden]", SENT_SIGNED_IN),
    taken("only CRAM-MD5 is offered", by("cram-only", *SIGNED_IN), "-> AUTH CRAM-MD5", SENT_SIGNED_IN),
    taken("TLS from the first octet", by("smtps", *SIGNED_IN, "--tls", "implicit"), "== TLS up: TLSv1.3",
          SENT_AT_ONCE_SIGNED_IN),
    taken("in the clear, insecurely", by("clear", *SIGNED_IN, "--tls", "none", "--insecure"), "note: --insecure",
          SENT_AT_ONCE_SIGNED_IN),
    taken("to a stranger, insecurely", by("stranger-relay", *SIGNED_IN, "--insecure"), "unknown issuer; taken all the",
          SENT_SIGNED_IN),
    taken("users only", by("users-only", *SIGNED_IN), "taken by users-only.mx.real.test", SENT_SIGNED_IN),
    # Through a relay, without a password
    taken("to the relay's own domain", by("plain-relay", to=YOU), "taken by plain-relay.mx.real.test", SENT),
    taken("known by our certificate", by("by-certificate", "--client-cert", OURS_PEM), "taken by by-certificate", SENT),
    taken("TLS as it comes", by("may-relay", "--tls", "opportunistic", to=YOU), "unknown issuer; taken all the", SENT),
    taken("little is offered", by("old", "--body", "Grüße", to=YOU), "taken by old.mx.real.test", SENT),
    taken("no DSN is offered", by("old", "--dsn-notify", "success", to=YOU), "note: old.mx.real.test offers no DSN",
          SENT),
    taken("an address outside ASCII", by("plain-relay", to="jörg@taken.real.test"), "SMTPUTF8", SENT),
    # To the recipient's own MX
    taken("an ordinary domain", to(YOU), "MX 10 taken.mx.real.test [127.80.50.1]", SENT),
    taken("no TLS there", to("you@no-tls.real.test"), "taken by no-tls", "ehlo=1 mail=1 rcpt=1 data=1 quit=1"),
    taken("an expired certificate", to("you@expired.real.test"), "expired since 20", SENT),
    taken("the first MX is down", to("you@backup.real.test"), "taken by taken.mx.real.test", SENT),
    taken("a bounce", to(YOU, "--from", "<>"), "MAIL FROM:<>", SENT),
    # Nothing was to be sent
    stopped("connect", "quit=1"),
    stopped("ehlo", "ehlo=1 quit=1"),
    stopped("tls", "ehlo=2 starttls=1 quit=1"),
    stopped("auth", "ehlo=2 starttls=1 auth=1 quit=1"),
    stopped("mail", "ehlo=2 starttls=1 auth=1 mail=1 quit=1"),
    stopped("rcpt", "ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 quit=1"),
    # The relay wants to know who we are, or does not like it
    refused("relay denied", by("plain-relay"), "relay_denied", "does not pass mail on for whoever comes: “554 5.7.1",
            AT_RCPT),
    refused("relay denied, and there is AUTH", by("submission"), "relay_denied", "Sign in with --user", AT_RCPT),
    refused("AUTH required", by("users-only"), "auth_required", "wants to know who sends, by user and password",
            AT_RCPT),
    refused("relay denied to a user", by("own-users-only", *SIGNED_IN), "relay_denied_to_account",
            "does not pass mail on for this account", AT_RCPT_SIGNED_IN),
    refused("no certificate of ours", by("by-certificate"), "relay_denied", "554 5.7.1", AT_RCPT),
    refused("a wrong password", by("submission", *WRONGLY), "wrong_password",
            "does not accept user and password: “535 5.7.8 Error: authentication failed", NOT_SIGNED_IN),
    refused("a wrong password by LOGIN", by("submission", *WRONGLY, "--auth", "LOGIN"), "wrong_password", "535 5.7.8",
            NOT_SIGNED_IN),
    refused("a wrong password by CRAM-MD5", by("submission", *WRONGLY, "--auth", "CRAM-MD5"), "wrong_password",
            "535 5.7.8", NOT_SIGNED_IN),
    refused("a wrong token", by("tokens", *WRONGLY, "--auth", "XOAUTH2"), "wrong_password", '"status":"401"',
            NOT_SIGNED_IN),
    uncertain("the user database is away", by("nobody-to-ask", *SIGNED_IN), "auth_unavailable",
              "the password may be right", NOT_SIGNED_IN),
    refused("nobody to sign in to", by("plain-relay", *SIGNED_IN), "auth_not_offered", "offers no AUTH", GREETED),
    refused("PLAIN is not offered", by("cram-only", *SIGNED_IN, "--auth", "PLAIN"), "no_mechanism",
            "the server offers CRAM-MD5, and not PLAIN", GREETED),
    refused("somebody else's sender", by("own-sender", *SIGNED_IN), "sender_refused", "not owned by user",
            AT_RCPT_SIGNED_IN),
    # TLS
    refused("TLS required", by("submission", "--tls", "none"), "tls_required",
            "wants encryption first: “530 5.7.0 Must issue a STARTTLS command first”", "ehlo=1 mail=0/1 quit=1"),
    refused("TLS required by an MX", to("you@wants-tls.real.test", "--tls", "none"), "tls_required", "--tls starttls",
            "ehlo=1 mail=0/1 quit=1"),
    refused("no STARTTLS", by("clear", *SIGNED_IN), "starttls_not_offered", "offers no STARTTLS", "ehlo=1 quit=1"),
    refused("no password in the clear", by("clear", *SIGNED_IN, "--tls", "none"), "auth_in_the_clear",
            "the password was not said", "ehlo=1 quit=1"),
    refused("nobody's authority", by("stranger-relay", *SIGNED_IN), "tls_not_trusted",
            "the certificate is not trusted: unknown issuer", GREETED),
    refused("its own authority", by("self-signed-relay", *SIGNED_IN), "tls_not_trusted", "not trusted: self-signed",
            GREETED),
    refused("expired", by("expired-relay", *SIGNED_IN), "tls_not_trusted", "not trusted: expired since 20",
            GREETED),
    refused("another name", by("wrong-name-relay", *SIGNED_IN), "tls_not_trusted", "it is for another.example",
            GREETED),
    refused("no trust without a password either", by("stranger-relay"), "tls_not_trusted",
            "neither password nor message was sent", GREETED),
    refused("no password to a stranger", by("may-relay", *SIGNED_IN, "--tls", "opportunistic", to=YOU),
            "tls_not_trusted", "unknown issuer", GREETED),
    refused("TLS too early", by("submission", "--tls", "implicit"), "wants_starttls", "Use --tls starttls"),
    uncertain("TLS too late", by("smtps"), "no_greeting", "use --tls implicit"),
    # What is sent
    refused("too large, as SIZE says", by("plain-relay", "--attach", LARGE, to=YOU), "message_too_large",
            f"and the server takes {SIZE_LIMIT} at most", GREETED),
    refused("too large, as it turns out", by("silent-on-size", "--attach", LARGE, to=YOU), "too_large",
            "552 5.3.4 Error: message file too big", REFUSED_AT_DATA),
    refused("no SMTPUTF8", by("old", to="jörg@taken.real.test"), "smtputf8_not_offered", "it offers no SMTPUTF8",
            GREETED),
    refused("no DATA", by("no-data", to=YOU), "content_refused", "554 5.7.1 <DATA>: Data command rejected",
            REFUSED_AT_DATA),
    refused("taken for spam", by("plain-relay", "--subject", "A lottery", to=YOU), "content_refused",
            "550 5.7.1 No lotteries here", REFUSED_AT_DATA),
    refused("refused at its end", by("not-this-message", to=YOU), "content_refused", "End-of-data rejected",
            REFUSED_AT_DATA),
    uncertain("not now, at its end", by("not-now", to=YOU), "overloaded", "can't take mail now: “450 4.3.2",
              REFUSED_AT_DATA),
    # The recipient, and the recipient's MX
    refused("no such mailbox", to("ghost@taken.real.test"), "user_unknown", "There is no such mailbox", AT_RCPT),
    refused("an MX that does not know the domain", to("you@denies.real.test"), "domain_unknown_there",
            "though its MX records lead there", AT_RCPT),
    refused("over quota", to("you@over-quota.real.test"), "mailbox_full", "must make room", AT_RCPT),
    uncertain("full", to("you@full.real.test"), "mailbox_full", "must make room", AT_RCPT),
    uncertain("greylisting", to("me@greylists.real.test"), "greylisted", "Send again after 20", AT_RCPT),
    uncertain("later", to("you@defers.real.test"), "overloaded", "can't take mail now", AT_RCPT),
    uncertain("no room for any mail", to("you@no-space.real.test"), "overloaded", "Insufficient system storage",
              AT_MAIL),
    uncertain("421", to("you@hangs-up.real.test"), "overloaded", "421 4.3.2",
              "ehlo=2 starttls=1 mail=1 rcpt=0/1"),
    refused("no such sender", to("you@knows-senders.real.test", "--from", "ghost@taken.real.test"), "sender_refused",
            "does not take mail from this sender", AT_MAIL),
    refused("no bounces wanted", to("you@no-bounces.real.test", "--from", "<>"), "sender_refused", "No bounces here",
            AT_MAIL),
    ours("our address is refused", to("you@bars-us.real.test"), "host_refused", "Client host rejected", AT_RCPT),
    # No server
    refused("nothing listens", to("you@down.real.test"), "connection_refused", "refuses connections on port"),
    refused("nothing listens at the relay", (*to(YOU), "--relay", "127.80.59.1"), "connection_refused",
            "refuses connections on port 587"),
    refused("no mail wanted", to("you@null-mx.real.test"), "null_mx", "null MX, RFC 7505"),
    refused("no such domain", to("you@no-such-domain.test"), "domain_does_not_exist", "does not exist"),
    refused("no such relay", by("no-such-relay"), "relay_does_not_exist", "There is no host no-such-relay.mx.real"),
)  # fmt: skip

#: Each comes from an address of its own, by which Postfix's log tells it from the others.
SOURCES = {row.why: f"127.0.4.{number}" for row, number in zip(ROWS, count(1), strict=False)}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every row keeps what it sent and said."""
    path = tmp_path_factory.mktemp("send")
    (path / LARGE).write_bytes(bytes(SIZE_LIMIT))
    return path


@pytest.fixture(scope="module")
def sent(mail_world: MailWorld, directory: Path) -> Mapping[str, Ran]:
    """What every row came to, in words; all of it is kept too."""
    return run_all({row.why: command_of(row, mail_world, directory) for row in ROWS}, ENVIRONMENT)


def command_of(row: Row, world: MailWorld, directory: Path) -> Arguments:
    sender = () if "--from" in row.arguments else ("--from", USER)
    port = () if "--relay" in row.arguments else world.port
    placed = [_placed(argument, world, directory) for argument in row.arguments]
    source = ("--source-address", SOURCES[row.why])
    return ["send", *sender, *placed, *world.options(*port, *source), "--save", directory / row.why]


def _placed(argument: str, world: MailWorld, directory: Path) -> str:
    if argument.startswith("RELAY:"):
        return world.mail.relay(argument.removeprefix("RELAY:"))
    files = {OURS_PEM: world.mail.our_certificate, LARGE: directory / LARGE}
    return str(files.get(argument, argument))


def kept(directory: Path, why: str) -> Any:
    return orjson.loads((directory / why / "result.json").read_bytes())


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_user_reads(row: Row, sent: Mapping[str, Ran], directory: Path) -> None:
    ran = sent[row.why]
    assert (ran.exit_code, ran.complained) == (row.exit_code, b""), ran.said
    assert row.words in ran.said, ran.said
    assert ("what to do" in ran.said) is (row.kind != "")
    assert [reason["kind"] for reason in kept(directory, row.why)["reasons"]] == ([row.kind] if row.kind else [])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_postfix_saw(row: Row, sent: Mapping[str, Ran], mail_postfix: DeliveringPostfix) -> None:
    """Postfix counts the commands of each session when it ends: `mail=1 rcpt=0/1`, where none of one went well."""
    assert mail_postfix.sessions(SOURCES[row.why], len(row.seen)) == list(row.seen), sent[row.why].said


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_was_taken_was_delivered_and_nothing_else(
    row: Row, sent: Mapping[str, Ran], directory: Path, mail_postfix: DeliveringPostfix
) -> None:
    assert row.why in sent
    found = kept(directory, row.why)
    message_id = found["message"]["message_id"]
    if found["result"] == "sent":
        assert mail_postfix.fates(message_id) == {f"{row.arguments[1]} sent"}
    else:
        assert not mail_postfix.was_queued(message_id)
