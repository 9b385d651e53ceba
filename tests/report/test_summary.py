"""A run in numbers, and how they are printed."""

import pytest
from msgspec.structs import replace

from scanner.judgement.domains import judge_domain, judge_invalid
from scanner.outcomes import DnsStatus, NotKnown, Outcome, RouteKind, Stage
from scanner.records import InputLine
from scanner.report.summary import Summary
from scanner.report.summary_text import render_summary
from tests.judgement.found import found, host, lines, looked_up, mx, route
from tests.judgement.sessions import ADDRESS, MX, ended, session, without_starttls
from tests.judgement.transport import (
    EE,
    LEAF,
    STS_RECORD,
    fetch,
    judged_domain,
    policy_host,
    published,
    secure_host,
    served,
    to,
    txt,
)

from .terminal import on_terminal, piped, without_colours

TWO = host(looked_up(ADDRESS, "192.0.2.2"))


def a_run() -> Summary:
    """Five domains and an invalid line: a good one, one without STARTTLS, one gone, one unknown, one not yet."""
    summary = Summary()
    good = {(MX, ADDRESS): session(), (MX, "192.0.2.2"): session()}
    plain = {(MX, ADDRESS): without_starttls(), (MX, "192.0.2.2"): without_starttls()}
    summary.add(judge_domain(lines(), route(RouteKind.mx, mx()), found(TWO, sessions=good)))
    summary.add(judge_domain(lines(), route(RouteKind.mx, mx()), found(TWO, sessions=plain)))
    summary.add(judge_domain(lines(), route(RouteKind.nxdomain), found()))
    summary.add(judge_domain(lines(), route(RouteKind.dns_failure, dns_status=DnsStatus.servfail), found()))
    summary.add(judge_domain(lines(), route(RouteKind.mx, mx()), found(TWO)))
    line = InputLine(line=6, input="a..b", domain=None, reason="empty label")
    summary.add(judge_invalid(line, found()))
    for one in (*good.values(), *plain.values(), ended(Stage.greeting, Outcome.timed_out)):
        summary.add_session(one.outcome)
    return summary


def test_domains_and_invalid_lines_are_counted_apart() -> None:
    summary = a_run()
    assert (summary.domains, summary.invalid_lines) == (5, 1)
    assert summary.routes == {"mx": 3, "nxdomain": 1, "dns_failure": 1, "invalid_name": 1}


def test_sessions_are_counted_by_how_they_ended() -> None:
    summary = a_run()
    assert summary.sessions == 5
    assert summary.outcomes == {"ok": 4, "timed_out": 1}


def test_a_session_held_while_we_were_cut_off_is_no_bad_end() -> None:
    summary = Summary()
    summary.add_session(NotKnown.vantage)
    assert summary.outcomes == {"vantage": 1}


@pytest.mark.parametrize(
    ("status", "counted_as", "why"),
    [
        (DnsStatus.servfail, "dns_failure", "their failure"),
        (DnsStatus.local_fault, "local_fault", "ours"),
        (DnsStatus.not_asked, "not_asked", "nobody asked yet"),
    ],
)
def test_a_route_that_is_unknown_for_our_sake_is_no_failure_of_theirs(
    status: DnsStatus, counted_as: str, why: str
) -> None:
    summary = Summary()
    summary.add(judge_domain(lines(), route(RouteKind.dns_failure, dns_status=status), found()))
    assert summary.routes == {counted_as: 1}


def test_verdicts_are_counted_by_domain_and_an_invalid_line_is_none() -> None:
    rows = dict(a_run().verdict_rows())
    # yes, no, mixed, unknown, not applicable
    assert rows["reachable"] == [2, 1, 0, 2, 0]
    assert rows["smtp"] == [2, 0, 0, 2, 1]
    assert rows["starttls"] == [1, 1, 0, 2, 1]
    assert all(sum(row) == 5 for row in rows.values())


def test_what_was_not_asked_for_has_no_row() -> None:
    assert "expected_mx" not in dict(a_run().verdict_rows())
    summary = Summary()
    summary.add(judge_domain(lines(), route(RouteKind.nxdomain), found(expect_mx=["*.example.org"])))
    assert dict(summary.verdict_rows())["expected_mx"] == [0, 1, 0, 0, 0]


def test_findings_are_counted_and_so_are_the_domains_that_have_one() -> None:
    assert a_run().finding_rows() == [
        ("error", "domain-does-not-exist", 1, 1),
        ("error", "invalid-name", 1, 1),
        ("error", "starttls-not-supported", 2, 1),
        ("warning", "dns-failure", 1, 1),
    ]


def test_errors_come_first_and_then_what_most_domains_have() -> None:
    summary = Summary()
    summary.findings.update({("notice", "bare-lf"): 9, ("error", "timed-out"): 9, ("error", "not-smtp"): 2})
    summary.domains_with_finding.update({("notice", "bare-lf"): 9, ("error", "timed-out"): 1, ("error", "not-smtp"): 2})
    assert [kind for _, kind, _, _ in summary.finding_rows()] == ["not-smtp", "timed-out", "bare-lf"]


def test_a_domain_with_something_not_yet_probed_is_not_finished() -> None:
    assert a_run().not_finished == 1


def test_a_domain_whose_policy_was_not_fetched_yet_is_not_finished() -> None:
    sessions = {(MX, ADDRESS): session()}
    way = to(mx(), mta_sts=txt(STS_RECORD))
    summary = Summary()
    summary.add(judged_domain(secure_host(), sessions=sessions, of=way, policies=published(None, policy_host())))
    assert summary.not_finished == 1
    summary.add(judged_domain(secure_host(), sessions=sessions, of=way, policies=published(fetch(), policy_host())))
    assert summary.not_finished == 1


def test_a_domain_tried_only_while_we_were_cut_off_is_not_finished() -> None:
    record = judge_domain(lines(), None, found())
    reachable = replace(record.verdicts.reachable, reasons=("vantage",))
    summary = Summary()
    summary.add(replace(record, verdicts=replace(record.verdicts, reachable=reachable)))
    assert not summary.is_complete


def test_policies_and_deliveries_are_counted_by_domain() -> None:
    summary = Summary()
    absent = txt(status=DnsStatus.nxdomain)
    for record in (
        judged_domain(secure_host(EE), sessions={(MX, ADDRESS): served(LEAF)}, of=to(mx(), ad=True, mta_sts=absent)),
        judged_domain(secure_host(), sessions={(MX, ADDRESS): session()}, of=to(mx(), mta_sts=absent)),
        judged_domain(of=route(RouteKind.nxdomain)),
        judged_domain(of=route(RouteKind.null_mx)),
    ):
        summary.add(record)
    # none, valid, invalid, unusable, unknown
    assert dict(summary.policy_rows()) == {"dane": [1, 1, 0, 0, 0], "mta_sts": [2, 0, 0, 0, 0]}
    # delivers, delivers_encrypted, delivers_authenticated, fails, unknown
    assert dict(summary.delivery_rows()) == {
        "opportunistic": [0, 2, 0, 1, 0],
        "dane": [0, 1, 1, 1, 0],
        "mta_sts": [0, 2, 0, 1, 0],
    }
    rows = [line.split() for line in piped(render_summary(summary)).split("\n")]
    assert ["policy", "(domains)", "none", "valid", "invalid", "unusable", "unknown"] in rows
    assert ["dane", "1", "1", "0", "0", "0"] in rows
    assert ["that", "obey", "DANE", "0", "1", "1", "1", "0"] in rows


# As text --------------------------------------------------------------------------------------------


def test_the_summary_says_all_of_it() -> None:
    text = piped(render_summary(a_run()))
    assert text.startswith("5 domains, 5 sessions, 1 line that is no domain\n")
    assert "mail routes: mx 3, dns_failure 1, invalid_name 1, nxdomain 1\n" in text
    assert "sessions: ok 4, timed_out 1\n" in text
    assert "1 domain is not finished: resume the run\n" in text
    rows = [line.split() for line in text.split("\n")]
    assert ["verdict", "(domains)", "yes", "no", "mixed", "unknown", "not", "applicable"] in rows
    assert ["starttls", "1", "1", "0", "2", "1"] in rows
    assert ["finding", "severity", "findings", "domains"] in rows
    assert ["starttls-not-supported", "error", "2", "1"] in rows


def test_nothing_is_said_of_what_there_is_nothing_of() -> None:
    text = piped(render_summary(Summary()))
    assert text.startswith("0 domains, 0 sessions\n")
    assert "mail routes: none\n" in text
    assert "finding" not in text
    assert "resume" not in text


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_narrow_terminal_folds_and_does_not_cut(width: int) -> None:
    text = without_colours(on_terminal(render_summary(a_run()), width))
    assert "…" not in text
    letters = "".join(text.split())
    assert all(word in letters for word in ("mailroutes:mx3,dns_failure1", "timed_out1"))


def test_colours_are_for_terminals_alone() -> None:
    assert "\x1b[31merror" in on_terminal(render_summary(a_run()))
    assert "\x1b" not in piped(render_summary(a_run()))


def test_numbers_agree_with_their_words() -> None:
    text = piped(render_summary(Summary(domains=1, sessions=1, invalid_lines=2, not_finished=2)))
    assert text.startswith("1 domain, 1 session, 2 lines that are no domain\n")
    assert "2 domains are not finished: resume the run\n" in text
