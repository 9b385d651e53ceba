"""DANE at one mail host (RFC 7672 §2.2): what its DNS requires, and whether its servers hold it.

Theory of operation. `decide` says what a DANE sender requires, from the DNS alone; `judge_host_dane` compares
that with what was met at the addresses. One address where mail is lost to such senders makes the host
`invalid`. Addresses that were not reached do not count beside one that authenticates: all of a host mostly
have one certificate, and a place without IPv6 would know of no host. Where nothing was compared, it is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from scanner.judgement.findings import finding
from scanner.judgement.places import Place, addresses_of
from scanner.judgement.remedies import REMEDIES_FOR_DANE, REMEDY_IF_TLSA_MATCHES
from scanner.judgement.tls_discovery import host_addresses, tlsa_answers
from scanner.outcomes import FindingKind, PolicyReason, PolicyValue, Severity
from scanner.policy.dane import Authentication
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery, dane
from scanner.policy.tls_discovery import (
    DaneDecision,
    Ground,
    MxSecurity,
    Requirement,
    judge_host,
)
from scanner.policy.tlsa import TlsaRecord, why_unusable
from scanner.records import Finding, Host, JudgedDane
from scanner.wire_text import escape_octets, restore_octets

#: Nobody looked for it, or the answers can not be believed.
NOT_VALIDATED = DaneDecision(Requirement.unknown, Ground.not_validated)


@dataclass(frozen=True, slots=True)
class HostDane:
    """What is said of a host; `record` is None where there is nothing to show.

    `is_protected` if it has usable records; `needs_names` if the domain's own name may do for a certificate.
    """

    value: PolicyValue
    reasons: tuple[str, ...] = ()
    record: JudgedDane | None = None
    findings: tuple[Finding, ...] = ()
    is_protected: bool = False
    needs_names: bool = False


#: A mail host that is no host: the text of an address, or localhost.
NO_HOST = HostDane(PolicyValue.none)


def unknown_dane(reason: str) -> HostDane:
    """Of a host that nobody looked up, or not in a way that one could rely on."""
    return HostDane(PolicyValue.unknown, (reason,))


NO_VALIDATING_RESOLVER = unknown_dane(PolicyReason.no_validating_resolver.value)


def decide(host: Host) -> DaneDecision:
    """What a DANE sender requires of a host, from the lookups in its record."""
    name = restore_octets(host.exchange).decode()
    return judge_host(name, host_addresses(host), tlsa_answers(host))


def judge_host_dane(host: Host, decision: DaneDecision, places: Sequence[Place]) -> HostDane:
    """What is said of a host that was looked up by a validating resolver, from what was met at its places."""
    value, reasons = _value(decision, places)
    matched, unmatched = _compared(places)
    rest = tuple(record for record in _records_at(host, decision.base_domain) if record not in {*matched, *unmatched})
    findings = [*_findings_on_the_dns(host, decision, rest), *_findings_on_places(host.exchange, decision, places)]
    if matched and unmatched:
        findings.append(_rollover(host.exchange, matched, unmatched))
    return HostDane(
        value=value,
        reasons=reasons,
        record=JudgedDane(
            value=value,
            requirement=decision.requirement,
            ground=decision.ground,
            base_domain=None if decision.base_domain is None else escape_octets(decision.base_domain.encode()),
            matched=tuple(map(str, matched)),
            unmatched=tuple(map(str, unmatched)),
            uncompared=tuple(map(str, rest)),
        ),
        findings=tuple(findings),
        is_protected=decision.requirement is Requirement.authentication,
        needs_names=any(_failure_of(place) is ResultType.certificate_host_mismatch for place in places),
    )


# The value ------------------------------------------------------------------------------------------


def _value(decision: DaneDecision, places: Sequence[Place]) -> tuple[PolicyValue, tuple[str, ...]]:
    match decision.requirement:
        case Requirement.opportunistic:
            return PolicyValue.none, ()
        case Requirement.undeliverable if decision.failure is None:  # no address: no matter of DANE
            return PolicyValue.none, ()
        case Requirement.undeliverable:
            return PolicyValue.invalid, (str(decision.failure),)
        case Requirement.unknown:
            return PolicyValue.unknown, (decision.ground.value,)
    failures = {failure.value for place in places if (failure := _failure_of(place)) is not None}
    if failures:
        return PolicyValue.invalid, tuple(sorted(failures))
    if decision.requirement is Requirement.encryption:
        return PolicyValue.unusable, (ResultType.tlsa_invalid.value,)
    if any(_is_authenticated(place) for place in places):
        return PolicyValue.valid, ()
    return PolicyValue.unknown, tuple(sorted({place.why for place in places}))


def _failure_of(place: Place) -> ResultType | None:
    """Why a DANE sender that has come to a place does not deliver there; None if it does, or nobody knows."""
    met = dane(place.facts, MxSecurity.secure)
    return met.failure if met.delivery is Delivery.fails else None


def _is_authenticated(place: Place) -> bool:
    result = place.facts.dane_result
    return result is not None and result.authentication is Authentication.authenticated


def _compared(places: Sequence[Place]) -> tuple[tuple[TlsaRecord, ...], tuple[TlsaRecord, ...]]:
    """The records that matched somewhere, and those that were compared and matched nowhere."""
    results = [place.facts.dane_result for place in places if place.facts.dane_result is not None]
    matched = dict.fromkeys(record for result in results for record in result.matched)
    unmatched = dict.fromkeys(record for result in results for record in result.unmatched if record not in matched)
    return tuple(matched), tuple(unmatched)


def _records_at(host: Host, base_domain: str | None) -> tuple[TlsaRecord, ...]:
    answer = tlsa_answers(host).get(base_domain or "")
    return tuple(dict.fromkeys(answer.records)) if answer is not None else ()


# What there is to tell ------------------------------------------------------------------------------

#: So many records are named in evidence, and so much of each: the whole of them stands in the record.
MAX_NAMED = 4
MAX_RECORD = 40


def _findings_on_the_dns(host: Host, decision: DaneDecision, rest: Sequence[TlsaRecord]) -> list[Finding]:
    match decision.ground:
        case Ground.addresses_bogus:
            evidence = f"A: {host.a.dns_status}, AAAA: {host.aaaa.dns_status}: senders that validate get no address"
            return [finding(FindingKind.dnssec_invalid, Severity.error, host.exchange, evidence)]
        case Ground.tlsa_lookup_failed:
            failed = (host.tlsa or ())[-1]  # no other is made after one that failed
            evidence = f"the TLSA lookup of {failed.base_domain} ended as {failed.dns_status}"
            return [finding(FindingKind.dnssec_invalid, Severity.error, host.exchange, evidence)]
        case Ground.unusable_records:
            evidence = "; ".join(f"{_cut(str(record))}: {why_unusable(record)}" for record in rest[:MAX_NAMED])
            return [finding(FindingKind.tlsa_invalid, Severity.warning, host.exchange, evidence)]
    return []


_FAILURES = {
    ResultType.starttls_not_supported: "STARTTLS is not offered at {where}",
    ResultType.certificate_host_mismatch: "the certificate at {where} is for another name than {base_domain}",
    ResultType.certificate_expired: "the path to the anchor of DANE-TA(2) has expired at {where}",
    ResultType.certificate_not_trusted: "the chain served at {where} does not lead to the anchor of DANE-TA(2)",
    ResultType.validation_failure: "no record matches the certificate served at {where}",
}


def _findings_on_places(exchange: str, decision: DaneDecision, places: Sequence[Place]) -> list[Finding]:
    """One finding for each way in which mail of DANE senders is lost."""
    if decision.failure not in (None, ResultType.tlsa_invalid):  # wherever they come, they do not deliver
        return []
    failed: dict[tuple[ResultType, bool], list[Place]] = {}
    for place in places:
        if failure := _failure_of(place):
            failed.setdefault((failure, place.facts.dane_result is not None), []).append(place)
    return [
        _finding_on(exchange, decision, failure, failing, was_compared=was_compared)
        for (failure, was_compared), failing in failed.items()
    ]


def _finding_on(
    exchange: str, decision: DaneDecision, failure: ResultType, failing: Sequence[Place], *, was_compared: bool
) -> Finding:
    text = _FAILURES[failure]
    if failure is ResultType.validation_failure and not was_compared:
        text = "the TLS handshake fails at {where}"
    where = addresses_of(failing)
    evidence = f"DANE: {text.format(where=where, base_domain=decision.base_domain)}; {_named(decision.records)}"
    kind = FindingKind(failure.value)
    fix = REMEDIES_FOR_DANE.get(kind)
    return finding(kind, Severity.error, exchange, evidence, failing[0].session, fix=fix)


def _rollover(exchange: str, matched: Sequence[TlsaRecord], unmatched: Sequence[TlsaRecord]) -> Finding:
    evidence = f"matching {_named(matched)}; not matching {_named(unmatched)}"
    return finding(FindingKind.dane_rollover, Severity.notice, exchange, evidence)


def _named(records: Sequence[TlsaRecord]) -> str:
    if not records:
        return "TLSA requires TLS"
    more = f" and {len(records) - MAX_NAMED} more" if len(records) > MAX_NAMED else ""
    return f"TLSA {', '.join(_cut(str(record)) for record in records[:MAX_NAMED])}{more}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_RECORD else f"{text[:MAX_RECORD]}…"


# What a certificate of the Web is worth where DANE authenticates --------------------------------------

_OF_NO_WEIGHT = frozenset(
    {
        FindingKind.certificate_expired,
        FindingKind.certificate_not_yet_valid,
        FindingKind.certificate_not_trusted,
        FindingKind.certificate_host_mismatch,
        FindingKind.certificate_name_in_cn_only,
    }
)


def without_weight(findings: Sequence[Finding], place: Place) -> tuple[Finding, ...]:
    """The findings at an address, those on its certificate as notices if TLSA records authenticate it.

    RFC 7672 §3.1.1: DANE senders ignore its names and dates, and what signed it. Whether an MTA-STS policy
    minds is said apart.
    """
    if not _is_authenticated(place):
        return tuple(findings)
    return tuple(
        replace(
            found,
            severity=Severity.notice,
            evidence=f"{found.evidence}; its TLSA records match",
            fix=REMEDY_IF_TLSA_MATCHES,
        )
        if found.kind in _OF_NO_WEIGHT
        else found
        for found in findings
    )
