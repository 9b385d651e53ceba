"""What is worth another attempt, and what a server meant by "not now": read from one session's record."""

from collections.abc import Set as AbstractSet

from scanner.judgement.claims import is_our_library_limit
from scanner.outcomes import Cause, DnsStatus, Outcome, RetryOn, Stage, Variant
from scanner.records import Policy, ReplyRecord, SessionRecord

#: Ends of a handshake that a ClientHello too large for the server may be the reason of.
_MAY_BE_THE_HELLO = frozenset(
    {Outcome.timed_out, Outcome.deadline, Outcome.closed, Outcome.reset, Outcome.tls_failed},
)

#: Replies that ask for less, whatever their text (RFC 5321 §4.2.3, §3.8: 421; 450 is what postscreen and
#: others say to a client that comes too often).
_TOO_MUCH_CODES = frozenset({421, 450})
#: RFC 9110 §15.6.4, RFC 6585 §4: try again later.
_COME_AGAIN = frozenset({429, 502, 503, 504})
_TOO_MUCH_CAUSES = frozenset({Cause.rate_limited, Cause.too_many_connections, Cause.overloaded})

#: Lookups that a second attempt may answer. A loop of aliases is an answer, and a wrong one.
_LOOK_UP_AGAIN = frozenset(
    {
        DnsStatus.servfail,
        DnsStatus.refused,
        DnsStatus.timed_out,
        DnsStatus.malformed,
        DnsStatus.local_fault,
    }
)


def needs_small_hello(session: SessionRecord) -> bool:
    """True if the handshake failed in a way that a smaller ClientHello may change."""
    return (
        session.variant is Variant.survey
        and session.stage is Stage.tls
        and session.outcome in _MAY_BE_THE_HELLO
        and not is_our_library_limit(session)
    )


def needs_second_attempt(session: SessionRecord, retry_on: AbstractSet[RetryOn]) -> bool:
    """True if a session ended in one of the ways that are worth a second attempt."""
    if session.outcome is Outcome.permanent_negative:
        return session.stage is Stage.greeting and RetryOn.permanent_negative_greeting in retry_on
    # An enum of strings: an outcome equals the word of the same name.
    return session.outcome.value in retry_on


def needs_second_fetch(policy: Policy, retry_on: AbstractSet[RetryOn]) -> bool:
    """True if the fetch of a policy ended in a way that may be over soon, or in a response that says so."""
    if policy.http_status in _COME_AGAIN:  # however its body ended
        return RetryOn.transient_negative in retry_on
    return policy.outcome.value in retry_on


def asks_for_less(session: SessionRecord) -> bool:
    """True if the server said that we come too often or too many at a time (421, 450, 4.7.x, or in words)."""
    if session.outcome is not Outcome.transient_negative:
        return session.about_us is True and session.cause in _TOO_MUCH_CAUSES
    reply = refusal_of(session)
    if reply is None:
        return False
    # To STARTTLS, 4.7.0 says that TLS is not available now (RFC 3207 §4).
    is_security_status = (reply.enhanced_code or "").startswith("4.7.") and session.stage is not Stage.starttls
    return reply.code in _TOO_MUCH_CODES or is_security_status or session.cause in _TOO_MUCH_CAUSES


def refusal_of(session: SessionRecord) -> ReplyRecord | None:
    """The reply that ended the session, if one did."""
    reply = getattr(session.replies, session.stage.value, None)
    return reply if isinstance(reply, ReplyRecord) else None


def needs_second_lookup(*statuses: DnsStatus) -> bool:
    """True if one of the lookups failed in a way that may be over soon."""
    return not _LOOK_UP_AGAIN.isdisjoint(statuses)
