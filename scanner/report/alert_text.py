"""An alert as the text of a mail: what, since when, whom it touches, what to do, and all that proves it.

The body has everything up to an extent; what is cut there stands whole in the attached text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.outages.alerts import Alert, AlertedDomain, CanaryResult, StateStep
from scanner.report.alert_advice import advice_of, attempts_of, commands_of, sources_of
from scanner.report.alert_attempts import host_lines, times_of, transcript_lines
from scanner.report.alert_changes import change_lines
from scanner.report.alert_dns import dns_lines
from scanner.report.alert_opening import opening_of
from scanner.report.alert_subject import subject_of
from scanner.report.moments import Moments
from scanner.report.plain_text import MAX_LABEL, block, counted, items, paragraph, rows


@dataclass(frozen=True)
class Extent:
    """How much of each the body has; the attached text has all of it.

    Mail hosts in a line each, those told with their proof; domains in a line each, and the names of all.
    """

    host_lines: int = 50
    hosts: int = 5
    domains: int = 50
    names: int = 2000
    transcript_lines: int = 80


@dataclass(frozen=True)
class AlertText:
    """A mail's subject and body, and the text to attach: "" where there is nothing more to prove."""

    subject: str
    body: str
    attachment: str


def render_alert(alert: Alert, moments: Moments, extent: Extent | None = None) -> AlertText:
    """The texts of an alert: lines of at most 78 columns, but for those of transcripts in the attached text."""
    cut = extent or Extent()
    parts = [
        *_opening(alert, moments),
        *_facts(alert, moments),
        *block("mail hosts", _host_list(alert, cut)),
        *block("what happened", _hosts(alert, cut.hosts, moments)),
        *block("domains", _domains(alert, cut.domains, moments)),
        *block("networks that failed", items(alert.gate.examples if alert.gate else ())),
        *block("canaries", _canaries(alert, moments)),
        *block("what to do", items(advice_of(alert))),
        *block("see it yourself", commands_of(alert)),
        *block("dns answers used", dns_lines(alert.hosts[: cut.hosts], alert.domains[: cut.hosts], moments)),
        *block("transcripts", transcript_lines(attempts_of(alert), moments, cut.transcript_lines)),
        *block("all domains", _names(alert, cut)),
        *_footer(alert),
    ]
    is_all = not attempts_of(alert) and len(alert.hosts) <= cut.hosts and len(alert.domains) <= cut.domains
    return AlertText(subject_of(alert), _text(parts), "" if is_all else _attachment(alert, moments))


def _text(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip(" ") for line in lines) + "\n"


def _attachment(alert: Alert, moments: Moments) -> str:
    parts = [
        *paragraph(subject_of(alert)),
        "",
        *block("what happened", _hosts(alert, len(alert.hosts), moments)),
        *block("domains", _domains(alert, len(alert.domains), moments)),
        *block("dns answers used", dns_lines(alert.hosts, alert.domains, moments)),
        *block("transcripts", transcript_lines(attempts_of(alert), moments, None)),
    ]
    return _text(parts[:-1])


# The parts ------------------------------------------------------------------------------------------


def _opening(alert: Alert, moments: Moments) -> list[str]:
    lines = [line for text in opening_of(alert, moments) for line in (*paragraph(text), "")]
    # What is a mail host's own stands with it.
    of_hosts = {reason for host in alert.hosts for reason in host.reasons}
    reasons = items(reason for reason in alert.reasons if reason not in of_hosts)
    return [*lines, *reasons, *([""] if reasons else [])]


def _facts(alert: Alert, moments: Moments) -> list[str]:
    good = {host.last_good_at for host in alert.hosts}
    back_at = max((host.until for host in alert.hosts if host.until), default=None)
    told = times_of(alert.since, back_at, good.pop() if len(good) == 1 else None, moments)
    if alert.certificate is not None:
        told.append(("SHA-256", alert.certificate.sha256))
    told.append(("told at", moments.text(alert.at)))
    told.append(("told by", f"{alert.ehlo_name}{_from(alert)}"))
    return [*rows(told), ""]


def _from(alert: Alert) -> str:
    sources = sources_of(alert)
    return f", which asked from {', '.join(sources)}" if sources else ""


def _host_list(alert: Alert, cut: Extent) -> list[str]:
    """A line or two each, where there are several."""
    if len(alert.hosts) == 1:
        return []
    told = alert.hosts[: cut.host_lines]
    lines = rows((host.exchange, ", ".join([host.state, *host.reasons])) for host in told)
    left_out = len(alert.hosts) - len(told)
    return [*lines, *([f"  and {left_out} more, in the attached file"] if left_out else [])]


def _hosts(alert: Alert, most: int, moments: Moments) -> list[str]:
    """The proof of each."""
    told, sources = alert.hosts[:most], alert.source_addresses
    lines: list[str] = []
    for host in told:
        lines += host_lines(host, sources, moments, is_only_one=len(alert.hosts) == 1)
        steps = _steps(host.steps, moments)
        lines += [*(["", "  changes", "", *steps] if steps else []), ""]
    if left_out := len(alert.hosts) - len(told):
        lines += [*paragraph(f"The attempts at {counted(left_out, 'more mail host')} are in the attached file."), ""]
    return lines[:-1]


def _steps(steps: Sequence[StateStep], moments: Moments) -> list[str]:
    told = (f"{moments.text(step.at)}: {', '.join(filter(None, (step.state, step.why)))}" for step in steps)
    return [line for text in told for line in paragraph(text, indent=4, hanging=2)]


def _domains(alert: Alert, most: int, moments: Moments) -> list[str]:
    told = alert.domains[:most]
    width = min(MAX_LABEL, max((len(domain.domain) for domain in told), default=0))
    lines: list[str] = []
    for domain in told:
        lines += _domain(domain, width, moments)
    if len(alert.domains) > most:
        lines += ["", f"  and {len(alert.domains) - most} more: all their names are at the end"]
    return lines


def _names(alert: Alert, cut: Extent) -> list[str]:
    """Every name, where there are too many for a line each."""
    if len(alert.domains) <= cut.domains:
        return []
    names = [domain.domain for domain in alert.domains]
    left_out = len(names) - cut.names
    more = [f"  [{left_out} more are in the attached file]"] if left_out > 0 else []
    return [*paragraph(", ".join(names[: cut.names]), indent=2), *more]


def _domain(domain: AlertedDomain, width: int, moments: Moments) -> list[str]:
    words = [domain.state, *(f"{name}={value}" for name, value in domain.metadata.items() if value)]
    return [
        *rows([(domain.domain, ", ".join(words))], width=width),
        *change_lines(domain),
        *_steps(domain.steps, moments),
    ]


def _canaries(alert: Alert, moments: Moments) -> list[str]:
    canaries = alert.gate.canaries if alert.gate else ()
    return rows((canary.address, _canary(canary, moments)) for canary in canaries)


def _canary(canary: CanaryResult, moments: Moments) -> str:
    return f"{'answered' if canary.came_up else 'did not answer'} at {moments.text(canary.at)}: {canary.said}"


def _footer(alert: Alert) -> list[str]:
    return [
        *paragraph(f"Alert {alert.alert}, message {alert.sequence} of its thread, by mxscan watch."),
        *rows([("run", alert.run), ("kept in", alert.run_directory)]),
    ]
