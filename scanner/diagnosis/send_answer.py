"""What came of sending a message: for every recipient, and in one answer with its exit code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from msgspec import Struct

from scanner.diagnosis.answer_words import listed
from scanner.diagnosis.send_reasons import Reason, reason_of, recipient_reason
from scanner.diagnosis.send_talks import Talk
from scanner.exit_codes import BUG, INCONCLUSIVE, OK, OURS, PROBLEM
from scanner.judgement.claims import came_up
from scanner.outcomes import Outcome, Stage, Stop
from scanner.records import Recipient, ReplyRecord


class Fate(StrEnum):
    """What came of the message for a recipient; `stopped`: nothing was to be sent."""

    taken = "taken"
    not_taken = "not_taken"
    not_known = "not_known"
    stopped = "stopped"


class Result(StrEnum):
    """What came of the message as a whole."""

    sent = "sent"
    sent_in_part = "sent_in_part"
    not_sent = "not_sent"
    not_known = "not_known"
    stopped = "stopped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One transaction's worth of recipients, and the talks that were to bring them the message, in their order.

    `reason` says why there was no server to talk to.
    """

    recipients: tuple[str, ...]
    talks: tuple[Talk, ...] = ()
    reason: Reason | None = None


class RecipientFate(Struct, frozen=True):
    """A recipient: what came of the message, where, what the server said, and why it was not taken."""

    mailbox: str
    fate: Fate
    place: str | None = None
    reply: ReplyRecord | None = None
    reason: Reason | None = None


class SendAnswer(Struct, frozen=True):
    """The answer for a person, the distinct reasons why the message was not taken, and the exit code."""

    result: Result
    exit_code: int
    said: str
    recipients: tuple[RecipientFate, ...]
    reasons: tuple[Reason, ...]


def tries_next(talk: Talk) -> bool:
    """True if a sender goes on to the next place: there was no connection, or "not now", before MAIL.

    RFC 5321 §5.1: "the SMTP client MUST try each relevant address in order, until a delivery attempt succeeds".
    What a server refuses for good, it refuses for the domain; and a password is said to one server only.
    """
    record = talk.record
    if record.stop is not None or record.stage not in _BEFORE_AUTH:
        return False
    return record.outcome not in (Outcome.ok, Outcome.permanent_negative, Outcome.scanner_bug, Outcome.cancelled)


_BEFORE_AUTH = frozenset(
    {Stage.connect, Stage.greeting, Stage.ehlo, Stage.helo, Stage.starttls, Stage.tls, Stage.ehlo_after_tls}
)


def answer_sending(deliveries: Sequence[Delivery], message_id: str) -> SendAnswer:
    """What came of the message as a whole."""
    recipients = tuple(fate for delivery in deliveries for fate in recipient_fates(delivery))
    result = _result([recipient.fate for recipient in recipients])
    reasons = tuple(dict.fromkeys(each.reason for each in recipients if each.reason is not None))
    said = _SAID[result].format(
        places=listed(dict.fromkeys(each.place or "" for each in recipients if each.fate is Fate.taken)),
        taken=listed(each.mailbox for each in recipients if each.fate is Fate.taken),
        others=listed(each.mailbox for each in recipients if each.fate is not Fate.taken),
        message_id=message_id,
        stage=_stage_text(deliveries),
        but=", without TLS, which the server does not offer" if _stopped_without_tls(deliveries) else "",
    )
    return SendAnswer(result, _exit_code(reason.exit_code for reason in reasons), said, recipients, reasons)


_SAID = {
    Result.sent: (
        "The message was taken by {places} for {taken}. From here on it is that server's duty to deliver it or to "
        "report back (RFC 5321 §4.2.5): taken is not yet delivered. Its log has the message id {message_id}."
    ),
    Result.sent_in_part: (
        "The message was taken by {places} for {taken}, and not for {others}. The server's log has the message id "
        "{message_id}."
    ),
    Result.not_sent: "The message was not taken.",
    Result.not_known: "Whether the message was taken is not known. Its message id is {message_id}.",
    Result.stopped: "Stopped after {stage}, as asked: all went well up to there{but}, and no message was sent.",
}


def _result(fates: Sequence[Fate]) -> Result:
    if Fate.taken in fates:
        return Result.sent if set(fates) == {Fate.taken} else Result.sent_in_part
    if Fate.not_known in fates:
        return Result.not_known
    return Result.stopped if set(fates) == {Fate.stopped} else Result.not_sent


def _exit_code(codes: Iterable[int]) -> int:
    """Where several apply: a bug, our side, a problem of theirs, not known."""
    found = set(codes)
    return next((code for code in (BUG, OURS, PROBLEM, INCONCLUSIVE) if code in found), OK)


def _stage_text(deliveries: Sequence[Delivery]) -> str:
    stages = {talk.record.stage for delivery in deliveries for talk in delivery.talks if talk.record.stop is not None}
    return listed(sorted(stage.replace("_", " ") for stage in stages))


def _stopped_without_tls(deliveries: Sequence[Delivery]) -> bool:
    """True if it was to stop after TLS, where TLS was a matter of luck, and there was none."""
    records = [talk.record for delivery in deliveries for talk in delivery.talks]
    return any(each.stop is Stop.as_asked and each.stage is Stage.tls and each.tls is None for each in records)


def telling_talk(talks: Sequence[Talk]) -> Talk:
    """The talk that an answer tells of: the last, if it was decisive, else the first with a connection."""
    if not tries_next(talks[-1]):
        return talks[-1]
    return next((talk for talk in talks if came_up(talk.record)), replace(talks[-1], others=len(talks) - 1))


# Recipients -------------------------------------------------------------------------------------------


def recipient_fates(delivery: Delivery) -> list[RecipientFate]:
    """What came of the message for each of a delivery's recipients."""
    if not delivery.talks:
        return [RecipientFate(mailbox, Fate.not_taken, reason=delivery.reason) for mailbox in delivery.recipients]
    talk = telling_talk(delivery.talks)
    by_mailbox = {recipient.mailbox: recipient for recipient in talk.record.recipients}
    return [_fate(talk, mailbox, by_mailbox.get(mailbox)) for mailbox in delivery.recipients]


def _fate(talk: Talk, mailbox: str, recipient: Recipient | None) -> RecipientFate:
    record = talk.record
    if recipient is not None and recipient.reply is not None and not recipient.accepted:
        reason = recipient_reason(talk, recipient)
        return RecipientFate(mailbox, Fate.not_taken, talk.place, recipient.reply, reason)
    if record.delivered is True:
        return RecipientFate(mailbox, Fate.taken, talk.place, record.replies.message)
    if record.stop is Stop.as_asked:
        return RecipientFate(mailbox, Fate.stopped, talk.place, recipient.reply if recipient is not None else None)
    fate = Fate.not_known if record.delivered is None else Fate.not_taken
    return RecipientFate(mailbox, fate, talk.place, reason=reason_of(talk))
