"""What the DNS servers named to us say of a zone → steps."""

import pytest

from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.diagnosis.zone_checks import judge_resolvers, judge_zone_found, judge_zone_not_found
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import DnsStatus, Outcome
from tests.dns_said import both, said, silent, soa

ZONE = "example.org"
INFORMATION, PASSED, FAILED, UNKNOWN = (
    StepResult.information,
    StepResult.passed,
    StepResult.failed,
    StepResult.unknown,
)

WELL = said(ZONE, "SOA", soa(ZONE, 7))
SILENT = silent(ZONE, "SOA")
CLOSED = silent(ZONE, "SOA", Outcome.refused)
OURS = silent(ZONE, "SOA", Outcome.local_fault)


def says(status: DnsStatus) -> ServerAnswer:
    return said(ZONE, "SOA", status=status)


OTHER = both(WELL, label="other")

RESOLVERS: list[tuple[str, BothWays, StepResult, str, str]] = [
    ("both transports", both(WELL), PASSED, "serial 7 over UDP and TCP", ""),
    (
        "two caches behind one address",
        both(WELL, said(ZONE, "SOA", soa(ZONE, 6))),
        PASSED,
        "serial 7 over UDP, serial 6 over TCP",
        "",
    ),
    (
        "TCP is dropped on the way",
        both(WELL, SILENT),
        FAILED,
        "serial 7 over UDP, no answer within 5 s over TCP",
        "let TCP port 53 through to 192.0.2.53",
    ),
    (
        "TCP is closed",
        both(WELL, CLOSED),
        FAILED,
        "serial 7 over UDP, connection refused over TCP",
        "many MX records, DNSSEC, long DKIM keys",
    ),
    (
        "UDP is dropped on the way",
        both(SILENT, WELL),
        FAILED,
        "no answer within 5 s over UDP, serial 7 over TCP",
        "let UDP port 53 through to 192.0.2.53, and have it answer there",
    ),
    (
        "a fault of ours is nobody else's",
        both(WELL, OURS),
        UNKNOWN,
        "serial 7 over UDP, no way to it from this machine over TCP",
        "",
    ),
    ("neither, and others answer", both(SILENT), FAILED, "no answer within 5 s over UDP and TCP", "leave it out"),
    ("neither, by a fault of ours", both(OURS), UNKNOWN, "no way to it from this machine over UDP and TCP", ""),
    ("it does not serve us", both(says(DnsStatus.refused)), FAILED, "REFUSED over UDP and TCP", "answer this machine"),
    ("it knows of no such zone", both(says(DnsStatus.nxdomain)), FAILED, "NXDOMAIN over UDP and TCP", "whom it asks"),
    (
        "RFC 4035 §5.5: what does not validate looks like a failure",
        both(says(DnsStatus.servfail)),
        UNKNOWN,
        "SERVFAIL over UDP and TCP",
        "its log says why",
    ),
    ("a failure over one of them", both(WELL, says(DnsStatus.servfail)), UNKNOWN, "SERVFAIL over TCP", "its log"),
    ("no SOA at the top of a zone", both(said(ZONE, "SOA")), UNKNOWN, "no SOA record over UDP and TCP", "another"),
]


@pytest.mark.parametrize(("why", "asked", "result", "text", "advice"), RESOLVERS, ids=[row[0] for row in RESOLVERS])
def test_a_dns_server_answers_over_both_transports_or_it_is_told(
    why: str, asked: BothWays, result: StepResult, text: str, advice: str
) -> None:
    step, other = judge_resolvers([asked, OTHER])
    assert (step.section, step.result) == (Section.zone, result), why
    assert step.said.startswith("DNS server 192.0.2.53: ")
    assert step.said.endswith(text)
    assert advice in step.what_to_do
    assert bool(advice) or result is UNKNOWN or not step.what_to_do
    assert other == Step(Section.zone, PASSED, "DNS server other: serial 7 over UDP and TCP")


def test_when_no_server_answers_nothing_is_said_against_one_of_them() -> None:
    steps = judge_resolvers([both(SILENT), both(CLOSED)])
    assert [step.result for step in steps] == [UNKNOWN, UNKNOWN]


NOT_FOUND: list[tuple[str, list[ServerAnswer], str, str]] = [
    (
        "nobody answers: it is us, or the way",
        [silent(ZONE, "SOA", server="192.0.2.1"), silent(ZONE, "SOA", Outcome.refused, server="192.0.2.2")],
        "192.0.2.1: no answer within 5 s, 192.0.2.2: connection refused",
        "see that a DNS server answers this machine, or name one by --dns",
    ),
    (
        "a failure of the zone's own servers, or of its signatures",
        [says(DnsStatus.servfail)],
        "192.0.2.53: SERVFAIL",
        "SERVFAIL: the zone's own servers do not answer the resolver, or its DNSSEC does not validate",
    ),
    ("it does not serve us", [says(DnsStatus.refused)], "192.0.2.53: REFUSED", "ask another resolver by --dns"),
    ("there is no SOA anywhere", [said(ZONE, "SOA")], "192.0.2.53: no SOA record", "ask another resolver by --dns"),
]


@pytest.mark.parametrize(("why", "answers", "text", "advice"), NOT_FOUND, ids=[row[0] for row in NOT_FOUND])
def test_a_zone_that_nobody_tells_is_not_known(why: str, answers: list[ServerAnswer], text: str, advice: str) -> None:
    expected = f"the zone of mail.example.org could not be found out: {text}"
    step = judge_zone_not_found("mail.example.org", answers)
    assert step == Step(Section.zone, UNKNOWN, expected, advice), why


def test_the_zone_is_told_by_its_name() -> None:
    step = judge_zone_found("mail.example.org", ZONE, exists=True)
    assert step == Step(Section.zone, INFORMATION, "mail.example.org is in the zone example.org")


def test_a_domain_that_does_not_exist_is_told_with_the_zone_that_says_so() -> None:
    step = judge_zone_found("exmaple.org", "org", exists=False)
    assert (step.result, step.said) == (FAILED, "exmaple.org does not exist (NXDOMAIN); the zone around it is org")
    assert "check the spelling" in step.what_to_do
