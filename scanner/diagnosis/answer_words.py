"""The words of a check's answer: what was asked, how places ended, and what to do about a refusal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from scanner.diagnosis.sender_refusals import is_about_the_null_sender, is_about_the_sender
from scanner.outcomes import Cause, Outcome, Stage
from scanner.records import ReplyRecord, SessionRecord, Transaction
from scanner.smtp.come_back import read_come_back_s
from scanner.times import parse_utc


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: whether mail from a sender (None: nobody in particular) gets to a recipient.

    `recipient` is None if the question is about the domain alone. Mailboxes are shown as they were parsed.
    """

    domain: str
    sender: str | None
    recipient: str | None
    port: int

    def __str__(self) -> str:
        """The mail that is asked about, as the subject of a sentence."""
        if self.recipient is None:
            return f"mail to {self.domain}"
        sender = "" if self.sender is None else f" from {self.sender or '<>'}"
        return f"mail{sender} to {self.recipient}"

    @property
    def first(self) -> str:
        """The same at the beginning of a sentence."""
        return f"M{str(self)[1:]}"


@dataclass(frozen=True, slots=True)
class Talk:
    """What came of one place: its last session, and of MAIL and RCPT there if they were said."""

    exchange: str
    session: SessionRecord
    transaction: Transaction | None = None

    @property
    def place(self) -> str:
        return place_text(self.exchange, self.session.address)

    @property
    def stage(self) -> Stage:
        """Where it ended."""
        return self.session.stage if self.transaction is None else self.transaction.stage

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.session.outcome if self.transaction is None else self.transaction.outcome

    @property
    def cause(self) -> Cause | None:
        """Why it was refused, if it was."""
        return self.session.cause if self.transaction is None else self.transaction.cause

    @property
    def reply(self) -> ReplyRecord | None:
        """The reply at the stage where it ended."""
        found = getattr(self.session.replies, self.stage.value, None)
        if isinstance(found, tuple):
            return found[-1] if found else None
        return found if isinstance(found, ReplyRecord) else None


def place_text(exchange: str, address: str) -> str:
    """A mail host at an address; the address alone where an address literal names it."""
    literals = (f"[{address}]", f"[IPv6:{address}]")
    return exchange if exchange in literals else f"{exchange} [{address}]"


#: What a person calls the step at which something ended.
STEPS = {
    Stage.connect: "connect",
    Stage.greeting: "the greeting",
    Stage.ehlo: "EHLO",
    Stage.helo: "HELO",
    Stage.starttls: "STARTTLS",
    Stage.tls: "the TLS handshake",
    Stage.ehlo_after_tls: "EHLO after STARTTLS",
    Stage.mail: "MAIL FROM",
    Stage.rcpt: "RCPT TO",
}

_OUTCOMES = {
    Outcome.refused: "the connection is refused: nothing listens there, or a firewall says no",
    Outcome.unreachable: "the address is not reachable",
    Outcome.timed_out: "no answer",
    Outcome.deadline: "not done in time",
    Outcome.reset: "the connection was reset",
    Outcome.closed: "the server closed the connection",
    Outcome.not_smtp: "what answers there is no mail server",
    Outcome.malformed: "the reply is not SMTP",
    Outcome.too_long: "the reply never ends",
    Outcome.tls_failed: "TLS failed",
    Outcome.plaintext_after_starttls: "no TLS follows the server's own “ready”",
    Outcome.local_fault: "a fault of this host",
}


def reply_text(talk: Talk) -> str:
    """The reply that a place ended with, in its own words."""
    reply = talk.reply
    return "no reply" if reply is None else f"“{reply.code} {' '.join(reply.lines).strip()}”"


def refusal_text(talk: Talk) -> str:
    """How a place refuses: in its own words, or what it lacks that the mail needs."""
    if talk.reply is None and talk.transaction is not None and talk.transaction.error is not None:
        return f"{talk.place}: {talk.transaction.error}"
    return f"{talk.place} refuses {STEPS.get(talk.stage, talk.stage)}: {reply_text(talk)}"


def end_text(talk: Talk) -> str:
    """How a place ended, with the limit that fired: `mx.example [192.0.2.1] at the greeting: no answer within 30 s`."""
    what = _OUTCOMES.get(talk.outcome) or reply_text(talk)
    limit_s = talk.session.limit_s if talk.transaction is None else talk.transaction.limit_s
    within = "" if limit_s is None else f" within {limit_s:g} s"
    error = talk.session.error_code if talk.transaction is None and talk.outcome is Outcome.tls_failed else None
    return f"{talk.place} at {STEPS.get(talk.stage, talk.stage)}: {what}{within}{f' ({error})' if error else ''}"


def ends_text(talks: Iterable[Talk]) -> str:
    """How places ended, one after the other; those after the fifth are counted."""
    ends = [end_text(talk) for talk in talks]
    more = f"; and {len(ends) - MAX_ENDS} more" if len(ends) > MAX_ENDS else ""
    return "; ".join(ends[:MAX_ENDS]) + more


#: So many places are told of in the answer; all of them are in the table.
MAX_ENDS = 5


def come_back_text(talk: Talk) -> str:
    """When to come back to a place that said "not now", in UTC."""
    asked_s = read_come_back_s(" ".join(talk.reply.lines)) if talk.reply is not None else None
    # RFC 6647 §4.5: who greylists mostly wants a pause of 1 to 60 minutes; §4.1: clients retry after 15 or 30.
    at = parse_utc(talk.session.ended_at) + timedelta(seconds=15 * 60 if asked_s is None else asked_s)
    return f"after {at:%Y-%m-%d %H:%M:%S} UTC" + (" (the server does not say when)" if asked_s is None else "")


def listed(words: Iterable[str]) -> str:
    """`a, b and c`; nothing for none."""
    *others, last = tuple(words) or ("",)
    return f"{', '.join(others)} and {last}" if others else last


# What to do -------------------------------------------------------------------------------------------

_ANOTHER_SENDER = (
    "This is about the sender, from wherever it is sent: check with another sender, whose mailbox and domain exist and "
    "which may send from here and to this recipient."
)
_NULL_SENDER = (
    "Every server must take the null reverse-path, or the domain hears of no failure (RFC 5321 §4.5.5, §6.1): its "
    "postmaster must allow it."
)
_IN_ASCII = (
    "Use addresses in ASCII before the @, of the sender too; or have the server offer SMTPUTF8 (RFC 6531). A domain "
    "outside ASCII is no obstacle."
)
_ASK_THE_POSTMASTER = "Ask the recipient's postmaster, by another way than mail, with the transcript (-v)."

_ABOUT_THEM: dict[Cause, str] = {
    Cause.user_unknown: (
        "Check the spelling of the address; if it is right, the mailbox must be made or enabled. If the reply names "
        "another address (551), write to that one."
    ),
    Cause.mailbox_full: "The recipient must make room in the mailbox.",
    Cause.relay_denied: (
        "The server does not take mail for this domain: correct the MX records, or add the domain to its configuration."
    ),
    Cause.auth_required: (
        "The MX records lead to a server for the domain's users (submission), not to one that takes mail from outside."
    ),
    Cause.tls_required: "The server takes mail over TLS only: the sending server must use STARTTLS.",
    Cause.no_service: "Take the host out of the MX records, or have it take mail.",
}

_ABOUT_US: dict[Cause, str] = {
    Cause.blocklisted: (
        "The reply mostly says by which block list: have this host's address removed there, or send from another one."
    ),
    Cause.reverse_dns_required: "Give this host's address a name (PTR) that leads back to the address.",
    Cause.ehlo_name_refused: "Use a name in EHLO that resolves to this host: --ehlo-name mx.example.org.",
    Cause.rate_limited: "Wait, and check less often.",
    Cause.too_many_connections: "Wait, and check less often.",
}


def remedy_of(talk: Talk, *, about_us: bool) -> str:
    """What to do about a refusal."""
    if about_us:
        ask = "Check from another address, or ask the postmaster what is wrong with this one."
        return _ABOUT_US.get(talk.cause or Cause.other, ask)
    if talk.reply is None and talk.transaction is not None and talk.transaction.error is not None:
        return _IN_ASCII  # all that a transaction ends for without a word said
    if is_about_the_null_sender(talk.reply):
        return _NULL_SENDER
    if is_about_the_sender(talk.stage, talk.reply):
        return _ANOTHER_SENDER
    return _ABOUT_THEM.get(talk.cause or Cause.other, _ASK_THE_POSTMASTER)
