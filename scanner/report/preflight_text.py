"""The checks of a place as a list for people: how each came out, what was seen, and what to do."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from scanner.judgement.fitness import Check, CheckResult
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE

#: Result → its word and style; a word a result, so that nothing is told by colour alone.
_MARKS = {
    CheckResult.ok: ("ok", "green"),
    CheckResult.warning: ("warning", "yellow"),
    CheckResult.failed: ("FAILED", "red"),
    CheckResult.not_known: ("not known", "cyan"),
}

#: What a person calls a check.
_TITLES = {
    "ehlo_name": "our name",
    "ipv4": "IPv4",
    "ipv6": "IPv6",
    "resolver": "resolver",
    "resolver_honest": "resolver is honest",
    "resolver_validates": "resolver validates",
    "resolver_size": "resolver is fit for the list",
    "descriptors": "open files",
    "port_open": "port is open",
    "not_intercepted": "port is not intercepted",
}


def render_checks(checks: Iterable[Check]) -> Table:
    """A line a check, and below it what to do where there is something to do."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for check in checks:
        word, style = _MARKS[check.result]
        said = Text(shown(check.said))
        if check.what_to_do:
            said.append(f"\n→ {shown(check.what_to_do)}", style=ASIDE)
        table.add_row(Text(word, style=style), _TITLES.get(check.name, check.name), said)
    return table
