"""What a finished session left behind, as the record of format 1."""

from hashlib import sha256
from typing import Any, NamedTuple

from scanner.net.tls import TlsSummary
from scanner.outcomes import Outcome, SessionFlag, Stage, StarttlsResult, Variant
from scanner.probe.peer import SmtpPeer
from scanner.probe.session_end import SessionEnded
from scanner.records import (
    ByteCounts,
    Replies,
    ReplyRecord,
    SessionRecord,
    Starttls,
    Target,
    Timings,
    TlsRecord,
    Transaction,
)
from scanner.smtp.causes import read_refusal
from scanner.smtp.extensions import Extensions
from scanner.smtp.refusal_patterns import Refusal
from scanner.smtp.replies import Reply
from scanner.times import utc_text
from scanner.wire_text import escape_octets

_REFUSALS = frozenset({Outcome.transient_negative, Outcome.permanent_negative})


class SessionFrame(NamedTuple):
    """What is known of a session without having held it; times are seconds since the epoch."""

    session: str
    variant: Variant
    attempt: int
    run: str
    start: int
    ehlo_name: str
    implicit_tls: bool
    host_asked_at: str | None
    started_at: float
    ended_at: float


def session_record(
    target: Target, frame: SessionFrame, peer: SmtpPeer, end: SessionEnded, *, replies: Replies, timings_ms: Timings
) -> SessionRecord:
    """The record of a session that is over."""
    refusal = _refusal(frame, peer, end)
    limit_s, limit_bytes = _limit(end)
    return SessionRecord(
        session=frame.session,
        target=target.target,
        run=frame.run,
        address=target.address,
        port=target.port,
        server_name=target.server_name,
        variant=frame.variant,
        attempt=frame.attempt,
        start=frame.start,
        source_address=peer.source_address,
        ehlo_name=frame.ehlo_name,
        host_asked_at=frame.host_asked_at,
        started_at=utc_text(frame.started_at),
        ended_at=utc_text(frame.ended_at),
        stage=end.stage,
        outcome=end.outcome,
        limit=end.limit,
        limit_s=limit_s,
        limit_bytes=limit_bytes,
        error=_error(end),
        error_code=end.error_code,
        cause=refusal.cause if refusal else None,
        about_us=refusal.about_us if refusal else None,
        replies=replies,
        extensions=_extensions(peer.extensions),
        extensions_after_tls=_extensions(peer.extensions_after_tls),
        starttls=_starttls(peer, end, implicit_tls=frame.implicit_tls),
        tls=tls_record(peer.tls, peer.tls_alert),
        timings_ms=timings_ms,
        bytes=ByteCounts(
            read=peer.tcp.octets_read if peer.tcp else 0, written=peer.tcp.octets_written if peer.tcp else 0
        ),
        flags=_flags(peer),
    )


def transaction_record(frame: SessionFrame, peer: SmtpPeer, end: SessionEnded) -> Transaction:
    """What became of MAIL and RCPT in a session that is over."""
    refusal = _refusal(frame, peer, end)
    limit_s, limit_bytes = _limit(end)
    return Transaction(
        session=frame.session,
        stage=end.stage,
        outcome=end.outcome,
        limit=end.limit,
        limit_s=limit_s,
        limit_bytes=limit_bytes,
        error=_error(end),
        error_code=end.error_code,
        cause=refusal.cause if refusal else None,
        about_us=refusal.about_us if refusal else None,
    )


def _limit(end: SessionEnded) -> tuple[float | None, int | None]:
    """The value of the limit that fired: in seconds, or in octets (or lines)."""
    if end.limit is None or end.limit_value is None:
        return None, None
    if end.limit.endswith(("_bytes", "_lines")):
        return None, int(end.limit_value)
    return end.limit_value, None


def _error(end: SessionEnded) -> str | None:
    return None if end.error is None else escape_octets(end.error.encode("utf-8", "backslashreplace"))


def _refusal(frame: SessionFrame, peer: SmtpPeer, end: SessionEnded) -> Refusal | None:
    reply = peer.replies.get(end.stage)
    if reply is None or end.outcome not in _REFUSALS:
        return None
    return refusal_of(reply, frame, peer)


def refusal_of(reply: Reply, frame: SessionFrame, peer: SmtpPeer) -> Refusal:
    """Why a server refuses, by a reply that does."""
    return read_refusal(reply, [name for name in (peer.source_address, frame.ehlo_name) if name])


def replies_by_stage(peer: SmtpPeer) -> dict[str, Any]:
    """The replies by their names in a record; RCPT may be said several times, so that is a tuple."""
    by_stage: dict[str, Any] = {stage: reply_record(reply) for stage, reply in peer.replies.items()}
    if "rcpt" in by_stage:
        by_stage["rcpt"] = (by_stage["rcpt"],)
    return by_stage


def reply_record(reply: Reply) -> ReplyRecord:
    return ReplyRecord(
        code=reply.code,
        enhanced_code=reply.enhanced_code,
        lines=tuple(escape_octets(line) for line in reply.lines),
    )


def _extensions(extensions: Extensions | None) -> dict[str, str] | None:
    if extensions is None:
        return None
    return {escape_octets(name): escape_octets(value) for name, value in extensions.parameters.items()}


def _starttls(peer: SmtpPeer, end: SessionEnded, *, implicit_tls: bool) -> Starttls:
    offered = peer.extensions is not None and b"STARTTLS" in peer.extensions
    return Starttls(
        offered=offered,
        masked=peer.starttls_masked,
        result=_starttls_result(peer, end, offered=offered, implicit_tls=implicit_tls),
    )


def _starttls_result(peer: SmtpPeer, end: SessionEnded, *, offered: bool, implicit_tls: bool) -> StarttlsResult:
    if peer.tls is not None:
        return StarttlsResult.done
    if end.stage is Stage.starttls and end.outcome in _REFUSALS:
        return StarttlsResult.refused
    if end.stage in (Stage.starttls, Stage.tls):
        return StarttlsResult.failed
    if implicit_tls or peer.extensions is None or offered:
        return StarttlsResult.not_reached
    return StarttlsResult.masked if peer.starttls_masked else StarttlsResult.not_offered


def tls_record(summary: TlsSummary | None, alert: str | None) -> TlsRecord | None:
    """What a handshake gave, or the alert that ended it; None if there was neither."""
    if summary is None:
        return None if alert is None else TlsRecord(alert=alert)
    return TlsRecord(
        version=summary.version,
        cipher=summary.cipher,
        group=summary.group,
        chain=tuple(sha256(der).hexdigest() for der in summary.chain),
        alert=alert,
    )


def _flags(peer: SmtpPeer) -> tuple[SessionFlag, ...]:
    flags = set(peer.session.flags)
    if peer.transcript.is_cut:
        flags.add(SessionFlag.transcript_cut)
    return tuple(sorted(flags))
