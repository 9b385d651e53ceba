"""Sessions of `send` as they would have been recorded: one that brought the message, and one that ended anywhere."""

from typing import Any

from msgspec.structs import replace

from scanner.diagnosis.answer import Canaries
from scanner.diagnosis.send_talks import Talk
from scanner.outcomes import Cause, Outcome, Stage, Stop, TlsMode, Variant
from scanner.records import Recipient, ReplyRecord, SendRecord, SendReplies, SendTimings, SessionRecord
from tests.judgement.sessions import session

RELAY, ADDRESS = "smtp.example.org", "192.0.2.1"
MAILBOX, OTHER = "you@example.org", "other@example.org"

#: The stages that a sending goes through, of which each has one reply.
_WAY = (
    Stage.greeting,
    Stage.ehlo,
    Stage.starttls,
    Stage.ehlo_after_tls,
    Stage.auth,
    Stage.mail,
    Stage.data,
    Stage.message,
)


def reply(text: str) -> ReplyRecord:
    """`550 5.1.1 text` as a reply; without an enhanced code, `550 text`."""
    code, _, words = text.partition(" ")
    first = words.partition(" ")[0]
    enhanced = first if first.count(".") == 2 and first.replace(".", "").isdigit() else None
    return ReplyRecord(code=int(code), enhanced_code=enhanced, lines=(words,))


def sent(**changes: Any) -> SendRecord:
    """A session that brought the message to one recipient, with these fields changed."""
    base = session(variant=Variant.send, session="0123456789abcdef.1.send", port=587, address=ADDRESS)
    fields: dict[str, Any] = {name: getattr(base, name) for name in SessionRecord.__struct_fields__}
    replies: dict[str, Any] = {stage.value: reply("250 2.0.0 Ok") for stage in _WAY}
    fields |= {
        "replies": SendReplies(**replies, rcpt=(reply("250 2.1.5 Ok"),)),
        "timings_ms": SendTimings(connect=1.0, message=1.0),
        "tls_mode": TlsMode.starttls,
        "stop": None,
        "tls_problem": None,
        "mechanism": None,
        "auth_failure": None,
        "recipients": (Recipient(mailbox=MAILBOX, accepted=True, reply=reply("250 2.1.5 Ok")),),
        "dsn_left_out": False,
        "message_octets": 1000,
        "message_sha256": "ab" * 32,
        "delivered": True,
    }
    return SendRecord(**(fields | changes))


def broken(stage: Stage, outcome: Outcome, **changes: Any) -> SendRecord:
    """A session that ended at a stage without a reply to it."""
    before: dict[str, Any] = {each.value: reply("250 Ok") for each in _WAY[: _WAY.index(stage) if stage in _WAY else 0]}
    fields: dict[str, Any] = {
        "stage": stage,
        "outcome": outcome,
        "replies": SendReplies(**before),
        "timings_ms": SendTimings(connect=1.0),
        "recipients": (Recipient(mailbox=MAILBOX, accepted=stage in (Stage.data, Stage.message)),),
        "message_octets": None,
        "message_sha256": None,
        "delivered": False,
    }
    return sent(**(fields | changes))


def refused(stage: Stage, text: str, cause: Cause | None = None, **changes: Any) -> SendRecord:
    """A session that ended with a refusal at a stage."""
    said = reply(text)
    outcome = Outcome.transient_negative if said.code < 500 else Outcome.permanent_negative
    record = broken(stage, outcome, cause=cause)
    if stage is Stage.rcpt:
        recipient = Recipient(mailbox=MAILBOX, accepted=False, reply=said, cause=cause)
        return replace(record, recipients=(recipient,), stop=Stop.no_recipient, **changes)
    return replace(record, replies=replace(record.replies, **{stage.value: said}), **changes)


def talk(record: SendRecord, *, is_relay: bool = True, canaries: Canaries = Canaries.not_asked) -> Talk:
    return Talk(record=record, host=RELAY, is_relay=is_relay, canaries=canaries)
