"""The proof in an alert: each attempt with its times, its end, the limit that fired and the reply, and every word."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from scanner.outages.alerts import AlertedHost, AttemptEvidence
from scanner.outcomes import Outcome, Stage
from scanner.records import ReplyRecord, SessionRecord, Speaker, TranscriptLine
from scanner.report.moments import Moments, duration_text, seconds_between
from scanner.report.plain_text import COLUMNS, paragraph, rows
from scanner.report.shown_text import shown

_ORDINALS = ("1st", "2nd", "3rd")

#: How a session ended, in a person's words; where several stages end alike, by the outcome alone.
_ENDS: dict[tuple[Stage | None, Outcome], str] = {
    (Stage.connect, Outcome.refused): "the connection was refused",
    (Stage.connect, Outcome.unreachable): "a router said that the address cannot be reached",
    (Stage.connect, Outcome.timed_out): "no connection came up within the limit",
    (Stage.greeting, Outcome.timed_out): "the connection came up, but no greeting came within the limit",
    (Stage.greeting, Outcome.closed): "the connection came up and was closed without a word",
    (Stage.greeting, Outcome.reset): "the connection came up and was reset without a word",
    (Stage.greeting, Outcome.permanent_negative): "the greeting says that there is no mail service",
    (None, Outcome.timed_out): "no answer came within the limit",
    (None, Outcome.deadline): "the whole session took longer than its limit",
    (None, Outcome.closed): "the server closed the connection",
    (None, Outcome.reset): "the server reset the connection",
    (None, Outcome.transient_negative): "the server said: not now",
    (None, Outcome.permanent_negative): "the server said no",
    (None, Outcome.not_smtp): "what answers does not speak SMTP",
    (None, Outcome.malformed): "the answer is no SMTP reply",
    (None, Outcome.too_long): "the answer has no end",
    (None, Outcome.tls_failed): "the TLS handshake failed",
    (None, Outcome.plaintext_after_starttls): "the server went on in the clear after STARTTLS",
    (None, Outcome.ok): "all went well",
}

_MARKS = {Speaker.client: "->", Speaker.server: "<-", Speaker.remark: "=="}

#: Where the text of a transcript's line begins, and goes on.
_TRANSCRIPT_INDENT = 2
_TRANSCRIPT_HANGING = 13


def host_lines(host: AlertedHost, sources: Sequence[str], moments: Moments, *, is_only_one: bool) -> list[str]:
    """A mail host: how it is, and each attempt at each of its addresses; since when, if it is not the only one.

    `sources` are addresses of ours, for attempts that do not know theirs.
    """
    lines = paragraph(f"{host.exchange}, port {host.port}")
    was = f" (was {host.before})" if host.before is not None and host.before is not host.state else ""
    times = [] if is_only_one else times_of(host.since, host.until, host.last_good_at, moments)
    lines += rows([("state", f"{host.state}{was}"), *times, ("why", "; ".join(host.reasons))])
    if not host.told_in_full:
        lines += rows([("attempts", "there are too many to tell all of them: they are in the files of the run")])
    for address, attempts in _by_address(host.attempts):
        lines += ["", f"  {address}"]
        for number, attempt in enumerate(attempts):
            lines += ["", *attempt_lines(attempt.session, _ordinal(number), sources, moments)]
    return lines


def times_of(since: str | None, until: str | None, good: str | None, moments: Moments) -> list[tuple[str, str]]:
    """Rows of the times of an outage, of those that are known."""
    told = [("since", since), ("until", until), ("last good", good)]
    return [(label, moments.text(time)) for label, time in told if time]


def _by_address(attempts: Iterable[AttemptEvidence]) -> Iterator[tuple[str, list[AttemptEvidence]]]:
    for address, found in groupby(attempts, key=lambda attempt: attempt.session.address):
        yield address, list(found)


def _ordinal(number: int) -> str:
    return _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"


def attempt_lines(session: SessionRecord, ordinal: str, sources: Sequence[str], moments: Moments) -> list[str]:
    """One attempt in rows: when, how it ended, which limit fired, what was replied, from where."""
    lasted = duration_text(seconds_between(session.started_at, session.ended_at))
    return rows(
        [
            (f"{ordinal} attempt", f"{moments.span(session.started_at, session.ended_at)}, {lasted}"),
            ("", moments.local_span(session.started_at, session.ended_at)),
            ("ended", f"stage {session.stage}, {session.outcome}: {end_in_words(session)}"),
            ("limit", _limit(session)),
            ("reply", _reply(last_reply(session))),
            ("error", " ".join(filter(None, (session.error, session.error_code and f"({session.error_code})")))),
            ("read as", f"{session.cause}{', about us' if session.about_us else ''}" if session.cause else ""),
            ("from", f"{_source(session, sources)}, EHLO name {session.ehlo_name}"),
        ],
        indent=4,
        width=len("1st attempt"),
    )


def _source(session: SessionRecord, sources: Sequence[str]) -> str:
    """The address of ours that a session came from; one that never connected came from one of the same family."""
    alike = [source for source in sources if (":" in source) == (":" in session.address)]
    return session.source_address or " or ".join(alike) or "an address of ours that is not known"


def end_in_words(session: SessionRecord) -> str:
    """How a session ended, as a person says it."""
    if session.about_us:
        return "the server refuses us, by what it says"
    return _ENDS.get((session.stage, session.outcome)) or _ENDS.get(
        (None, session.outcome), "it did not come to an end"
    )


def _limit(session: SessionRecord) -> str:
    """The limit that fired, by its name, and what it was set to."""
    if session.limit is None:
        return ""
    value = f"{session.limit_s:g} s" if session.limit_s is not None else f"{session.limit_bytes}"
    return f"{session.limit} = {value}"


def last_reply(session: SessionRecord) -> ReplyRecord | None:
    """The reply at which a session ended, if it ended with one."""
    reply = getattr(session.replies, session.stage, None)
    return reply if isinstance(reply, ReplyRecord) else None


def _reply(reply: ReplyRecord | None) -> str:
    return "" if reply is None else f"{reply.code} {' / '.join(reply.lines)}"


# Transcripts ----------------------------------------------------------------------------------------


def transcript_lines(attempts: Sequence[AttemptEvidence], moments: Moments, most: int | None) -> list[str]:
    """Every word of the attempts, at most so many lines of text; None: all of them, each in a line of its own."""
    lines: list[str] = []
    for attempt in attempts:
        lines += _transcript(attempt, moments, is_folded=most is not None)
    lines = lines[:-1]  # nothing is to follow the last one
    if most is None or len(lines) <= most:
        return lines
    left_out = len(lines) - most
    return [*lines[:most], f"  [{left_out} more lines are in the attached file]"]


def _transcript(attempt: AttemptEvidence, moments: Moments, *, is_folded: bool) -> list[str]:
    session = attempt.session
    head = [
        *paragraph(f"{session.server_name} [{session.address}]:{session.port}, session {session.session}"),
        *paragraph(f"begun at {moments.text(session.started_at)}", indent=2),
    ]
    return [*head, *(line for words in attempt.transcript for line in _said(words, is_folded=is_folded)), ""]


def _said(line: TranscriptLine, *, is_folded: bool) -> list[str]:
    at_s, who, text = line
    words = f"{at_s:8.3f} {_MARKS[who]} {shown(text.removesuffix(chr(92)))}"
    if text.endswith("\\"):
        words += " (the line has no end)"
    return list(_folded(words)) if is_folded else [f"  {words}"]


def _folded(text: str) -> Iterator[str]:
    """A line in pieces, not at words: what a server says is shown with every space."""
    room = COLUMNS - _TRANSCRIPT_INDENT
    yield f"  {text[:room]}"
    more = COLUMNS - _TRANSCRIPT_HANGING
    for at in range(room, len(text), more):
        yield " " * _TRANSCRIPT_HANGING + text[at : at + more]
