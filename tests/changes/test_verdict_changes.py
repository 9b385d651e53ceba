"""Verdicts in two runs: what is shown to be for the worse, whatever else either run left open."""

import pytest
from msgspec.structs import replace

from scanner.judgement.domains import judge_domain
from scanner.judgement.findings import finding
from scanner.judgement.mta_sts import FoundPolicies
from scanner.outcomes import FindingKind, NotKnown, Outcome, PolicyValue, RouteKind, Severity, Stage, VerdictValue
from scanner.policy.senders import Delivery
from scanner.records import DeliveryVerdicts, Domain, PolicyVerdict, SenderVerdict, SessionRecord, Verdict
from tests.judgement.found import found, host, lines, looked_up, mx, route
from tests.judgement.sessions import ended, without_starttls
from tests.judgement.transport import (
    EE,
    OTHER_NAME,
    STS_RECORD,
    fetch,
    judged_domain,
    policy_text,
    published,
    secure_host,
    served,
    to,
    txt,
)

from .changed import GOOD, OTHER_MX, of_kind, record

REFUSED = ended(Stage.connect, Outcome.refused)
SILENT = ended(Stage.connect, Outcome.timed_out)
SLOW = ended(Stage.greeting, Outcome.timed_out)


def of_verdict(name: str, before: Domain, after: Domain) -> str:
    """What is told of one verdict: `EFFECT BEFORE → AFTER`, empty for nothing."""
    told = [line for line in of_kind(before, after, "verdict_changed") if f" {name}: " in line]
    effect, _, values = (told or [""])[0].partition(f" verdict_changed {name}: ")
    return " ".join([*effect.split()[:1], values]).strip()


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        ((GOOD, GOOD), (GOOD, REFUSED), "worse yes → mixed", "both runs knew all"),
        ((GOOD, REFUSED), (REFUSED, REFUSED), "worse mixed → no", "both runs knew all"),
        ((REFUSED, REFUSED), (GOOD, REFUSED), "better no → mixed", "both runs knew all"),
        ((GOOD, GOOD), (REFUSED, SILENT), "worse yes → no", "one that said yes says no"),
        ((GOOD, None), (REFUSED, None), "worse yes → no", "what was never known explains nothing"),
        ((GOOD, SILENT), (REFUSED, SILENT), "worse yes → no", "nor what is as silent as it was"),
        ((None, GOOD), (REFUSED, None), "not_known yes → no", "it may be that only the known one changed places"),
        ((None, GOOD), (REFUSED, GOOD), "known_now yes → mixed", "the first may have been refused before"),
        ((REFUSED, None), (REFUSED, GOOD), "known_now no → mixed", "the second may have been good before"),
        ((GOOD, REFUSED), (GOOD, SILENT), "not_known mixed → yes", "the second may still be refused"),
        ((GOOD, REFUSED), (GOOD, GOOD), "better mixed → yes", "it was repaired"),
        ((GOOD, GOOD), (GOOD, SILENT), "", "the value is the same"),
        ((GOOD,), (SILENT,), "not_known yes → unknown", "nothing was shown"),
        ((SILENT,), (REFUSED,), "known_now unknown → no", "it may have been refused before"),
    ],
)
def test_a_verdict_is_worse_only_if_no_unknown_can_explain_it(
    before: tuple[SessionRecord | None, ...], after: tuple[SessionRecord | None, ...], told: str, why: str
) -> None:
    assert of_verdict("reachable", record(*before), record(*after)) == told


def with_counts(value: VerdictValue, *counts: int) -> Domain:
    """A domain of whose mail servers so many are reachable, so many not, and of so many nobody knows."""
    yes, no, unknown = counts
    verdict = Verdict(value=value, yes=yes, no=no, unknown=unknown, complete=not unknown, preferred=value, reasons=())
    good = record(GOOD)
    return replace(good, verdicts=replace(good.verdicts, reachable=verdict))


YES, NO, MIXED = VerdictValue.yes, VerdictValue.no, VerdictValue.mixed


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (with_counts(YES, 1, 0, 0), with_counts(NO, 0, 1, 1), "worse yes → no", "more say no than could have"),
        (with_counts(YES, 1, 0, 1), with_counts(NO, 0, 1, 1), "not_known yes → no", "as many as could have"),
        (with_counts(MIXED, 2, 1, 1), with_counts(NO, 0, 2, 0), "worse mixed → no", "fewer can say yes than did"),
        (with_counts(MIXED, 1, 1, 1), with_counts(NO, 0, 2, 1), "not_known mixed → no", "as many still can"),
        (with_counts(NO, 0, 1, 1), with_counts(MIXED, 1, 1, 0), "known_now no → mixed", "as many could before"),
    ],
)
def test_what_is_not_known_of_a_server_is_counted_as_it_would_be_kindest(
    before: Domain, after: Domain, told: str, why: str
) -> None:
    assert of_verdict("reachable", before, after) == told


def test_a_good_address_taken_away_leaves_those_that_were_known_to_be_bad() -> None:
    without_the_good_one = host(looked_up("192.0.2.2", "192.0.2.3"))
    after = judged_domain(without_the_good_one, sessions={("mx1.example.org", "192.0.2.2"): REFUSED}, validates=None)
    assert of_verdict("reachable", record(GOOD, REFUSED, None), after) == "worse mixed → no"


def test_an_address_that_is_slow_in_both_runs_was_reachable_in_both() -> None:
    before, after = record(GOOD, SLOW), record(REFUSED, SLOW)
    assert of_verdict("reachable", before, after) == "worse yes → mixed"
    assert of_verdict("smtp", before, after) == "not_known yes → unknown"


def test_an_address_that_was_taken_away_makes_nothing_worse() -> None:
    before, after = record(GOOD, GOOD), record(GOOD)
    assert of_verdict("reachable", before, after) == ""
    assert of_verdict("reachable", record(GOOD, REFUSED), record(GOOD)) == "better mixed → yes"


def test_fewer_that_say_yes_are_not_worse_if_none_says_no_any_more() -> None:
    hosts = host(looked_up("192.0.2.1", "192.0.2.2"))
    before = record(GOOD, without_starttls(), at=hosts)
    after = record(None, GOOD, at=hosts)
    assert of_verdict("starttls", before, after) == "not_known mixed → yes"


def test_a_verdict_that_no_sender_asks_for_makes_nothing_worse() -> None:
    verdict = record(GOOD).verdicts.certificate_domain_name
    assert verdict is not None
    good = replace(verdict, value=VerdictValue.yes, yes=1, no=0)
    before = record(GOOD)
    before = replace(before, verdicts=replace(before.verdicts, certificate_domain_name=good))
    assert of_verdict("certificate_domain_name", before, record(GOOD)) == "other yes → no"


# What was expected ------------------------------------------------------------------------------------


def expecting(exchange: str) -> Domain:
    run = found(host(looked_up("192.0.2.1"), exchange=exchange), expect_mx=["mx1.*.org"])
    return judge_domain(lines(), route(RouteKind.mx, mx(exchange)), run)


def test_a_domain_that_no_longer_points_to_the_expected_hosts_has_moved_away() -> None:
    told = of_kind(expecting("mx1.example.org"), expecting(OTHER_MX), "moved_away", "verdict_changed")
    assert told == ["worse warning moved_away: yes → no"]


def test_a_domain_of_which_some_hosts_are_still_expected_has_not_moved_away() -> None:
    run = found(host(looked_up("192.0.2.1")), host(looked_up("192.0.2.2"), exchange=OTHER_MX), expect_mx=["mx1.*.org"])
    half = judge_domain(lines(), route(RouteKind.mx, mx(), mx(OTHER_MX)), run)
    told = of_kind(expecting("mx1.example.org"), half, "moved_away", "verdict_changed")
    assert "worse warning verdict_changed expected_mx: yes → mixed" in told


def test_a_domain_that_is_back_is_no_mover() -> None:
    told = of_kind(expecting(OTHER_MX), expecting("mx1.example.org"), "moved_away", "verdict_changed")
    assert told == ["better notice verdict_changed expected_mx: no → yes"]


def test_what_one_run_was_not_asked_has_not_changed() -> None:
    assert of_kind(record(GOOD), expecting(OTHER_MX), "moved_away") == []


# Policies and mail ------------------------------------------------------------------------------------


def with_policy(name: str, value: PolicyValue | None) -> Domain:
    good = record(GOOD)
    verdict = None if value is None else PolicyVerdict(value=value, reasons=("a-reason",))
    return replace(good, verdicts=replace(good.verdicts, **{name: verdict}))


V = PolicyValue


@pytest.mark.parametrize(
    ("name", "before", "after", "told", "why"),
    [
        ("dane", V.valid, V.invalid, ["worse error dane_broken: valid → invalid"], "mail is lost"),
        ("dane", V.none, V.invalid, ["worse error dane_broken: none → invalid"], "new, and broken"),
        ("mta_sts", V.valid, V.invalid, ["worse error mta_sts_broken: valid → invalid"], "mail is lost"),
        ("tls_rpt", V.valid, V.invalid, ["worse warning verdict_changed tls_rpt: valid → invalid"], "no reports"),
        ("dane", V.valid, V.none, ["worse warning verdict_changed dane: valid → none"], "no protection"),
        ("dane", V.valid, V.unusable, ["worse warning verdict_changed dane: valid → unusable"], "none either"),
        ("dane", V.none, V.unusable, ["other warning verdict_changed dane: none → unusable"], "no less than before"),
        ("mta_sts", V.none, V.valid, ["better notice verdict_changed mta_sts: none → valid"], "protected"),
        ("dane", V.valid, V.unknown, ["not_known warning verdict_changed dane: valid → unknown"], "who knows"),
        ("dane", V.unknown, V.invalid, ["known_now error verdict_changed dane: unknown → invalid"], "perhaps before"),
        ("dane", None, V.invalid, [], "the first run did not ask"),
    ],
)
def test_policies_are_compared_by_what_they_protect(
    name: str, before: PolicyValue | None, after: PolicyValue, told: list[str], why: str
) -> None:
    kinds = ("verdict_changed", "dane_broken", "mta_sts_broken")
    assert of_kind(with_policy(name, before), with_policy(name, after), *kinds) == told


def test_a_policy_that_fails_where_nobody_had_looked_may_have_failed_before() -> None:
    def pool(second: SessionRecord | None) -> Domain:
        one = secure_host(EE, addresses=("192.0.2.1", "192.0.2.2"))
        held = {("mx1.example.org", "192.0.2.1"): GOOD, ("mx1.example.org", "192.0.2.2"): second}
        return judged_domain(one, sessions={key: session for key, session in held.items() if session is not None})

    half_seen, failing, holding = pool(None), pool(served(OTHER_NAME)), pool(GOOD)
    kinds = ("verdict_changed", "dane_broken")
    assert "worse error dane_broken: valid → invalid" in of_kind(holding, failing, *kinds)
    assert "known_now error verdict_changed dane: valid → invalid" in of_kind(half_seen, failing, *kinds)
    assert "better notice verdict_changed dane: invalid → valid" in of_kind(failing, holding, *kinds)
    assert "not_known notice verdict_changed dane: invalid → valid" in of_kind(failing, half_seen, *kinds)


def test_a_policy_that_is_broken_itself_is_so_whoever_was_looked_at() -> None:
    def under(policies: FoundPolicies, *sessions: SessionRecord | None) -> Domain:
        return record(*sessions, of=to(mx(), mta_sts=txt(STS_RECORD)), policies=policies)

    broken = published(fetch("", http_status=404))
    other = published(fetch(policy_text("enforce", "mx9.example.org")))
    holds = under(published(fetch()), GOOD, None)
    kinds = ("verdict_changed", "mta_sts_broken")
    assert "worse error mta_sts_broken: valid → invalid" in of_kind(holds, under(broken, GOOD, GOOD), *kinds)
    assert "known_now error verdict_changed mta_sts: valid → invalid" in of_kind(
        holds, under(other, GOOD, GOOD), *kinds
    )


def with_mail(value: Delivery, *sessions: SessionRecord | None, complete: bool = True) -> Domain:
    good = record(*(sessions or (GOOD,)))
    verdict = SenderVerdict(value=value, complete=complete)
    same = SenderVerdict(value=Delivery.delivers, complete=True)
    return replace(
        good,
        verdicts=replace(good.verdicts, delivery=DeliveryVerdicts(opportunistic=verdict, dane=same, mta_sts=same)),
    )


D = Delivery


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (with_mail(D.delivers_authenticated), with_mail(D.delivers), "worse", "any forger can read it"),
        (with_mail(D.delivers), with_mail(D.fails), "worse", "it is lost"),
        (with_mail(D.fails), with_mail(D.delivers_encrypted), "better", "it is not lost any more"),
        (with_mail(D.delivers), with_mail(D.unknown), "not_known", "nothing was shown"),
        (with_mail(D.unknown), with_mail(D.fails), "known_now", "it may have been lost before"),
        (
            with_mail(D.delivers_encrypted),
            with_mail(D.delivers, GOOD, SILENT, complete=False),
            "not_known",
            "the one that encrypted may be the one that is silent",
        ),
        (
            with_mail(D.delivers_encrypted, GOOD, SILENT, complete=False),
            with_mail(D.delivers, GOOD, SILENT, complete=False),
            "worse",
            "the silent one was silent before",
        ),
        (
            with_mail(D.delivers_encrypted, GOOD, SILENT, complete=False),
            with_mail(D.delivers, GOOD, GOOD),
            "known_now",
            "the silent one may have been without encryption",
        ),
        (
            with_mail(D.delivers, GOOD, SILENT, complete=False),
            with_mail(D.fails, GOOD, GOOD),
            "worse",
            "it was delivered somewhere, and now nowhere",
        ),
    ],
)
def test_what_becomes_of_mail_is_compared_where_both_runs_knew(
    before: Domain, after: Domain, told: str, why: str
) -> None:
    assert of_verdict("delivery.opportunistic", before, after).split()[0] == told


def test_a_host_that_is_not_public_is_no_unknown() -> None:
    private = record(GOOD)
    (one,) = private.mail_hosts
    (address,) = one.addresses
    seen = replace(address, outcome=None, stage=None, reason=NotKnown.not_public.value, certificate=None)
    no = Verdict(value=VerdictValue.no, yes=0, no=1, unknown=0, complete=True, preferred=VerdictValue.no, reasons=())
    after = replace(
        private,
        mail_hosts=(replace(one, addresses=(seen,)),),
        verdicts=replace(private.verdicts, reachable=no),
        findings=(finding(FindingKind.address_not_public, Severity.error, "mx1.example.org [192.0.2.1]", "10.0.0.1"),),
    )
    assert of_verdict("reachable", private, after) == "worse yes → no"
