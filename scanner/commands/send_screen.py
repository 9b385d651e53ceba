"""What `mxscan send` shows while it works: where it goes, and every line of a dialogue as it happens."""

from rich.console import RenderableType
from rich.text import Text

from scanner.commands.output import Printer
from scanner.outcomes import Variant
from scanner.probe.session import ProbedSession
from scanner.records import Target, TranscriptLine
from scanner.report.send_text import render_remark, render_warning
from scanner.report.transcript_text import render_line


class SendScreen:
    """Prints for a person, or nothing if all is wanted as JSON; keeps all of it as plain text, to be saved.

    Hears the sessions as they happen (probe.session.SessionObserver).
    """

    def __init__(self, *, as_json: bool, colour: bool) -> None:
        self._printer = Printer(is_silent=as_json, colour=colour)
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def show(self, what: Text) -> None:
        """Prints a line as it is, and keeps it. Raises BrokenPipeError if nobody reads it any more."""
        self.lines.append(what.plain)
        self._printer.print(what)

    def show_end(self, what: RenderableType) -> None:
        """Prints paragraphs that are not kept, folded between words on a terminal. Raises BrokenPipeError."""
        self._printer.print(what, folds=True)

    def remark(self, said: str) -> None:
        """What is done now."""
        self.show(render_remark(said))

    def warn(self, said: str) -> None:
        """What a person should know, though it goes on; once."""
        if said not in self.warnings:
            self.warnings.append(said)
            self.show(render_warning(said))

    # Sessions ------------------------------------------------------------------------------------------

    def begins(self, target: Target, attempt: int, variant: Variant) -> None:
        """A session begins: its place was told already."""

    def says(self, line: TranscriptLine) -> None:
        """A line was said."""
        self.show(render_line(line))

    def ends(self, probed: ProbedSession) -> None:
        """A session is over: the answer tells of it."""
