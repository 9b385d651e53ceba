"""One domain → its record: route, mail hosts, policies, verdicts, findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from scanner.judgement.claims import NOTHING_TO_SAY
from scanner.judgement.expectation import ExpectedMx, judge_expectation
from scanner.judgement.findings import finding
from scanner.judgement.host_addresses import JudgeOptions
from scanner.judgement.mail_hosts import FoundHosts, mx_security_of
from scanner.judgement.mta_sts import NO_POLICIES, FoundPolicies, judge_mta_sts
from scanner.judgement.routes import (
    claims_of,
    count_over_limit,
    dane_by_route,
    deliver_by_route,
    find_on_route,
    judge_route,
)
from scanner.judgement.tls_rpt import judge_tls_rpt
from scanner.judgement.verdicts import Unit, judge_units
from scanner.outcomes import DnsStatus, FindingKind, RouteKind, Severity, VerdictValue
from scanner.records import (
    Domain,
    Finding,
    InputLine,
    JudgedHost,
    JudgedPolicy,
    MailRoute,
    Metadata,
    Route,
    Verdict,
    Verdicts,
)
from scanner.wire_text import readable

#: The version of the rules in this package; judge.json says which one judged.
RULES = 3

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
class Found:
    """What a run found that a domain may need, and what was expected of it."""

    mail_hosts: FoundHosts
    expected_mx: ExpectedMx | None
    policies: FoundPolicies = NO_POLICIES

    @property
    def options(self) -> JudgeOptions:
        return self.mail_hosts.options


class _Said(NamedTuple):
    """What is said of a domain by its mail hosts and its policies, or by its route alone."""

    hosts: tuple[JudgedHost, ...]
    verdicts: Verdicts
    findings: tuple[Finding, ...] = ()
    policy: JudgedPolicy | None = None


def judge_domain(lines: InputLines, route: Route | None, found: Found) -> Domain:
    """The record of a domain; a route that is None has not been looked up yet."""
    mail_route = judge_route(route)
    said = _by_hosts(route, found) if route is not None and route.mx else _by_route(route, lines.first, found)
    findings = [*find_on_route(lines.first, route), *said.findings]
    expected = _judge_expectation(found, mail_route, said.hosts, lines.first)
    if expected is not None:
        said = said._replace(verdicts=replace(said.verdicts, expected_mx=expected))
        if expected.value is VerdictValue.no:
            findings.append(_moved_away(lines.first, mail_route, said.hosts))
    return _record(lines, mail_route, said, findings)


def _by_hosts(route: Route, found: Found) -> _Said:
    domain, mx = route.domain, mx_security_of(route)
    hosts = found.mail_hosts.of_route(route, mx, count_over_limit(route))
    sts = judge_mta_sts(domain, route.mta_sts, found.policies, found.options)
    tls_rpt, on_tls_rpt = judge_tls_rpt(domain, route.tls_rpt)
    findings = (*hosts.findings, *hosts.find_on_policies(domain, mx, sts), *on_tls_rpt)
    return _Said(hosts.records, hosts.judge(domain, mx, sts, tls_rpt), findings, sts.policy)


def _by_route(route: Route | None, line: InputLine, found: Found) -> _Said:
    verdicts = judge_units([Unit(claims_of(route, line, found.options.opt_out), None)])
    # Without a mail host there is no certificate: nothing depends on the name that it should have.
    return _Said(
        (),
        replace(
            verdicts,
            certificate_domain_name=verdicts.certificate_name,
            dane=dane_by_route(route),
            delivery=deliver_by_route(route),
        ),
    )


def judge_invalid(line: InputLine, found: Found) -> Domain:
    """The record of an input line that is no domain."""
    mail_route = MailRoute(kind=RouteKind.invalid_name, flags=(), dns_status=DnsStatus.not_asked, mx_total=0)
    subject = readable(line.input)[:MAX_SUBJECT]
    invalid = finding(FindingKind.invalid_name, Severity.error, subject, line.reason or "")
    if line.meant is not None:
        invalid = replace(invalid, fix=f"Write the domain alone: {line.meant}")
    expected = _judge_expectation(found, mail_route, [], line)
    verdicts = judge_units([Unit(NOTHING_TO_SAY, None)])
    verdicts = replace(verdicts, certificate_domain_name=verdicts.certificate_name, expected_mx=expected)
    return _record(InputLines(line), mail_route, _Said((), verdicts), [invalid])


def _record(lines: InputLines, mail_route: MailRoute, said: _Said, findings: Sequence[Finding]) -> Domain:
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
        mail_hosts=said.hosts,
        verdicts=said.verdicts,
        findings=tuple(findings),
        policy=said.policy,
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
