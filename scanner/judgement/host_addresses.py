"""The addresses of one mail host: for each its record, what it says to the verdicts, and its findings."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as replace_fields

from scanner.addresses import parse_address
from scanner.judgement.certificates import judge_name
from scanner.judgement.claims import NO_PLACE, Claims, all_unknown
from scanner.judgement.dane_hosts import without_weight
from scanner.judgement.findings import finding
from scanner.judgement.places import DaneDemand, Place, place_at, place_without_session
from scanner.judgement.served import Served
from scanner.judgement.target_facts import TargetFacts
from scanner.judgement.targets import is_contactable, is_withdrawn, select_addresses, server_name_of
from scanner.judgement.vantage_windows import family_of
from scanner.opt_out import OptOut
from scanner.outcomes import AddressFlag, FindingKind, NotKnown, Outcome, Severity
from scanner.records import Finding, Host, HostAddress, JudgedAddress

#: What is known of an address under a server name; None if there is no session that says anything.
FactsOf = Callable[[str, str], TargetFacts | None]


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What of a run's settings judging depends on, and who opted out of it.

    `resolver_validates` says whether a resolver that validates was at hand; None if nobody asked for DANE.
    """

    max_addresses: int
    no_ipv6: bool
    opt_out: OptOut = field(default_factory=OptOut)
    resolver_validates: bool | None = None


@dataclass(frozen=True, slots=True)
class AddressJudgement:
    """`claims` and `place` are None for an address that has no vote; `served` is the chain that was seen there."""

    record: JudgedAddress
    claims: Claims | None
    findings: tuple[Finding, ...]
    place: Place | None = None
    served: Served | None = None


def judge_addresses(host: Host, facts_of: FactsOf, options: JudgeOptions, demand: DaneDemand) -> list[AddressJudgement]:
    """All addresses of a host, those over the limit too, but not those withdrawn before there was a session."""
    tried, _ = select_addresses(host, options.max_addresses)
    wanted = {address.address for address in tried}
    judged = []
    for address in (*host.a.addresses, *host.aaaa.addresses):
        facts = _facts_of(host, address, facts_of)
        if facts is not None and facts.is_own:
            judged.append(_with_session(host, address, facts, demand))
        elif is_withdrawn(address):
            continue
        elif not is_contactable(address):
            judged.append(_not_contacted(host, address, demand))
        elif address.address not in wanted:
            judged.append(_without_session(host, address, NotKnown.over_limit, demand))
        elif _is_opted_out(host, address, options.opt_out):
            judged.append(_without_session(host, address, NotKnown.opted_out, demand))
        elif facts is not None:
            judged.append(_with_session(host, address, facts, demand))
        else:
            judged.append(_without_session(host, address, _why_not_asked(address, options), demand))
    return judged


def _facts_of(host: Host, address: HostAddress, facts_of: FactsOf) -> TargetFacts | None:
    """What is known of an address of a host; its certificate is held to the name in the MX record."""
    server_name = server_name_of(host)
    facts = facts_of(address.address, server_name)
    if facts is None or server_name == host.exchange:
        return facts
    return _for_exchange(facts, host.exchange)


_ON_NAMES = frozenset({FindingKind.certificate_host_mismatch, FindingKind.certificate_name_in_cn_only})


def _for_exchange(facts: TargetFacts, exchange: str) -> TargetFacts:
    """The same facts, of a session that asked for the TLSA base domain, for the mail host (RFC 8461 §4.2)."""
    served = facts.served
    if served is None or not facts.claims.certificate_name.is_definite:
        return facts
    claim, on_name = judge_name(exchange, served.leaf)
    certificate = replace_fields(served.certificate, name=served.leaf.match(exchange))
    return replace(
        facts,
        claims=replace(facts.claims, certificate_name=claim),
        observations=(*(seen for seen in facts.observations if seen.kind not in _ON_NAMES), *on_name),
        served=replace(served, certificate=certificate),
    )


def _with_session(host: Host, address: HostAddress, facts: TargetFacts, demand: DaneDemand) -> AddressJudgement:
    shown = facts.shown
    record = JudgedAddress(
        address=address.address,
        sessions=facts.sessions,
        stage=shown.stage if shown is not None else None,
        outcome=shown.outcome if shown is not None else None,
        limit=shown.limit if shown is not None else None,
        reason=facts.reason,
        flags=(*address.flags, *facts.flags),
        certificate=facts.served.certificate if facts.served is not None else None,
    )
    if is_withdrawn(address) and record.outcome is not Outcome.ok:
        # Its owner took it out of the DNS: what is wrong with it is no one's trouble any more.
        return AddressJudgement(record, None, ())
    place = place_at(host.exchange, address.address, facts.claims, facts, demand)
    findings = without_weight(_findings(host, address, facts), place)
    return AddressJudgement(record, facts.claims, findings, place, facts.served)


def _findings(host: Host, address: HostAddress, facts: TargetFacts) -> tuple[Finding, ...]:
    subject = _subject(host, address)
    session = facts.shown.session if facts.shown is not None else next(iter(facts.sessions), None)
    return tuple(finding(seen.kind, seen.severity, subject, seen.evidence, session) for seen in facts.observations)


def _subject(host: Host, address: HostAddress) -> str:
    return f"{host.exchange} [{address.address}]"


# Without a session ----------------------------------------------------------------------------------

_UNKNOWN_BY_FLAG = {
    AddressFlag.own_address: NotKnown.own_address,
    AddressFlag.opted_out: NotKnown.opted_out,
}


def _not_contacted(host: Host, address: HostAddress, demand: DaneDemand) -> AddressJudgement:
    for flag, reason in _UNKNOWN_BY_FLAG.items():
        if flag in address.flags:
            return _without_session(host, address, reason, demand)
    # The DNS answer itself shows that nobody outside can deliver there.
    judged = _without_session(host, address, NotKnown.not_public, demand, NO_PLACE)
    evidence = f"{host.exchange} points to {address.address}, which is not a public address"
    found = finding(FindingKind.address_not_public, Severity.error, _subject(host, address), evidence)
    return replace(judged, findings=(found,))


def _without_session(
    host: Host, address: HostAddress, reason: NotKnown, demand: DaneDemand, said: Claims | None = None
) -> AddressJudgement:
    claims = said or all_unknown(reason)
    record = JudgedAddress(
        address=address.address,
        sessions=(),
        stage=None,
        outcome=None,
        limit=None,
        reason=reason.value,
        flags=address.flags,
    )
    place = place_without_session(host.exchange, address.address, claims, reason.value, demand)
    return AddressJudgement(record, claims, (), place)


def _is_opted_out(host: Host, address: HostAddress, opt_out: OptOut) -> bool:
    """True if its owner asked to be left alone, be it after the address was looked up."""
    return opt_out.matches_name(server_name_of(host)) or opt_out.matches_address(parse_address(address.address))


def _why_not_asked(address: HostAddress, options: JudgeOptions) -> NotKnown:
    if options.no_ipv6 and family_of(address.address) == "ipv6":
        return NotKnown.no_ipv6
    return NotKnown.not_yet_probed
