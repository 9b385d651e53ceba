"""DANE of a domain (RFC 7672 §2.2.1): its mail hosts together, and whether the way to them can be forged.

| the first of these that applies | value |
|---|---|
| no validating resolver was at hand | unknown: no answer of ours could be believed |
| a host is invalid | invalid: mail is lost there, whatever the others do |
| a host is unknown, or over the limit | unknown: it might be any of the values above or below |
| a host is unusable | unusable: it asks for TLS, and nothing can be authenticated |
| no host has TLSA records | none |
| all that have some authenticate, MX secure | valid; a host without is none of DANE's business |
| … MX insecure | unusable: the list of hosts can be forged, so nothing is protected |
| … MX not known | unknown |
"""

from collections.abc import Sequence

from scanner.judgement.dane_hosts import HostDane
from scanner.judgement.findings import finding
from scanner.outcomes import FindingKind, NotKnown, PolicyReason, PolicyValue, Severity
from scanner.policy.tls_discovery import MxSecurity
from scanner.records import Finding, PolicyVerdict

NOT_VALIDATED = PolicyVerdict(value=PolicyValue.unknown, reasons=(PolicyReason.no_validating_resolver.value,))

#: What is worse comes first, and what is not known might be worse than what follows it.
_IN_ORDER = (PolicyValue.invalid, PolicyValue.unknown, PolicyValue.unusable)

_BY_MX = {
    MxSecurity.secure: PolicyVerdict(value=PolicyValue.valid),
    MxSecurity.insecure: PolicyVerdict(value=PolicyValue.unusable, reasons=(PolicyReason.mx_insecure.value,)),
    MxSecurity.unknown: PolicyVerdict(value=PolicyValue.unknown, reasons=(PolicyReason.mx_not_validated.value,)),
    MxSecurity.bogus: PolicyVerdict(value=PolicyValue.invalid, reasons=("dnssec-invalid",)),
}


def judge_dane(hosts: Sequence[HostDane], over_limit: int, mx: MxSecurity) -> PolicyVerdict:
    """The verdict on a domain with mail hosts, of which `over_limit` were not examined."""
    said = [(host.value, host.reasons) for host in hosts]
    said += [(PolicyValue.unknown, (NotKnown.over_limit.value,))] * min(over_limit, 1)
    for worst in _IN_ORDER:
        reasons = {reason for value, of_host in said if value is worst for reason in of_host}
        if any(value is worst for value, _ in said):
            return PolicyVerdict(value=worst, reasons=tuple(sorted(reasons)))
    if all(value is PolicyValue.none for value, _ in said):
        return PolicyVerdict(value=PolicyValue.none)
    return _BY_MX[mx]


def find_insecure_mx(domain: str, protected: Sequence[str]) -> Finding:
    """That these mail hosts have usable TLSA records, and that the way from the domain to them is not secure."""
    evidence = f"{', '.join(protected)}: TLSA records; the MX records of {domain} are not signed"
    return finding(FindingKind.dane_mx_insecure, Severity.notice, domain, evidence)
