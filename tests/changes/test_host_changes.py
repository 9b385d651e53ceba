"""The mail hosts of a domain in two runs: certificates and STARTTLS."""

import pytest
from msgspec.structs import replace

from scanner.changes.changes import compare_domains
from scanner.changes.host_changes import steps_passed
from scanner.outcomes import DnsStatus, Outcome, Stage
from scanner.records import Domain, JudgedCertificate, SessionRecord
from tests.judgement.found import host, looked_up
from tests.judgement.sessions import ADDRESS, MX, ended, masked, without_starttls
from tests.judgement.transport import EE, EE_OTHER, EXPIRED, LEAF, OTHER_NAME, judged_domain, secure_host, served

from .changed import GOOD, SECOND, of_kind, record

OTHER = served(OTHER_NAME)
SILENT = ended(Stage.connect, Outcome.timed_out)
FAILED = ended(Stage.tls, Outcome.tls_failed)


def fingerprint(of: SessionRecord) -> str:
    assert of.tls is not None
    return of.tls.chain[0]


REPLACED = (
    f"other notice certificate_changed at {MX}: "
    f"{fingerprint(GOOD)} until 2027-01-21 → {fingerprint(OTHER)} until 2027-01-21"
)


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (record(GOOD), record(OTHER), [REPLACED], "another one at the same address"),
        (record(GOOD, GOOD), record(OTHER, OTHER), [REPLACED], "one change, however many addresses"),
        (record(GOOD, GOOD), record(OTHER, GOOD), [REPLACED], "a pool that is not done yet"),
        (record(OTHER, GOOD), record(GOOD, OTHER), [], "a pool whose members take turns"),
        (record(GOOD), record(GOOD), [], "the same"),
        (record(GOOD), record(SILENT), [], "nobody saw one"),
        (record(SILENT), record(GOOD), [], "nobody saw one before"),
        (record(GOOD, SILENT), record(SILENT, OTHER), [REPLACED], "no address showed one in both runs"),
        (record(GOOD, SILENT), record(SILENT, GOOD), [], "the same at another address"),
    ],
)
def test_a_certificate_that_was_replaced_is_told_once_a_host(
    before: Domain, after: Domain, told: list[str], why: str
) -> None:
    assert of_kind(before, after, "certificate_changed") == told


def test_a_replaced_certificate_names_a_session_in_which_it_was_shown() -> None:
    after = record(replace(OTHER, session="fedcba9876543210.1.survey"))
    (change,) = [one for one in compare_domains(record(GOOD), after) if one.kind == "certificate_changed"]
    assert (change.session, change.hosts, change.subject) == ("fedcba9876543210.1.survey", (MX,), MX)


# Dates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "steps"),
    [(31, 0), (30, 1), (15, 1), (14, 2), (8, 2), (7, 3), (2, 3), (1, 4), (0, 4), (-1, 5), (-100, 5)],
)
def test_a_certificate_comes_past_30_14_7_and_1_days_and_its_end(days: int, steps: int) -> None:
    assert steps_passed(days) == steps


def with_days_left(days: int | None, one: Domain) -> Domain:
    """The same record, made when the certificate had so many days left."""
    (mail_host,) = one.mail_hosts
    (address,) = mail_host.addresses
    assert isinstance(address.certificate, JudgedCertificate)
    certificate = replace(address.certificate, days_left=days)
    return replace(one, mail_hosts=(replace(mail_host, addresses=(replace(address, certificate=certificate),)),))


SOON = served(LEAF, started_at="2027-01-11T12:00:00.000Z")
OVER = served(LEAF, started_at="2027-02-01T12:00:00.000Z")


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (31, record(SOON), ["worse warning certificate_expires at MX: 31 days → 10 days"], "two steps, told once"),
        (14, record(SOON), [], "the step of 14 days was passed before"),
        (15, record(SOON), ["worse warning certificate_expires at MX: 15 days → 10 days"], "one step"),
        (1, record(OVER), ["worse error certificate_expires at MX: 1 day → -11 days"], "its end"),
        (-3, record(OVER), [], "it had ended before"),
        (None, record(SOON), [], "nobody could read its dates"),
        (31, with_days_left(None, record(GOOD)), [], "nor now"),
    ],
)
def test_a_certificate_that_comes_past_a_step_is_told(
    before: int | None, after: Domain, told: list[str], why: str
) -> None:
    earlier = with_days_left(before, record(GOOD))
    assert of_kind(earlier, after, "certificate_expires") == [line.replace("MX", MX) for line in told]


def test_a_certificate_that_is_not_due_yet_is_only_worth_knowing() -> None:
    before, after = with_days_left(31, record(GOOD)), with_days_left(30, record(GOOD))
    told = of_kind(before, after, "certificate_expires")
    assert told == [f"other notice certificate_expires at {MX}: 31 days → 30 days"]


def test_the_end_of_a_certificate_is_no_trouble_where_dane_authenticates() -> None:
    one = secure_host(EE)
    before = with_days_left(1, judged_domain(one, sessions={(MX, ADDRESS): GOOD}))
    after = judged_domain(one, sessions={(MX, ADDRESS): OVER})
    told = of_kind(before, after, "certificate_expires")
    assert told == [f"other notice certificate_expires at {MX}: 1 day → -11 days"]


def test_a_new_certificate_begins_anew() -> None:
    assert of_kind(record(GOOD), record(served(EXPIRED)), "certificate_expires") == []


# TLS --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (record(GOOD), record(without_starttls()), "starttls-not-supported", "not offered any more"),
        (record(GOOD), record(FAILED), "tls-handshake-failed", "offered, and it fails on its side"),
        (
            record(GOOD),
            record(ended(Stage.tls, Outcome.plaintext_after_starttls)),
            "plaintext-after-starttls",
            "an attack, or a proxy",
        ),
        (record(GOOD), record(ended(Stage.starttls, Outcome.permanent_negative)), "starttls-not-supported", "refused"),
        (record(GOOD, GOOD), record(without_starttls(), SILENT), "starttls-not-supported", "nowhere any more"),
        (record(GOOD, GOOD), record(without_starttls(), GOOD), None, "still at one address"),
        (record(GOOD, without_starttls()), record(SILENT, without_starttls()), None, "the first may still do it"),
        (record(GOOD, without_starttls()), record(None, without_starttls()), None, "nobody asked the first"),
        (
            record(GOOD),
            record(at=host(looked_up(SECOND)), elsewhere=without_starttls()),
            "starttls-not-supported",
            "moved to an address without",
        ),
        (
            record(GOOD),
            record(at=host(looked_up(SECOND), looked_up(status=DnsStatus.servfail)), elsewhere=without_starttls()),
            None,
            "it may have another address",
        ),
        (record(GOOD), record(masked()), None, "a middlebox hides it: not known"),
        (record(GOOD), record(ended(Stage.tls, Outcome.timed_out)), None, "a limit shows nothing"),
        (record(GOOD), record(replace(FAILED, error_code="bad length")), None, "a limit of our library"),
        (record(GOOD), record(ended(Stage.connect, Outcome.refused)), None, "that is more than TLS"),
        (record(without_starttls()), record(FAILED), None, "it had none before"),
    ],
)
def test_a_host_without_tls_any_more_is_told_if_that_is_shown(
    before: Domain, after: Domain, told: str | None, why: str
) -> None:
    lost = [f"worse error starttls_lost at {MX}: done → {told}"] if told else []
    assert of_kind(before, after, "starttls_lost") == lost


def test_lost_tls_has_the_evidence_and_the_session_that_shows_it() -> None:
    (change,) = [
        one for one in compare_domains(record(GOOD), record(without_starttls())) if one.kind == "starttls_lost"
    ]
    assert (change.evidence, change.session) == ("EHLO offers SIZE", without_starttls().session)


def test_dane_that_holds_no_more_is_told_of_the_domain() -> None:
    before = judged_domain(secure_host(EE), sessions={(MX, ADDRESS): GOOD})
    after = judged_domain(secure_host(EE_OTHER), sessions={(MX, ADDRESS): GOOD})
    assert of_kind(before, after, "dane_broken", "finding_new") == [
        "worse error dane_broken: valid → invalid",
        f"worse error finding_new validation-failure at {MX}",
    ]
