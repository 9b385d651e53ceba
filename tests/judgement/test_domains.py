"""One domain → its record: every kind of route, the lines that name it, and lines that are no domain."""

import pytest

from scanner.judgement.domains import MAX_SUBJECT, InputLines, judge_domain, judge_invalid
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, RouteFlag, RouteKind, VerdictValue
from scanner.records import Host, InputLine, Route
from scanner.wire_text import escape_octets

from .found import DOMAIN, flagged, found, host, lines, looked_up, mx, route, said, told
from .sessions import ADDRESS, MX, session, without_starttls

NO_PLACE = ["no 0/1/0", *4 * ["not_applicable 0/0/0"]]
NOTHING_TO_SAY = 5 * ["not_applicable 0/0/0"]
GOOD = ["yes 1/0/0", "yes 1/0/0", "yes 1/0/0", "not_applicable 0/0/0", "not_applicable 0/0/0"]


def unknown(reason: str) -> list[str]:
    return 5 * [f"unknown 0/0/1 {reason}"]


# Domains without a mail host ------------------------------------------------------------------------

WITHOUT_HOST = [
    (
        route(RouteKind.nxdomain, dns_status=DnsStatus.nxdomain),
        NO_PLACE,
        [f"domain-does-not-exist error {DOMAIN}"],
        "the DNS says that there is no such domain",
    ),
    (
        route(RouteKind.no_mail_host, dns_status=DnsStatus.no_data),
        NO_PLACE,
        [f"no-mail-host error {DOMAIN}"],
        "neither MX nor address",
    ),
    (route(RouteKind.null_mx, mx_total=1), NOTHING_TO_SAY, [], "it wants no mail, and says so (RFC 7505)"),
    (
        route(RouteKind.null_mx, mx_total=1, flags=[RouteFlag.null_mx_preference]),
        NOTHING_TO_SAY,
        [f"null-mx-preference notice {DOMAIN}"],
        "the same at another preference",
    ),
    (
        route(RouteKind.dns_failure, dns_status=DnsStatus.servfail),
        unknown("servfail"),
        [f"dns-failure warning {DOMAIN}"],
        "no answer is no no",
    ),
    (
        route(RouteKind.dns_failure, dns_status=DnsStatus.local_fault),
        unknown("local_fault"),
        [f"scanner-fault notice {DOMAIN}"],
        "least of all if it is our own fault, which is no finding against the domain either",
    ),
    (
        route(RouteKind.skipped, dns_status=DnsStatus.not_asked),
        unknown("opted_out"),
        [],
        "wants to be left alone",
    ),
    (None, unknown("not_yet_probed"), [], "the run has not come to it yet"),
]


@pytest.mark.parametrize(("way", "verdicts", "findings", "why"), WITHOUT_HOST, ids=[row[-1] for row in WITHOUT_HOST])
def test_a_domain_without_hosts_is_one_unit(
    way: Route | None, verdicts: list[str], findings: list[str], why: str
) -> None:
    record = judge_domain(lines(), way, found())
    assert said(record) == verdicts
    assert told(record.findings) == findings
    assert record.mail_hosts == ()
    assert record.verdicts.reachable.preferred is record.verdicts.reachable.value
    assert record.verdicts.expected_mx is None


@pytest.mark.parametrize(
    ("opt_out", "reason", "why"),
    [
        (DOMAIN, "opted_out", "it will not be looked up"),
        ("org", "opted_out", "nor will anything below a name"),
        ("example.com", "not_yet_probed", "it will be"),
    ],
)
def test_a_domain_that_opted_out_before_it_was_looked_up_is_unknown_for_that(
    opt_out: str, reason: str, why: str
) -> None:
    assert said(judge_domain(lines(), None, found(opt_out=opt_out))) == unknown(reason)


def test_every_kind_of_route_is_judged() -> None:
    kinds = {row[0].kind for row in WITHOUT_HOST if row[0] is not None}
    assert kinds == set(RouteKind) - {RouteKind.mx, RouteKind.implicit_mx, RouteKind.invalid_name}


def test_evidence_of_a_failure_names_its_status() -> None:
    record = judge_domain(lines(), route(RouteKind.dns_failure, dns_status=DnsStatus.servfail), found())
    assert record.findings[0].evidence == "the lookup ended as servfail"


# Domains with mail hosts ----------------------------------------------------------------------------


def one_host() -> Host:
    return host(looked_up(ADDRESS))


def test_a_good_domain_has_its_host_its_verdicts_and_no_finding() -> None:
    way = route(RouteKind.mx, mx())
    record = judge_domain(lines(), way, found(one_host(), sessions={(MX, ADDRESS): session()}))
    assert record.domain == DOMAIN
    assert record.line is None
    assert record.mail_route.kind is RouteKind.mx
    assert (record.mail_route.dns_status, record.mail_route.mx_total) == (DnsStatus.ok, 1)
    assert [one.exchange for one in record.mail_hosts] == [MX]
    assert said(record) == GOOD
    assert record.findings == ()


def test_the_implicit_mx_is_the_domain_itself_and_is_told() -> None:
    way = route(RouteKind.implicit_mx, mx(DOMAIN, None), dns_status=DnsStatus.no_data, mx_total=0)
    record = judge_domain(
        lines(),
        way,
        found(host(looked_up(ADDRESS), exchange=DOMAIN), sessions={(DOMAIN, ADDRESS): session()}),
    )
    assert said(record) == GOOD
    assert told(record.findings) == [f"implicit-mx notice {DOMAIN}"]
    assert record.mail_hosts[0].preference is None


def test_a_lookup_of_the_implicit_mx_that_failed_is_told_of_the_domain() -> None:
    way = route(RouteKind.implicit_mx, mx(DOMAIN, None), dns_status=DnsStatus.no_data, mx_total=0)
    failed = host(looked_up(ADDRESS), looked_up(status=DnsStatus.timed_out), exchange=DOMAIN)
    record = judge_domain(lines(), way, found(failed, sessions={(DOMAIN, ADDRESS): session()}))
    assert told(record.findings) == [f"implicit-mx notice {DOMAIN}", f"mx-lookup-failed warning {DOMAIN}"]
    assert said(record)[0] == "yes 1/0/1 timed_out"


def test_units_of_all_hosts_count_and_the_preferred_ones_are_told_apart() -> None:
    way = route(RouteKind.mx, mx("a.example.org", 10), mx("b.example.org", 20))
    record = judge_domain(
        lines(),
        way,
        found(
            host(looked_up(status=DnsStatus.nxdomain), exchange="a.example.org"),
            host(looked_up(ADDRESS), exchange="b.example.org"),
            sessions={("b.example.org", ADDRESS): session()},
        ),
    )
    assert said(record)[0] == "mixed 1/1/0"
    assert record.verdicts.reachable.preferred is VerdictValue.no
    assert record.verdicts.smtp.preferred is VerdictValue.not_applicable
    assert [one.exchange for one in record.mail_hosts] == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    ("flag", "finding"),
    [
        (RouteFlag.null_mx_with_others, f"null-mx-with-others warning {DOMAIN}"),
        (RouteFlag.duplicate_mx, f"duplicate-mx notice {DOMAIN}"),
        (RouteFlag.mx_over_limit, f"mx-over-limit notice {DOMAIN}"),
    ],
)
def test_what_is_wrong_with_the_mx_records_is_told_of_the_domain(flag: RouteFlag, finding: str) -> None:
    way = route(RouteKind.mx, mx(), flags=[flag], mx_total=3)
    record = judge_domain(lines(), way, found(one_host(), sessions={(MX, ADDRESS): session()}))
    assert told(record.findings) == [finding]
    assert record.mail_route.flags == (flag,)
    if flag is not RouteFlag.null_mx_with_others:
        assert record.findings[0].evidence.startswith("3 MX records")


def test_a_domain_that_is_an_alias_is_followed_and_flagged_and_nothing_is_wrong_with_it() -> None:
    way = route(RouteKind.mx, mx(), flags=[RouteFlag.domain_is_cname])
    record = judge_domain(lines(), way, found(one_host(), sessions={(MX, ADDRESS): session()}))
    assert (record.mail_route.flags, record.findings) == ((RouteFlag.domain_is_cname,), ())


def test_each_mx_over_the_limit_is_one_more_unknown_and_none_of_them_is_preferred() -> None:
    way = route(RouteKind.mx, mx(), flags=[RouteFlag.mx_over_limit], mx_total=4)
    record = judge_domain(lines(), way, found(one_host(), sessions={(MX, ADDRESS): session()}))
    assert said(record) == [
        *3 * ["yes 1/0/3 over_limit"],
        *2 * ["unknown 0/0/3 over_limit"],
    ]
    assert record.verdicts.reachable.preferred is VerdictValue.yes
    assert record.verdicts.certificate_name.preferred is VerdictValue.not_applicable
    assert not record.verdicts.reachable.complete


def test_findings_of_the_domain_come_before_those_of_its_hosts() -> None:
    way = route(RouteKind.mx, mx(), mx("localhost", 20, HostFlag.mx_is_localhost), flags=[RouteFlag.duplicate_mx])
    record = judge_domain(lines(), way, found(one_host(), sessions={(MX, ADDRESS): without_starttls()}))
    assert told(record.findings) == [
        f"duplicate-mx notice {DOMAIN}",
        f"starttls-not-supported error {MX} [{ADDRESS}]",
        "mx-is-localhost error localhost",
    ]


def test_an_unfinished_run_says_what_it_knows_and_what_not() -> None:
    way = route(RouteKind.mx, mx("a.example.org", 10), mx("b.example.org", 20))
    internal = looked_up(flagged("10.0.0.1", AddressFlag.not_public), ADDRESS)
    record = judge_domain(lines(), way, found(host(internal, exchange="a.example.org")))
    assert said(record)[:2] == ["no 0/1/2 not_yet_probed", "unknown 0/0/2 not_yet_probed"]


# The lines of the input -----------------------------------------------------------------------------


def test_a_record_names_all_its_lines_and_their_metadata() -> None:
    first = InputLine(line=3, input="Example.ORG.", domain=DOMAIN, metadata={"customer": "1"})
    several = InputLines(first, more=(5, 9), metadata_more=({"customer": "2"},), total=203)
    record = judge_domain(several, route(RouteKind.null_mx, mx_total=1), found())
    assert (record.lines, record.lines_total, record.line) == ((3, 5, 9), 203, None)
    assert (record.input, record.metadata) == ("Example.ORG.", {"customer": "1"})
    assert record.metadata_more == ({"customer": "2"},)


def invalid(octets: bytes, reason: str, meant: str | None = None) -> InputLine:
    return InputLine(line=7, input=escape_octets(octets), domain=None, reason=reason, meant=meant)


def test_a_line_that_is_no_domain_has_a_record_with_the_reason() -> None:
    line = invalid(b"example..test", "empty label")
    record = judge_invalid(line, found())
    assert (record.domain, record.line, record.lines, record.lines_total) == (None, 7, (7,), 1)
    assert record.input == "example..test"
    assert said(record) == NOTHING_TO_SAY
    assert (record.mail_route.kind, record.mail_route.dns_status) == (
        RouteKind.invalid_name,
        DnsStatus.not_asked,
    )
    assert told(record.findings) == ["invalid-name error example..test"]
    assert record.findings[0].evidence == "empty label"
    assert record.findings[0].fix == "Correct the line in the list: one domain name a line."


def test_the_domain_that_was_probably_meant_is_named() -> None:
    line = invalid(b"a@b.test", "a mail address is not a domain", "b.test")
    assert judge_invalid(line, found()).findings[0].fix == "Write the domain alone: b.test"


@pytest.mark.parametrize(
    ("octets", "subject", "why"),
    [
        ("münchen..lab".encode(), "münchen..lab", "valid UTF-8 is shown as it is"),
        (b"a\x00b.test", r"a\x00b.test", "a control is not"),
        ("a\u202eb".encode(), r"a\xE2\x80\xAEb", "nor what turns the direction of writing"),
        (b"x" * 1000, "x" * MAX_SUBJECT, "a subject is for reading; `input` has more"),
    ],
)
def test_the_subject_of_an_invalid_line_is_its_text_for_a_person(octets: bytes, subject: str, why: str) -> None:
    (finding,) = judge_invalid(invalid(octets, "no"), found()).findings
    assert finding.subject == subject
