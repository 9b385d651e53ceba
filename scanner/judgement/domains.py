"""One domain → its record: route, mail hosts, verdicts, findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from scanner.judgement.claims import NO_PLACE, NOTHING_TO_SAY, Claims, all_unknown
from scanner.judgement.expectation import ExpectedMx, judge_expectation
from scanner.judgement.findings import finding
from scanner.judgement.host_addresses import FactsOf, JudgeOptions
from scanner.judgement.hosts import judge_host
from scanner.judgement.verdicts import Unit, judge_units
from scanner.opt_out import OptOut
from scanner.outcomes import (
    DnsStatus,
    FindingKind,
    NotKnown,
    RouteFlag,
    RouteKind,
    Severity,
    VerdictValue,
)
from scanner.records import (
    Domain,
    Finding,
    Host,
    InputLine,
    JudgedHost,
    MailRoute,
    Metadata,
    Mx,
    Route,
    Verdict,
    Verdicts,
)
from scanner.wire_text import readable

#: The version of the rules in this package; judge.json says which one judged.
RULES = 2

#: Judged sets of mail hosts that are kept for the next domain that has the same.
MAX_JUDGED = 10_000

#: Characters of an invalid line that name it in its finding; `input` has more of it.
MAX_SUBJECT = 100


@dataclass(frozen=True, slots=True)
class InputLines:
    """All input lines of a domain: the first in full, the others (100 at most) by number and metadata."""

    first: InputLine
    more: tuple[int, ...] = ()
    metadata_more: tuple[Metadata, ...] = ()
    total: int = 1


@dataclass(frozen=True, slots=True)
class MailHosts:
    """The mail hosts of a route, judged: the same for every domain that has the same MX records."""

    records: tuple[JudgedHost, ...]
    verdicts: Verdicts
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found that a domain may need, and what was expected of it."""

    hosts: Mapping[str, Host]
    facts_of: FactsOf
    options: JudgeOptions
    expected_mx: ExpectedMx | None
    _judged: dict[tuple[tuple[Mx, ...], int], MailHosts] = field(default_factory=dict)

    def mail_hosts(self, mx: tuple[Mx, ...], over_limit: int) -> MailHosts:
        """The mail hosts of a route, judged once: most domains share theirs with those of their provider."""
        judged = self._judged.get((mx, over_limit))
        if judged is None:
            if len(self._judged) >= MAX_JUDGED:
                self._judged.clear()
            judged = self._judged[mx, over_limit] = self._judge(mx, over_limit)
        return judged

    def _judge(self, mx: tuple[Mx, ...], over_limit: int) -> MailHosts:
        hosts = [judge_host(one, self.hosts.get(one.exchange), self.facts_of, self.options) for one in mx]
        units = [unit for host in hosts for unit in host.units]
        units += [Unit(all_unknown(NotKnown.over_limit), _LAST)] * over_limit
        return MailHosts(
            records=tuple(host.record for host in hosts),
            verdicts=judge_units(units),
            findings=tuple(found for host in hosts for found in host.findings),
        )


def judge_domain(lines: InputLines, route: Route | None, found: Found) -> Domain:
    """The record of a domain; a route that is None has not been looked up yet."""
    mail_route = _mail_route(route)
    if route is not None and route.mx:
        hosts = found.mail_hosts(route.mx, _over_limit(route))
    else:
        claims = _claims_of(route, lines.first, found.options.opt_out)
        hosts = MailHosts((), judge_units([Unit(claims, None)]), ())
    findings = [*_route_findings(lines.first, route), *hosts.findings]
    expected = _judge_expectation(found, mail_route, hosts.records, lines.first)
    if expected is not None and expected.value is VerdictValue.no:
        findings.append(_moved_away(lines.first, mail_route, hosts.records))
    return _record(lines, mail_route, hosts.records, replace(hosts.verdicts, expected_mx=expected), findings)


def judge_invalid(line: InputLine, found: Found) -> Domain:
    """The record of an input line that is no domain."""
    mail_route = MailRoute(kind=RouteKind.invalid_name, flags=(), dns_status=DnsStatus.not_asked, mx_total=0)
    subject = readable(line.input)[:MAX_SUBJECT]
    invalid = finding(FindingKind.invalid_name, Severity.error, subject, line.reason or "")
    if line.meant is not None:
        invalid = replace(invalid, fix=f"Write the domain alone: {line.meant}")
    expected = _judge_expectation(found, mail_route, [], line)
    verdicts = replace(judge_units([Unit(NOTHING_TO_SAY, None)]), expected_mx=expected)
    return _record(InputLines(line), mail_route, [], verdicts, [invalid])


def _record(
    lines: InputLines,
    mail_route: MailRoute,
    hosts: Sequence[JudgedHost],
    verdicts: Verdicts,
    findings: Sequence[Finding],
) -> Domain:
    first = lines.first
    return Domain(
        domain=first.domain,
        line=first.line if first.domain is None else None,
        lines=(first.line, *lines.more),
        lines_total=lines.total,
        input=first.input,
        metadata=first.metadata,
        metadata_more=lines.metadata_more,
        mail_route=mail_route,
        mail_hosts=tuple(hosts),
        verdicts=verdicts,
        findings=tuple(findings),
    )


# What was expected ----------------------------------------------------------------------------------


def _judge_expectation(
    found: Found, mail_route: MailRoute, hosts: Sequence[JudgedHost], line: InputLine
) -> Verdict | None:
    if found.expected_mx is None:
        return None
    return judge_expectation(found.expected_mx, mail_route, hosts, line.metadata)


def _moved_away(line: InputLine, mail_route: MailRoute, hosts: Sequence[JudgedHost]) -> Finding:
    named = ", ".join(host.exchange for host in hosts) or f"no mail host ({mail_route.kind})"
    return finding(FindingKind.moved_away, Severity.warning, line.domain or "", f"mail goes to {named}")


# The route ------------------------------------------------------------------------------------------


def _mail_route(route: Route | None) -> MailRoute:
    if route is None:
        return MailRoute(kind=RouteKind.dns_failure, flags=(), dns_status=DnsStatus.not_asked, mx_total=0)
    return MailRoute(kind=route.kind, flags=route.flags, dns_status=route.dns_status, mx_total=route.mx_total)


_CLAIMS: dict[RouteKind, Claims] = {
    RouteKind.nxdomain: NO_PLACE,
    RouteKind.no_mail_host: NO_PLACE,
    RouteKind.null_mx: NOTHING_TO_SAY,
    RouteKind.invalid_name: NOTHING_TO_SAY,
    RouteKind.skipped: all_unknown(NotKnown.opted_out),
}


def _claims_of(route: Route | None, line: InputLine, opt_out: OptOut) -> Claims:
    """What a domain without mail hosts says by its route alone."""
    if route is None:
        is_opted_out = opt_out.matches_name(line.domain or "")
        return all_unknown(NotKnown.opted_out if is_opted_out else NotKnown.not_yet_probed)
    if route.kind is RouteKind.dns_failure:
        return all_unknown(route.dns_status)
    return _CLAIMS[route.kind]


def _over_limit(route: Route) -> int:
    # Records are counted: which of those left out name the same host is not kept.
    return route.mx_total - len(route.mx) if RouteFlag.mx_over_limit in route.flags else 0


#: MX hosts over the limit have the worst preferences, so none of them is a preferred one.
_LAST = 1 << 16


def _route_findings(line: InputLine, route: Route | None) -> list[Finding]:
    if route is None:
        return []
    domain = line.domain or ""
    findings = []
    if route.kind in _KIND_FINDINGS:
        kind, severity, evidence = _KIND_FINDINGS[route.kind]
        if route.dns_status is DnsStatus.local_fault:  # it failed on our side: no fault of theirs
            kind, severity = FindingKind.scanner_fault, Severity.notice
        findings.append(finding(kind, severity, domain, evidence.format(status=route.dns_status)))
    for flag in route.flags:
        if flag in _FLAG_FINDINGS:
            kind, severity, evidence = _FLAG_FINDINGS[flag]
            findings.append(finding(kind, severity, domain, evidence.format(total=route.mx_total)))
    return findings


_KIND_FINDINGS: dict[RouteKind, tuple[FindingKind, Severity, str]] = {
    RouteKind.nxdomain: (FindingKind.domain_does_not_exist, Severity.error, "the DNS says NXDOMAIN"),
    RouteKind.no_mail_host: (FindingKind.no_mail_host, Severity.error, "neither MX nor A nor AAAA records"),
    RouteKind.dns_failure: (FindingKind.dns_failure, Severity.warning, "the lookup ended as {status}"),
    RouteKind.implicit_mx: (FindingKind.implicit_mx, Severity.notice, "no MX record, but an address"),
}

_FLAG_FINDINGS: dict[RouteFlag, tuple[FindingKind, Severity, str]] = {
    RouteFlag.null_mx_with_others: (
        FindingKind.null_mx_with_others,
        Severity.warning,
        "a null MX among {total} MX records",
    ),
    RouteFlag.null_mx_preference: (
        FindingKind.null_mx_preference,
        Severity.notice,
        "a null MX not at preference 0",
    ),
    RouteFlag.duplicate_mx: (
        FindingKind.duplicate_mx,
        Severity.notice,
        "{total} MX records, some with the same host",
    ),
    RouteFlag.mx_over_limit: (
        FindingKind.mx_over_limit,
        Severity.notice,
        "{total} MX records, more than are examined",
    ),
}
