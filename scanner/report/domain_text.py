"""A domain for a person: its mail route, what is said of it and why, what to do, and every word as proof."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from scanner.outcomes import Outcome, Severity
from scanner.records import (
    Domain,
    Finding,
    JudgedAddress,
    JudgedHost,
    SessionRecord,
    Transcript,
    Verdict,
    Verdicts,
)
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, HEADING, SEVERITY_STYLES, VERDICT_STYLES
from scanner.report.summary import VERDICTS
from scanner.report.transcript_text import render_session, shown_end
from scanner.report.transport_text import certificate_line, delivery_lines, policy_lines

_SEVERITIES = list(Severity)


def render_domain(
    record: Domain, sessions: Sequence[SessionRecord], transcripts: Mapping[str, Transcript]
) -> RenderableType:
    """All of a domain's record, then its sessions in the order given, with their transcripts by session.

    Lines of text, one for each thing said: they are folded or, with `soft_wrap`, left as they are, and never
    cut. Nothing that came from elsewhere is markup, and no control is left in it.
    """
    by_id = {session.session: session for session in sessions}
    blocks = [
        _head(record),
        delivery_lines(record),
        policy_lines(record),
        _mail_route(record, by_id),
        _verdicts(record.verdicts),
        _findings(record.findings),
        *(render_session(session, transcripts.get(session.session)) for session in sessions),
    ]
    lines = [line for block in blocks if block for line in (*block, Text())]
    return Group(*lines[:-1])


# The domain -----------------------------------------------------------------------------------------


def _head(record: Domain) -> list[Text]:
    name = record.domain if record.domain is not None else "no domain"
    lines = [
        Text(shown(name), style=HEADING),
        Text.assemble(("  input     ", ASIDE), f"{shown(record.input)} ({_line_numbers(record)})"),
    ]
    for metadata in (record.metadata, *record.metadata_more):
        if metadata:
            words = ", ".join(f"{shown(name)}={shown(value)}" for name, value in metadata.items())
            lines.append(Text.assemble(("  metadata  ", ASIDE), words))
    return lines


def _line_numbers(record: Domain) -> str:
    numbers = ", ".join(map(str, record.lines))
    more = record.lines_total - len(record.lines)
    words = f"line {numbers}" if record.lines_total == 1 else f"lines {numbers}"
    return f"{words} and {more} more" if more else words


# The way of its mail --------------------------------------------------------------------------------


def _mail_route(record: Domain, sessions: Mapping[str, SessionRecord]) -> list[Text]:
    route = record.mail_route
    counted = f"  DNS {route.dns_status}, MX records {route.mx_total}"
    head = Text.assemble(("mail route ", HEADING), route.kind.value, (counted, ASIDE), _flags(route.flags))
    lines = [head]
    for host in record.mail_hosts:
        lines.append(_host(host))
        width = max((len(address.address) for address in host.addresses), default=0)
        for address in host.addresses:
            lines.append(_address(address, width, host.exchange, sessions))
            if address.certificate is not None:
                lines.append(certificate_line(address.certificate))
    return lines


def _host(host: JudgedHost) -> Text:
    preference = "implicit" if host.preference is None else str(host.preference)
    lookups = f"  A {host.a_status}, AAAA {host.aaaa_status}"
    return Text.assemble(f"  {preference} {shown(host.exchange)}", (lookups, ASIDE), _flags(host.flags))


def _address(address: JudgedAddress, width: int, exchange: str, sessions: Mapping[str, SessionRecord]) -> Text:
    text = Text(f"    {shown(address.address).ljust(width)}  ")
    session = _shown_session(address, sessions)
    if address.stage is None:
        text.append(f"- {shown(address.reason or '')}", style=VERDICT_STYLES["unknown"])
    elif session is not None:
        text.append(shown_end(session))
    else:
        text.append(" ".join(shown(word) for word in (address.stage, address.outcome, address.limit) if word))
    if session is not None and session.tls is not None and session.tls.version is not None:
        text.append(f"  {shown(session.tls.version)}", style=ASIDE)
    if session is not None and session.server_name != exchange:
        text.append(f"  as {shown(session.server_name)} was told", style=ASIDE)
    return text.append_text(_flags(address.flags))


def _shown_session(address: JudgedAddress, sessions: Mapping[str, SessionRecord]) -> SessionRecord | None:
    """The session whose end is the address's, if it is at hand: the first good one, or the last that ended so."""
    named = [sessions[name] for name in address.sessions if name in sessions]
    alike = [session for session in named if (session.stage, session.outcome) == (address.stage, address.outcome)]
    if not alike:
        return None
    return alike[0] if address.outcome is Outcome.ok else alike[-1]


def _flags(flags: Iterable[str]) -> Text:
    return Text("".join(f"  +{flag}" for flag in flags), style=SEVERITY_STYLES["warning"])


# What is said of it ---------------------------------------------------------------------------------


def _verdicts(verdicts: Verdicts) -> list[Text]:
    named = [(name, getattr(verdicts, name)) for name in VERDICTS]
    rows = [_verdict(name, verdict) for name, verdict in named if verdict is not None]
    return [Text("verdicts", style=HEADING), *rows]


def _verdict(name: str, verdict: Verdict) -> Text:
    reasons = f" ({', '.join(map(shown, verdict.reasons))})" if verdict.reasons else ""
    counts = f"  yes {verdict.yes}, no {verdict.no}, unknown {verdict.unknown}{reasons}"
    text = Text(f"  {name:23}  ").append(f"{verdict.value:14}", style=VERDICT_STYLES[verdict.value])
    text.append(counts)
    if verdict.preferred is not verdict.value:
        text.append("; preferred hosts: ").append(verdict.preferred, style=VERDICT_STYLES[verdict.preferred])
    return text


def _findings(findings: Iterable[Finding]) -> list[Text]:
    ordered = sorted(findings, key=lambda found: _SEVERITIES.index(found.severity))
    lines = [line for found in ordered for line in _finding(found)]
    return [Text("findings", style=HEADING), *(lines or [Text("  none", style=ASIDE)])]


def _finding(found: Finding) -> list[Text]:
    head = Text("  ").append(f"{found.severity:7}", style=SEVERITY_STYLES[found.severity])
    head.append(f"  {found.kind}", style=HEADING).append(f"  {shown(found.subject)}")
    lines = [
        head,
        Text.assemble(("           evidence    ", ASIDE), shown(found.evidence)),
        Text.assemble(("           what to do  ", ASIDE), shown(found.fix)),
    ]
    if found.session is not None:
        lines.append(Text.assemble(("           session     ", ASIDE), shown(found.session)))
    return lines
