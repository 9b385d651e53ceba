"""TLS-RPT of a domain (RFC 8460 §3): whether senders know where to report how TLS went."""

from scanner.dns.answers import ANSWERS_NO
from scanner.judgement.findings import finding
from scanner.judgement.mta_sts import restore_strings
from scanner.outcomes import DnsStatus, FindingKind, PolicyReason, PolicyValue, Severity
from scanner.policy.problem import Problem
from scanner.policy.tls_rpt import parse_record
from scanner.records import Finding, PolicyVerdict, TxtLookup

_ABSENT = PolicyVerdict(value=PolicyValue.none)
_VALID = PolicyVerdict(value=PolicyValue.valid)
_INVALID = PolicyVerdict(value=PolicyValue.invalid, reasons=(PolicyReason.tls_rpt_invalid.value,))


def judge_tls_rpt(domain: str, lookup: TxtLookup | None) -> tuple[PolicyVerdict | None, tuple[Finding, ...]]:
    """The verdict, null where nobody looked, and what there is to tell."""
    if lookup is None:
        return None, ()
    if lookup.dns_status in ANSWERS_NO:
        return _ABSENT, ()
    if lookup.dns_status is not DnsStatus.ok:
        return PolicyVerdict(value=PolicyValue.unknown, reasons=(lookup.dns_status.value,)), ()
    record = parse_record(restore_strings(lookup))
    if record is None:
        return _ABSENT, ()
    if isinstance(record, Problem):
        found = finding(FindingKind.tls_rpt_invalid, Severity.warning, f"_smtp._tls.{domain}", record.what)
        return _INVALID, (found,)
    return _VALID, ()
