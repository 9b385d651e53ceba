"""Two runs for a person: how many changed and in what, then whose servers changed them, the most important first."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanner.outcomes import Effect
from scanner.records import SharedChange
from scanner.report.change_words import change_words, kind_words, words_together
from scanner.report.differences import ChangeLine, Differences, Groups, HostGroup, ProviderGroup, Side
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, HEADING, SEVERITY_STYLES

_EFFECTS = {
    Effect.worse: "worse",
    Effect.not_known: "not known",
    Effect.other: "other",
    Effect.known_now: "known now",
    Effect.better: "better",
}

_EFFECT_STYLES = {Effect.not_known: "cyan", Effect.other: "dim", Effect.known_now: "", Effect.better: "green"}

#: Mail hosts that head a group.
MAX_HOSTS_NAMED = 4


def render_differences(
    sides: Sequence[Side], remarks: Sequence[str], differences: Differences, groups: Groups
) -> RenderableType:
    """Lines and a table; nothing that came from elsewhere is markup, and no control is left in it."""
    parts: list[RenderableType] = [_head(sides, remarks, differences)]
    if differences.kinds:
        parts += [_table(differences), *(_provider(group) for group in groups.providers)]
    if groups.more:
        parts.append(Text(f"and {_counted(groups.more, 'more provider')}: --json has them all", style=ASIDE))
    return Group(*(line for part in parts for line in (part, Text())))


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


# The whole ------------------------------------------------------------------------------------------


def _head(sides: Sequence[Side], remarks: Sequence[str], differences: Differences) -> Text:
    lines = [_side(name, side) for name, side in zip(("before", "after"), sides, strict=True)]
    lines += [Text(f"remark  {shown(remark)}", style=SEVERITY_STYLES["warning"]) for remark in remarks]
    effects = ", ".join(f"{differences.effects[effect]} {word}" for effect, word in _EFFECTS.items())
    told = (
        f"{_counted(differences.in_both, 'domain')} in both, {differences.added} added, {differences.gone} gone; "
        f"{differences.changed} changed"
    )
    lines += [Text(), Text(told, style=HEADING)]
    if differences.kinds:
        lines.append(Text(f"domains by what that means: {effects}"))
    return Text("\n").join(lines)


def _side(name: str, side: Side) -> Text:
    text = Text(f"{name:6}  {shown(side.directory)}  {side.began_at}  {_counted(side.domains, 'domain')}")
    if not side.is_complete:
        unfinished = f", {_counted(side.not_finished, 'domain')} to do" if side.not_finished else ""
        text.append(f"  not finished{unfinished}: resume it", style=SEVERITY_STYLES["warning"])
    return text


def _table(differences: Differences) -> Table:
    """How many domains changed in what, by what that means for them."""
    table = Table(box=None, pad_edge=False, header_style=HEADING)
    table.add_column("what changed (domains)", overflow="fold")
    for effect in _EFFECTS.values():
        table.add_column(effect, justify="right", overflow="fold")
    for what, counts in differences.rows():
        table.add_row(kind_words(*what), *(str(count) for count in counts))
    return table


# By whose servers -----------------------------------------------------------------------------------


def _provider(group: ProviderGroup) -> Text:
    name = shown(group.provider) if group.provider is not None else "without a mail host"
    lines = [Text(f"{name}: {_counted(group.domains, 'domain')}", style=HEADING)]
    for hosts in group.hosts:
        lines += _host(hosts)
    if group.more_hosts:
        lines.append(Text(f"  and {_counted(group.more_hosts, 'more group')} of mail hosts", style=ASIDE))
    return Text("\n").join(lines)


def _host(group: HostGroup) -> list[Text]:
    lines = [Text(f"  {_listed(group.hosts)}")] if group.hosts else []
    for line in group.lines:
        lines += _line(line)
    if group.more:
        lines.append(Text(f"    and {_counted(group.more, 'more change')}", style=ASIDE))
    return lines


def _listed(hosts: tuple[str, ...]) -> str:
    named = ", ".join(shown(host) for host in hosts[:MAX_HOSTS_NAMED])
    more = len(hosts) - MAX_HOSTS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _line(line: ChangeLine) -> list[Text]:
    text = Text("    ").append(f"{_EFFECTS[line.shared.effect]:9}", style=_style(line.shared))
    text.append(f"  {change_words(line.shared)}: ").append(_domains(line))
    lines = [text]
    if line.shared.effect is Effect.worse and line.evidence:
        lines.append(_aside(shown(line.evidence)))
    if line.with_it:
        with_it = [(shared, "" if evidence == line.evidence else evidence) for shared, evidence in line.with_it]
        lines.append(_aside(f"with it: {'; '.join(words_together(with_it))}"))
    return lines


def _aside(text: str) -> Text:
    return Text(f"               {text}", style=ASIDE)


def _style(shared: SharedChange) -> str:
    return SEVERITY_STYLES[shared.severity] if shared.effect is Effect.worse else _EFFECT_STYLES[shared.effect]


def _domains(line: ChangeLine) -> str:
    named = ", ".join(line.first)
    if line.domains == 1:
        return named
    more = line.domains - len(line.first)
    return f"{line.domains} domains: {named} and {more} more" if more else f"{line.domains} domains: {named}"
