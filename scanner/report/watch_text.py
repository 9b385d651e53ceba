"""What the watch knows, as tables: all that is not up, and what happened to a domain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanner.outages.alerts import State
from scanner.outages.known import COULD_NOT_TELL, Known
from scanner.report.moments import Moments
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, HEADING

STATE_STYLES: dict[State, str] = {
    State.up: "green",
    State.degraded: "yellow",
    State.down: "red",
    State.blocked_us: "cyan",
    State.unknown: "cyan",
    State.no_mail: "dim",
}

#: What is told first.
_ORDER = (State.down, State.degraded, State.blocked_us, State.unknown, State.up, State.no_mail)


@dataclass(frozen=True)
class StatusRow:
    """A mail host or a domain (`what` says which), and the last alert that named it: when it was sent, its words."""

    what: str
    known: Known
    alerted_at: str | None = None
    alerted: str = ""


@dataclass(frozen=True)
class HistoryRow:
    """Something that happened: when, to whom, what (another state, or an alert), and why."""

    at: str
    name: str
    said: str
    why: str = ""


def is_worth_telling(known: Known) -> bool:
    """False for what is as it should be, and was seen to be by the last run."""
    return known.state not in {State.up, State.no_mail} or known.observed in COULD_NOT_TELL


def render_status(rows: Sequence[StatusRow], total: int, moments: Moments) -> RenderableType:
    """A row for everything that is not up, the worst first; `total` is how many hosts and domains are watched."""
    told = sorted((row for row in rows if is_worth_telling(row.known)), key=_rank)
    if not told:
        return Text(f"all {total} mail hosts and domains are up")
    head = Text(f"{len(told)} of {total} mail hosts and domains are not up", style=HEADING)
    table = _table("state", "mail host or domain", "since", "last alert")
    for row in told:
        table.add_row(*_status_cells(row, moments))
    return Group(head, Text(), table)


def _rank(row: StatusRow) -> tuple[int, str, str]:
    # "mail host" comes after "domain" in the alphabet, and before it in importance: it is the cause.
    return _ORDER.index(row.known.state), "" if row.what != "domain" else row.what, row.known.name


def _status_cells(row: StatusRow, moments: Moments) -> Iterable[Text]:
    known = row.known
    yield Text(known.state.replace("_", " "), style=STATE_STYLES[known.state])
    name = Text(shown(known.name)).append(f" ({row.what})", style=ASIDE)
    if known.observed in COULD_NOT_TELL and known.observed is not known.state:
        since = f" since {moments.span(known.blind_since)}" if known.blind_since else ""
        name.append(f"\ncould not tell{since}", style=STATE_STYLES[known.observed])
    yield name.append("".join(f"\n{shown(why)}" for why in known.why), style=ASIDE)
    yield _moment(known.since, moments)
    yield _moment(row.alerted_at, moments).append(f"\n{shown(row.alerted)}" if row.alerted else "", style=ASIDE)


def _moment(time: str | None, moments: Moments) -> Text:
    """A time, in the second zone on a line of its own."""
    if time is None:
        return Text("none", style=ASIDE)
    local = moments.local_span(time)
    return Text(moments.span(time)).append(f"\n{local}" if local else "")


def render_history(name: str, rows: Sequence[HistoryRow], moments: Moments) -> RenderableType:
    """What happened to a domain and its mail hosts, the oldest first."""
    head = Text(f"history of {shown(name)}", style=HEADING)
    if not rows:
        return Group(head, Text(), Text("nothing has happened since it is watched"))
    table = _table("when", "name", "what", "why")
    for row in sorted(rows, key=lambda row: row.at):
        table.add_row(_moment(row.at, moments), *(Text(shown(cell)) for cell in (row.name, row.said, row.why)))
    return Group(head, Text(), table)


def _table(*columns: str) -> Table:
    """Columns of words; a narrow terminal folds them and does not cut."""
    table = Table(box=None, pad_edge=False, header_style=HEADING)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
