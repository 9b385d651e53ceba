"""What there is to tell of one session: kind, severity and the evidence in words."""

from dataclasses import dataclass

from scanner.judgement.claims import ehlo_refusal_of_us, is_our_library_limit
from scanner.outcomes import (
    PLAINTEXT_INSTEAD_OF_TLS,
    Cause,
    FindingKind,
    Outcome,
    SessionFlag,
    Severity,
    Stage,
    StarttlsResult,
)
from scanner.records import ReplyRecord, SessionRecord


@dataclass(frozen=True, slots=True)
class Observation:
    """A finding that has no subject yet."""

    kind: FindingKind
    severity: Severity
    evidence: str


_ENDS: dict[Outcome, tuple[FindingKind, Severity]] = {
    Outcome.refused: (FindingKind.connection_refused, Severity.error),
    Outcome.unreachable: (FindingKind.host_unreachable, Severity.error),
    Outcome.timed_out: (FindingKind.timed_out, Severity.warning),
    Outcome.deadline: (FindingKind.session_deadline, Severity.warning),
    Outcome.reset: (FindingKind.connection_reset, Severity.warning),
    Outcome.closed: (FindingKind.connection_closed, Severity.warning),
    Outcome.transient_negative: (FindingKind.temporary_refusal, Severity.warning),
    Outcome.permanent_negative: (FindingKind.service_refused, Severity.error),
    Outcome.not_smtp: (FindingKind.not_smtp, Severity.error),
    Outcome.malformed: (FindingKind.malformed_reply, Severity.error),
    Outcome.too_long: (FindingKind.reply_too_long, Severity.warning),
    Outcome.tls_failed: (FindingKind.tls_handshake_failed, Severity.error),
    Outcome.plaintext_after_starttls: (FindingKind.plaintext_after_starttls, Severity.error),
    Outcome.local_fault: (FindingKind.scanner_fault, Severity.notice),
    Outcome.cancelled: (FindingKind.scanner_fault, Severity.notice),
    Outcome.scanner_bug: (FindingKind.scanner_fault, Severity.notice),
}

_FLAGS: dict[SessionFlag, tuple[FindingKind, str]] = {
    SessionFlag.bare_lf: (FindingKind.bare_lf, "lines that end with LF alone (RFC 5321 §2.3.8)"),
    SessionFlag.reply_line_over_512: (
        FindingKind.reply_line_over_512,
        "a reply line of more than 512 octets (RFC 5321 §4.5.3.1.5)",
    ),
    SessionFlag.reply_code_outside_grammar: (
        FindingKind.reply_code_outside_grammar,
        "a reply code whose second digit is above 5 (RFC 5321 §4.2)",
    ),
}

_OLD_VERSIONS = frozenset({"TLSv1", "TLSv1.1", "SSLv3"})

#: Evidence is for reading; all that was said stands in the transcript.
MAX_QUOTED = 300


def observe_session(session: SessionRecord) -> tuple[Observation, ...]:
    """Everything that a session shows but its certificate."""
    return (*_observe_end(session), *_observe_starttls(session), *_observe_flags(session))


def _observe_end(session: SessionRecord) -> tuple[Observation, ...]:
    if session.outcome is Outcome.ok:
        return ()
    kind, severity = _ENDS[session.outcome]
    if session.outcome is Outcome.permanent_negative and session.stage is Stage.starttls:
        kind = FindingKind.starttls_not_supported
    if session.about_us:
        kind, severity = _REFUSED_US
    if session.error_code == PLAINTEXT_INSTEAD_OF_TLS:
        kind = FindingKind.plaintext_instead_of_tls
    if session.outcome is Outcome.tls_failed and is_our_library_limit(session):
        severity = Severity.warning
    return (Observation(kind, severity, _evidence_of_end(session)),)


def _evidence_of_end(session: SessionRecord) -> str:
    parts = [f"{session.outcome} at {session.stage}"]
    if session.cause not in (None, Cause.other):
        parts.append(f"cause {session.cause}")
    if session.limit_s is not None:
        parts.append(f"{session.limit} = {session.limit_s:g} s")
    if session.limit_bytes is not None:
        parts.append(f"{session.limit} = {session.limit_bytes}")
    elif session.error_code or session.error:
        parts.append(": ".join(text for text in (session.error_code, session.error) if text))
    reply = _last_reply(session)
    if reply is not None and session.outcome in _REFUSALS:
        parts.append(_quoted(reply))
    return ", ".join(parts)


_REFUSED_US = (FindingKind.refused_us, Severity.warning)

_REFUSALS = frozenset({Outcome.transient_negative, Outcome.permanent_negative})


def _quoted(reply: ReplyRecord) -> str:
    return _cut(f"{reply.code} {' / '.join(reply.lines)}".strip())


def _cut(text: str) -> str:
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"


def _last_reply(session: SessionRecord) -> ReplyRecord | None:
    reply = getattr(session.replies, session.stage, None)
    return reply if isinstance(reply, ReplyRecord) else None


def _observe_starttls(session: SessionRecord) -> tuple[Observation, ...]:
    observations: list[Observation] = []
    ehlo, helo = session.replies.ehlo, session.replies.helo
    is_of_us = ehlo_refusal_of_us(session) is not None
    if ehlo is not None and helo is not None and helo.code == 250:
        evidence = f"EHLO was answered {_quoted(ehlo)}"
        kind, severity = _REFUSED_US if is_of_us else (FindingKind.ehlo_refused, Severity.notice)
        observations.append(Observation(kind, severity, evidence))
    if session.starttls.result is StarttlsResult.not_offered and not is_of_us:
        evidence = _cut(f"EHLO offers {', '.join(session.extensions or ()) or 'nothing'}")
        evidence = evidence if helo is None else "there are no extensions without EHLO"
        observations.append(Observation(FindingKind.starttls_not_supported, Severity.error, evidence))
    if session.starttls.result is StarttlsResult.masked:
        evidence = "a middlebox has overwritten the greeting or the STARTTLS keyword"
        observations.append(Observation(FindingKind.starttls_masked, Severity.warning, evidence))
    if session.tls is not None and session.tls.version in _OLD_VERSIONS:
        observations.append(Observation(FindingKind.tls_version_old, Severity.warning, session.tls.version))
    return tuple(observations)


def _observe_flags(session: SessionRecord) -> tuple[Observation, ...]:
    return tuple(
        Observation(_FLAGS[flag][0], Severity.notice, _FLAGS[flag][1]) for flag in session.flags if flag in _FLAGS
    )
