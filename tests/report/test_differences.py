"""Two runs in numbers."""

from msgspec.structs import replace

from scanner.changes.changes import compare_domains
from scanner.outcomes import ChangeKind, Effect, Outcome, RouteKind, Stage
from scanner.records import Domain
from scanner.report.differences import Differences, KindCount, rank_of, shared_of
from tests.changes.changed import GOOD, record, without_hosts
from tests.judgement.sessions import MX, ended, without_starttls

SILENT = ended(Stage.connect, Outcome.timed_out)
FINE, PLAIN, NO_ANSWER, NOT_YET = record(GOOD), record(without_starttls()), record(SILENT), record(None)


def between(*compared: tuple[Domain | None, Domain | None]) -> Differences:
    differences = Differences()
    for before, after in compared:
        differences.add(before, after, compare_domains(before, after))
    return differences


def test_domains_are_counted_by_where_they_are_and_whether_they_changed() -> None:
    told = between((FINE, FINE), (FINE, PLAIN), (FINE, NO_ANSWER), (None, FINE), (FINE, None), (FINE, None)).counts()
    assert (told.in_both, told.added, told.gone, told.changed) == (3, 1, 2, 2)


def test_a_domain_counts_once_for_each_effect_and_for_each_thing_that_changed() -> None:
    told = between((FINE, PLAIN), (FINE, PLAIN), (PLAIN, FINE)).counts()
    assert told.effects == {"worse": 2, "not_known": 0, "other": 0, "known_now": 0, "better": 1}
    lost = KindCount(kind=ChangeKind.starttls_lost, name=None, effect=Effect.worse, domains=2)
    assert lost in told.kinds


def test_verdicts_that_cease_to_apply_are_not_counted() -> None:
    names = [kind.name for kind in between((FINE, PLAIN)).counts().kinds]
    assert "certificate_trusted" not in names
    assert "starttls" in names


def test_two_findings_of_a_kind_are_one_change_of_the_domain() -> None:
    refused = ended(Stage.connect, Outcome.refused)
    told = between((record(GOOD, GOOD), record(refused, refused))).counts()
    (count,) = [one.domains for one in told.kinds if one.name == "connection-refused"]
    assert count == 1


def test_rows_begin_with_what_is_worse_for_most() -> None:
    rows = between((FINE, PLAIN), (FINE, PLAIN), (FINE, without_hosts(RouteKind.nxdomain)), (FINE, NO_ANSWER)).rows()
    assert [what for what, counts in rows if counts[0]] == [
        (ChangeKind.verdict_changed, "delivery.opportunistic"),
        (ChangeKind.verdict_changed, "starttls"),
        (ChangeKind.starttls_lost, None),
        (ChangeKind.finding_new, "starttls-not-supported"),
        (ChangeKind.verdict_changed, "reachable"),
        (ChangeKind.nxdomain, None),
        (ChangeKind.finding_new, "domain-does-not-exist"),
    ]
    assert [counts for _, counts in rows] == sorted((counts for _, counts in rows), reverse=True)


def test_only_a_change_for_the_worse_makes_it_worse() -> None:
    assert between((FINE, PLAIN)).is_worse
    assert not between((FINE, NO_ANSWER), (NO_ANSWER, PLAIN), (PLAIN, FINE), (None, PLAIN), (FINE, None)).is_worse


def test_domains_that_a_run_has_still_to_come_to_are_counted_for_it() -> None:
    differences = between((NOT_YET, FINE), (NOT_YET, NOT_YET), (None, NOT_YET), (FINE, NO_ANSWER))
    assert differences.not_finished == [2, 2]


def test_a_shared_change_has_all_but_what_is_of_the_domain() -> None:
    (change, *_) = compare_domains(FINE, PLAIN)
    other = replace(change, domain="other.test", evidence="something else", session=None)
    assert shared_of(change, "example.org") == shared_of(other, "example.org")
    assert shared_of(change, "example.org").hosts == (MX,)


def test_the_rank_of_changes_is_in_their_order() -> None:
    ranks = [rank_of(change) for change in compare_domains(FINE, PLAIN)]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 3
