"""What changed of a domain: every part of two records, in order of importance, and unknown is no worse."""

import pytest
from msgspec.structs import replace

from scanner.changes.changes import compare_domains, importance, is_consequence, is_worse
from scanner.outcomes import DnsStatus, Effect, Outcome, RouteKind, Stage
from scanner.records import Domain
from tests.judgement.found import mx
from tests.judgement.sessions import ADDRESS, MX, ended, session, without_starttls
from tests.judgement.transport import judged_domain, to

from .changed import GOOD, changed, record, said, without_hosts

REFUSED = ended(Stage.connect, Outcome.refused)
SILENT = ended(Stage.connect, Outcome.timed_out, limit="limits.connect_s", limit_s=15.0)
PLACE = f"{MX} [{ADDRESS}]"

WITHOUT_CERTIFICATE = [
    "other notice verdict_changed certificate_trusted: yes → not_applicable",
    "other notice verdict_changed certificate_name: yes → not_applicable",
    "other notice verdict_changed certificate_domain_name: no → not_applicable",
]


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (record(GOOD), record(GOOD), [], "nothing changed"),
        (
            record(GOOD),
            record(without_starttls()),
            [
                f"worse error starttls_lost at {MX}: done → starttls-not-supported",
                f"worse error finding_new starttls-not-supported at {PLACE}",
                "worse error verdict_changed starttls: yes → no",
                "worse warning verdict_changed delivery.opportunistic: delivers_encrypted → delivers",
                *WITHOUT_CERTIFICATE,
            ],
            "STARTTLS disappeared",
        ),
        (
            record(GOOD),
            record(REFUSED),
            [
                f"worse error finding_new connection-refused at {PLACE}",
                "worse error verdict_changed reachable: yes → no",
                "worse error verdict_changed delivery.opportunistic: delivers_encrypted → fails",
                "other notice verdict_changed smtp: yes → not_applicable",
                "other notice verdict_changed starttls: yes → not_applicable",
                *WITHOUT_CERTIFICATE,
                "known_now error verdict_changed delivery.dane: unknown → fails",
                "known_now error verdict_changed delivery.mta_sts: unknown → fails",
            ],
            "nobody listens any more, which is shown",
        ),
        (
            record(GOOD),
            record(SILENT),
            [
                f"not_known warning finding_new timed-out at {PLACE}",
                "not_known warning verdict_changed reachable: yes → unknown",
                "not_known warning verdict_changed smtp: yes → unknown",
                "not_known warning verdict_changed starttls: yes → unknown",
                "not_known warning verdict_changed certificate_trusted: yes → unknown",
                "not_known warning verdict_changed certificate_name: yes → unknown",
                "not_known warning verdict_changed certificate_domain_name: no → unknown",
                "not_known warning verdict_changed delivery.opportunistic: delivers_encrypted → unknown",
            ],
            "a limit that fired shows nothing: not one of these is for the worse",
        ),
        (
            record(SILENT),
            record(without_starttls()),
            [
                "other notice verdict_changed certificate_trusted: unknown → not_applicable",
                "other notice verdict_changed certificate_name: unknown → not_applicable",
                "other notice verdict_changed certificate_domain_name: unknown → not_applicable",
                f"known_now error finding_new starttls-not-supported at {PLACE}",
                "known_now error verdict_changed starttls: unknown → no",
                f"known_now warning finding_fixed timed-out at {PLACE}",
                "known_now warning verdict_changed delivery.opportunistic: unknown → delivers",
                "known_now notice verdict_changed reachable: unknown → yes",
                "known_now notice verdict_changed smtp: unknown → yes",
            ],
            "it may have been without STARTTLS before",
        ),
        (
            record(GOOD),
            without_hosts(RouteKind.nxdomain),
            [
                "worse error nxdomain: mx → nxdomain",
                "worse error finding_new domain-does-not-exist",
                "worse error verdict_changed reachable: yes → no",
                "worse error verdict_changed delivery.opportunistic: delivers_encrypted → fails",
                "other notice verdict_changed smtp: yes → not_applicable",
                "other notice verdict_changed starttls: yes → not_applicable",
                *WITHOUT_CERTIFICATE,
                "known_now error verdict_changed delivery.dane: unknown → fails",
                "known_now error verdict_changed delivery.mta_sts: unknown → fails",
            ],
            "it had mail yesterday",
        ),
    ],
)
def test_what_changed_is_told_in_order_of_importance(before: Domain, after: Domain, told: list[str], why: str) -> None:
    assert changed(before, after) == told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (record(GOOD), record(SILENT)),
        (record(SILENT), record(REFUSED)),
        (record(REFUSED), record(SILENT)),
        (record(GOOD), record(None)),
        (record(None), record(without_starttls())),
        (record(GOOD), without_hosts(RouteKind.dns_failure, DnsStatus.servfail)),
        (without_hosts(RouteKind.dns_failure, DnsStatus.timed_out), record(without_starttls())),
        (record(GOOD), without_hosts(RouteKind.skipped)),
        (record(GOOD), record(ended(Stage.greeting, Outcome.permanent_negative, about_us=True))),
        (record(GOOD), record(ended(Stage.ehlo, Outcome.transient_negative))),
        (record(GOOD), record(ended(Stage.tls, Outcome.reset))),
    ],
)
def test_what_either_run_could_not_tell_is_never_worse(before: Domain, after: Domain) -> None:
    changes = compare_domains(before, after)
    assert changes
    assert said(tuple(filter(is_worse, changes))) == []
    assert not [change for change in changes if change.effect is Effect.better]


def test_a_domain_of_one_run_only_is_added_or_gone_and_nothing_else_is_told_of_it() -> None:
    bad = record(REFUSED)
    assert said(compare_domains(None, bad)) == ["other notice added"]
    assert said(compare_domains(bad, None)) == ["other notice gone"]
    assert compare_domains(bad, None)[0].hosts == (MX,)


def test_changes_come_with_the_most_important_first() -> None:
    changes = compare_domains(record(GOOD), record(REFUSED))
    assert list(changes) == sorted(changes, key=importance)
    assert importance(changes[0]) < importance(changes[-1])


def test_a_change_names_its_domain_its_mail_hosts_and_the_session_that_shows_it() -> None:
    changes = compare_domains(record(GOOD), record(replace(REFUSED, session="fedcba9876543210.2.survey")))
    assert {change.domain for change in changes} == {"example.org"}
    assert {change.hosts for change in changes} == {(MX,)}
    assert changes[0].session == "fedcba9876543210.2.survey"
    assert changes[0].evidence == "refused at connect"


def test_what_belongs_to_the_domain_belongs_to_all_its_mail_hosts() -> None:
    two = to(mx(), mx("mx2.example.org", 20))
    before, after = judged_domain(of=two, validates=None), without_hosts(RouteKind.no_mail_host)
    assert {change.hosts for change in compare_domains(before, after)} == {(MX, "mx2.example.org")}


def test_verdicts_that_begin_or_cease_to_apply_are_consequences() -> None:
    told = [change.name for change in compare_domains(record(session()), record(REFUSED)) if is_consequence(change)]
    assert told == ["smtp", "starttls"]
    assert not any(is_consequence(change) for change in compare_domains(record(GOOD), record(SILENT)))
