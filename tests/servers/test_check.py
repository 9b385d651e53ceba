"""What `mxscan check` says of mailboxes at a real Postfix, by zones of a real NSD; and what those servers saw of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, OURS, PROBLEM

from .delivering import DeliveringPostfix
from .foreground import Ran, run, run_all
from .mail_world import MailWorld

SENDER = "me@taken.real.test"
NOT_SENT = "nothing was sent"
NOT_THROUGH = "does not get through"

# What Postfix counts in a session, by how far it went.
NO_MAIL = "ehlo=2 starttls=1 quit=1"
AT_MAIL = "ehlo=2 starttls=1 mail=0/1 quit=1"
AT_RCPT = "ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1"
ALL = "ehlo=2 starttls=1 mail=1 rcpt=1 quit=1"


@dataclass(frozen=True)
class Case:
    """A recipient, why it is asked about, the exit code, words of the answer, and what Postfix saw of each session."""

    recipient: str
    why: str
    exit_code: int
    words: tuple[str, ...]
    seen: str = ""
    sender: str | None = SENDER

    def __str__(self) -> str:
        return f"{self.sender} {self.recipient}"

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.recipient,) if self.sender is None else (self.recipient, "--from", self.sender)


CASES = (
    # Taken
    Case("you@taken.real.test", "a mailbox", OK, ("gets through: taken.mx.real.test", NOT_SENT), ALL),
    Case("you@wants-tls.real.test", "no mail without TLS", OK, ("gets through", NOT_SENT), ALL),
    Case("jörg@taken.real.test", "SMTPUTF8 is offered", OK, ("to jörg@taken.real.test gets through",), ALL),
    Case("you@taken.real.test", "a bounce", OK, ("from <> to you@taken.real.test gets through",), ALL, sender="<>"),
    Case("you@taken.real.test", "a recipient alone", OK, ("taken.mx.real.test [127.80.50.1] takes mail",), NO_MAIL,
         sender=None),
    Case("taken.real.test", "a domain", OK, ("Mail to taken.real.test gets through", NOT_SENT), NO_MAIL, sender=None),
    # Taken, and there is something to repair
    Case("you@no-tls.real.test", "TLS is off", PROBLEM, ("gets through", "starttls-not-supported"),
         "ehlo=1 mail=1 rcpt=1 quit=1"),
    Case("you@expired.real.test", "its last day is over", PROBLEM, ("gets through", "certificate-expired"), ALL),
    Case("you@wrong-name.real.test", "another host's certificate", PROBLEM,
         ("gets through", "certificate-host-mismatch"), ALL),
    Case("you@stranger.real.test", "nobody's authority", PROBLEM, ("gets through", "certificate-not-trusted"), ALL),
    Case("you@backup.real.test", "its first MX is down", PROBLEM,
         ("gets through: taken.mx.real.test", "nothing.mx.real.test [127.80.59.1] at connect"), ALL),
    Case("you@old.test", "a secondary did not get the last change", PROBLEM,
         ("gets through", "7 on ns.real.test [127.81.2.1], 5 on second.ns.real.test [127.81.2.2]"), ALL),
    Case("you@dead.test", "nothing listens at one of its name servers", PROBLEM,
         ("gets through", "name server ns.dead.test [127.81.2.9]: connection refused over UDP and TCP"), ALL),
    Case("you@no-tcp.test", "one of its name servers is not to be had over TCP", PROBLEM,
         ("gets through", "name server udp.no-tcp.test [127.81.2.3]", "TCP"), ALL),
    # Refused
    Case("ghost@taken.real.test", "no such user", PROBLEM,
         (NOT_THROUGH, "refuses RCPT TO: “550 5.1.1 <ghost@taken.real.test>", "Check the spelling"), AT_RCPT),
    Case("you@denies.real.test", "an MX that does not know the domain", PROBLEM,
         (NOT_THROUGH, "554 5.7.1", "Relay access denied", "does not take mail for this domain"), AT_RCPT),
    Case("you@[127.80.50.1]", "an address that is none of Postfix's", PROBLEM,
         (NOT_THROUGH, "[127.80.50.1] refuses RCPT TO", "Relay access denied"), AT_RCPT),
    Case("you@knows-senders.real.test", "no such sender", PROBLEM,
         (NOT_THROUGH, "refuses MAIL FROM: “550 5.1.0", "another sender"), AT_MAIL, sender="ghost@taken.real.test"),
    Case("you@no-bounces.real.test", "no bounces wanted", PROBLEM,
         (NOT_THROUGH, "refuses MAIL FROM: “550 5.7.1 <>: Sender address rejected", "null reverse-path"), AT_MAIL,
         sender="<>"),
    Case("you@over-quota.real.test", "no room", PROBLEM, (NOT_THROUGH, "552 5.2.2", "must make room"), AT_RCPT),
    Case("jörg@no-smtputf8.real.test", "SMTPUTF8 is not offered", PROBLEM, (NOT_THROUGH, "needs SMTPUTF8"), NO_MAIL),
    Case("you@down.real.test", "nothing listens", PROBLEM, ("no connection comes up", "the connection is refused")),
    Case("you@null-mx.real.test", "no mail wanted", PROBLEM, (NOT_THROUGH, "null MX, RFC 7505")),
    Case("you@no-such-domain.real.test", "no such domain", PROBLEM, (NOT_THROUGH, "does not exist")),
    # Not now
    Case("you@greylists.real.test", "greylisting", INCONCLUSIVE,
         ("not known yet", "450 4.2.0", "mostly greylisting", "Check again after 20"), AT_RCPT),
    Case("you@defers.real.test", "tries recipients of later", INCONCLUSIVE,
         ("“not now” to RCPT TO: “450 4.3.2", "Check again after 20"), AT_RCPT),
    Case("you@full.real.test", "no room now", INCONCLUSIVE, ("“not now” to RCPT TO: “452 4.2.2",), AT_RCPT),
    Case("you@no-space.real.test", "no room for any mail", INCONCLUSIVE,
         ("“not now” to MAIL FROM: “452 4.3.1 Insufficient system storage",), AT_MAIL),
    Case("you@hangs-up.real.test", "421", INCONCLUSIVE, ("“not now” to RCPT TO: “421 4.3.2",),
         "ehlo=2 starttls=1 mail=1 rcpt=0/1"),
    Case("you@pregreets.real.test", "postscreen lets nobody in the first time", INCONCLUSIVE,
         ("“not now” to RCPT TO: “450 4.3.2 Service currently unavailable”",)),
    # Because of us
    Case("you@bars-us.real.test", "our address is refused", OURS,
         ("because of us", "Client host rejected: Access denied", "Check from another address"), AT_RCPT),
)  # fmt: skip

#: Each case comes from an address of its own, by which Postfix's log tells it from the others.
SOURCES = {str(case): f"127.0.3.{number}" for case, number in zip(CASES, count(1), strict=False)}


def command_of(case: Case, world: MailWorld) -> Sequence[str | Path]:
    return ["check", *case.addresses, *world.options(*world.port, "--source-address", SOURCES[str(case)])]


@pytest.fixture(scope="module")
def checked(mail_world: MailWorld) -> dict[str, Ran]:
    """What every case came to, in words."""
    return run_all({str(case): command_of(case, mail_world) for case in CASES})


def answer_of(ran: Ran) -> str:
    """The last paragraph before the findings."""
    return ran.said.partition("\nAnswer\n")[2].partition("\nFindings\n")[0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_answer_says_what_postfix_made_of_it(case: Case, checked: dict[str, Ran]) -> None:
    ran = checked[str(case)]
    assert (ran.exit_code, ran.complained) == (case.exit_code, b""), ran.said
    told = answer_of(ran)
    assert [words for words in case.words if words not in told] == [], told


@pytest.mark.parametrize("case", [case for case in CASES if case.seen], ids=str)
def test_postfix_saw_what_was_told_of_it_and_quit(
    case: Case, checked: dict[str, Ran], mail_postfix: DeliveringPostfix
) -> None:
    """Postfix counts the commands of each session when it ends: `mail=1 rcpt=0/1`, where none of one went well."""
    assert mail_postfix.sessions(SOURCES[str(case)], 1) == [case.seen], checked[str(case)].said


@pytest.mark.parametrize("case", [case for case in CASES if not case.seen], ids=str)
def test_whoever_was_not_talked_to_saw_nobody(
    case: Case, checked: dict[str, Ran], mail_postfix: DeliveringPostfix
) -> None:
    assert str(case) in checked
    assert mail_postfix.sessions(SOURCES[str(case)]) == []


def test_no_session_went_further_than_rcpt(checked: dict[str, Ran], mail_postfix: DeliveringPostfix) -> None:
    assert len(checked) == len(CASES)
    sessions = [session for source in SOURCES.values() for session in mail_postfix.sessions(source)]
    assert len(sessions) >= len([case for case in CASES if case.seen])
    assert [session for session in sessions if any(f"{verb}=" in session for verb in NEVER_SAID)] == []
    assert [session for session in sessions if "rcpt=2" in session or "rcpt=0/2" in session] == []


#: `noop` and `unknown` are how Postfix counts what it does not know.
NEVER_SAID = ("data", "bdat", "auth", "vrfy", "expn", "rset", "noop", "unknown")


# Step by step -----------------------------------------------------------------------------------------

STEPS = """\
Addresses
  passed     sender <me@taken.real.test>: the syntax is right
  passed     recipient <you@taken.real.test>: the syntax is right

Zone of the recipient's domain
  asking for the SOA of the zone around taken.real.test
  taken.real.test is in the zone real.test
  passed     DNS server RESOLVER: serial 7 over UDP and TCP
  real.test has the name servers ns.real.test
  passed     name server ns.real.test [127.81.2.1]: serial 7 over UDP and TCP
  passed     real.test: serial 7

Sender's domain: would a reply and a bounce come back?
  asking for MX of taken.real.test over UDP and TCP
  passed     MX of taken.real.test from RESOLVER: 10 taken.mx.real.test over UDP and TCP
  passed     A of taken.mx.real.test from RESOLVER: 127.80.50.1 over UDP and TCP
  passed     replies and bounces to taken.real.test come back, by MX: taken.mx.real.test (127.80.50.1)

Mail route of the recipient's domain
  asking for MX of taken.real.test over UDP and TCP
  passed     MX of taken.real.test from RESOLVER: 10 taken.mx.real.test over UDP and TCP
  passed     taken.real.test names its mail hosts by 1 MX record
  preference 10: taken.mx.real.test → 127.80.50.1

Mail servers, in the order in which a sender tries them
  our name in EHLO: scanner.real.test
  mail host [address]             connect  greeting  EHLO  STARTTLS  TLS      MAIL  RCPT  QUIT
  taken.mx.real.test [127.80.50.1]  ok       220       250   220       TLSv1.3  250   250   221

Reverse DNS
  passed     our address 127.0.0.1 is scanner.real.test, and back
  passed     address 127.80.50.1 is taken.mx.real.test, and back

DANE and MTA-STS
  not known  DANE: could not be found out (no validating resolver)
  MTA-STS: nothing is published
  TLS-RPT: nothing is published

Answer
Mail from me@taken.real.test to you@taken.real.test gets through: taken.mx.real.test [127.80.50.1] \
takes the recipient; nothing was sent.
"""


def squeezed(text: str) -> list[str]:
    """The lines, with one space for several: how wide a column is does not matter here."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_every_step_is_told_in_its_order(mail_world: MailWorld) -> None:
    ours = ("--allow-network", "127.0.0.1/32")
    ran = run(["check", "you@taken.real.test", "--from", SENDER, *mail_world.options(*mail_world.port, *ours)])
    assert ran.exit_code == OK
    assert squeezed(ran.said.replace(mail_world.resolver, "RESOLVER")) == squeezed(STEPS)


DIALOGUE = (
    "<- 220 postfix.real.test ESMTP Postfix",
    "-> EHLO scanner.real.test",
    "-> STARTTLS",
    "<- 220 2.0.0 Ready to start TLS",
    "-> EHLO scanner.real.test",
    "-> MAIL FROM:<me@taken.real.test>",
    "<- 250 2.1.0 Ok",
    "-> RCPT TO:<ghost@taken.real.test>",
    "<- 550 5.1.1 <ghost@taken.real.test>: Recipient address rejected: User unknown in virtual mailbox table",
    "-> QUIT",
    "<- 221 2.0.0 Bye",
)


def test_the_dialogue_is_told_line_by_line(mail_world: MailWorld) -> None:
    ran = run(["check", SENDER, "ghost@taken.real.test", "-v", *mail_world.options(*mail_world.port)])
    assert ran.exit_code == PROBLEM
    said = [line.split(maxsplit=1)[1] for line in ran.said.splitlines() if " -> " in line or " <- " in line]
    assert [line for line in said if not line.startswith("<- 250-") and " CHUNKING" not in line] == list(DIALOGUE)


def test_who_was_greylisted_is_let_in_when_he_comes_again(mail_world: MailWorld) -> None:
    command = ["check", "they@greylists.real.test", "--from", SENDER, *mail_world.options(*mail_world.port)]
    first, second = run(command), run(command)
    assert (first.exit_code, second.exit_code) == (INCONCLUSIVE, OK)
    assert "mostly greylisting" in answer_of(first)
    assert "gets through: greylists.mx.real.test" in answer_of(second)


def test_one_object_has_the_same_content(mail_world: MailWorld) -> None:
    command = ["check", "ghost@taken.real.test", "--from", SENDER, "--json", *mail_world.options(*mail_world.port)]
    ran = run(command)
    assert (ran.exit_code, ran.complained) == (PROBLEM, b"")
    found = ran.found
    assert found["answer"]["exit_code"] == PROBLEM
    assert "550 5.1.1" in found["answer"]["said"]
    (session,) = found["sessions"]
    assert [reply["code"] for reply in session["replies"]["rcpt"]] == [550]
    assert found["transactions"][0]["outcome"] == "permanent_negative"
    assert found["domain"]["verdicts"]["smtp"]["value"] == "yes"
