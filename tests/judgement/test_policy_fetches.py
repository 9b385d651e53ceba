"""What the fetch of an MTA-STS policy says: what senders would find, and what only we did not find out."""

import pytest
from msgspec.structs import replace

from scanner.judgement.policy_fetches import choose_fetch
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import Outcome, PolicyStage
from scanner.records import Event, Policy, TlsRecord
from tests.tls.issuing import DAY, NOW

from .transport import (
    EXPIRED_POLICY_HOST,
    OTHER_NAME,
    SELF_SIGNED,
    UNREADABLE,
    broken_fetch,
    chain,
    fetch,
    policy_text,
    reduced,
)

CONNECT, TLS, RESPONSE = PolicyStage.connect, PolicyStage.tls, PolicyStage.response
FETCH_ERROR = "sts-policy-fetch-error"
INVALID = "sts-policy-invalid"
WEBPKI = "sts-webpki-invalid"
LATER = "later"

# fmt: off
ROWS: list[tuple[Policy, str, list[str], str]] = [
    (fetch(), "policy", [], "all is well"),
    (fetch(content_type="text/plain; charset=utf-8"), "policy", [], "parameters do not matter"),
    (fetch(content_type="Text/Plain"), "policy", [], "nor does case"),
    (fetch(content_type="text/html"), "policy", [f"{INVALID} notice"], "another type, which many senders take"),
    (fetch(content_type=None), "policy", [f"{INVALID} notice"], "no type at all"),
    (fetch(f"{policy_text()}\r\n"), "policy", [f"{INVALID} notice"], "an empty line, which many senders take"),
    (fetch(f"{policy_text()}\r\n", content_type=None), "policy", [f"{INVALID} notice"], "both are one finding"),
    (fetch(""), INVALID, [f"{INVALID} error"], "an empty policy"),
    (fetch("<html>"), INVALID, [f"{INVALID} error"], "a web page"),
    (fetch(policy_text("strict")), INVALID, [f"{INVALID} error"], "a mode that is none"),
    # Status
    (fetch(http_status=404), FETCH_ERROR, [f"{FETCH_ERROR} error"], "not there"),
    (fetch(http_status=500), FETCH_ERROR, [f"{FETCH_ERROR} error"], "a server that fails"),
    (fetch(http_status=301, location="https://example.org/"), FETCH_ERROR, [f"{FETCH_ERROR} error"], "a redirect"),
    (fetch(http_status=204), FETCH_ERROR, [f"{FETCH_ERROR} error"], "only 200 will do"),
    (fetch(http_status=429), "rate_limited", [f"{FETCH_ERROR} warning"], "it is we who ask too much"),
    (fetch(http_status=503), "overloaded", [f"{FETCH_ERROR} warning"], "not now"),
    (broken_fetch(RESPONSE, Outcome.too_long, http_status=503), "overloaded", [f"{FETCH_ERROR} warning"],
     "not now, on a page longer than any policy"),
    (broken_fetch(RESPONSE, Outcome.reset, http_status=404), FETCH_ERROR, [f"{FETCH_ERROR} error"],
     "not there, however the page ended"),
    # Certificate
    (fetch(tls=chain(OTHER_NAME)), WEBPKI, [f"{WEBPKI} error"], "for another name"),
    (fetch(tls=chain(EXPIRED_POLICY_HOST)), WEBPKI, [f"{WEBPKI} error"], "expired"),
    (fetch(tls=chain(SELF_SIGNED)), WEBPKI, [f"{WEBPKI} error"], "signed by nobody"),
    (fetch(tls=chain(OTHER_NAME), http_status=404), WEBPKI, [f"{WEBPKI} error"], "senders get no further"),
    (broken_fetch(RESPONSE, Outcome.timed_out, tls=chain(OTHER_NAME)), WEBPKI, [f"{WEBPKI} error"], "nor here"),
    (fetch(tls=chain(UNREADABLE)), "malformed", [f"{FETCH_ERROR} warning"], "not even OpenSSL can read it"),
    (fetch(tls=TlsRecord(chain=("0" * 64,))), "local_fault", ["scanner-fault notice"], "the run has lost it"),
    # Ends
    (broken_fetch(CONNECT, Outcome.refused), FETCH_ERROR, [f"{FETCH_ERROR} error"], "nobody listens"),
    (broken_fetch(CONNECT, Outcome.unreachable), FETCH_ERROR, [f"{FETCH_ERROR} error"], "no way there"),
    (broken_fetch(TLS, Outcome.tls_failed), FETCH_ERROR, [f"{FETCH_ERROR} error"], "no handshake"),
    (broken_fetch(RESPONSE, Outcome.malformed), FETCH_ERROR, [f"{FETCH_ERROR} error"], "no HTTP"),
    (broken_fetch(RESPONSE, Outcome.too_long, limit="limits.policy_bytes", limit_bytes=65536), FETCH_ERROR,
     [f"{FETCH_ERROR} error"], "without an end"),
    (broken_fetch(TLS, Outcome.tls_failed, error_code="excessive message size"), "tls_failed",
     [f"{FETCH_ERROR} warning"], "a limit of our own library"),
    (broken_fetch(CONNECT, Outcome.timed_out), "timed_out", [f"{FETCH_ERROR} warning"], "silence shows nothing"),
    (broken_fetch(RESPONSE, Outcome.deadline), "deadline", [f"{FETCH_ERROR} warning"], "slow, maybe only to us"),
    (broken_fetch(TLS, Outcome.reset), "reset", [f"{FETCH_ERROR} warning"], "broken off"),
    (broken_fetch(RESPONSE, Outcome.closed), "closed", [f"{FETCH_ERROR} warning"], "hung up"),
    (broken_fetch(CONNECT, Outcome.local_fault), "local_fault", ["scanner-fault notice"], "our own fault"),
    (broken_fetch(CONNECT, Outcome.cancelled), "cancelled", ["scanner-fault notice"], "we were stopped"),
]
# fmt: on


@pytest.mark.parametrize(("policy", "said", "observed", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_what_a_fetch_says(policy: Policy, said: str, observed: list[str], why: str) -> None:
    result = reduced(policy)
    assert (result.failure or result.reason or "policy") == said
    assert (result.policy is not None) is (said == "policy")
    assert [f"{seen.kind} {seen.severity}" for seen in result.observations] == observed
    assert all(seen.evidence for seen in result.observations)


def test_a_policy_is_what_its_body_says() -> None:
    policy = reduced(fetch(policy_text("testing", "mx1.example.org", "*.example.net"))).policy
    assert policy is not None
    assert (policy.mode, policy.max_age_s) == ("testing", 604800)
    assert policy.mx_patterns == ("mx1.example.org", "*.example.net")


def test_a_certificate_is_judged_at_the_time_of_the_fetch() -> None:
    before = (NOW - 2 * DAY).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert reduced(fetch(tls=chain(EXPIRED_POLICY_HOST), started_at=before)).policy is not None


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        (
            {"http_status": 301, "location": "https://x.example/"},
            "[192.0.2.80]: HTTP status 301, a redirect to https://x",
        ),
        (
            {"tls": chain(OTHER_NAME)},
            "certificate-host-mismatch: the certificate is for other.example.net, not for mta-",
        ),
        ({"body": "version: STSv1\\x0Amode: x"}, 'line 2: the mode is "x" and not enforce'),
    ],
)
def test_the_evidence_says_what_was_seen(changes: dict[str, object], evidence: str) -> None:
    (seen,) = reduced(replace(fetch(), **changes)).observations
    assert seen.evidence.startswith(evidence)


def test_what_failed_while_our_network_was_cut_off_is_not_known() -> None:
    failed = broken_fetch(CONNECT, Outcome.refused)
    detail: dict[str, str | float | bool | None] = {"from": failed.started_at, "to": failed.ended_at}
    lost = VantageWindows.from_events([Event(at=failed.ended_at, start=1, event="vantage_lost", detail=detail)])
    assert reduced(failed, lost).reason == "vantage"
    assert reduced(fetch(), lost).policy is not None


GOOD, GONE = reduced(fetch()), reduced(fetch(http_status=404))
SILENT, OURS = reduced(broken_fetch(CONNECT, Outcome.timed_out)), reduced(broken_fetch(CONNECT, Outcome.cancelled))


@pytest.mark.parametrize(
    ("attempts", "counts", "why"),
    [
        ([GOOD], GOOD, "there is but one"),
        ([SILENT, GOOD], GOOD, "it could be fetched after all"),
        ([GOOD, SILENT], GOOD, "and cannot be lost again by silence"),
        ([GONE, GOOD], GOOD, "at another address it is there"),
        ([GONE, SILENT], GONE, "silence takes nothing back"),
        ([SILENT, GONE], GONE, "a clear answer"),
        ([OURS, SILENT], SILENT, "a fault of ours is no attempt"),
        ([SILENT, reduced(broken_fetch(TLS, Outcome.closed))], reduced(broken_fetch(TLS, Outcome.closed)), "the last"),
    ],
)
def test_of_several_attempts_the_one_counts_that_tells_most(attempts: list[object], counts: object, why: str) -> None:
    assert choose_fetch(attempts) == counts  # type: ignore[arg-type]
