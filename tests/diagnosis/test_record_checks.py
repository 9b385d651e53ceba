"""MX and addresses over both transports, from several servers → steps."""

import pytest

from scanner.diagnosis.record_checks import judge_agreement, judge_records
from scanner.diagnosis.steps import Section, StepResult
from scanner.dns.answers import MxData
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import DnsStatus, Outcome
from tests.dns_said import both, record, said, silent

DOMAIN = "example.org"
INFORMATION, PASSED, FAILED, UNKNOWN = (
    StepResult.information,
    StepResult.passed,
    StepResult.failed,
    StepResult.unknown,
)


def mx(*exchanges: tuple[int, str], is_truncated: bool = False) -> ServerAnswer:
    records = [record(DOMAIN, "MX", MxData(*exchange)) for exchange in exchanges]
    return said(DOMAIN, "MX", *records, is_truncated=is_truncated)


def addresses(*texts: str, record_type: str = "A") -> ServerAnswer:
    return said(DOMAIN, record_type, *(record(DOMAIN, record_type, text) for text in texts))


TWO = mx((20, "b.test"), (10, "a.test"))
CUT = mx((10, "a.test"), is_truncated=True)
SERVFAIL = said(DOMAIN, "MX", status=DnsStatus.servfail)

RECORDS: list[tuple[str, BothWays, StepResult | None, str, str]] = [
    ("in the order of preference", both(TWO), PASSED, "10 a.test, 20 b.test over UDP and TCP", ""),
    ("in whatever order they come", both(TWO, mx((10, "a.test"), (20, "b.test"))), PASSED, "over UDP and TCP", ""),
    ("RFC 7505", both(mx((0, ""))), PASSED, "0 . over UDP and TCP", ""),
    ("many are counted", both(mx(*((n, "a.test") for n in range(12)))), PASSED, "9 a.test and 2 more over", ""),
    ("no MX", both(mx()), INFORMATION, "MX of example.org from 192.0.2.53: no MX record over UDP and TCP", ""),
    ("no such name", both(said(DOMAIN, "MX", status=DnsStatus.nxdomain)), INFORMATION, "NXDOMAIN over UDP", ""),
    ("no IPv6 is nothing to tell", both(addresses(record_type="AAAA")), None, "", ""),
    ("no IPv4 is", both(addresses()), INFORMATION, "no A record over UDP and TCP", ""),
    ("IPv6", both(addresses("2001:db8::1", record_type="AAAA")), PASSED, "2001:db8::1 over UDP and TCP", ""),
    ("RFC 7766: TCP has what UDP has no room for", both(CUT, TWO), PASSED, "cut off over UDP, 10 a.test, 20 b", ""),
    (
        "without TCP it is lost",
        both(CUT, silent(DOMAIN, "MX", Outcome.refused)),
        FAILED,
        "cut off over UDP, connection refused over TCP: what is cut off is lost",
        "let TCP port 53 through to 192.0.2.53, and have it answer there",
    ),
    ("without TCP, and it fits", both(TWO, silent(DOMAIN, "MX")), FAILED, "no answer within 5 s over TCP", "TCP port"),
    ("without UDP", both(silent(DOMAIN, "MX"), TWO), FAILED, "no answer within 5 s over UDP, 10 a.test", "UDP port 53"),
    ("a fault of ours", both(TWO, silent(DOMAIN, "MX", Outcome.local_fault)), UNKNOWN, "no way to it from this", ""),
    ("silence", both(silent(DOMAIN, "MX")), UNKNOWN, "no answer within 5 s over UDP and TCP", "another resolver"),
    ("a failure", both(SERVFAIL), UNKNOWN, "SERVFAIL over UDP and TCP", "another resolver"),
    ("cut over both", both(CUT), UNKNOWN, "an answer that is cut off over UDP and TCP", "another resolver"),
    (
        "one of them is not the zone's",
        both(TWO, mx((10, "a.test"))),
        UNKNOWN,
        "10 a.test, 20 b.test over UDP, 10 a.test over TCP",
        "made up by something on the way",
    ),
    ("there, and not there", both(TWO, mx()), UNKNOWN, "20 b.test over UDP, no MX record over TCP", "one may be old"),
    (
        "addresses that are given out in turn",
        both(addresses("192.0.2.1"), addresses("192.0.2.2")),
        INFORMATION,
        "192.0.2.1 over UDP, 192.0.2.2 over TCP",
        "",
    ),
]


@pytest.mark.parametrize(("why", "asked", "result", "text", "advice"), RECORDS, ids=[row[0] for row in RECORDS])
def test_what_is_said_over_both_transports_is_told(
    why: str, asked: BothWays, result: StepResult | None, text: str, advice: str
) -> None:
    step = judge_records(Section.sender, asked)
    assert (step.result if step else None) is result, why
    if step is not None:
        assert step.section is Section.sender
        assert text in step.said
        assert advice in step.what_to_do
        assert bool(advice) is bool(step.what_to_do)


AGREEMENTS: list[tuple[str, list[BothWays], StepResult | None, str]] = [
    ("all say the same", [both(TWO, label="a"), both(mx((10, "a.test"), (20, "b.test")), label="b")], None, ""),
    ("one alone", [both(TWO, label="a")], None, ""),
    ("who does not know does not disagree", [both(TWO, label="a"), both(SERVFAIL, label="b")], None, ""),
    ("who is silent does not disagree", [both(TWO, label="a"), both(silent(DOMAIN, "MX"), label="b")], None, ""),
    ("what TCP has counts", [both(TWO, label="a"), both(CUT, TWO, label="b")], None, ""),
    ("nobody knows", [both(SERVFAIL, label="a")], None, ""),
    (
        "one has an old answer",
        [both(TWO, label="a"), both(mx((10, "a.test")), label="b")],
        UNKNOWN,
        "the DNS servers do not agree on MX of example.org: 10 a.test, 20 b.test from a, 10 a.test from b",
    ),
    (
        "one says that there is no such name",
        [both(TWO, label="a"), both(said(DOMAIN, "MX", status=DnsStatus.nxdomain), label="b")],
        UNKNOWN,
        "the DNS servers do not agree on MX of example.org: 10 a.test, 20 b.test from a, NXDOMAIN from b",
    ),
    (
        "addresses near to each of them",
        [both(addresses("192.0.2.1"), label="a"), both(addresses("192.0.2.2"), label="b")],
        INFORMATION,
        "the DNS servers do not agree on A of example.org: 192.0.2.1 from a, 192.0.2.2 from b",
    ),
]


@pytest.mark.parametrize(("why", "asked", "result", "text"), AGREEMENTS, ids=[row[0] for row in AGREEMENTS])
def test_servers_that_know_say_the_same_or_it_is_told(
    why: str, asked: list[BothWays], result: StepResult | None, text: str
) -> None:
    step = judge_agreement(Section.route, asked)
    assert (step.result if step else None) is result, why
    assert (step.said if step else "") == text
