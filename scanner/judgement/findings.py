"""A finding, with the remedy of its kind."""

from scanner.judgement.remedies import REMEDIES
from scanner.outcomes import FindingKind, Severity
from scanner.records import Finding


def finding(
    kind: FindingKind,
    severity: Severity,
    subject: str,
    evidence: str,
    session: str | None = None,
    *,
    fix: str | None = None,
) -> Finding:
    """A finding about `subject`; `session` is the one that shows it, `fix` what else to do than for its kind."""
    return Finding(
        kind=kind,
        severity=severity,
        subject=subject,
        evidence=evidence,
        session=session,
        fix=REMEDIES[kind] if fix is None else fix,
    )
