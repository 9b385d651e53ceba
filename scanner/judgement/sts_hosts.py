"""An MTA-STS policy against the mail hosts of a domain: what senders that enforce it would do at each (RFC 8461 §4).

As with DANE, one address where mail is lost makes a host fail, and one that was not reached does not count
beside one that holds. A host that could take no mail from anybody (it has no address, or none that is public)
is no matter of the policy, if only the policy names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.judgement.findings import finding
from scanner.judgement.places import Place, addresses_of
from scanner.outcomes import FindingKind, NotKnown, PolicyValue, Severity
from scanner.policy.mta_sts import StsMode, StsPolicy
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery, PlaceDelivery, StsFacts, mta_sts
from scanner.records import Finding, PolicyVerdict

#: §5: in "testing" mail is delivered, and only the report tells.
_SEVERITIES = {StsMode.enforce: Severity.error, StsMode.testing: Severity.warning, StsMode.none: Severity.notice}


@dataclass(frozen=True, slots=True)
class UnderPolicy:
    """What a policy in force makes of mail hosts."""

    verdict: PolicyVerdict
    findings: tuple[Finding, ...]


def judge_under_policy(policy: StsPolicy, hosts: Sequence[tuple[str, Sequence[Place]]], over_limit: int) -> UnderPolicy:
    """The verdict on mail hosts (by name, with their places), of which `over_limit` more were not examined."""
    judged = [_judge_host(policy, exchange, places) for exchange, places in hosts]
    findings = tuple(found for one in judged for found in one.findings)
    values = {one.verdict.value for one in judged}
    if PolicyValue.invalid in values:
        verdict = PolicyVerdict(value=PolicyValue.invalid, reasons=(ResultType.validation_failure.value,))
    elif PolicyValue.unknown in values or over_limit:
        reasons = {reason for one in judged for reason in one.verdict.reasons}
        reasons |= {NotKnown.over_limit.value} if over_limit else set()
        verdict = PolicyVerdict(value=PolicyValue.unknown, reasons=tuple(sorted(reasons)))
    else:
        verdict = PolicyVerdict(value=PolicyValue.valid)
    return UnderPolicy(verdict, findings)


def _judge_host(policy: StsPolicy, exchange: str, places: Sequence[Place]) -> UnderPolicy:
    if not policy.names(exchange):
        patterns = ", ".join(policy.mx_patterns[:5])
        evidence = f"MTA-STS ({policy.mode}): the policy does not name {exchange}, it names {patterns}"
        return _invalid(policy, exchange, evidence, None)
    met = [(place, mta_sts(place.facts, StsFacts(policy=policy))) for place in places]
    failures = [(place, delivery) for place, delivery in met if delivery.failure is not None]
    if failures:
        evidence = f"MTA-STS ({policy.mode}): {_told(failures)}"
        return _invalid(policy, exchange, evidence, failures[0][0].session)
    reached = [delivery.delivery for place, delivery in met if place.was_asked or delivery.delivery != Delivery.fails]
    if not reached or Delivery.delivers_authenticated in reached:
        return UnderPolicy(PolicyVerdict(value=PolicyValue.valid), ())
    reasons = tuple(sorted({place.why for place in places}))
    return UnderPolicy(PolicyVerdict(value=PolicyValue.unknown, reasons=reasons), ())


def _invalid(policy: StsPolicy, exchange: str, evidence: str, session: str | None) -> UnderPolicy:
    found = finding(FindingKind.validation_failure, _SEVERITIES[policy.mode], exchange, evidence, session)
    return UnderPolicy(PolicyVerdict(value=PolicyValue.invalid), (found,))


def _told(failures: Sequence[tuple[Place, PlaceDelivery]]) -> str:
    """`certificate-expired at 192.0.2.1, 192.0.2.2; …`"""
    kinds = dict.fromkeys(delivery.failure for _, delivery in failures)
    told = [
        f"{kind} at {addresses_of([place for place, delivery in failures if delivery.failure is kind])}"
        for kind in kinds
    ]
    return "; ".join(told)
