"""One mail host of a domain: its record, its units and its findings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scanner.dns.answers import ANSWERS_NO, FAILURES
from scanner.judgement.claims import NO_PLACE, Claims, all_unknown
from scanner.judgement.facts import TargetFacts
from scanner.judgement.remedies import REMEDIES
from scanner.judgement.targets import is_contactable, select_addresses, server_name_of, target_id
from scanner.judgement.verdicts import Unit, combine
from scanner.outcomes import AddressFlag, DnsStatus, FindingKind, HostFlag, NotKnown, Severity, VerdictValue
from scanner.records import AddressLookup, Finding, Host, HostAddress, JudgedAddress, JudgedHost, Mx

#: What attempts at a target say together, by its id; None if there is no session.
FactsOf = Callable[[str], TargetFacts | None]

_NOT_ASKED = AddressLookup(
    dns_status=DnsStatus.not_asked, ttl_s=None, addresses=(), cname_chain=(), ad=None, asked_at=None, ms=0
)

_UNKNOWN_BY_FLAG = {
    AddressFlag.own_address: NotKnown.own_address,
    AddressFlag.opted_out: NotKnown.opted_out,
}


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What of a run's settings judging depends on."""

    port: int
    max_addresses: int
    no_ipv6: bool


@dataclass(frozen=True, slots=True)
class HostJudgement:
    record: JudgedHost
    units: tuple[Unit, ...]
    findings: tuple[Finding, ...]


def finding(kind: FindingKind, severity: Severity, subject: str, evidence: str, session: str | None = None) -> Finding:
    """A finding with the remedy of its kind."""
    return Finding(
        kind=kind, severity=severity, subject=subject, evidence=evidence, session=session, fix=REMEDIES[kind]
    )


def judge_host(mx: Mx, host: Host | None, facts_of: FactsOf, options: JudgeOptions) -> HostJudgement:
    """A mail host of a route, from its lookups (None: not asked for) and the sessions with its addresses."""
    ipv4, ipv6 = (host.a, host.aaaa) if host is not None else (_NOT_ASKED, _NOT_ASKED)
    addresses = _judge_addresses(host, facts_of, options) if host is not None else []
    flags = _flags(mx, host, options.max_addresses)
    record = JudgedHost(
        preference=mx.preference,
        exchange=mx.exchange,
        flags=flags,
        a_status=ipv4.dns_status,
        aaaa_status=ipv6.dns_status,
        addresses=tuple(address.record for address in addresses),
    )
    claims = [address.claims for address in addresses] + _claims_without_address(mx, ipv4, ipv6)
    findings = _host_findings(mx.exchange, flags, ipv4, ipv6)
    if _differ(claims):
        findings.append(_pool_finding(mx.exchange, addresses))
    for address in addresses:
        findings += address.findings
    return HostJudgement(record, tuple(Unit(claim, mx.preference) for claim in claims), tuple(findings))


# Addresses ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _AddressJudgement:
    record: JudgedAddress
    claims: Claims
    findings: tuple[Finding, ...]


def _judge_addresses(host: Host, facts_of: FactsOf, options: JudgeOptions) -> list[_AddressJudgement]:
    tried, _ = select_addresses(host, options.max_addresses)
    wanted = {address.address for address in tried}
    judged = []
    for address in (*host.a.addresses, *host.aaaa.addresses):
        if not is_contactable(address):
            judged.append(_not_contacted(host, address))
        elif address.address not in wanted:
            judged.append(_without_session(address, NotKnown.over_limit))
        else:
            judged.append(_judge_address(host, address, facts_of, options))
    return judged


def _judge_address(host: Host, address: HostAddress, facts_of: FactsOf, options: JudgeOptions) -> _AddressJudgement:
    facts = facts_of(target_id(address.address, options.port, server_name_of(host)))
    if facts is None:
        is_ipv6 = ":" in address.address and "." not in address.address
        return _without_session(address, NotKnown.no_ipv6 if options.no_ipv6 and is_ipv6 else NotKnown.not_yet_probed)
    differ = (AddressFlag.attempts_differ,) if facts.attempts_differ else ()
    shown = facts.shown
    record = JudgedAddress(
        address=address.address,
        sessions=facts.sessions,
        stage=shown.stage,
        outcome=shown.outcome,
        limit=shown.limit,
        reason=None,
        flags=(*address.flags, *differ),
    )
    subject = f"{host.exchange} [{address.address}]"
    findings = tuple(
        finding(seen.kind, seen.severity, subject, seen.evidence, shown.session) for seen in shown.observations
    )
    return _AddressJudgement(record, facts.claims, findings)


def _without_session(address: HostAddress, reason: NotKnown, claims: Claims | None = None) -> _AddressJudgement:
    record = JudgedAddress(
        address=address.address,
        sessions=(),
        stage=None,
        outcome=None,
        limit=None,
        reason=reason.value,
        flags=address.flags,
    )
    return _AddressJudgement(record, claims or all_unknown(reason), ())


def _not_contacted(host: Host, address: HostAddress) -> _AddressJudgement:
    for flag, reason in _UNKNOWN_BY_FLAG.items():
        if flag in address.flags:
            return _without_session(address, reason)
    # The DNS answer itself shows that nobody outside can deliver there.
    judged = _without_session(address, NotKnown.not_public, NO_PLACE)
    subject = f"{host.exchange} [{address.address}]"
    evidence = f"{host.exchange} points to {address.address}, which is not a public address"
    found = finding(FindingKind.address_not_public, Severity.error, subject, evidence)
    return _AddressJudgement(judged.record, judged.claims, (found,))


# The host itself ------------------------------------------------------------------------------------


def _flags(mx: Mx, host: Host | None, max_addresses: int) -> tuple[HostFlag, ...]:
    flags = list(mx.flags)
    if host is None:
        return tuple(flags)
    statuses = {host.a.dns_status, host.aaaa.dns_status}
    # The implicit MX is the domain itself: there an alias is the domain's, and allowed (RFC 5321 §5.1).
    if mx.preference is not None and (host.a.cname_chain or host.aaaa.cname_chain):
        flags.append(HostFlag.mx_is_cname)
    if statuses == {DnsStatus.no_data}:
        flags.append(HostFlag.mx_has_no_address)
    elif statuses <= ANSWERS_NO:  # RFC 8020 §2: NXDOMAIN for one type is NXDOMAIN for all
        flags.append(HostFlag.mx_nxdomain)
    if select_addresses(host, max_addresses)[1]:
        flags.append(HostFlag.addresses_over_limit)
    return tuple(flags)


def _claims_without_address(mx: Mx, ipv4: AddressLookup, ipv6: AddressLookup) -> list[Claims]:
    """The units that stand for no address: what a failed lookup leaves open, or that there is none at all."""
    failed = [lookup.dns_status for lookup in (ipv4, ipv6) if lookup.dns_status in FAILURES]
    if ipv4.addresses or ipv6.addresses:
        return [all_unknown(status) for status in failed]
    if failed:
        return [all_unknown(failed[0])]
    if ipv4.dns_status is DnsStatus.not_asked and not mx.flags:
        return [all_unknown(NotKnown.not_yet_probed)]
    return [NO_PLACE]


_FLAG_FINDINGS: dict[HostFlag, tuple[FindingKind, Severity, str]] = {
    HostFlag.mx_is_cname: (FindingKind.mx_is_cname, Severity.warning, "{host} is an alias of {alias}"),
    HostFlag.mx_is_address_literal: (
        FindingKind.mx_is_address_literal,
        Severity.error,
        "the MX record names {host}, the text of an address",
    ),
    HostFlag.mx_is_localhost: (FindingKind.mx_is_localhost, Severity.error, "the MX record names {host}"),
    HostFlag.mx_nxdomain: (FindingKind.mx_does_not_exist, Severity.error, "{host} does not exist (NXDOMAIN)"),
    HostFlag.mx_has_no_address: (
        FindingKind.mx_has_no_address,
        Severity.error,
        "{host} has neither an A nor an AAAA record",
    ),
    HostFlag.addresses_over_limit: (
        FindingKind.addresses_over_limit,
        Severity.notice,
        "{host} has {addresses} addresses, more than are tried",
    ),
}


def _host_findings(exchange: str, flags: Sequence[HostFlag], ipv4: AddressLookup, ipv6: AddressLookup) -> list[Finding]:
    alias = (*ipv4.cname_chain, *ipv6.cname_chain, "")[0]
    addresses = len(ipv4.addresses) + len(ipv6.addresses)
    findings = []
    for flag in flags:
        kind, severity, text = _FLAG_FINDINGS[flag]
        evidence = text.format(host=exchange, alias=alias, addresses=addresses)
        findings.append(finding(kind, severity, exchange, evidence))
    if {ipv4.dns_status, ipv6.dns_status} & FAILURES:
        evidence = f"A: {ipv4.dns_status}, AAAA: {ipv6.dns_status}"
        findings.append(finding(FindingKind.mx_lookup_failed, Severity.warning, exchange, evidence))
    return findings


_MEMBERS_ALIKE = ("smtp", "starttls", "certificate_trusted", "certificate_name")


def _differ(claims: Sequence[Claims]) -> list[str]:
    """The verdicts to which the addresses of one host say both yes and no."""
    return [
        name for name in _MEMBERS_ALIKE if combine(getattr(claim, name).value for claim in claims) is VerdictValue.mixed
    ]


def _pool_finding(exchange: str, addresses: Sequence[_AddressJudgement]) -> Finding:
    differing = []
    for name in _differ([address.claims for address in addresses]):
        values = ", ".join(
            f"{address.record.address} {getattr(address.claims, name).value}"
            for address in addresses
            if getattr(address.claims, name).is_definite
        )
        differing.append(f"{name}: {values}")
    return finding(FindingKind.pool_members_differ, Severity.warning, exchange, "; ".join(differing))
