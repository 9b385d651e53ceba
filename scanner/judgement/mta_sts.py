"""MTA-STS of a domain (RFC 8461): its record, its policy host, its policy, and the findings on the way there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanner.addresses import parse_address
from scanner.dns.answers import ANSWERS_NO, FAILURES
from scanner.judgement.findings import finding
from scanner.judgement.host_addresses import JudgeOptions
from scanner.judgement.policy_fetches import Knowledge, PolicyFetch, broken_off, failed, not_made
from scanner.judgement.remedies import REMEDY_IF_NOT_FETCHED
from scanner.judgement.targets import is_contactable, is_withdrawn
from scanner.judgement.vantage_windows import family_of
from scanner.outcomes import AddressFlag, DnsStatus, FindingKind, NotKnown, PolicyReason, PolicyValue, Severity
from scanner.policy.mta_sts import StsMode, StsPolicy, StsRecord, parse_record
from scanner.policy.problem import Problem
from scanner.policy.result_types import ResultType
from scanner.policy.senders import StsFacts
from scanner.records import Finding, Host, JudgedPolicy, PolicyVerdict, TxtLookup
from scanner.wire_text import restore_octets


@dataclass(frozen=True, slots=True)
class StsJudgement:
    """What is said before a mail host is looked at; `verdict` is final unless there is a policy in force.

    `facts` are what senders go by.
    """

    verdict: PolicyVerdict | None
    facts: StsFacts
    policy: JudgedPolicy | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def in_force(self) -> StsPolicy | None:
        """The policy that mail hosts have to hold; None if there is none, or one that asks for nothing."""
        policy = self.facts.policy
        return policy if policy is not None and policy.mode is not StsMode.none else None


_NOT_KNOWN = StsFacts(is_known=False)

#: Nobody looked for a record.
NOT_ASKED = StsJudgement(None, _NOT_KNOWN)

ABSENT = StsJudgement(PolicyVerdict(value=PolicyValue.none), StsFacts())

_MODE_NONE = PolicyVerdict(value=PolicyValue.unusable, reasons=(PolicyReason.mode_none.value,))
_VALID = PolicyVerdict(value=PolicyValue.valid)


@dataclass(frozen=True, slots=True)
class FoundPolicies:
    """What a run found beside the records of domains: policy hosts by name, what came of asking there by domain."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    fetches: Mapping[str, PolicyFetch] = field(default_factory=dict)


NO_POLICIES = FoundPolicies()


def judge_mta_sts(domain: str, lookup: TxtLookup | None, found: FoundPolicies, options: JudgeOptions) -> StsJudgement:
    """From what was looked up for a domain: the TXT record, the policy host, and the fetch of the policy."""
    if lookup is None:
        return NOT_ASKED
    if lookup.dns_status in ANSWERS_NO:
        return ABSENT
    if lookup.dns_status is not DnsStatus.ok:
        return StsJudgement(_unknown(lookup.dns_status.value), _NOT_KNOWN)
    record = parse_record(restore_strings(lookup))
    if record is None:
        return ABSENT
    if isinstance(record, Problem):
        broken = finding(FindingKind.sts_policy_invalid, Severity.error, f"_mta-sts.{domain}", record.what)
        return _invalid(ResultType.sts_policy_invalid, (broken,))
    policy_host = f"mta-sts.{domain}"
    fetch = found.fetches.get(domain) or _without_fetch(policy_host, found.hosts.get(policy_host), options)
    return _judge_fetch(record, policy_host, fetch)


def restore_strings(lookup: TxtLookup) -> list[list[bytes]]:
    """The TXT records of a lookup, each as its character-strings."""
    return [[restore_octets(string) for string in record] for record in lookup.records]


def _judge_fetch(record: StsRecord, policy_host: str, fetch: PolicyFetch) -> StsJudgement:
    fix = REMEDY_IF_NOT_FETCHED if fetch.knowledge is Knowledge.broken_off else None
    findings = tuple(
        finding(seen.kind, seen.severity, policy_host, seen.evidence, fix=fix) for seen in fetch.observations
    )
    if fetch.failure is not None:
        return _invalid(fetch.failure, findings)
    policy = fetch.policy
    if policy is None:
        return StsJudgement(_unknown(fetch.reason or ""), _NOT_KNOWN, findings=findings)
    judged = JudgedPolicy(id=record.id, mode=policy.mode, max_age_s=policy.max_age_s, mx=policy.mx_patterns)
    verdict = _MODE_NONE if policy.mode is StsMode.none else _VALID
    return StsJudgement(verdict, StsFacts(policy=policy), judged, findings)


def _unknown(reason: str) -> PolicyVerdict:
    return PolicyVerdict(value=PolicyValue.unknown, reasons=(reason,))


def _invalid(failure: ResultType, findings: tuple[Finding, ...]) -> StsJudgement:
    verdict = PolicyVerdict(value=PolicyValue.invalid, reasons=(failure.value,))
    return StsJudgement(verdict, StsFacts(failure=failure), findings=findings)


# Without a fetch ------------------------------------------------------------------------------------


def _without_fetch(policy_host: str, host: Host | None, options: JudgeOptions) -> PolicyFetch:
    """What its lookup says of a policy that nobody fetched."""
    if options.opt_out.matches_name(policy_host):
        return not_made(NotKnown.opted_out.value)
    if host is None:
        return not_made(NotKnown.not_yet_probed.value)
    statuses = (host.a.dns_status, host.aaaa.dns_status)
    if DnsStatus.not_asked in statuses:
        return not_made(NotKnown.opted_out.value)
    if any(not is_withdrawn(address) for address in (*host.a.addresses, *host.aaaa.addresses)):
        return _without_contact(host, options)
    unanswered = [status for status in statuses if status in FAILURES]
    if not unanswered:
        return failed(ResultType.sts_policy_fetch_error, f"{policy_host} has no address (A: {statuses[0]})")
    if unanswered[0] is DnsStatus.local_fault:
        return not_made(unanswered[0].value)
    return broken_off(unanswered[0].value, f"A: {statuses[0]}, AAAA: {statuses[1]}")


def _without_contact(host: Host, options: JudgeOptions) -> PolicyFetch:
    """Why none of its addresses was asked."""
    addresses = [address for address in (*host.a.addresses, *host.aaaa.addresses) if not is_withdrawn(address)]
    contactable = [address.address for address in addresses if is_contactable(address)]
    if contactable:
        if all(options.opt_out.matches_address(parse_address(address)) for address in contactable):
            return not_made(NotKnown.opted_out.value)
        if options.no_ipv6 and all(family_of(address) == "ipv6" for address in contactable):
            return not_made(NotKnown.no_ipv6.value)
        return not_made(NotKnown.not_yet_probed.value)
    flags = {flag for address in addresses for flag in address.flags}
    for flag, reason in _UNKNOWN_BY_FLAG.items():
        if flag in flags:
            return not_made(reason.value)
    listed = ", ".join(address.address for address in addresses)
    return failed(ResultType.sts_policy_fetch_error, f"points to {listed}, where nobody outside can fetch it")


_UNKNOWN_BY_FLAG = {
    AddressFlag.own_address: NotKnown.own_address,
    AddressFlag.opted_out: NotKnown.opted_out,
}
