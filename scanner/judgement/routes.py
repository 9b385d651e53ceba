"""What the mail route of a domain says by itself: its part of the record, its findings, and, without hosts, all."""

from msgspec.structs import replace

from scanner.judgement.claims import NO_PLACE, NOTHING_TO_SAY, Claims, all_unknown
from scanner.judgement.delivery import FAILS, UNKNOWN
from scanner.judgement.findings import finding
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus, FindingKind, NotKnown, PolicyValue, RouteFlag, RouteKind, Severity
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.records import DeliveryVerdicts, Finding, InputLine, MailRoute, PolicyVerdict, Route, SenderVerdict


def judge_route(route: Route | None) -> MailRoute:
    """A route as the record of its domain has it; None: not looked up yet."""
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


def claims_of(route: Route | None, line: InputLine, opt_out: OptOut) -> Claims:
    """What a domain without mail hosts says by its route alone."""
    if route is None:
        is_opted_out = opt_out.matches_name(line.domain or "")
        return all_unknown(NotKnown.opted_out if is_opted_out else NotKnown.not_yet_probed)
    if route.kind is RouteKind.dns_failure:
        return all_unknown(route.dns_status)
    return _CLAIMS[route.kind]


def count_over_limit(route: Route) -> int:
    """How many MX records name hosts that were not examined."""
    # Records are counted: which of those left out name the same host is not kept.
    return route.mx_total - len(route.mx) if RouteFlag.mx_over_limit in route.flags else 0


def deliver_by_route(route: Route | None) -> DeliveryVerdicts | None:
    """What becomes of a message to a domain without mail hosts; None if it is meant to get none."""
    if route is None:
        return UNKNOWN
    if route.dns_status is DnsStatus.bogus:
        return replace(UNKNOWN, dane=_BOGUS_DELIVERY)
    return _DELIVERIES[route.kind]


def dane_by_route(route: Route | None) -> PolicyVerdict | None:
    """DANE of a domain without mail hosts: null, as nothing can be published, but for an MX lookup that is bogus."""
    return _BOGUS if route is not None and route.dns_status is DnsStatus.bogus else None


# RFC 7672 §2.1.2: a sender that validates gets no MX records and delays its mail.
_BOGUS = PolicyVerdict(value=PolicyValue.invalid, reasons=(ResultType.dnssec_invalid.value,))
_BOGUS_DELIVERY = SenderVerdict(value=Delivery.fails, complete=True, failures=(ResultType.dnssec_invalid,))


_DELIVERIES: dict[RouteKind, DeliveryVerdicts | None] = {
    RouteKind.nxdomain: FAILS,
    RouteKind.no_mail_host: FAILS,
    RouteKind.dns_failure: UNKNOWN,
    RouteKind.skipped: UNKNOWN,
    RouteKind.null_mx: None,
    RouteKind.invalid_name: None,
}


def find_on_route(line: InputLine, route: Route | None) -> list[Finding]:
    """What there is to tell of a route."""
    if route is None:
        return []
    domain = line.domain or ""
    findings = []
    if route.kind in _KIND_FINDINGS:
        kind, severity, evidence = _KIND_FINDINGS[route.kind]
        if route.dns_status is DnsStatus.local_fault:  # it failed on our side: no fault of theirs
            kind, severity = FindingKind.scanner_fault, Severity.notice
        findings.append(finding(kind, severity, domain, evidence.format(status=route.dns_status)))
    if route.dns_status is DnsStatus.bogus:  # not a failure that may be over soon: senders that validate do not deliver
        findings.append(finding(FindingKind.dnssec_invalid, Severity.error, domain, "the answer for MX is bogus"))
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
