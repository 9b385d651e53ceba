"""The one table that maps a session to what it says: yes, no, unknown and why, or not applicable."""

from dataclasses import dataclass

from scanner.outcomes import (
    OUTCOMES_OF_OURS,
    Cause,
    DnsStatus,
    NotKnown,
    Outcome,
    Stage,
    StarttlsResult,
    VerdictValue,
)
from scanner.records import SessionRecord
from scanner.smtp.causes import read_refusal
from scanner.smtp.replies import Reply
from scanner.wire_text import restore_octets


@dataclass(frozen=True, slots=True)
class Claim:
    """What one unit says to one verdict; `reason` is given for an unknown."""

    value: VerdictValue
    reason: str | None = None

    @property
    def is_definite(self) -> bool:
        return self.value in (VerdictValue.yes, VerdictValue.no)


YES = Claim(VerdictValue.yes)
NO = Claim(VerdictValue.no)
NOT_APPLICABLE = Claim(VerdictValue.not_applicable)


def unknown(reason: Outcome | Cause | DnsStatus | NotKnown) -> Claim:
    return Claim(VerdictValue.unknown, reason.value)


@dataclass(frozen=True, slots=True)
class Claims:
    """What one unit (a mail host's address, or what stands in for one) says to every verdict."""

    reachable: Claim
    smtp: Claim
    starttls: Claim
    certificate_trusted: Claim
    certificate_name: Claim


#: A host or a domain that the DNS shows to have no place to deliver to.
NO_PLACE = Claims(NO, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE)
NOTHING_TO_SAY = Claims(*[NOT_APPLICABLE] * 5)


def all_unknown(reason: Outcome | DnsStatus | NotKnown) -> Claims:
    return Claims(*[unknown(reason)] * 5)


#: What ends a connection before it is one, and is a completed exchange that shows so.
_NOT_REACHABLE = frozenset({Outcome.refused, Outcome.unreachable})

#: What a server said or sent that is no SMTP.
_NOT_SMTP = frozenset({Outcome.not_smtp, Outcome.malformed})

#: OpenSSL's reasons that are limits of our own library, not failures of the server.
OUR_LIBRARY_LIMITS = frozenset({"excessive message size", "certificate chain too long", "bad length"})


def judge_session(session: SessionRecord, trusted: Claim, name: Claim) -> Claims:
    """What a session says; `trusted` and `name` are what its certificate says, used if there is TLS."""
    if session.outcome in OUTCOMES_OF_OURS:
        return all_unknown(session.outcome)
    reachable = _reachable(session)
    smtp = _smtp(session, reachable)
    starttls = _starttls(session, smtp)
    if starttls.value is VerdictValue.yes:
        return Claims(reachable, smtp, starttls, trusted, name)
    certificate = _for_want_of(starttls)
    return Claims(reachable, smtp, starttls, certificate, certificate)


def _for_want_of(claim: Claim) -> Claim:
    """The claim that builds on one that is no yes: where that is not known, this is not known either."""
    return claim if claim.value is VerdictValue.unknown else NOT_APPLICABLE


def _reachable(session: SessionRecord) -> Claim:
    if session.outcome in _NOT_REACHABLE and session.stage is Stage.connect:
        return NO
    return YES if came_up(session) else unknown(session.outcome)


def _smtp(session: SessionRecord, reachable: Claim) -> Claim:
    if reachable.value is not VerdictValue.yes:
        return _for_want_of(reachable)
    if speaks_smtp(session):
        return YES
    if session.outcome in _NOT_SMTP:
        return NO
    if session.stage is Stage.greeting and session.outcome is Outcome.permanent_negative and not session.about_us:
        return NO
    return unknown(_why_not_known(session))


def _starttls(session: SessionRecord, smtp: Claim) -> Claim:
    result = session.starttls.result
    if result is StarttlsResult.done:
        return YES
    if session.stage is Stage.tls:
        return _failed_handshake(session)
    if smtp.value is not VerdictValue.yes:
        return _for_want_of(smtp)
    if result is StarttlsResult.not_offered:
        refusal = ehlo_refusal_of_us(session)
        return NO if refusal is None else unknown(refusal)
    if result is StarttlsResult.masked:
        return unknown(NotKnown.masked)
    if session.outcome is Outcome.permanent_negative and session.stage is Stage.starttls and not session.about_us:
        return NO
    return unknown(_why_not_known(session))


def _why_not_known(session: SessionRecord) -> Outcome | Cause:
    """What a refusal of us is a refusal for; otherwise how the session ended."""
    return session.cause if session.about_us and session.cause is not None else session.outcome


def _failed_handshake(session: SessionRecord) -> Claim:
    if session.outcome is Outcome.plaintext_after_starttls:
        return NO
    if session.outcome is Outcome.tls_failed and not is_our_library_limit(session):
        return NO
    return unknown(session.outcome)


def is_our_library_limit(session: SessionRecord) -> bool:
    """True if the handshake failed on a limit of the TLS library here."""
    return session.error_code in OUR_LIBRARY_LIMITS


def came_up(session: SessionRecord) -> bool:
    """True if the TCP connection came up."""
    return session.timings_ms.connect is not None and session.stage is not Stage.connect


def speaks_smtp(session: SessionRecord) -> bool:
    """True for a 2yz greeting and 250 to EHLO or HELO, whatever came later."""
    replies = session.replies
    if replies.greeting is None or replies.greeting.code // 100 != 2:
        return False
    return any(hello is not None and hello.code == 250 for hello in (replies.ehlo, replies.helo))


def ehlo_refusal_of_us(session: SessionRecord) -> Cause | None:
    """Why the server refused us EHLO and took HELO: what it offers to others is not known then.

    None if EHLO was accepted, or refused for a reason that is not about us.
    """
    ehlo, helo = session.replies.ehlo, session.replies.helo
    if ehlo is None or helo is None or helo.code != 250:
        return None
    reply = Reply(ehlo.code, ehlo.enhanced_code, tuple(restore_octets(line) for line in ehlo.lines))
    refusal = read_refusal(reply, [name for name in (session.source_address, session.ehlo_name) if name])
    return refusal.cause if refusal.about_us else None
