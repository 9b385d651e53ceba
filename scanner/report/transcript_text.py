"""A session for a person: with whom, how it ended, and every word with its time and direction."""

from rich.text import Text

from scanner.records import SessionRecord, Speaker, Transcript, TranscriptLine
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, HEADING, OURS, THEIRS
from scanner.report.transport_text import extension_lines

#: Who said a line → its mark and style. `->` is ours, `<-` theirs, `==` a remark, as swaks has them.
_MARKS = {
    Speaker.client: ("->", OURS),
    Speaker.server: ("<-", THEIRS),
    Speaker.remark: ("==", ASIDE),
}

#: What a record marks by a lone backslash.
_WITHOUT_END = " (the line has no end)"


def render_session(session: SessionRecord, transcript: Transcript | None) -> list[Text]:
    """A session's lines, its heading first; a transcript that is None is said to be missing."""
    heading = [
        Text(f"session {shown(session.session)}", style=HEADING),
        Text(
            f"  {shown(session.server_name)} [{shown(session.address)}] port {session.port}, "
            f"{shown(session.started_at)}: {shown_end(session)}"
        ),
    ]
    heading += extension_lines(session)
    if transcript is None:
        return [*heading, Text("  its transcript is missing", style=ASIDE)]
    return [*heading, *map(render_line, transcript.lines)]


def shown_end(session: SessionRecord) -> str:
    """How a session ended: stage, outcome, and the limit that fired with its value, or why the server refused."""
    words = [session.stage.value, session.outcome.value]
    if session.limit_s is not None:
        words.append(f"({shown(session.limit or '')} = {session.limit_s:g} s)")
    elif session.limit_bytes is not None:
        words.append(f"({shown(session.limit or '')} = {session.limit_bytes})")
    if session.cause is not None:
        words.append(f"({session.cause}{', about us' if session.about_us else ''})")
    return " ".join(words)


def render_line(line: TranscriptLine) -> Text:
    """A line that was said: its time, who said it, and the words."""
    at_s, who, text = line
    mark, style = _MARKS[who]
    return Text.assemble(
        (f"{at_s:9.3f} ", ASIDE),
        (f"{mark} ", style),
        (shown(text.removesuffix("\\")), ASIDE if who == Speaker.remark else ""),
        (_WITHOUT_END if text.endswith("\\") else "", ASIDE),
    )
