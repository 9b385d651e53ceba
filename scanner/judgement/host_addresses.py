"""The addresses of one mail host: for each its record, what it says to the verdicts, and its findings."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.addresses import parse_address
from scanner.judgement.claims import NO_PLACE, Claims, all_unknown
from scanner.judgement.findings import finding
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
    """What of a run's settings judging depends on, and who opted out of it."""

    max_addresses: int
    no_ipv6: bool
    opt_out: OptOut = field(default_factory=OptOut)


@dataclass(frozen=True, slots=True)
class AddressJudgement:
    """`claims` is None for an address that has no vote."""

    record: JudgedAddress
    claims: Claims | None
    findings: tuple[Finding, ...]


def judge_addresses(host: Host, facts_of: FactsOf, options: JudgeOptions) -> list[AddressJudgement]:
    """All addresses of a host, those over the limit too, but not those withdrawn before there was a session."""
    tried, _ = select_addresses(host, options.max_addresses)
    wanted = {address.address for address in tried}
    judged = []
    for address in (*host.a.addresses, *host.aaaa.addresses):
        facts = facts_of(address.address, server_name_of(host))
        if facts is not None and facts.is_own:
            judged.append(_with_session(host, address, facts))
        elif is_withdrawn(address):
            continue
        elif not is_contactable(address):
            judged.append(_not_contacted(host, address))
        elif address.address not in wanted:
            judged.append(_without_session(address, NotKnown.over_limit))
        elif _is_opted_out(host, address, options.opt_out):
            judged.append(_without_session(address, NotKnown.opted_out))
        elif facts is not None:
            judged.append(_with_session(host, address, facts))
        else:
            judged.append(_without_session(address, _why_not_asked(address, options)))
    return judged


def _with_session(host: Host, address: HostAddress, facts: TargetFacts) -> AddressJudgement:
    shown = facts.shown
    record = JudgedAddress(
        address=address.address,
        sessions=facts.sessions,
        stage=shown.stage if shown is not None else None,
        outcome=shown.outcome if shown is not None else None,
        limit=shown.limit if shown is not None else None,
        reason=facts.reason,
        flags=(*address.flags, *facts.flags),
    )
    if is_withdrawn(address) and record.outcome is not Outcome.ok:
        # Its owner took it out of the DNS: what is wrong with it is no one's trouble any more.
        return AddressJudgement(record, None, ())
    return AddressJudgement(record, facts.claims, _findings(host, address, facts))


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


def _not_contacted(host: Host, address: HostAddress) -> AddressJudgement:
    for flag, reason in _UNKNOWN_BY_FLAG.items():
        if flag in address.flags:
            return _without_session(address, reason)
    # The DNS answer itself shows that nobody outside can deliver there.
    judged = _without_session(address, NotKnown.not_public, NO_PLACE)
    evidence = f"{host.exchange} points to {address.address}, which is not a public address"
    found = finding(FindingKind.address_not_public, Severity.error, _subject(host, address), evidence)
    return AddressJudgement(judged.record, judged.claims, (found,))


def _without_session(address: HostAddress, reason: NotKnown, claims: Claims | None = None) -> AddressJudgement:
    record = JudgedAddress(
        address=address.address,
        sessions=(),
        stage=None,
        outcome=None,
        limit=None,
        reason=reason.value,
        flags=address.flags,
    )
    return AddressJudgement(record, claims or all_unknown(reason), ())


def _is_opted_out(host: Host, address: HostAddress, opt_out: OptOut) -> bool:
    """True if its owner asked to be left alone, be it after the address was looked up."""
    return opt_out.matches_name(server_name_of(host)) or opt_out.matches_address(parse_address(address.address))


def _why_not_asked(address: HostAddress, options: JudgeOptions) -> NotKnown:
    if options.no_ipv6 and family_of(address.address) == "ipv6":
        return NotKnown.no_ipv6
    return NotKnown.not_yet_probed
