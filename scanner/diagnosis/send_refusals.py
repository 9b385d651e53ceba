"""What a server refuses, and why: the reply at the stage where it came → a reason.

The particular ones are looked for at the stage where they can happen (a password at AUTH, a size at MAIL and after the
message), the rest is the cause that was read from the reply (smtp/causes.py).
"""

import re

from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_talks import Talk, TalkEnd
from scanner.diagnosis.sender_refusals import is_about_the_sender
from scanner.outcomes import Cause, Outcome, Stage

# What servers say, where neither code nor cause tells: Gmail and Yahoo want a password made for the program,
# Exchange Online wants a token (535 5.7.139).
_OTHER_CREDENTIALS = re.compile(
    r"application.specific password|app(?:lication)? password|basic auth\w* is disabled|oauth|web browser",
    re.IGNORECASE,
)
# Postfix to whoever did not sign in, at ports for users.
_AUTH_WANTED = re.compile(r"not logged in|client host rejected: access denied|authenticate first", re.IGNORECASE)
# The same words to whoever comes from outside are about his address (Postfix's access tables).
_HOST_REFUSED = re.compile(
    r"client host rejected|(?:your|client) (?:host|ip|address|server) (?:is )?(?:not allowed|rejected|denied)",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(
    r"\bsize\b.{0,40}\b(?:exceed|limit|too (?:large|big))|\b(?:exceed\w*|over|too (?:large|big))\b.{0,40}\bsize\b"
    r"|message (?:is )?too (?:large|big|long)",
    re.IGNORECASE,
)

#: Codes of RFC 3463 and RFC 4954 §6, without their class.
_TOO_LARGE_CODES = frozenset({"2.3", "3.4"})
_OTHER_CREDENTIALS_CODES = frozenset({"7.9", "7.12", "7.139"})

#: Causes that a reply to AUTH has for other reasons than the account.
_NOT_ABOUT_THE_ACCOUNT = frozenset({Cause.tls_required, Cause.rate_limited, Cause.too_many_connections})


def refusal_kind(talk: Talk, end: TalkEnd) -> ReasonKind:
    """Why a server said 4yz or 5yz there."""
    reply = end.reply
    words = "" if reply is None else " ".join(reply.lines)
    code = "" if reply is None or reply.enhanced_code is None else reply.enhanced_code[2:]
    if end.stage is Stage.auth and end.cause not in _NOT_ABOUT_THE_ACCOUNT:
        return _refused_account(talk, end, code, words)
    if end.stage is Stage.starttls:
        return ReasonKind.starttls_refused
    if talk.may_sign_in and _AUTH_WANTED.search(words):
        return ReasonKind.auth_required
    if end.stage in (Stage.mail, Stage.data, Stage.message) and (code in _TOO_LARGE_CODES or _TOO_LARGE.search(words)):
        return ReasonKind.too_large
    if is_about_the_sender(end.stage, reply):
        return ReasonKind.sender_refused
    if end.cause is Cause.policy and _HOST_REFUSED.search(words):
        return ReasonKind.host_refused
    return _by_cause(talk, end)


def _refused_account(talk: Talk, end: TalkEnd, code: str, words: str) -> ReasonKind:
    assert end.reply is not None
    if end.outcome is Outcome.transient_negative:
        return ReasonKind.auth_unavailable
    if end.reply.code == 538 or code == "7.11":  # RFC 4954 §6
        return ReasonKind.tls_required
    wants_others = code in _OTHER_CREDENTIALS_CODES or end.reply.code == 534 or _OTHER_CREDENTIALS.search(words)
    if wants_others and talk.record.mechanism != "XOAUTH2":
        return ReasonKind.other_credentials
    if end.reply.code in (500, 502, 503, 504):  # RFC 4954 §4: no such mechanism, or not now
        return ReasonKind.mechanism_refused
    return ReasonKind.wrong_password


def _by_cause(talk: Talk, end: TalkEnd) -> ReasonKind:
    is_for_now = end.outcome is Outcome.transient_negative
    match end.cause:
        case Cause.relay_denied if not talk.is_relay:
            return ReasonKind.domain_unknown_there
        case Cause.relay_denied if talk.record.mechanism is not None:
            return ReasonKind.relay_denied_to_account
        case Cause.auth_required if not talk.is_relay:
            return ReasonKind.is_for_submission
        case Cause.policy if end.stage in (Stage.data, Stage.message):
            return ReasonKind.content_refused
        case None | Cause.other:
            # RFC 6647 §5.1 recommends 450 and 421, most say 451; before the message it is mostly that.
            is_greylisting = end.stage in (Stage.mail, Stage.rcpt) and end.reply is not None
            if is_greylisting and end.reply is not None and end.reply.code in (450, 451):
                return ReasonKind.greylisted
            return ReasonKind.refused_for_now if is_for_now else ReasonKind.refused
        case cause:
            return ReasonKind(cause.value)
