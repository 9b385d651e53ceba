"""The fetch of an MTA-STS policy (RFC 8461 §3.3) reduced, once, to what a domain is judged by.

Theory of operation. A sender validates the certificate of the policy host, then looks at the status, then at
the body; the first that is wrong is what is told. What shows nothing about the policy host (a timeout, a broken
connection, "too many requests", a fault of ours) leaves the policy unknown: it is never invalid for that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.claims import OUR_LIBRARY_LIMITS
from scanner.judgement.observations import Observation
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import OUTCOMES_OF_OURS, Cause, FindingKind, NotKnown, Outcome, Severity, VerdictValue
from scanner.policy.mta_sts import StsPolicy, parse_policy
from scanner.policy.problem import Problem
from scanner.policy.result_types import ResultType
from scanner.records import Policy
from scanner.wire_text import restore_octets


class Knowledge(IntEnum):
    """How much an attempt tells: of several the one that tells most counts, of equals the last."""

    nothing = 0
    broken_off = 1
    failure = 2
    policy = 3


@dataclass(frozen=True, slots=True)
class PolicyFetch:
    """A policy; or the failure that a sender's report would name; or the reason why nothing is known."""

    knowledge: Knowledge
    policy: StsPolicy | None = None
    failure: ResultType | None = None
    reason: str | None = None
    observations: tuple[Observation, ...] = ()


def choose_fetch(attempts: Iterable[PolicyFetch]) -> PolicyFetch:
    """The attempt that counts, of those in order, of which there is at least one."""
    return max(enumerate(attempts), key=lambda numbered: (numbered[1].knowledge, numbered[0]))[1]


def reduce_fetch(fetch: Policy, chains: ChainJudge, lost: VantageWindows) -> PolicyFetch:
    """What an attempt says; `lost` are the windows in which our own place was cut off."""
    if lost.holds(fetch):
        evidence = "our own network was cut off during this fetch"
        return _nothing(NotKnown.vantage.value, evidence)
    if fetch.outcome in OUTCOMES_OF_OURS:
        return _nothing(fetch.outcome.value, _end_of(fetch))
    return _judge_certificate(fetch, chains) or _judge_status(fetch) or _judge_end(fetch) or _judge_body(fetch)


def failed(failure: ResultType, evidence: str) -> PolicyFetch:
    """The policy cannot be had, or not be used, and that is shown."""
    observation = Observation(FindingKind(failure.value), Severity.error, evidence)
    return PolicyFetch(Knowledge.failure, failure=failure, observations=(observation,))


def broken_off(reason: str, evidence: str) -> PolicyFetch:
    """It could not be had this time, which shows nothing."""
    observation = Observation(FindingKind.sts_policy_fetch_error, Severity.warning, evidence)
    return PolicyFetch(Knowledge.broken_off, reason=reason, observations=(observation,))


def not_made(reason: str) -> PolicyFetch:
    """Nobody asked for it."""
    return PolicyFetch(Knowledge.nothing, reason=reason)


def _nothing(reason: str, evidence: str) -> PolicyFetch:
    observation = Observation(FindingKind.scanner_fault, Severity.notice, evidence)
    return PolicyFetch(Knowledge.nothing, reason=reason, observations=(observation,))


# In the order of a sender -----------------------------------------------------------------------------


def _judge_certificate(fetch: Policy, chains: ChainJudge) -> PolicyFetch | None:
    """§3.3: it must be valid for the policy host, "chain to a root CA that is trusted", and "be non-expired"."""
    if fetch.tls is None or not fetch.tls.chain:
        return None
    judged = chains.judge_chain(fetch.tls.chain, fetch.policy_host, fetch.started_at)
    claims = (judged.trusted, judged.name)
    if VerdictValue.no in (claim.value for claim in claims):
        wrong = [seen for seen in judged.observations if seen.severity is Severity.error]
        return failed(ResultType.sts_webpki_invalid, "; ".join(f"{seen.kind}: {seen.evidence}" for seen in wrong))
    for claim in claims:
        if claim.value is VerdictValue.unknown:
            say = _nothing if claim.reason == Outcome.local_fault else broken_off
            return say(claim.reason or "", f"[{fetch.address}]: the certificate cannot be judged: {claim.reason}")
    return None


#: What shows that senders cannot fetch it either.
_FAILURES = frozenset(
    {Outcome.refused, Outcome.unreachable, Outcome.tls_failed, Outcome.malformed, Outcome.too_long},
)


def _judge_end(fetch: Policy) -> PolicyFetch | None:
    if fetch.outcome is Outcome.ok:
        return None
    is_of_our_library = fetch.outcome is Outcome.tls_failed and fetch.error_code in OUR_LIBRARY_LIMITS
    if fetch.outcome in _FAILURES and not is_of_our_library:
        return failed(ResultType.sts_policy_fetch_error, _end_of(fetch))
    return broken_off(fetch.outcome.value, _end_of(fetch))


def _end_of(fetch: Policy) -> str:
    parts = [f"[{fetch.address}]: {fetch.outcome} at {fetch.stage}"]
    if fetch.limit_s is not None:
        parts.append(f"{fetch.limit} = {fetch.limit_s:g} s")
    if fetch.limit_bytes is not None:
        parts.append(f"{fetch.limit} = {fetch.limit_bytes}")
    elif fetch.error_code or fetch.error:
        parts.append(": ".join(text for text in (fetch.error_code, fetch.error) if text))
    return ", ".join(parts)


#: RFC 6585 §4, RFC 9110 §15.6: said to us, or for the moment.
_NOT_NOW = {
    429: Cause.rate_limited,
    502: Cause.overloaded,
    503: Cause.overloaded,
    504: Cause.overloaded,
}


def _judge_status(fetch: Policy) -> PolicyFetch | None:
    """What a status that is no policy's says, however its body ended."""
    if fetch.http_status in (None, 200):
        return None
    evidence = f"[{fetch.address}]: HTTP status {fetch.http_status}"
    if fetch.location is not None:
        # §3.3: "HTTP 3xx redirects MUST NOT be followed".
        evidence += f", a redirect to {fetch.location[:100]}, which senders do not follow"
    if cause := _NOT_NOW.get(fetch.http_status or 0):
        return broken_off(cause.value, evidence)
    # §3.3: "Policies fetched via HTTPS are only valid if the HTTP response code is 200 (OK)."
    return failed(ResultType.sts_policy_fetch_error, evidence)


def _judge_body(fetch: Policy) -> PolicyFetch:
    policy = parse_policy(restore_octets(fetch.body or ""))
    if isinstance(policy, Problem):
        return failed(ResultType.sts_policy_invalid, _told(policy))
    departures = [*_media_type(fetch.content_type), *map(_told, policy.departures)]
    observations: tuple[Observation, ...] = ()
    if departures:
        observations = (Observation(FindingKind.sts_policy_invalid, Severity.notice, "; ".join(departures)),)
    return PolicyFetch(Knowledge.policy, policy=policy, observations=observations)


def _told(problem: Problem) -> str:
    return problem.what if problem.line is None else f"line {problem.line}: {problem.what}"


def _media_type(content_type: str | None) -> list[str]:
    """§3.2: senders should see to it that it is text/plain, as a place for users' pages is none for policies."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "text/plain":
        return []
    said = f"is {content_type[:60]}" if content_type else "is missing"
    return [f"the content type {said}, senders may want text/plain"]
