"""Alert mails as texts: each says what happened, since when, to whom, what proves it and what to do; and is inert."""

import re
import shlex
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from scanner.outages.alerts import Alert, AlertedDomain, AlertKind, State, StateStep
from scanner.outcomes import Cause, ChangeKind, Outcome, Stage
from scanner.records import Mx, Replies
from scanner.report.alert_text import AlertText, Extent, render_alert
from scanner.report.moments import Moments
from tests.judgement.sessions import ended, reply

from .alerts import DOMAINS, EACH, EXPIRED, FIRST, MX, SECOND, a_domain, a_host, an_alert, changed, evidence

BERLIN = Moments(ZoneInfo("Europe/Berlin"))
ALL = [*EACH.values(), EXPIRED]
NAMES = [*EACH, "expired"]


def told(alert: Alert, moments: Moments = BERLIN, extent: Extent | None = None) -> AlertText:
    return render_alert(alert, moments, extent)


def words_of(text: str) -> str:
    """The text without its line ends: where it is folded is another test's business."""
    return " ".join(text.split())


def failed_by(stage: Stage, outcome: Outcome, **changes: object) -> Alert:
    """A host that failed twice in the same way."""
    sessions = [ended(stage, outcome, **changes), ended(stage, outcome, attempt=2, **changes)]
    return an_alert(hosts=(a_host(attempts=tuple(map(evidence, sessions))),))


# What every alert keeps to ------------------------------------------------------------------------------


def test_there_is_an_alert_of_each_kind() -> None:
    assert set(EACH) == set(AlertKind)


@pytest.mark.parametrize("alert", ALL, ids=NAMES)
def test_no_line_has_more_than_78_columns(alert: Alert) -> None:
    for moments in (Moments(), BERLIN, Moments(ZoneInfo("America/Argentina/ComodRivadavia"))):
        body = told(alert, moments).body
        assert [line for line in body.split("\n") if len(line) > 78] == []


@pytest.mark.parametrize("alert", ALL, ids=NAMES)
def test_a_text_of_ours_is_printable_ascii_and_has_no_space_at_the_end_of_a_line(alert: Alert) -> None:
    text = told(alert)
    for part in (text.subject, text.body, text.attachment):
        assert re.fullmatch(r"[ -~\n]*", part), part
        assert not re.search(r" $", part, re.MULTILINE)
    assert "\n\n\n" not in text.body
    assert text.body.endswith("\n")


@pytest.mark.parametrize("alert", ALL, ids=NAMES)
def test_every_time_is_in_utc_and_the_second_zone_is_marked(alert: Alert) -> None:
    plain, berlin = (words_of(told(alert, moments).body) for moments in (Moments(), BERLIN))
    assert "Europe/Berlin" not in plain
    # A time of day stands before UTC, or in parentheses before the name of the zone.
    for found in re.finditer(r"(?<!T)\d\d:\d\d:\d\d(?: to (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d)?", berlin):
        assert re.match(r" (?:UTC|Europe/Berlin)", berlin[found.end() :]), berlin[found.start() - 30 : found.end() + 30]
    assert berlin.count(" UTC") == plain.count(" UTC")
    assert berlin.count("Europe/Berlin") == berlin.count(" UTC")


@pytest.mark.parametrize("alert", ALL, ids=NAMES)
def test_every_alert_says_its_thread_its_run_and_who_tells(alert: Alert) -> None:
    body = words_of(told(alert).body)
    assert f"Alert {alert.alert}, message {alert.sequence} of its thread" in body
    for said in (alert.run, alert.run_directory, alert.ehlo_name, "told at 2026-11-2"):
        assert said in body


SUBJECTS = {
    AlertKind.first_look: "first look: 1 mail host is not up (3 domains)",
    AlertKind.down: f"{MX}: DOWN (3 domains)",
    AlertKind.reminder: f"{MX}: still down after 1 day (3 domains)",
    AlertKind.back_online: f"{MX}: back online after 23 h 59 min (3 domains)",
    AlertKind.degraded: f"{MX}: degraded (3 domains)",
    AlertKind.dns_changed: "example.org and 1 more domain: DNS changed (2 domains)",
    AlertKind.starttls_lost: f"{MX}: STARTTLS disappeared (3 domains)",
    AlertKind.certificate_expires: f"{MX}: certificate expires in 7 days (3 domains)",
    AlertKind.dane_broken: "example.org: DANE is broken",
    AlertKind.mta_sts_broken: "example.org: MTA-STS is broken",
    AlertKind.could_not_tell: f"{MX}: could not tell since 2026-11-22 (3 domains)",
    AlertKind.unstable: f"{MX}: unstable (3 domains)",
    AlertKind.digest: "digest: what changed while unstable (3 domains)",
    AlertKind.stable: f"{MX}: stable again (3 domains)",
    AlertKind.monitor_trouble: "watch: the monitor or a large network has a problem",
}


@pytest.mark.parametrize("kind", list(AlertKind))
def test_a_subject_says_host_state_and_number_of_domains(kind: AlertKind) -> None:
    assert told(EACH[kind]).subject == f"[mxscan] {SUBJECTS[kind]}"


BACK_IN_PART = replace(EACH[AlertKind.back_online], still_down=("mx2.example.org",))
MX_CHANGED = a_domain(changes=(changed(ChangeKind.mx_changed, "10 a", "10 b"),))


@pytest.mark.parametrize(
    ("alert", "subject"),
    [
        (EXPIRED, f"{MX}: certificate has expired (3 domains)"),
        (an_alert(domains=DOMAINS[:1]), f"{MX}: DOWN (1 domain)"),
        (an_alert(cause="example.org", domains=DOMAINS[:1]), "example.org: DOWN"),
        (BACK_IN_PART, f"{MX}: back online in part after 23 h 59 min (3 domains)"),
        (
            an_alert(AlertKind.dns_changed, cause="example.org", domains=(MX_CHANGED,)),
            "example.org: MX records changed",
        ),
    ],
)
def test_a_subject_says_what_is_special(alert: Alert, subject: str) -> None:
    assert told(alert).subject == f"[mxscan] {subject}"


# What the mail of an outage says ------------------------------------------------------------------------


def test_the_first_lines_say_what_and_what_it_means() -> None:
    paragraphs = [words_of(text) for text in told(an_alert()).body.split("\n\n")]
    assert paragraphs[0].startswith(f"The mail host {MX} is DOWN")
    assert paragraphs[1] == (
        "2 domains receive no mail: all of their mail hosts are down. 1 domain has other mail hosts that still work."
    )
    assert paragraphs[2].startswith("since 2026-11-22 02:11:05 UTC (03:11:05 Europe/Berlin) last good 2026-11-21")


def test_a_degraded_domain_has_no_other_mail_hosts_for_that() -> None:
    host = replace(EACH[AlertKind.degraded].hosts[0], state=State.degraded)
    domain = a_domain(state=State.degraded)
    body = words_of(told(an_alert(AlertKind.first_look, hosts=(host,), domains=(domain,))).body)
    assert "1 domain still receives mail, but not all is as it should be." in body
    assert "other mail hosts" not in body


def test_changes_of_a_host_stand_below_their_heading() -> None:
    steps = (
        StateStep(at="2026-11-21T02:11:05.000Z", state=State.down, why="refused at connect"),
        StateStep(at="2026-11-22T02:11:05.000Z", state=State.up, why=""),
    )
    body = told(an_alert(AlertKind.unstable, hosts=(a_host(steps=steps),)), Moments()).body
    assert (
        "\n  changes\n\n    2026-11-21 02:11:05 UTC: down, refused at connect\n    2026-11-22 02:11:05 UTC: up\n"
    ) in body


ATTEMPTS = [
    "192.0.2.1 1st attempt 2026-11-22 02:11:05 to 02:11:35 UTC, 30 s",
    "ended stage greeting, timed_out: the connection came up, but no greeting came within the limit",
    "limit limits.greeting_s = 30 s from 198.51.100.1, EHLO name scanner.example.net",
    "2nd attempt 2026-11-22 02:16:41 to 02:17:41 UTC, 1 min",
    "limit limits.greeting_s = 60 s from 198.51.100.1, EHLO name scanner.example.net",
]


def test_both_attempts_are_told_with_their_times_stage_limit_and_source() -> None:
    body = words_of(told(an_alert(), Moments()).body)
    places = [body.index(said) for said in ATTEMPTS]
    assert places == sorted(places)
    assert f"{MX}, port 25 state down (was up)" in body


def test_a_reply_is_told_with_its_code_text_and_what_it_was_taken_for() -> None:
    session = ended(
        Stage.greeting,
        Outcome.permanent_negative,
        replies=Replies(greeting=reply(554, "5.7.1 no", r"second line \x1B[2J")),
        cause=Cause.blocklisted,
        about_us=True,
    )
    body = words_of(told(an_alert(hosts=(a_host(attempts=(evidence(session),)),))).body)
    assert r"reply 554 5.7.1 no / second line \x1B[2J read as blocklisted, about us" in body


def test_an_error_of_the_system_is_told() -> None:
    body = words_of(
        told(failed_by(Stage.connect, Outcome.refused, error="Connection refused", error_code="ECONNREFUSED")).body
    )
    assert "ended stage connect, refused: the connection was refused error Connection refused (ECONNREFUSED)" in body


def test_a_limit_of_octets_has_no_seconds() -> None:
    body = words_of(told(failed_by(Stage.ehlo, Outcome.too_long, limit="limits.reply_bytes", limit_bytes=65536)).body)
    assert "limit limits.reply_bytes = 65536 from" in body


def test_a_refusal_that_is_about_us_is_told_as_such() -> None:
    refused = {"cause": Cause.blocklisted, "about_us": True}
    body = words_of(told(failed_by(Stage.greeting, Outcome.permanent_negative, **refused)).body)
    assert "ended stage greeting, permanent_negative: the server refuses us, by what it says" in body


def test_a_column_without_a_value_is_not_told() -> None:
    body = words_of(told(an_alert(domains=(a_domain(metadata={"owner": "", "mx": "*.example"}),))).body)
    assert "example.org down, mx=*.example" in body


def test_mail_that_goes_elsewhere_is_told_in_words() -> None:
    moved = changed(ChangeKind.moved_away, "yes", "no")
    body = words_of(told(an_alert(AlertKind.dns_changed, domains=(a_domain(changes=(moved,)),))).body)
    assert "mail no longer goes where it is expected was where it is expected is elsewhere" in body


def test_domains_that_were_asked_for_at_nearly_one_time_were_asked_for_once_each() -> None:
    def asked(domain: str, at: str) -> AlertedDomain:
        return replace(a_domain(domain), asked_at=f"2026-11-22T02:10:{at}Z")

    domains = (asked("a.example", "57.100"), asked("b.example", "57.900"))
    assert "a.example and b.example MX answer 10 mx1.example.org asked 2026-11-22 02:10:57 UTC" in words_of(
        told(an_alert(domains=domains), Moments()).body
    )
    later = (*domains, asked("c.example", "59.100"))
    assert "c.example MX answer 10 mx1.example.org asked 2026-11-22 02:10:57 to 02:10:59 UTC" in words_of(
        told(an_alert(domains=later), Moments()).body
    )


def test_the_dns_answers_are_told_once_each() -> None:
    body = words_of(told(an_alert(), Moments()).body)
    assert "example.org and example.net MX answer 10 mx1.example.org asked 2026-11-22 02:10:57 UTC" in body
    assert "example.com MX answer 10 mx1.example.org, 20 mx.backup.example" in body
    assert (
        f"{MX} A, AAAA A 192.0.2.1 (TTL 3600 s) AAAA none (no_data) asked 2 times, 2026-11-22 02:10:58 to 02:16:40 UTC"
        in body
    )


def test_a_lookup_that_changed_between_the_attempts_is_told_apart() -> None:
    first, second = an_alert().hosts[0].lookups
    moved = replace(second, a=replace(second.a, addresses=(replace(second.a.addresses[0], address="192.0.2.9"),)))
    body = words_of(told(an_alert(hosts=(a_host(lookups=(first, moved)),))).body)
    assert body.count(f"{MX} A, AAAA") == 2
    assert "A 192.0.2.9" in body


@pytest.mark.parametrize(
    ("stage", "outcome", "advice"),
    [
        (Stage.connect, Outcome.refused, "192.0.2.1: Nothing listens at that port"),
        (Stage.connect, Outcome.unreachable, "192.0.2.1: A router says"),
        (Stage.connect, Outcome.timed_out, "192.0.2.1: No packet came back"),
        (Stage.greeting, Outcome.timed_out, "192.0.2.1: The system took the connection"),
        (Stage.greeting, Outcome.closed, "192.0.2.1: The server ends connections before it speaks"),
        (Stage.greeting, Outcome.reset, "192.0.2.1: The server ends connections before it speaks"),
        (Stage.greeting, Outcome.permanent_negative, "192.0.2.1: The server itself says that it takes no mail"),
        (Stage.tls, Outcome.tls_failed, "192.0.2.1: TLS does not come up"),
    ],
)
def test_what_to_do_follows_from_how_it_failed(stage: Stage, outcome: Outcome, advice: str) -> None:
    assert f"WHAT TO DO - {advice}" in words_of(told(failed_by(stage, outcome)).body)


def test_it_says_what_to_allow_if_it_is_we_who_are_blocked() -> None:
    allow = "allow TCP from 198.51.100.1 (EHLO name scanner.example.net) to 192.0.2.1 port 25"
    assert f"If everybody else reaches the server, it is we who are blocked: in its firewall, {allow}" in words_of(
        told(an_alert()).body
    )
    blocked = words_of(told(EACH[AlertKind.could_not_tell]).body)
    assert f"It is we who are blocked. In the server's firewall, {allow}" in blocked
    assert "allow TCP" not in words_of(told(EACH[AlertKind.back_online]).body)


@pytest.mark.parametrize(
    ("alert", "commands"),
    [
        (
            an_alert(),
            [
                "nc -v 192.0.2.1 25",
                "mxscan check postmaster@example.org --ehlo-name scanner.example.net",
                "mxscan show /var/lib/mxscan/runs/2026-11-22T021055Z example.org",
            ],
        ),
        (
            failed_by(Stage.tls, Outcome.tls_failed, address="2001:db8::1", ehlo_name="us"),
            ["openssl s_client -crlf -connect '[2001:db8::1]:25' -servername mx1.example.org -starttls smtp -name us"],
        ),
        (failed_by(Stage.connect, Outcome.refused, address="2001:db8::1", port=2525), ["nc -v 2001:db8::1 2525"]),
        (EACH[AlertKind.dns_changed], ["dig +noall +answer example.org MX", "dig +noall +answer example.net MX"]),
        (EACH[AlertKind.monitor_trouble], ["mxscan preflight --ehlo-name scanner.example.net"]),
    ],
)
def test_what_was_seen_can_be_seen_again_by_hand(alert: Alert, commands: list[str]) -> None:
    assert shown_commands(alert)[: len(commands)] == commands


def shown_commands(alert: Alert) -> list[str]:
    """The commands of a mail as a shell would read them."""
    block = told(alert).body.split("SEE IT YOURSELF\n\n")[1].split("\n\n")[0]
    return [" ".join(line.split()) for line in block.replace(" \\\n", " ").split("\n")]


def test_a_name_from_dns_is_no_command_of_a_shell() -> None:
    name = "$(reboot);`id`.example.org"
    alert = failed_by(Stage.tls, Outcome.tls_failed, server_name=name)
    words = [word for command in shown_commands(alert) for word in shlex.split(command)]
    assert name in words
    assert "reboot" not in words


def test_the_transcript_is_in_the_body_up_to_a_limit_and_whole_in_the_attachment() -> None:
    said = tuple((number / 10, "S", f"250-line {number}") for number in range(200))
    alert = an_alert(hosts=(a_host(attempts=(evidence(FIRST, *said), evidence(SECOND))),))
    text = told(alert, extent=Extent(transcript_lines=20))
    assert "    0.000 <- 250-line 0\n" in text.body
    assert "250-line 17" in text.body
    assert "250-line 18" not in text.body
    assert re.search(r"\[\d+ more lines are in the attached file\]", text.body)
    for number in range(200):
        assert f"{number / 10:8.3f} <- 250-line {number}\n" in text.attachment
    assert "limit fired: limits.greeting_s = 60 s" in text.attachment


def test_a_long_line_of_a_transcript_is_folded_in_the_body_and_whole_in_the_attachment() -> None:
    line = "250 " + "word " * 60 + r"\x00end"
    text = told(an_alert(hosts=(a_host(attempts=(evidence(FIRST, (0.5, "S", line)),)),)))
    assert f"  {0.5:8.3f} <- {line}\n" in text.attachment
    assert line.replace(" ", "") in text.body.replace("\n", "").replace(" ", "")


def test_an_end_that_never_came_is_told() -> None:
    text = told(an_alert(hosts=(a_host(attempts=(evidence(FIRST, (0.5, "S", "220 half\\")),)),)))
    assert "220 half (the line has no end)" in text.body


def test_a_mail_without_proof_has_no_attachment() -> None:
    assert told(EACH[AlertKind.monitor_trouble]).attachment == ""
    assert told(EACH[AlertKind.dns_changed]).attachment == ""


# Many ---------------------------------------------------------------------------------------------------


def many(count: int) -> Alert:
    return an_alert(domains=tuple(a_domain(f"customer{number}.example") for number in range(count)))


def test_an_outage_of_400_domains_lists_them_all() -> None:
    text = told(many(400))
    body = words_of(text.body)
    assert text.subject.endswith("DOWN (400 domains)")
    assert "and 350 more: all their names are at the end" in body
    listed = body.split("ALL DOMAINS ")[1]
    assert [f"customer{number}.example" in re.split("[, ]+", listed) for number in range(400)] == [True] * 400
    assert body.count("customer399.example") == 1
    assert "ALL DOMAINS" not in told(many(50)).body


def test_an_outage_of_thousands_of_domains_has_the_rest_attached() -> None:
    text = told(many(60), extent=Extent(domains=10, names=50))
    assert "[10 more are in the attached file]" in text.body
    assert "customer59.example" not in text.body
    assert "  customer59.example  down\n" in text.attachment


def test_of_many_hosts_the_first_are_told_and_all_are_attached() -> None:
    hosts = tuple(a_host(exchange=f"mx{number}.example.org", since=FIRST.started_at) for number in range(8))
    text = told(an_alert(hosts=hosts, cause="example.org's mail hosts"))
    body = words_of(text.body)
    told_first = ", ".join(f"mx{number}.example.org" for number in range(5))
    assert f"8 mail hosts ({told_first} and 3 more) are DOWN" in body
    assert "mx4.example.org, port 25 state down (was up) since 2026-11-22 02:11:05 UTC" in body
    assert "MAIL HOSTS mx0.example.org down mx1.example.org down" in body
    assert "The attempts at 3 more mail hosts are in the attached file." in body
    assert "mx7.example.org, port 25" in text.attachment


def test_of_hundreds_of_hosts_not_even_a_line_each_is_told() -> None:
    hosts = tuple(a_host(exchange=f"mx{number}.example.org", attempts=(), told_in_full=False) for number in range(60))
    text = told(an_alert(hosts=hosts))
    assert "and 10 more, in the attached file" in text.body
    assert "mx59.example.org" not in text.body
    assert "mx59.example.org, port 25" in text.attachment
    assert "too many to tell all of them: they are in the files of the run" in words_of(text.body)


def test_the_states_of_domains_stand_below_each_other() -> None:
    names = ("a.example", "a-longer-name.example")
    body = told(an_alert(domains=tuple(map(a_domain, names)))).body
    assert "  a.example              down\n  a-longer-name.example  down\n" in body


def test_a_reason_that_is_a_hosts_own_is_told_with_it_only() -> None:
    body = told(an_alert(hosts=(a_host(reasons=("its own",)),), reasons=("its own", "of all"))).body
    assert (body.count("its own"), body.count("- of all")) == (1, 1)


def test_an_attempt_that_never_connected_came_from_the_address_of_the_others() -> None:
    first = ended(Stage.connect, Outcome.timed_out, source_address=None)
    second = replace(first, address="2001:db8::1")
    host = a_host(attempts=(evidence(first), evidence(second)))
    body = words_of(told(an_alert(hosts=(host,), source_addresses=("198.51.100.7", "2001:db8::7"))).body)
    assert "from 198.51.100.7, EHLO name" in body
    assert "from 2001:db8::7, EHLO name" in body
    assert "allow TCP from 198.51.100.7 and 2001:db8::7" in body
    assert "from an address of ours that is not known, EHLO" in words_of(told(an_alert(hosts=(host,))).body)


# Others -------------------------------------------------------------------------------------------------

SAYS = [
    (AlertKind.back_online, f"The mail host {MX} is back online after 23 h 59 min. 3 domains receive mail again"),
    (AlertKind.reminder, "is still down. This is a reminder"),
    (
        AlertKind.first_look,
        "This is the first look at your mail hosts, and 1 is not up: 1 down. How it was before is not",
    ),
    (AlertKind.degraded, "why 192.0.2.1 does not answer"),
    (AlertKind.dns_changed, "example.org up MX records changed was 10 mx1.example.org is 10 mail.elsewhere.example,"),
    (AlertKind.dns_changed, "does not exist in DNS any more was MX records is no such domain (NXDOMAIN)"),
    (AlertKind.starttls_lost, "offered STARTTLS and no longer does"),
    (AlertKind.certificate_expires, f"The certificate of {MX} expires in 7 days: 2026-11-29 23:59:59 UTC"),
    (AlertKind.dane_broken, "DANE of example.org was in order and no longer is."),
    (AlertKind.certificate_expires, f"SHA-256 {'ab' * 32}"),
    (AlertKind.mta_sts_broken, "MTA-STS of example.org was in order and no longer is."),
    (AlertKind.could_not_tell, f"Whether {MX} works could not be told since 2026-11-22 02:11:05 UTC"),
    (AlertKind.could_not_tell, "in 3 runs running"),
    (AlertKind.unstable, "3 changes in a short time. From now on a digest tells of it"),
    (AlertKind.digest, "2026-11-20 02:11:00 UTC (03:11:00 Europe/Berlin): up, ok"),
    (AlertKind.stable, "quiet again"),
    (AlertKind.monitor_trouble, "31 of 40 networks that were up failed at once, in 7 pace groups."),
    (AlertKind.monitor_trouble, "203.0.113.5 did not answer at 2026-11-22 02:12:00 UTC"),
    (AlertKind.monitor_trouble, "NETWORKS THAT FAILED - 192.0.2.0/24: connect timed_out"),
]


@pytest.mark.parametrize(("kind", "said"), SAYS)
def test_each_kind_says_what_it_is_about(kind: AlertKind, said: str) -> None:
    assert said in words_of(told(EACH[kind]).body)


def test_an_expired_certificate_is_told_as_such() -> None:
    assert f"The certificate of {MX} has expired: 2026-11-20 23:59:59 UTC" in words_of(told(EXPIRED).body)


def test_who_is_back_in_part_says_what_is_still_down() -> None:
    alert = replace(BACK_IN_PART, still_down=("mx2.example.org", "mx3.example.org"))
    assert "Still down: mx2.example.org and mx3.example.org." in words_of(told(alert).body)


# Inert --------------------------------------------------------------------------------------------------

EVIL = "\r\nBcc: all@example.org\r\n\x1b[2J\u202e\x00"


def test_nothing_that_came_from_elsewhere_makes_a_line_or_a_control() -> None:
    """Records escape what comes over the wire; should one not, the text still does."""
    host = a_host(
        exchange=f"mx{EVIL}", reasons=(EVIL,), attempts=(evidence(replace(FIRST, error=EVIL), (0.1, "S", EVIL)),)
    )
    domain = a_domain(f"evil{EVIL}", State.down, mx=(Mx(preference=1, exchange=EVIL),), metadata={"a": EVIL})
    text = told(an_alert(cause=f"mx{EVIL}", hosts=(host,), domains=(domain,), reasons=(EVIL,)))
    for part in (text.subject, text.body, text.attachment):
        assert not re.search(r"[^\x20-\x7e\n]", part)
        assert not re.search(r"^Bcc", part, re.MULTILINE)
    assert "\n" not in text.subject


def test_names_as_long_as_dns_allows_are_folded() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    domain = a_domain(name, metadata={"c" * 90: "d" * 90}, mx=(Mx(preference=10, exchange=name),))
    body = told(an_alert(cause=name, hosts=(a_host(exchange=name),), domains=(domain,))).body
    # But for a word of a command, which no shell would take in two pieces.
    assert [line for line in body.split("\n") if len(line) > 78 and not re.fullmatch(r" +\S+(?: \\)?", line)] == []
