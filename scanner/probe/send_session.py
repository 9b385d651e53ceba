"""One session of `send` from beginning to end: the dialogue is held, and what came of it becomes a record.

What we know of a secret ends here: a bug of ours is told by its place and kind alone, since the words of an exception
may hold anything.
"""

import traceback
from dataclasses import dataclass, replace
from hashlib import sha256

from scanner.outcomes import Outcome, Stage, TlsMode, Variant
from scanner.probe.mail_peer import MailPeer
from scanner.probe.sending import Progress, SendOrder, Stopped, send
from scanner.probe.session import ProbedSession, Survey, Visit, frame_of, onlooker_of, peer_for
from scanner.probe.session_end import SessionEnded
from scanner.probe.session_record import (
    SessionFrame,
    refusal_of,
    replies_by_stage,
    reply_record,
    session_record,
)
from scanner.records import Recipient, SendRecord, SendReplies, SendTimings, SessionRecord, Target, Transcript
from scanner.smtp.mailboxes import Mailbox
from scanner.smtp.replies import Reply, ReplyClass

#: What a reply to the message says of it; what else it may be says nothing.
_DELIVERED = {
    ReplyClass.positive: True,
    ReplyClass.transient_negative: False,
    ReplyClass.permanent_negative: False,
}


@dataclass(frozen=True, slots=True)
class SentSession(ProbedSession):
    """A sending's records; `chain` is the served certificates in DER, `bug` says where one of ours is."""

    record: SendRecord


async def hold_sending(target: Target, order: SendOrder, common: Survey, attempt: int = 1) -> SentSession:
    """Sends a message to a target. Never raises for what the server does, nor for our bugs.

    The order says how TLS is asked for; of what sessions have in common, `implicit_tls` and `envelope` do not count.
    """
    common = replace(common, implicit_tls=order.tls_mode is TlsMode.implicit)
    onlooker = onlooker_of(target, common, attempt, Variant.send)
    visit = Visit(target, attempt, Variant.send, None)
    peer = peer_for(MailPeer, visit, common, None if onlooker is None else onlooker.says)
    started_at, began = common.clock.now_utc(), common.clock.monotonic()
    progress = Progress()
    end, bug = await _hold(peer, order, common.ehlo_name, progress)
    frame = frame_of(visit, common, peer, started_at, started_at + common.clock.monotonic() - began)
    sent = SentSession(
        record=_Outcome(order, frame, peer, progress, end).record(target),
        transcript=Transcript(session=frame.session, lines=peer.transcript.lines()),
        chain=peer.tls.chain if peer.tls else (),
        bug=bug,
    )
    return sent if onlooker is None else onlooker.ends(sent)


async def _hold(
    peer: MailPeer, order: SendOrder, ehlo_name: str, progress: Progress
) -> tuple[SessionEnded, str | None]:
    try:
        await send(peer, order, ehlo_name, progress)
        return SessionEnded(Stage.done, Outcome.ok), None
    except SessionEnded as ended:
        return ended, None
    except Exception as error:  # noqa: BLE001 - the one place where a bug of ours becomes an outcome
        kind = type(error).__name__
        where = "".join(traceback.format_tb(error.__traceback__))
        return SessionEnded(peer.stage, Outcome.scanner_bug, error=kind), f"{where}{kind}\n"
    finally:
        peer.close()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a sending."""

    order: SendOrder
    frame: SessionFrame
    peer: MailPeer
    progress: Progress
    end: SessionEnded

    def record(self, target: Target) -> SendRecord:
        """A session's record, and what only a sending has."""
        peer, progress = self.peer, self.progress
        timings_ms = SendTimings(**peer.timings_ms)
        session = session_record(target, self.frame, peer, self.end, replies=self._replies(), timings_ms=timings_ms)
        message, mechanism = progress.message, progress.mechanism
        return SendRecord(
            **{name: getattr(session, name) for name in SessionRecord.__struct_fields__},
            tls_mode=self.order.tls_mode,
            stop=self.end.stop if isinstance(self.end, Stopped) else None,
            tls_problem=progress.tls_problem,
            mechanism=mechanism.name if mechanism else None,
            auth_failure=peer.concealed(mechanism.failure) if mechanism and mechanism.failure else None,
            recipients=tuple(map(self._recipient, self.order.forward_paths)),
            dsn_left_out=progress.dsn_left_out,
            message_octets=None if message is None else len(message),
            message_sha256=None if message is None else sha256(message).hexdigest(),
            delivered=self._is_delivered(),
        )

    def _replies(self) -> SendReplies:
        by_stage = replies_by_stage(self.peer)
        by_stage["rcpt"] = tuple(reply_record(reply) for _, reply in self.progress.recipients)
        return SendReplies(**by_stage)

    def _recipient(self, mailbox: Mailbox) -> Recipient:
        reply = dict(self.progress.recipients).get(mailbox)
        if reply is None:
            return Recipient(mailbox=str(mailbox), accepted=False)
        accepted = reply.reply_class is ReplyClass.positive
        refusal = None if accepted else refusal_of(reply, self.frame, self.peer)
        return Recipient(
            mailbox=str(mailbox),
            accepted=accepted,
            reply=reply_record(reply),
            cause=refusal.cause if refusal else None,
            about_us=refusal.about_us if refusal else None,
        )

    def _is_delivered(self) -> bool | None:
        reply: Reply | None = self.peer.replies.get(Stage.message)
        if not self.peer.message_said:
            return False
        return None if reply is None else _DELIVERED.get(reply.reply_class)
