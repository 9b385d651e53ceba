"""The summary of a run for a terminal: tables by route, session, verdict, policy, sender and finding."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanner.outcomes import PolicyValue, VerdictValue
from scanner.policy.senders import Delivery
from scanner.report.styles import HEADING, SEVERITY_STYLES
from scanner.report.summary import Summary


def render_summary(summary: Summary) -> RenderableType:
    """The whole summary."""
    head = f"{_counted(summary.domains, 'domain')}, {_counted(summary.sessions, 'session')}"
    if summary.invalid_lines:
        head += f", {_counted(summary.invalid_lines, 'line')} that {_are(summary.invalid_lines)} no domain"
    parts: list[RenderableType] = [
        Text(head, style=HEADING),
        _counts("mail routes", summary.routes),
        _counts("sessions", summary.outcomes),
        _values("verdict (domains)", VerdictValue, summary.verdict_rows()),
    ]
    if policies := list(summary.policy_rows()):
        parts.append(_values("policy (domains)", PolicyValue, policies))
    if deliveries := list(summary.delivery_rows()):
        rows = [(_SENDERS[name], counts) for name, counts in deliveries]
        parts.append(_values("mail by senders (domains)", [_DELIVERIES[value] for value in Delivery], rows))
    if summary.findings:
        parts.append(_findings(summary))
    if summary.not_finished:
        unfinished = f"{_counted(summary.not_finished, 'domain')} {_are(summary.not_finished)} not finished"
        parts.append(Text(f"{unfinished}: resume the run", style=SEVERITY_STYLES["warning"]))
    if summary.missing_certificates:
        lost = summary.missing_certificates
        parts.append(
            Text(
                f"{_counted(lost, 'certificate')} {_are(lost)} missing from the run's files",
                style=SEVERITY_STYLES["warning"],
            )
        )
    return Group(*(line for part in parts for line in (part, Text())))


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _counts(title: str, counter: Mapping[str, int]) -> RenderableType:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    words = ", ".join(f"{name} {count}" for name, count in ordered) or "none"
    return Text.assemble((f"{title}: ", HEADING), words)


#: Who sends, by what it obeys.
_SENDERS = {
    "opportunistic": "any",
    "dane": "that obey DANE",
    "mta_sts": "that obey MTA-STS",
}

#: What becomes of its mail, so short that a table of them fits a terminal.
_DELIVERIES = {
    Delivery.delivers: "delivered",
    Delivery.delivers_encrypted: "encrypted",
    Delivery.delivers_authenticated: "authenticated",
    Delivery.fails: "lost",
    Delivery.unknown: "unknown",
}


def _values(title: str, values: Iterable[str], rows: Iterable[tuple[str, Sequence[int]]]) -> Table:
    """How many domains have each of the values."""
    table = _table([title], [value.replace("_", " ") for value in values])
    for name, counts in rows:
        table.add_row(name, *(str(count) for count in counts))
    return table


def _findings(summary: Summary) -> Table:
    table = _table(["finding", "severity"], ["findings", "domains"])
    for severity, kind, findings, domains in summary.finding_rows():
        table.add_row(kind, Text(severity, style=SEVERITY_STYLES[severity]), str(findings), str(domains))
    return table


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """A table of columns of words, then of numbers; a narrow terminal folds them and does not cut."""
    table = Table(box=None, pad_edge=False, header_style=HEADING)
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, overflow="fold", justify="right")
    return table
