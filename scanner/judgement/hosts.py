"""One mail host of a domain: its record, its units and its findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.dns.answers import ANSWERS_NO, FAILURES
from scanner.judgement.claims import NO_PLACE, Claims, all_unknown
from scanner.judgement.dane_hosts import (
    NO_HOST,
    NO_VALIDATING_RESOLVER,
    NOT_VALIDATED,
    HostDane,
    decide,
    judge_host_dane,
    unknown_dane,
)
from scanner.judgement.findings import finding
from scanner.judgement.host_addresses import AddressJudgement, FactsOf, JudgeOptions, judge_addresses
from scanner.judgement.places import DaneDemand, Place, place_without_session
from scanner.judgement.targets import is_withdrawn, select_addresses
from scanner.judgement.verdicts import Unit, combine
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus, FindingKind, HostFlag, NotKnown, Severity, VerdictValue
from scanner.records import AddressLookup, Finding, Host, JudgedHost, Mx

_NOT_ASKED = AddressLookup(
    dns_status=DnsStatus.not_asked, ttl_s=None, addresses=(), cname_chain=(), ad=None, asked_at=None, ms=0
)


@dataclass(frozen=True, slots=True)
class HostJudgement:
    record: JudgedHost
    units: tuple[Unit, ...]
    findings: tuple[Finding, ...]
    dane: HostDane

    @property
    def places(self) -> tuple[Place, ...]:
        """Where mail to this host may go."""
        return tuple(unit.place for unit in self.units if unit.place is not None)


def judge_host(
    mx: Mx, host: Host | None, facts_of: FactsOf, options: JudgeOptions, references: tuple[str, ...] = ()
) -> HostJudgement:
    """A mail host of a route, from its lookups (None: not asked for) and the sessions with its addresses.

    `references` are names beside its own that do for a certificate below DANE-TA(2).
    """
    ipv4, ipv6 = (host.a, host.aaaa) if host is not None else (_NOT_ASKED, _NOT_ASKED)
    decision = decide(host) if host is not None and options.resolver_validates else NOT_VALIDATED
    demand = DaneDemand(decision, references)
    addresses = judge_addresses(host, facts_of, options, demand) if host is not None else []
    units = _units(mx, addresses, _claims_without_address(mx, host, options.opt_out), demand)
    dane = _dane(mx, host, demand, [unit.place for unit in units if unit.place is not None], options)
    flags = _flags(mx, host, options.max_addresses)
    record = JudgedHost(
        preference=mx.preference,
        exchange=mx.exchange,
        flags=flags,
        a_status=ipv4.dns_status,
        aaaa_status=ipv6.dns_status,
        addresses=tuple(address.record for address in addresses),
        dane=dane.record,
    )
    findings = [*_host_findings(mx.exchange, flags, ipv4, ipv6), *dane.findings]
    if _differ([unit.claims for unit in units]):
        findings.append(_pool_finding(mx.exchange, addresses))
    for address in addresses:
        findings += address.findings
    return HostJudgement(record, units, tuple(findings), dane)


def _units(
    mx: Mx, addresses: Sequence[AddressJudgement], without_address: Sequence[Claims], demand: DaneDemand
) -> tuple[Unit, ...]:
    units = []
    for address in addresses:
        if address.claims is not None:
            leaf = address.served.leaf if address.served is not None else None
            units.append(Unit(address.claims, mx.preference, address.place, leaf))
    for claims in without_address:
        place = place_without_session(mx.exchange, "", claims, DnsStatus.no_data.value, demand)
        units.append(Unit(claims, mx.preference, place))
    return tuple(units)


def _dane(mx: Mx, host: Host | None, demand: DaneDemand, places: Sequence[Place], options: JudgeOptions) -> HostDane:
    if mx.flags:
        return NO_HOST
    if host is None or host.a.dns_status is DnsStatus.not_asked:
        return unknown_dane(places[0].why)
    if not options.resolver_validates:
        return NO_VALIDATING_RESOLVER
    return judge_host_dane(host, demand.decision, places)


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


def _claims_without_address(mx: Mx, host: Host | None, opt_out: OptOut) -> list[Claims]:
    """The units that stand for no address: what a failed lookup leaves open, or that there is none at all."""
    if mx.flags:  # the text of an address, or localhost: there is no host to ask for
        return [NO_PLACE]
    if host is None:
        is_opted_out = opt_out.matches_name(mx.exchange)
        return [all_unknown(NotKnown.opted_out if is_opted_out else NotKnown.not_yet_probed)]
    if host.a.dns_status is DnsStatus.not_asked:  # a host is asked for, unless it wants to be left alone
        return [all_unknown(NotKnown.opted_out)]
    failed = [status for status in (host.a.dns_status, host.aaaa.dns_status) if status in FAILURES]
    if _published(host.a) or _published(host.aaaa):
        return [all_unknown(status) for status in failed]
    return [all_unknown(failed[0])] if failed else [NO_PLACE]


def _published(lookup: AddressLookup) -> int:
    """How many addresses a lookup gave."""
    return sum(not is_withdrawn(address) for address in lookup.addresses)


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
    addresses = _published(ipv4) + _published(ipv6)
    findings = []
    for flag in flags:
        kind, severity, text = _FLAG_FINDINGS[flag]
        evidence = text.format(host=exchange, alias=alias, addresses=addresses)
        findings.append(finding(kind, severity, exchange, evidence))
    failed = {ipv4.dns_status, ipv6.dns_status} & FAILURES
    if failed:
        # What failed on our side is not told as a fault of theirs.
        is_ours = failed == {DnsStatus.local_fault}
        kind, severity = _OUR_FAULT if is_ours else (FindingKind.mx_lookup_failed, Severity.warning)
        evidence = f"A: {ipv4.dns_status}, AAAA: {ipv6.dns_status}"
        findings.append(finding(kind, severity, exchange, evidence))
    return findings


_OUR_FAULT = (FindingKind.scanner_fault, Severity.notice)

_MEMBERS_ALIKE = ("smtp", "starttls", "certificate_trusted", "certificate_name")


def _differ(claims: Sequence[Claims]) -> list[str]:
    """The verdicts to which the addresses of one host say both yes and no."""
    return [
        name for name in _MEMBERS_ALIKE if combine(getattr(claim, name).value for claim in claims) is VerdictValue.mixed
    ]


def _pool_finding(exchange: str, addresses: Sequence[AddressJudgement]) -> Finding:
    told = [(address.record.address, address.claims) for address in addresses if address.claims is not None]
    differing = []
    for name in _differ([claims for _, claims in told]):
        said = [(address, getattr(claims, name)) for address, claims in told]
        values = ", ".join(f"{address} {claim.value}" for address, claim in said if claim.is_definite)
        differing.append(f"{name}: {values}")
    return finding(FindingKind.pool_members_differ, Severity.warning, exchange, "; ".join(differing))
