"""What a run found of a domain, as its files would have it: routes, hosts, sessions."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from msgspec.structs import replace

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.domains import Found, InputLines
from scanner.judgement.expectation import parse_expectation
from scanner.judgement.facts import reduce_session
from scanner.judgement.host_addresses import FactsOf, JudgeOptions
from scanner.judgement.mail_hosts import FoundHosts
from scanner.judgement.mta_sts import NO_POLICIES, FoundPolicies
from scanner.judgement.run_sessions import RunSessions
from scanner.opt_out import parse_opt_out
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, RouteFlag, RouteKind
from scanner.records import (
    AddressLookup,
    Domain,
    Finding,
    Host,
    HostAddress,
    InputLine,
    Metadata,
    Mx,
    Route,
    SessionRecord,
)
from tests.tls.issuing import authority

from .sessions import MX

DOMAIN = "example.org"
ROOT = authority()
ROOTS = ROOT.pem

NO_DATA = DnsStatus.no_data


def looked_up(
    *addresses: str | HostAddress, status: DnsStatus = DnsStatus.ok, alias: str | None = None
) -> AddressLookup:
    """The answer for one family; without addresses and status it is "no data"."""
    answered = NO_DATA if status is DnsStatus.ok and not addresses else status
    return AddressLookup(
        dns_status=answered,
        ttl_s=300,
        addresses=tuple(
            address if isinstance(address, HostAddress) else HostAddress(address=address) for address in addresses
        ),
        cname_chain=(alias,) if alias else (),
        ad=None,
        asked_at="2026-11-22T11:59:59.000Z",
        ms=1.0,
    )


def flagged(address: str, *flags: AddressFlag) -> HostAddress:
    return HostAddress(address=address, flags=flags)


def host(a: AddressLookup | None = None, aaaa: AddressLookup | None = None, exchange: str = MX) -> Host:
    """A mail host with these answers for A and AAAA, by default "no data" for both."""
    return Host(exchange=exchange, attempt=1, a=a or looked_up(), aaaa=aaaa or looked_up())


def mx(exchange: str = MX, preference: int | None = 10, *flags: HostFlag) -> Mx:
    return Mx(preference=preference, exchange=exchange, flags=flags)


def route(
    kind: RouteKind,
    *hosts: Mx,
    flags: Iterable[RouteFlag] = (),
    dns_status: DnsStatus = DnsStatus.ok,
    mx_total: int | None = None,
) -> Route:
    return Route(
        domain=DOMAIN,
        attempt=1,
        kind=kind,
        flags=tuple(flags),
        dns_status=dns_status,
        ttl_s=300,
        asked_at="2026-11-22T11:59:58.000Z",
        ms=1.0,
        cname_chain=(),
        ad=None,
        mx_total=len(hosts) if mx_total is None else mx_total,
        mx=hosts,
    )


def lines(metadata: Metadata | None = None) -> InputLines:
    """The one line of the input that names the domain."""
    return InputLines(InputLine(line=1, input=DOMAIN, domain=DOMAIN, metadata=metadata or {}))


#: The session, or all of them, with each (exchange, address).
Held = Mapping[tuple[str, str], SessionRecord | Sequence[SessionRecord]]


def facts_of(held: Held, *, most_names: int = 200, certificates: Iterable[bytes] = ()) -> FactsOf:
    """What was learnt in these sessions, whatever they say of address and name themselves."""
    chains = ChainJudge(ROOTS, {sha256(der).hexdigest(): der for der in certificates})
    sessions = RunSessions(chains, most_names)
    for (exchange, address), records in held.items():
        for record in [records] if isinstance(records, SessionRecord) else records:
            sessions.add(reduce_session(replace(record, address=address, server_name=exchange), chains))
    return sessions.of


def options(
    *, max_addresses: int = 8, no_ipv6: bool = False, opt_out: str = "", validates: bool | None = None
) -> JudgeOptions:
    return JudgeOptions(max_addresses, no_ipv6, parse_opt_out(opt_out), validates)


def found(
    *hosts: Host,
    sessions: Held | None = None,
    expect_mx: Iterable[str] = (),
    opt_out: str = "",
    validates: bool | None = None,
    certificates: Iterable[bytes] = (),
    policies: FoundPolicies = NO_POLICIES,
) -> Found:
    """A run that found these hosts, sessions and policies, and was told who opted out."""
    hosts_by_name = {one.exchange: one for one in hosts}
    facts = facts_of(sessions or {}, certificates=certificates)
    mail_hosts = FoundHosts(hosts_by_name, facts, options(opt_out=opt_out, validates=validates))
    return Found(mail_hosts, parse_expectation(expect_mx), policies)


def told(findings: Iterable[Finding]) -> list[str]:
    """`KIND SEVERITY SUBJECT` of each finding, in order."""
    return [f"{one.kind} {one.severity} {one.subject}" for one in findings]


def said(record: Domain) -> list[str]:
    """Each verdict as `VALUE YES/NO/UNKNOWN REASON…`, in the order of the record."""
    verdicts = record.verdicts
    return [
        " ".join((one.value, f"{one.yes}/{one.no}/{one.unknown}", *one.reasons))
        for one in (
            verdicts.reachable,
            verdicts.smtp,
            verdicts.starttls,
            verdicts.certificate_trusted,
            verdicts.certificate_name,
        )
    ]
