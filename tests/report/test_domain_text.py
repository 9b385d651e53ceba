"""A domain as `show` prints it: everything is there, nothing is cut, and nothing acts on the terminal."""

import re

import pytest
from msgspec.structs import replace

from scanner.judgement.domains import judge_domain, judge_invalid
from scanner.outcomes import AddressFlag, DnsStatus, Outcome, RouteKind, Severity, Stage
from scanner.records import Domain, InputLine, Replies, SessionRecord, Transcript
from scanner.report.domain_text import render_domain
from scanner.wire_text import escape_octets
from tests.judgement.found import DOMAIN, flagged, found, host, lines, looked_up, mx, route
from tests.judgement.sessions import ADDRESS, MX, ended, reply, session, without_starttls

from .terminal import on_terminal, piped, without_colours

TIMED_OUT = ended(
    Stage.greeting,
    Outcome.timed_out,
    session="fedcba9876543210.1.survey",
    address="192.0.2.2",
    limit="limits.greeting_s",
    limit_s=30.0,
)


def transcript(*said: tuple[float, str, str], of: SessionRecord | None = None) -> Transcript:
    return Transcript(session=(of or session()).session, lines=said)


def a_domain() -> tuple[Domain, list[SessionRecord], dict[str, Transcript]]:
    """A domain with a good address, a silent one and one that nobody may contact."""
    first, second = without_starttls(), TIMED_OUT
    addresses = looked_up(ADDRESS, "192.0.2.2", flagged("10.0.0.1", AddressFlag.not_public))
    record = judge_domain(
        lines({"customer": "4711"}),
        route(RouteKind.mx, mx()),
        found(host(addresses), sessions={(MX, ADDRESS): first, (MX, "192.0.2.2"): second}),
    )
    transcripts = [
        transcript(
            (0.0, "*", "connect 192.0.2.1:25 limit 15 s"),
            (0.021, "S", "220 mx1.example.org ESMTP"),
            (0.022, "C", "EHLO scanner.example.net"),
            (0.043, "S", "250 half a line\\"),
            of=first,
        ),
        transcript((30.0, "*", "limit fired: limits.greeting_s = 30 s"), of=second),
    ]
    return record, [first, second], {one.session: one for one in transcripts}


def shown_domain() -> list[str]:
    return piped(render_domain(*a_domain())).split("\n")


def test_the_head_names_the_domain_its_line_and_its_metadata() -> None:
    assert shown_domain()[:3] == [
        "example.org",
        "  input     example.org (line 1)",
        "  metadata  customer=4711",
    ]


@pytest.mark.parametrize(
    ("numbers", "total", "shown"),
    [
        ((3,), 1, "(line 3)"),
        ((3, 5), 2, "(lines 3, 5)"),
        ((3, 5), 107, "(lines 3, 5 and 105 more)"),
    ],
)
def test_all_lines_that_name_the_domain_are_told(numbers: tuple[int, ...], total: int, shown: str) -> None:
    record = replace(a_domain()[0], lines=numbers, lines_total=total, metadata_more=({"customer": "4712"},))
    text = piped(render_domain(record, [], {}))
    assert f"example.org {shown}\n" in text
    assert "customer=4711\n" in text
    assert "customer=4712\n" in text


def test_the_mail_route_has_its_hosts_and_a_row_for_each_address() -> None:
    text = shown_domain()
    start = text.index("mail route mx  DNS ok, MX records 1")
    assert text[start + 1 : start + 6] == [
        "  10 mx1.example.org  A ok, AAAA no_data",
        "    192.0.2.1  done ok",
        "    192.0.2.2  greeting timed_out (limits.greeting_s = 30 s)",
        "    10.0.0.1   - not_public  +not_public",
        "",
    ]


def test_a_row_tells_the_tls_version_and_the_flags() -> None:
    record, _, _ = a_domain()
    (one,) = record.mail_hosts
    good = replace(one.addresses[0], flags=(AddressFlag.attempts_differ,))
    text = piped(render_domain(replace(record, mail_hosts=(replace(one, addresses=(good,)),)), [session()], {}))
    assert "    192.0.2.1  done ok  TLSv1.3  +attempts_differ\n" in text


def test_a_row_tells_of_the_attempt_that_its_record_shows() -> None:
    record, _, _ = a_domain()
    (one,) = record.mail_hosts
    second = session(session="0123456789abcdef.2.survey", attempt=2)
    first = replace(TIMED_OUT, session="0123456789abcdef.1.survey")
    address = replace(one.addresses[0], sessions=(first.session, second.session))
    record = replace(record, mail_hosts=(replace(one, addresses=(address,)),))
    assert "    192.0.2.1  done ok  TLSv1.3\n" in piped(render_domain(record, [first, second], {}))


def test_of_attempts_that_ended_alike_the_last_is_told_which_had_most_patience() -> None:
    record, _, _ = a_domain()
    (one,) = record.mail_hosts
    second = replace(TIMED_OUT, session="fedcba9876543210.2.survey", attempt=2, limit_s=60.0)
    address = replace(one.addresses[1], sessions=(TIMED_OUT.session, second.session))
    record = replace(record, mail_hosts=(replace(one, addresses=(address,)),))
    text = piped(render_domain(record, [TIMED_OUT, second], {}))
    assert "    192.0.2.2  greeting timed_out (limits.greeting_s = 60 s)\n" in text


def test_a_row_that_others_sessions_speak_for_names_them() -> None:
    record, _, _ = a_domain()
    (one,) = record.mail_hosts
    others = session(server_name="mx9.example.org")
    address = replace(one.addresses[0], flags=(AddressFlag.server_name_inferred,))
    record = replace(record, mail_hosts=(replace(one, addresses=(address,)),))
    text = piped(render_domain(record, [others], {}))
    assert "    192.0.2.1  done ok  TLSv1.3  as mx9.example.org was told  +server_name_inferred\n" in text


def test_a_row_tells_why_no_end_is_shown_although_there_was_a_session() -> None:
    record, _, _ = a_domain()
    (one,) = record.mail_hosts
    address = replace(one.addresses[1], stage=None, outcome=None, limit=None, reason="vantage")
    record = replace(record, mail_hosts=(replace(one, addresses=(address,)),))
    text = piped(render_domain(record, [TIMED_OUT], {}))
    assert "    192.0.2.2  - vantage\n" in text
    assert "session fedcba9876543210.1.survey\n" in text


def test_a_row_without_its_session_at_hand_tells_what_the_record_does() -> None:
    text = piped(render_domain(a_domain()[0], [], {}))
    assert "    192.0.2.1  done ok\n" in text
    assert "    192.0.2.2  greeting timed_out limits.greeting_s\n" in text


def test_a_limit_of_octets_has_no_seconds() -> None:
    cut = replace(TIMED_OUT, outcome=Outcome.too_long, limit="limits.reply_lines", limit_s=None, limit_bytes=200)
    text = piped(render_domain(a_domain()[0], [cut], {}))
    assert ": greeting too_long (limits.reply_lines = 200)\n" in text


def test_an_implicit_mx_and_the_flags_of_host_and_route_are_told() -> None:
    way = route(RouteKind.implicit_mx, mx(DOMAIN, None), dns_status=DnsStatus.no_data, mx_total=0)
    record = judge_domain(lines(), way, found(host(exchange=DOMAIN)))
    text = piped(render_domain(record, [], {}))
    assert "mail route implicit_mx  DNS no_data, MX records 0\n" in text
    assert "  implicit example.org  A no_data, AAAA no_data  +mx_has_no_address\n" in text


def test_the_verdicts_have_their_counts_and_reasons() -> None:
    text = shown_domain()
    start = text.index("verdicts")
    assert text[start + 1 : start + 8] == [
        "  reachable                mixed           yes 2, no 1, unknown 0",
        "  smtp                     yes             yes 1, no 0, unknown 1 (timed_out)",
        "  starttls                 no              yes 0, no 1, unknown 1 (timed_out)",
        "  certificate_trusted      unknown         yes 0, no 0, unknown 1 (timed_out)",
        "  certificate_name         unknown         yes 0, no 0, unknown 1 (timed_out)",
        "  certificate_domain_name  unknown         yes 0, no 0, unknown 1 (timed_out)",
        "",
    ]


def test_what_the_preferred_hosts_say_is_told_where_it_is_something_else() -> None:
    way = route(RouteKind.mx, mx(), mx("localhost", 20), mx("b.example.org", 30))
    record = judge_domain(
        lines(),
        way,
        found(
            host(looked_up(ADDRESS)),
            host(looked_up(status=DnsStatus.nxdomain), exchange="b.example.org"),
            sessions={(MX, ADDRESS): session()},
            expect_mx=["*.example.org"],
        ),
    )
    text = piped(render_domain(record, [], {}))
    assert (
        "  reachable                mixed           yes 1, no 1, unknown 1 (not_yet_probed); preferred hosts: yes\n"
        in text
    )
    assert "  expected_mx              mixed           yes 2, no 1, unknown 0; preferred hosts: yes\n" in text


def test_findings_are_ordered_by_severity_with_evidence_and_what_to_do() -> None:
    text = shown_domain()
    start = text.index("findings")
    assert text[start + 1 : start + 5] == [
        f"  error    starttls-not-supported  {MX} [{ADDRESS}]",
        "           evidence    EHLO offers SIZE",
        text[start + 3],
        f"           session     {session().session}",
    ]
    assert text[start + 3].startswith("           what to do  Enable STARTTLS ")
    severities = [line.split()[0] for line in text if re.match(r"  (error|warning|notice) ", line)]
    assert severities == ["error", "error", "warning"]


def test_findings_of_one_severity_stay_in_the_order_of_the_record() -> None:
    record, _, _ = a_domain()
    first = record.findings[0]
    several = tuple(
        replace(first, severity=severity, subject=str(number))
        for number, severity in enumerate(
            (Severity.notice, Severity.error, Severity.notice, Severity.warning, Severity.error)
        )
    )
    text = piped(render_domain(replace(record, findings=several), [], {}))
    assert re.findall(r"starttls-not-supported  (\d)", text) == ["1", "4", "3", "0", "2"]


def test_a_domain_without_findings_says_so() -> None:
    text = piped(render_domain(replace(a_domain()[0], findings=()), [], {}))
    assert "findings\n  none\n" in text


def test_a_transcript_has_the_time_and_direction_of_every_line() -> None:
    text = shown_domain()
    start = text.index(f"session {session().session}")
    assert text[start + 1 : start + 8] == [
        "  mx1.example.org [192.0.2.1] port 25, 2026-11-22T12:00:00.000Z: done ok",
        "  EHLO      SIZE 1000",
        "    0.000 == connect 192.0.2.1:25 limit 15 s",
        "    0.021 <- 220 mx1.example.org ESMTP",
        "    0.022 -> EHLO scanner.example.net",
        "    0.043 <- 250 half a line (the line has no end)",
        "",
    ]


def test_sessions_follow_in_the_order_given() -> None:
    record, sessions, transcripts = a_domain()
    text = piped(render_domain(record, sessions[::-1], transcripts))
    assert re.findall(r"^session ([0-9a-f]+)", text, re.MULTILINE) == ["fedcba9876543210", "0123456789abcdef"]


def test_a_transcript_that_is_missing_is_told() -> None:
    text = piped(render_domain(a_domain()[0], [session()], {}))
    assert "  its transcript is missing\n" in text


def test_a_line_that_is_no_domain_is_shown_with_its_reason() -> None:
    octets = "münchen..lab".encode()
    line = InputLine(line=7, input=escape_octets(octets), domain=None, reason="empty label", metadata={"customer": "1"})
    text = piped(render_domain(judge_invalid(line, found()), [], {}))
    assert text.startswith("no domain\n  input     münchen..lab (line 7)\n  metadata  customer=1\n")
    assert "invalid-name  münchen..lab\n           evidence    empty label\n" in text


# Length ---------------------------------------------------------------------------------------------

LONG = "long " * 500 + "end"


def domain_that_says(text: str) -> tuple[Domain, list[SessionRecord], dict[str, Transcript]]:
    """A domain in whose every text that is not ours stands this one, as it came."""
    wire = escape_octets(text.encode())
    refused = ended(
        Stage.greeting,
        Outcome.permanent_negative,
        replies=Replies(greeting=reply(554, wire)),
        error=wire,
        server_name=text,
    )
    record = judge_domain(
        lines({f"column {text}": f"cell {text}"}),
        route(RouteKind.mx, mx()),
        found(host(looked_up(ADDRESS)), sessions={(MX, ADDRESS): refused}),
    )
    (one,) = record.mail_hosts
    record = replace(
        record,
        input=wire,
        mail_hosts=(replace(one, exchange=wire),),
        findings=tuple(
            replace(finding, subject=text, evidence=f"{finding.evidence} {text}", fix=text)
            for finding in record.findings
        ),
    )
    said = transcript(
        (0.0, "*", wire), (0.1, "S", f"554 {wire}"), (0.2, "C", wire), (0.3, "S", f"{wire}\\"), of=refused
    )
    return record, [refused], {refused.session: said}


def test_a_long_line_is_not_cut() -> None:
    rendered = render_domain(*domain_that_says(LONG))
    assert f"<- 554 {LONG}\n" in piped(rendered, width=40)
    folded = without_colours(on_terminal(rendered, width=40))
    assert max(map(len, folded.split("\n"))) <= 40
    assert folded.split() == piped(rendered).split()


def test_a_long_word_is_not_cut_either() -> None:
    word = "x" * 500
    rendered = render_domain(*domain_that_says(word))
    folded = without_colours(on_terminal(rendered, width=40))
    assert "".join(folded.split()) == "".join(piped(rendered).split())


# Hostile servers ------------------------------------------------------------------------------------

HOSTILE = [
    ("\x1b[2J\x1b]0;title\x07", "a terminal's commands: clear, set the title, ring"),
    ("a\x00b", "NUL"),
    ("a\r\nb\n\tc\x0b\x0c\x08", "line ends and what else moves the cursor"),
    ("\x7f", "DEL"),
    ("\x9b31m\x85\x90", "C1 controls"),
    ("\u202e\u2066evil\u2069\u200f", "what turns the direction of writing"),
    ("a\u200bb\u2060c\ufeff\u00ad", "what has no width"),
    ("\u2028\u2029", "line and paragraph separators"),
    ("[bold red]x[/bold red][link=http://x.test]y[/link]", "rich's markup"),
    ("[/]", "a closing tag that was never opened"),
    (":smile: https://x.test 12:34", "what rich would replace or highlight"),
    ("<script>alert(1)</script>", "another language's markup"),
    ("\U000e0041\U000f0000", "tags and private characters"),
]


@pytest.mark.parametrize(("text", "why"), HOSTILE, ids=[why for _, why in HOSTILE])
def test_what_a_hostile_server_says_is_inert_piped(text: str, why: str) -> None:
    output = piped(render_domain(*domain_that_says(text)))
    assert_inert(output)
    assert "\x1b" not in output


@pytest.mark.parametrize(("text", "why"), HOSTILE, ids=[why for _, why in HOSTILE])
def test_what_a_hostile_server_says_is_inert_on_a_terminal(text: str, why: str) -> None:
    output = on_terminal(render_domain(*domain_that_says(text)), width=10_000)
    assert "\x1b[" in output, "there are colours"
    assert_inert(without_colours(output))
    assert without_colours(output) == piped(render_domain(*domain_that_says(text)))


def assert_inert(output: str) -> None:
    """No character but printable ones and LF, so no octet below 0x20 but LF, and no more lines than meant."""
    assert [character for character in output if not character.isprintable() and character != "\n"] == []
    assert not [octet for octet in output.encode() if octet < 0x20 and octet != 0x0A]
    assert output.count("\n") == piped(render_domain(*domain_that_says("x"))).count("\n")


def test_octets_that_are_no_utf_8_are_shown_escaped() -> None:
    record, sessions, _ = domain_that_says("x")
    greeting = escape_octets(b"554 caf\xe9 \xff\xfe\x80 \xc0\xaf")
    said = transcript((0.1, "S", greeting), of=sessions[0])
    output = piped(render_domain(record, sessions, {sessions[0].session: said}))
    assert r"<- 554 caf\xE9 \xFF\xFE\x80 \xC0\xAF" in output


def test_markup_is_shown_as_it_was_sent() -> None:
    rendered = render_domain(*domain_that_says("[bold]x[/bold]"))
    assert "<- 554 [bold]x[/bold]\n" in piped(rendered)
    assert "554 [bold]x[/bold]" in without_colours(on_terminal(rendered, width=10_000))
