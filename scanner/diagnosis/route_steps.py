"""A mail route and its policies as steps that a person is told: each record, each address, and what each flag means."""

from collections.abc import Iterable, Iterator, Mapping

from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.judgement.remedies import REMEDIES
from scanner.outcomes import AddressFlag, DnsStatus, FindingKind, HostFlag, PolicyValue, RouteFlag, RouteKind
from scanner.records import Domain, Host, HostAddress, Mx, PolicyVerdict, Route

_KINDS: dict[RouteKind, tuple[StepResult, str]] = {
    RouteKind.mx: (StepResult.passed, "{domain} names its mail hosts by {total} MX record{s}"),
    RouteKind.implicit_mx: (
        StepResult.unknown,
        "{domain} has no MX record; mail goes to the domain's own address (implicit MX, RFC 5321 §5.1)",
    ),
    RouteKind.null_mx: (StepResult.failed, "{domain} accepts no mail, and says so: null MX (RFC 7505)"),
    RouteKind.no_mail_host: (StepResult.failed, "{domain} exists, and has neither MX nor address records"),
    RouteKind.nxdomain: (StepResult.failed, "{domain} does not exist (NXDOMAIN)"),
    RouteKind.dns_failure: (StepResult.unknown, "where {domain} receives mail could not be found out: {status}"),
    RouteKind.skipped: (StepResult.unknown, "{domain} has opted out: it is not asked about"),
}

#: What a person does about a kind of route that is not well.
_KIND_FINDINGS = {
    RouteKind.implicit_mx: FindingKind.implicit_mx,
    RouteKind.no_mail_host: FindingKind.no_mail_host,
    RouteKind.nxdomain: FindingKind.domain_does_not_exist,
    RouteKind.dns_failure: FindingKind.dns_failure,
}

_ROUTE_FLAGS: dict[RouteFlag, str] = {
    RouteFlag.domain_is_cname: "the domain is an alias (CNAME): its mail route is that of the name it leads to",
    RouteFlag.null_mx_with_others: "a null MX stands beside other MX records; senders ignore it (RFC 7505 §3)",
    RouteFlag.null_mx_preference: "the null MX has a preference other than 0 (RFC 7505 §3)",
    RouteFlag.duplicate_mx: "several MX records name the same host; the best preference counts",
    RouteFlag.mx_over_limit: "there are more MX records than are examined (dns.max_mx); those left out are not known",
}

_HOST_FLAGS: dict[HostFlag, tuple[StepResult, str]] = {
    HostFlag.mx_is_cname: (StepResult.failed, "the MX names an alias (CNAME), which RFC 2181 §10.3 forbids"),
    HostFlag.mx_is_address_literal: (StepResult.failed, "the MX names an address; it must name a host"),
    HostFlag.mx_is_localhost: (StepResult.failed, "the MX names localhost: every sender would send to itself"),
    HostFlag.mx_has_no_address: (StepResult.failed, "the host has no address"),
    HostFlag.mx_nxdomain: (StepResult.failed, "the host does not exist (NXDOMAIN)"),
    HostFlag.addresses_over_limit: (
        StepResult.unknown,
        "the host has more addresses than are tried (dns.max_addresses)",
    ),
}

_ADDRESS_FLAGS: dict[AddressFlag, tuple[StepResult, str]] = {
    AddressFlag.not_public: (
        StepResult.failed,
        "{address} is not public: nobody out there can reach it, and it is not contacted",
    ),
    AddressFlag.own_address: (StepResult.unknown, "{address} is an address of this host: it is not contacted"),
    AddressFlag.opted_out: (StepResult.unknown, "{address} has opted out: it is not contacted"),
}

#: Lookups that came to an answer, if to none with records.
_ANSWERED = frozenset({DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain, DnsStatus.not_asked})


def route_steps(route: Route, hosts: Mapping[str, Host]) -> Iterator[Step]:
    """The route of a domain, record by record; `hosts` has the mail hosts' addresses by their names."""
    result, words = _KINDS.get(route.kind, (StepResult.unknown, "{domain}: {kind}"))
    plural = "" if route.mx_total == 1 else "s"
    status = route.dns_status.replace("_", " ")
    said = words.format(domain=route.domain, total=route.mx_total, s=plural, status=status, kind=route.kind)
    yield _step(result, said, _remedy(route))
    if route.cname_chain:
        yield _step(StepResult.information, f"{' → '.join((route.domain, *route.cname_chain))} (CNAME)")
    for flag in route.flags:
        yield _step(StepResult.unknown, _ROUTE_FLAGS[flag])
    for mx in route.mx:
        yield from _mx_steps(mx, hosts.get(mx.exchange))


def _remedy(route: Route) -> str:
    if route.kind is RouteKind.dns_failure and route.dns_status is DnsStatus.local_fault:
        return "see that a DNS server answers this machine, or name one by --dns"
    kind = _KIND_FINDINGS.get(route.kind)
    return REMEDIES[kind] if kind else ""


def _mx_steps(mx: Mx, host: Host | None) -> Iterator[Step]:
    preference = "implicit MX" if mx.preference is None else f"preference {mx.preference}"
    if host is None:
        yield _step(StepResult.information, f"{preference}: {mx.exchange}")
        yield from _host_flags(mx.exchange, mx.flags)
        return
    found = [address for lookup in (host.a, host.aaaa) for address in lookup.addresses]
    addresses = ", ".join(address.address for address in found) or "no address"
    yield _step(StepResult.information, f"{preference}: {mx.exchange} → {addresses}")
    for family, lookup in (("A", host.a), ("AAAA", host.aaaa)):
        if lookup.dns_status not in _ANSWERED:
            yield _step(StepResult.unknown, f"{mx.exchange} {family}: {lookup.dns_status.replace('_', ' ')}")
    chain = host.a.cname_chain or host.aaaa.cname_chain
    if chain:
        yield _step(StepResult.information, f"{' → '.join((mx.exchange, *chain))} (CNAME)")
    yield from _host_flags(mx.exchange, mx.flags)
    yield from _address_flags(found)


def _host_flags(exchange: str, flags: Iterable[HostFlag]) -> Iterator[Step]:
    for flag in flags:
        result, said = _HOST_FLAGS[flag]
        yield _step(result, f"{exchange}: {said}")


def _address_flags(addresses: Iterable[HostAddress]) -> Iterator[Step]:
    for found in addresses:
        for flag in found.flags:
            if flag in _ADDRESS_FLAGS:
                result, said = _ADDRESS_FLAGS[flag]
                yield _step(result, said.format(address=found.address))


def _step(result: StepResult, said: str, what_to_do: str = "") -> Step:
    return Step(Section.route, result, said, what_to_do)


# Policies ---------------------------------------------------------------------------------------------

_POLICY_RESULTS = {
    PolicyValue.none: StepResult.information,
    PolicyValue.valid: StepResult.passed,
    PolicyValue.invalid: StepResult.failed,
    PolicyValue.unusable: StepResult.unknown,
    PolicyValue.unknown: StepResult.unknown,
}

_POLICY_WORDS = {
    PolicyValue.none: "nothing is published",
    PolicyValue.valid: "is published, and holds",
    PolicyValue.invalid: "is published, and does NOT hold",
    PolicyValue.unusable: "is published, and of no use",
    PolicyValue.unknown: "could not be found out",
}


def policy_steps(record: Domain) -> Iterator[Step]:
    """DANE, MTA-STS and TLS reporting of a domain, as far as they were looked for."""
    verdicts = record.verdicts
    for name, verdict in (("DANE", verdicts.dane), ("MTA-STS", verdicts.mta_sts), ("TLS-RPT", verdicts.tls_rpt)):
        if verdict is not None:
            yield Step(Section.policies, _POLICY_RESULTS[verdict.value], f"{name}: {_policy_words(verdict)}")


def _policy_words(verdict: PolicyVerdict) -> str:
    reasons = f" ({', '.join(reason.replace('_', ' ') for reason in verdict.reasons)})" if verdict.reasons else ""
    return _POLICY_WORDS[verdict.value] + reasons
