"""Would a reply and a bounce come back? Routes and addresses of a sender's domain → a step."""

from collections.abc import Mapping, Sequence

import pytest

from scanner.diagnosis.sender_checks import MAX_HOSTS, judge_sender, select_route
from scanner.diagnosis.steps import Section, StepResult
from scanner.dns.answers import MxData
from scanner.dns.mail_routes import MailHost, MailRoute
from scanner.dns.server_answers import ServerAnswer
from scanner.outcomes import DnsStatus, HostFlag, RouteKind
from tests.dns_said import record, said, silent

DOMAIN = "example.org"
PASSED, FAILED, UNKNOWN = StepResult.passed, StepResult.failed, StepResult.unknown

THERE, NOT_THERE, NOT_KNOWN = said("a", "A", record("a", "A", "192.0.2.1")), said("a", "A"), silent("a", "A")

PRIVATE = said("a", "A", record("a", "A", "10.0.0.1"))


def route(*hosts: MailHost, kind: RouteKind = RouteKind.mx, status: DnsStatus = DnsStatus.ok) -> MailRoute:
    return MailRoute(kind, status, (), hosts, len(hosts))


A, B = MailHost(10, "a.test"), MailHost(20, "b.test")
LITERAL = MailHost(10, "192.0.2.1", (HostFlag.mx_is_address_literal,))

SENDERS: list[tuple[str, MailRoute, Mapping[str, Sequence[ServerAnswer]], StepResult, str]] = [
    ("a mail host", route(A), {"a.test": [THERE, NOT_THERE]}, PASSED, "come back, by MX: a.test (192.0.2.1)"),
    ("one of two is enough", route(A, B), {"a.test": [NOT_THERE], "b.test": [THERE]}, PASSED, "by MX: b.test (192"),
    (
        "RFC 5321 §5.1: the implicit MX",
        route(MailHost(None, DOMAIN), kind=RouteKind.implicit_mx),
        {DOMAIN: [THERE]},
        PASSED,
        "by its own address: example.org (192.0.2.1)",
    ),
    (
        "none has an address",
        route(A, B),
        {"a.test": [NOT_THERE], "b.test": [NOT_THERE]},
        FAILED,
        "no mail host of example.org has an address: a.test, b.test",
    ),
    (
        "who replies can not reach what is not public",
        route(A, B),
        {"a.test": [PRIVATE, NOT_THERE], "b.test": [NOT_THERE]},
        FAILED,
        "no mail host of example.org has a public address: a.test (10.0.0.1)",
    ),
    ("of two addresses one is public", route(A), {"a.test": [PRIVATE, THERE]}, PASSED, "by MX: a.test (192.0.2.1)"),
    ("and the other is not known", route(A), {"a.test": [PRIVATE, NOT_KNOWN]}, UNKNOWN, "could not be found out"),
    ("an address is no mail host", route(LITERAL), {}, FAILED, "no mail host of example.org has an address: 192.0.2.1"),
    (
        "unknown is not no",
        route(A, B),
        {"a.test": [NOT_THERE], "b.test": [NOT_KNOWN]},
        UNKNOWN,
        "could not be found out",
    ),
    ("no such domain", route(kind=RouteKind.nxdomain), {}, FAILED, "example.org does not exist"),
    ("nothing there", route(kind=RouteKind.no_mail_host), {}, FAILED, "example.org has neither MX nor address"),
    ("RFC 7505", route(kind=RouteKind.null_mx), {}, FAILED, "example.org takes no mail (null MX, RFC 7505)"),
    (
        "the DNS failed",
        route(kind=RouteKind.dns_failure, status=DnsStatus.servfail),
        {},
        UNKNOWN,
        "where example.org receives mail could not be found out (servfail)",
    ),
]


@pytest.mark.parametrize(("why", "way", "addresses", "result", "text"), SENDERS, ids=[row[0] for row in SENDERS])
def test_whether_a_bounce_would_come_back_is_told(
    why: str, way: MailRoute, addresses: Mapping[str, Sequence[ServerAnswer]], result: StepResult, text: str
) -> None:
    step = judge_sender(DOMAIN, way, addresses, lambda address: not address.startswith("10."))
    assert (step.section, step.result) == (Section.sender, result), why
    assert text in step.said
    assert ("bounces are lost" in step.what_to_do) is (result is FAILED)
    assert bool(step.what_to_do) is (result is not PASSED)


NXDOMAIN, SERVFAIL = (said(DOMAIN, "MX", status=status) for status in (DnsStatus.nxdomain, DnsStatus.servfail))
NO_MX = said(DOMAIN, "MX")
EXCHANGES = [record(DOMAIN, "MX", MxData(number, f"mx{number}.test")) for number in range(MAX_HOSTS + 1)]

ROUTES: list[tuple[str, ServerAnswer, list[ServerAnswer], RouteKind]] = [
    ("MX", said(DOMAIN, "MX", EXCHANGES[0]), [], RouteKind.mx),
    ("no MX, and an address", NO_MX, [THERE, NOT_THERE], RouteKind.implicit_mx),
    ("no MX, no address", NO_MX, [NOT_THERE, NOT_THERE], RouteKind.no_mail_host),
    ("no MX, and half of the addresses not known", NO_MX, [NOT_THERE, NOT_KNOWN], RouteKind.dns_failure),
    ("no such name", NXDOMAIN, [], RouteKind.nxdomain),
    ("a failure", SERVFAIL, [], RouteKind.dns_failure),
    ("silence", silent(DOMAIN, "MX"), [], RouteKind.dns_failure),
    ("cut off, and no TCP", said(DOMAIN, "MX", EXCHANGES[0], is_truncated=True), [], RouteKind.dns_failure),
]


@pytest.mark.parametrize(("why", "mx", "addresses", "kind"), ROUTES, ids=[row[0] for row in ROUTES])
def test_the_answers_of_a_server_make_a_route(
    why: str, mx: ServerAnswer, addresses: list[ServerAnswer], kind: RouteKind
) -> None:
    assert select_route(DOMAIN, mx, addresses).kind is kind, why


def test_a_few_mail_hosts_are_enough_for_a_bounce() -> None:
    hosts = select_route(DOMAIN, said(DOMAIN, "MX", *reversed(EXCHANGES)), []).hosts
    assert [host.exchange for host in hosts] == [f"mx{number}.test" for number in range(MAX_HOSTS)]
