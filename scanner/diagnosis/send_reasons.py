"""Why a server did not take a message: how the talk with it ended → one reason, in plain words, and what to do.

Theory of operation. What kept us from saying more comes first, because no server refused anything there; then ends
without a reply, by stage; then refusals (send_refusals.py). The words are in send_words.py.
"""

from datetime import timedelta

from msgspec import Struct

from scanner.diagnosis.answer import Canaries
from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_refusals import refusal_kind
from scanner.diagnosis.send_talks import Talk, TalkEnd
from scanner.diagnosis.send_words import WORDS
from scanner.exit_codes import BUG, INCONCLUSIVE, OURS, PROBLEM
from scanner.outcomes import PLAINTEXT_INSTEAD_OF_TLS, Outcome, Stage, Stop, TlsMode
from scanner.records import Recipient, ReplyRecord, SendRecord
from scanner.smtp.come_back import read_come_back_s
from scanner.times import parse_utc

SMTP_PORT = 25
IMPLICIT_TLS_PORT = 465


class Reason(Struct, frozen=True):
    """Why, and what to do about it, for a person; and the exit code that it means for the command."""

    kind: ReasonKind
    said: str
    what_to_do: str
    exit_code: int


def reason_of(talk: Talk) -> Reason:
    """Why the message was not taken there; only of sessions in which it was not."""
    record = talk.record
    return _reason(talk, TalkEnd(record.stage, record.outcome, _last_reply(record), record.cause), record.stop)


def way_reason(kind: ReasonKind, name: str, detail: str = "", network: str = "") -> Reason:
    """Why there is no server to talk to: what the DNS said of a domain or a relay."""
    values = {"name": name, "detail": detail, "network": network}
    said, what_to_do = WORDS[kind]
    return Reason(kind, said.format_map(values), what_to_do.format_map(values), _EXIT_CODES.get(kind, PROBLEM))


def recipient_reason(talk: Talk, recipient: Recipient) -> Reason:
    """Why a recipient was refused in a session; only of those that have a reply and were not accepted."""
    assert recipient.reply is not None
    outcome = Outcome.transient_negative if recipient.reply.code < 500 else Outcome.permanent_negative
    return _reason(talk, TalkEnd(Stage.rcpt, outcome, recipient.reply, recipient.cause), None)


def _reason(talk: Talk, end: TalkEnd, stop: Stop | None) -> Reason:
    kind = ReasonKind(stop.value) if stop in _STOPS else _kind(talk, end)
    record = talk.record
    said, what_to_do = WORDS[kind]
    values = {
        "host": talk.host,
        "place": talk.place,
        "port": record.port,
        "step": _STEPS[end.stage],
        "reply": _reply_text(end.reply, record.auth_failure if end.stage is Stage.auth else None),
        "within": "" if record.limit_s is None else f" within {record.limit_s:g} s",
        "error": record.error_code or record.error or end.outcome.replace("_", " "),
        "detail": record.error or "",
        "come_back": _come_back_text(record, end.reply),
    }
    return Reason(kind, said.format_map(values), what_to_do.format_map(values), _exit_code(kind, end))


#: Where we went no further of our own accord, and no reply says why.
_STOPS = frozenset(Stop) - {Stop.as_asked, Stop.no_recipient}


def _last_reply(record: SendRecord) -> ReplyRecord | None:
    """The reply at the stage where the session ended; of several recipients that of the first who was refused."""
    if record.stage is Stage.rcpt:
        refused = (recipient.reply for recipient in record.recipients if not recipient.accepted)
        return next((reply for reply in refused if reply is not None), None)
    found = getattr(record.replies, record.stage.value, None)
    return found if isinstance(found, ReplyRecord) else None


def _kind(talk: Talk, end: TalkEnd) -> ReasonKind:
    if end.outcome in (Outcome.transient_negative, Outcome.permanent_negative):
        return refusal_kind(talk, end)
    if end.outcome in _OF_OURS:
        return _OF_OURS[end.outcome]
    if end.stage is Stage.connect:
        return _no_connection(talk, end)
    if end.stage is Stage.tls:
        return _no_tls(talk, end)
    if end.outcome in (Outcome.not_smtp, Outcome.malformed, Outcome.too_long):
        return _BROKEN.get(end.stage, ReasonKind.broken_reply)
    return _silence(talk, end)


_OF_OURS = {
    Outcome.local_fault: ReasonKind.our_fault,
    Outcome.cancelled: ReasonKind.our_fault,
    Outcome.scanner_bug: ReasonKind.our_bug,
}

_BROKEN = {Stage.greeting: ReasonKind.not_smtp, Stage.auth: ReasonKind.broken_auth}

#: What a person calls the step at which something ended.
_STEPS = {
    Stage.connect: "the connect",
    Stage.greeting: "the greeting",
    Stage.ehlo: "EHLO",
    Stage.helo: "HELO",
    Stage.starttls: "STARTTLS",
    Stage.tls: "the TLS handshake",
    Stage.ehlo_after_tls: "EHLO after STARTTLS",
    Stage.auth: "AUTH",
    Stage.mail: "MAIL FROM",
    Stage.rcpt: "RCPT TO",
    Stage.data: "DATA",
    Stage.message: "the message",
    Stage.done: "QUIT",
}


# Ends without a reply ---------------------------------------------------------------------------------


def _no_connection(talk: Talk, end: TalkEnd) -> ReasonKind:
    is_refused = end.outcome is Outcome.refused
    is_unheard = talk.record.port == SMTP_PORT and talk.canaries is not Canaries.heard and not is_refused
    if talk.canaries is Canaries.silent or is_unheard:
        return ReasonKind.port_blocked
    return ReasonKind.connection_refused if is_refused else ReasonKind.no_connection


def _no_tls(talk: Talk, end: TalkEnd) -> ReasonKind:
    if talk.record.error_code == PLAINTEXT_INSTEAD_OF_TLS:
        return ReasonKind.wants_starttls
    if end.outcome is Outcome.plaintext_after_starttls:
        return ReasonKind.plaintext_after_starttls
    return ReasonKind.tls_failed if end.outcome is Outcome.tls_failed else ReasonKind.tls_broken_off


def _silence(talk: Talk, end: TalkEnd) -> ReasonKind:
    """Nothing more came: too late, or the connection ended."""
    if end.stage is Stage.message and talk.record.delivered is None:
        return ReasonKind.fate_not_known
    if end.stage is Stage.greeting:
        is_waiting = talk.record.port == IMPLICIT_TLS_PORT and talk.record.tls_mode is not TlsMode.implicit
        return ReasonKind.wants_implicit_tls if is_waiting else ReasonKind.no_greeting
    return ReasonKind.silent if end.outcome in (Outcome.timed_out, Outcome.deadline) else ReasonKind.hung_up


# Exit codes -------------------------------------------------------------------------------------------

_EXIT_CODES = {
    ReasonKind.our_bug: BUG,
    ReasonKind.our_fault: OURS,
    ReasonKind.port_blocked: OURS,
    ReasonKind.our_dns_failure: OURS,
    ReasonKind.dns_failure: INCONCLUSIVE,
    ReasonKind.left_alone: INCONCLUSIVE,
    ReasonKind.no_connection: INCONCLUSIVE,
    ReasonKind.fate_not_known: INCONCLUSIVE,
    ReasonKind.no_greeting: INCONCLUSIVE,
    ReasonKind.tls_broken_off: INCONCLUSIVE,
    ReasonKind.silent: INCONCLUSIVE,
    ReasonKind.hung_up: INCONCLUSIVE,
    ReasonKind.blocklisted: OURS,
    ReasonKind.host_refused: OURS,
    ReasonKind.reverse_dns_required: OURS,
    ReasonKind.ehlo_name_refused: OURS,
    ReasonKind.rate_limited: OURS,
    ReasonKind.too_many_connections: OURS,
}


def _exit_code(kind: ReasonKind, end: TalkEnd) -> int:
    if end.outcome is Outcome.transient_negative:
        return INCONCLUSIVE
    return _EXIT_CODES.get(kind, PROBLEM)


def _come_back_text(record: SendRecord, reply: ReplyRecord | None) -> str:
    """When the server wants us back, in UTC, as far as it says it."""
    asked_s = None if reply is None else read_come_back_s(" ".join(reply.lines))
    if asked_s is None:
        return "in a quarter of an hour"  # RFC 6647 §4.5: mostly 1 to 60 minutes
    return f"after {parse_utc(record.ended_at) + timedelta(seconds=asked_s):%Y-%m-%d %H:%M:%S} UTC"


def _reply_text(reply: ReplyRecord | None, before: str | None = None) -> str:
    """A reply in its own words, with what the server said of the failure before it (XOAUTH2)."""
    if reply is None:
        return "no reply"
    return f"“{reply.code} {' '.join(reply.lines).strip()}”" + (f" ({before})" if before else "")
