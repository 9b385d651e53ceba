"""A check as a person sees it: a line a step, a row an address, a column a stage; its colours are SMTPDiag's.

White is an action, grey is information, green a passed test, red a failed one, and yellow what could not be told.
Every result has a word too, so that nothing is told by colour alone.
"""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from scanner.diagnosis.answer import Answer
from scanner.diagnosis.answer_words import place_text
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.outcomes import Outcome, Severity, Stage, StarttlsResult, Variant
from scanner.records import Domain, Finding, ReplyRecord, SessionRecord, Target, Transaction, TranscriptLine
from scanner.report.shown_text import shown
from scanner.report.styles import HEADING
from scanner.report.transcript_text import render_line

#: Result → its word and its colour.
_MARKS = {
    StepResult.action: ("", "bright_white"),
    StepResult.information: ("", "bright_black"),
    StepResult.passed: ("passed", "green"),
    StepResult.failed: ("FAILED", "red"),
    StepResult.unknown: ("not known", "yellow"),
}
_INDENTS = {StepResult.action: ""}

_TITLES = {
    Section.syntax: "Addresses",
    Section.zone: "Zone of the recipient's domain",
    Section.sender: "Sender's domain: would a reply and a bounce come back?",
    Section.route: "Mail route of the recipient's domain",
    Section.servers: "Mail servers, in the order in which a sender tries them",
    Section.reverse: "Reverse DNS",
    Section.policies: "DANE and MTA-STS",
    Section.answer: "Answer",
}


def render_title(section: Section) -> Text:
    """The heading of a section."""
    return Text(_TITLES[section], style=HEADING)


def render_step(step: Step) -> RenderableType:
    """A step in a line, and what to do about it in another."""
    word, colour = _MARKS[step.result]
    text = Text(f"  {word:9}  " if word else "  ", style=colour).append(shown(step.said), style=colour)
    if not step.what_to_do:
        return text
    return Group(text, Text(f"             → {shown(step.what_to_do)}", style=colour))


def render_answer(answer: Answer) -> RenderableType:
    """The paragraph at the end, and what to do."""
    colour = _MARKS[answer.result][1]
    text = Text(shown(answer.said), style=colour)
    return Group(text, Text(f"→ {shown(answer.what_to_do)}", style=colour)) if answer.what_to_do else text


def render_findings(record: Domain) -> RenderableType | None:
    """The findings that ask for something to be done, the gravest first; None if there are none."""
    order = list(Severity)
    wanted = [found for found in record.findings if found.severity is not Severity.notice]
    lines = [line for found in sorted(wanted, key=lambda each: order.index(each.severity)) for line in _finding(found)]
    return Group(Text("Findings", style=HEADING), *lines) if lines else None


def _finding(found: Finding) -> Iterable[Text]:
    colour = "red" if found.severity is Severity.error else "yellow"
    yield Text(f"  {found.severity:9}  {found.kind}: {shown(found.subject)}: {shown(found.evidence)}", style=colour)
    yield Text(f"             → {shown(found.fix)}", style=colour)


# Sessions ---------------------------------------------------------------------------------------------

#: The columns of a row, and how wide each is.
_COLUMNS = (
    ("connect", 11),
    ("greeting", 9),
    ("EHLO", 6),
    ("STARTTLS", 9),
    ("TLS", 9),
    ("MAIL", 6),
    ("RCPT", 6),
    ("QUIT", 5),
)
_ADDRESS_WIDTH = 44


def render_columns() -> Text:
    """The heading of the rows."""
    titles = "  ".join(f"{title:{width}}" for title, width in _COLUMNS)
    return Text(f"  {'mail host [address]':{_ADDRESS_WIDTH}}  {titles}".rstrip(), style=HEADING)


def render_row(exchange: str, session: SessionRecord, transaction: Transaction | None) -> Text:
    """A session in a row: at each stage the reply code, how it ended, or `-` where it was not reached."""
    name = shown(place_text(exchange, session.address))
    if session.variant is Variant.small_hello:
        name += " small hello"
    elif session.attempt > 1:
        name += f" attempt {session.attempt}"
    text = Text(f"  {name:{_ADDRESS_WIDTH}}")
    for (_, width), (said, colour) in zip(_COLUMNS, _cells(session, transaction), strict=True):
        text.append("  ").append(f"{said:{width}}", style=colour)
    text.rstrip()
    return text


def _cells(session: SessionRecord, transaction: Transaction | None) -> list[tuple[str, str]]:
    replies, timings = session.replies, session.timings_ms
    is_up = timings.connect is not None and session.stage is not Stage.connect
    hello = replies.ehlo_after_tls or replies.helo or replies.ehlo
    cells = [
        ("ok" if is_up else "", "green"),
        _reply_cell(replies.greeting),
        _reply_cell(hello),
        _starttls_cell(session),
        (session.tls.version or "" if session.tls is not None else "", "green"),
        _reply_cell(replies.mail),
        _reply_cell(replies.rcpt[-1] if replies.rcpt else None),
        _reply_cell(replies.quit),
    ]
    place = _PLACES.get(session.stage)
    if session.outcome is not Outcome.ok and place is not None and not cells[place][0]:
        cells[place] = _end_cell(session.outcome)
    if transaction is not None and transaction.outcome is not Outcome.ok:
        place = _PLACES.get(transaction.stage)
        if place is not None and not cells[place][0]:
            cells[place] = _transaction_cell(transaction.outcome)
    return [cell if cell[0] else ("-", "bright_black") for cell in cells]


#: The column in which an end without a reply is told, by its stage.
_PLACES = {
    Stage.connect: 0,
    Stage.greeting: 1,
    Stage.ehlo: 2,
    Stage.helo: 2,
    Stage.starttls: 3,
    Stage.tls: 4,
    Stage.ehlo_after_tls: 2,
    Stage.mail: 5,
    Stage.rcpt: 6,
}


def _reply_cell(reply: ReplyRecord | None) -> tuple[str, str]:
    if reply is None:
        return "", ""
    colour = "green" if reply.code < 400 else "yellow" if reply.code < 500 else "red"
    return str(reply.code), colour


def _starttls_cell(session: SessionRecord) -> tuple[str, str]:
    if session.replies.starttls is not None:
        return _reply_cell(session.replies.starttls)
    words = {StarttlsResult.not_offered: ("no", "yellow"), StarttlsResult.masked: ("masked", "yellow")}
    return words.get(session.starttls.result, ("", ""))


def _transaction_cell(outcome: Outcome) -> tuple[str, str]:
    """An end of MAIL or RCPT without a reply: a refusal is what the server does not offer, so it was not said."""
    return ("no", "red") if outcome is Outcome.permanent_negative else _end_cell(outcome)


def _end_cell(outcome: Outcome) -> tuple[str, str]:
    """An end without a reply: red if it is the server's for sure, yellow if nobody knows."""
    is_theirs = outcome in (Outcome.refused, Outcome.unreachable, Outcome.not_smtp, Outcome.malformed)
    return outcome.replace("_", " "), "red" if is_theirs else "yellow"


# The dialogue -----------------------------------------------------------------------------------------


def render_begin(exchange: str, target: Target) -> Text:
    """The line before a dialogue."""
    place = shown(place_text(exchange, target.address))
    return Text(f"  Connecting to {place} on port {target.port}.", style="bright_white")


def render_said(line: TranscriptLine) -> Text:
    """A line of the dialogue as it happens."""
    return Text("  ").append_text(render_line(line))
