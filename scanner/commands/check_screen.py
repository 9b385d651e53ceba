"""What `mxscan check` shows while it works, and keeps for its JSON: steps, and sessions as they happen."""

from rich.console import RenderableType
from rich.text import Text

from scanner.commands.output import Printer
from scanner.diagnosis.steps import Section, Step
from scanner.outcomes import Variant
from scanner.probe.session import ProbedSession
from scanner.records import Target, TranscriptLine
from scanner.report.check_json import Seen
from scanner.report.check_text import (
    render_begin,
    render_columns,
    render_row,
    render_said,
    render_step,
    render_title,
)


class CheckScreen:
    """Prints for a person, or nothing if all is wanted as JSON; hears the sessions (probe.session.SessionObserver)."""

    def __init__(self, *, verbose: bool, as_json: bool, colour: bool) -> None:
        self._verbose = verbose
        self._printer = Printer(is_silent=as_json, colour=colour)
        self._section: Section | None = None
        self._has_columns = False
        #: Server names in sessions → the mail hosts that have them.
        self.exchanges: dict[str, str] = {}
        self.seen = Seen()

    # Steps ---------------------------------------------------------------------------------------------

    def tell(self, step: Step) -> None:
        """A step, under the heading of its section."""
        self.seen.steps.append(step)
        self.begin(step.section)
        self.show(render_step(step))

    def begin(self, section: Section) -> None:
        """The heading of a section, once."""
        if section is not self._section:
            if self._section is not None:
                self.show(Text())
            self._section = section
            self.show(render_title(section))

    def show(self, what: RenderableType, *, folds: bool = False) -> None:
        """Prints something that is no step; a paragraph `folds` between words on a terminal.

        Raises BrokenPipeError if nobody reads it any more.
        """
        self._printer.print(what, folds=folds)

    # Sessions ------------------------------------------------------------------------------------------

    def begins(self, target: Target, attempt: int, variant: Variant) -> None:  # noqa: ARG002 - the observer's signature
        """A session begins."""
        self.begin(Section.servers)
        if self._verbose:
            self.show(render_begin(self._exchange(target.server_name), target))
        elif not self._has_columns:
            self._has_columns = True
            self.show(render_columns())

    def says(self, line: TranscriptLine) -> None:
        """A line was said."""
        if self._verbose:
            self.show(render_said(line))

    def ends(self, probed: ProbedSession) -> None:
        """A session is over."""
        record = probed.record
        self.seen.sessions.append(record)
        self.seen.transcripts.append(probed.transcript)
        if probed.transaction is not None:
            self.seen.transactions[record.session] = probed.transaction
        if self._verbose:
            self.show(render_columns())
        self.show(render_row(self._exchange(record.server_name), record, probed.transaction))

    def _exchange(self, server_name: str) -> str:
        return self.exchanges.get(server_name, server_name)
