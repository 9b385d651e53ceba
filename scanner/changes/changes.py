"""Two records of one domain → what changed, the most important first.

Theory of operation. Each part of a record has a module that compares it: route, verdicts, mail hosts, findings.
Unknown is not no, and here that means: what turns to unknown or comes from it is no change for the worse. A
`worse` or a `better` is only said where both runs could tell, whatever else either of them left open.
"""

from collections.abc import Iterable

from scanner.changes.compared import Compared, names_of
from scanner.changes.finding_changes import compare_findings
from scanner.changes.host_changes import compare_hosts
from scanner.changes.route_changes import compare_routes
from scanner.changes.verdict_changes import compare_verdicts
from scanner.outcomes import ChangeKind, Effect, Severity, VerdictValue
from scanner.records import Change, Domain

_EFFECTS = {effect: place for place, effect in enumerate(Effect)}
_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}
_KINDS = {kind: place for place, kind in enumerate(ChangeKind)}


def compare_domains(before: Domain | None, after: Domain | None) -> tuple[Change, ...]:
    """What changed of a domain between two runs; None where a run does not have it, at most one of them."""
    if before is not None and after is not None:
        return _in_order(_compare(Compared(before, after)))
    if after is not None:
        return (_alone(after, ChangeKind.added),)
    return (_alone(before, ChangeKind.gone),) if before is not None else ()


def importance(change: Change) -> tuple[int, int, int]:
    """The lower, the more important: by effect, then by severity, then by kind."""
    return _EFFECTS[change.effect], _SEVERITIES[change.severity], _KINDS[change.kind]


def is_worse(change: Change) -> bool:
    """True if the domain is worse off, and that is shown."""
    return change.effect is Effect.worse


def is_consequence(change: Change) -> bool:
    """True for a verdict that begins or ceases to apply: what it depends on has changed, and is told as well."""
    is_verdict = change.kind is ChangeKind.verdict_changed
    return is_verdict and VerdictValue.not_applicable in (change.before, change.after)


def _compare(compared: Compared) -> Iterable[Change]:
    yield from compare_routes(compared)
    yield from compare_verdicts(compared)
    yield from compare_hosts(compared)
    yield from compare_findings(compared)


def _in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=importance))


def _alone(record: Domain, kind: ChangeKind) -> Change:
    return Change(
        domain=record.domain or "",
        kind=kind,
        effect=Effect.other,
        severity=Severity.notice,
        hosts=names_of(record),
    )
