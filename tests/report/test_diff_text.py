"""What `diff` prints: counts first, then whose servers changed what for whom, and nothing acts on the terminal."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import RenderableType

from scanner.changes.changes import compare_domains
from scanner.outcomes import ChangeKind, Effect, Outcome, Severity, Stage
from scanner.passes.change_table import ChangeTable
from scanner.passes.plan import pace_group_of
from scanner.records import Domain, SharedChange
from scanner.report.change_words import change_words, kind_words, words_together
from scanner.report.diff_text import render_differences
from scanner.report.differences import Differences, Groups, Side
from tests.changes.changed import GOOD, record
from tests.judgement.sessions import MX, ended, without_starttls
from tests.passes.runs import named

from .terminal import on_terminal, piped, without_colours

SIDE = Side(
    directory="runs/monday",
    run="1",
    began_at="2026-11-23T02:00:00.000Z",
    rules=3,
    domains=40,
    invalid_lines=0,
    not_finished=0,
    is_complete=True,
)
AFTER = replace(SIDE, directory="runs/tuesday", began_at="2026-11-24T02:00:00.000Z")

FINE, PLAIN = record(GOOD), record(without_starttls())
SILENT = record(ended(Stage.connect, Outcome.timed_out))
REFUSED = record(ended(Stage.connect, Outcome.refused))


FIRST_OF_400 = "customer-1.test, customer-2.test, customer-3.test and 397 more"
WITH_IT = (
    "new starttls-not-supported at [192.0.2.1]; verdict starttls yes → no; "
    "mail of any sender delivers_encrypted → delivers"
)

Records = tuple[Domain | None, Domain | None]


def rendered(
    *compared: Records, sides: tuple[Side, Side] = (SIDE, AFTER), remarks: Iterable[str] = ()
) -> RenderableType:
    differences = Differences()
    with closing(ChangeTable(pace_group_of)) as table:
        for before, after in compared:
            changes = compare_domains(before, after)
            differences.add(before, after, changes)
            table.add(changes)
        table.order()
        return render_differences(sides, list(remarks), differences, table.groups())


def many(before: Domain, after: Domain, count: int) -> list[tuple[Domain, Domain]]:
    """The same change of so many domains."""
    names = [f"customer-{number}.test" for number in range(1, count + 1)]
    return [(named(before, name), named(after, name)) for name in names]


def test_one_mail_host_that_changed_for_many_domains_is_one_line_under_its_provider() -> None:
    text = piped(rendered(*many(FINE, PLAIN, 400), (SILENT, SILENT)))
    assert text.split("\n") == [
        "before  runs/monday  2026-11-23T02:00:00.000Z  40 domains",
        "after   runs/tuesday  2026-11-24T02:00:00.000Z  40 domains",
        "",
        "401 domains in both, 0 added, 0 gone; 400 changed",
        "domains by what that means: 400 worse, 0 not known, 0 other, 0 known now, 0 better",
        "",
        "what changed (domains)      worse  not known  other  known now  better",
        "STARTTLS lost                 400          0      0          0       0",
        "new starttls-not-supported    400          0      0          0       0",
        "mail of any sender            400          0      0          0       0",
        "verdict starttls              400          0      0          0       0",
        "",
        "example.org: 400 domains",
        "  mx1.example.org",
        f"    worse      STARTTLS lost (starttls-not-supported): 400 domains: {FIRST_OF_400}",
        "               EHLO offers SIZE",
        f"               with it: {WITH_IT}",
        "",
        "",
    ]


def test_what_is_not_known_any_more_is_told_apart() -> None:
    text = piped(rendered((FINE, SILENT)))
    assert "domains by what that means: 0 worse, 1 not known, 0 other, 0 known now, 0 better" in text
    assert "    not known  new timed-out at [192.0.2.1]: example.org\n" in text
    assert "timed_out at connect" not in text
    assert "with it: verdict reachable, smtp, starttls, certificate_trusted, certificate_name yes → unknown;" in text


def test_without_changes_there_is_no_table() -> None:
    text = piped(rendered((FINE, FINE)))
    assert text.rstrip().endswith("1 domain in both, 0 added, 0 gone; 0 changed")


def test_domains_without_a_mail_host_stand_apart() -> None:
    alone = replace(named(FINE, "alone.test"), mail_hosts=())
    text = piped(rendered((None, alone), (alone, None)))
    assert "0 domains in both, 1 added, 1 gone; 0 changed\n" in text
    assert "without a mail host: 1 domain\n    other      added to the list: alone.test\n" in text


@pytest.mark.parametrize(
    ("not_finished", "told"),
    [(3, "40 domains  not finished, 3 domains to do: resume it"), (0, "40 domains  not finished: resume it")],
)
def test_a_run_that_is_not_finished_is_told(not_finished: int, told: str) -> None:
    unfinished = replace(AFTER, is_complete=False, not_finished=not_finished)
    assert f"{told}\n" in piped(rendered((FINE, FINE), sides=(SIDE, unfinished)))


def test_remarks_stand_above_the_counts() -> None:
    text = piped(rendered((FINE, FINE), remarks=["the first run began after the second"]))
    assert text.index("remark  the first run began after the second\n") < text.index("1 domain in both")


def test_what_is_not_shown_is_counted() -> None:
    hosts = [record(GOOD, exchange=f"mx{number}.example.org") for number in range(7)]
    plain = [record(without_starttls(), exchange=f"mx{number}.example.org") for number in range(7)]
    text = piped(rendered(*zip(hosts, plain, strict=True)))
    assert text.count("STARTTLS lost (") == 5
    assert "  and 2 more groups of mail hosts\n" in text
    assert "more provider" not in text
    assert "and 12 more providers: --json has them all" in piped(
        render_differences((SIDE, AFTER), [], Differences(), Groups((), 12))
    )


@pytest.mark.parametrize(
    ("hosts", "named"),
    [
        (1, "mx0.test"),
        (4, "mx0.test, mx1.test, mx2.test, mx3.test"),
        (6, "mx0.test, mx1.test, mx2.test, mx3.test and 2 more"),
    ],
)
def test_a_group_names_its_first_mail_hosts(hosts: int, named: str) -> None:
    (one,) = FINE.mail_hosts
    many_hosts = tuple(replace(one, exchange=f"mx{number}.test") for number in range(hosts))
    assert f"\n  {named}\n" in piped(rendered((None, replace(FINE, mail_hosts=many_hosts))))


def test_a_terminal_gets_colours_and_the_same_text() -> None:
    shown = rendered((FINE, PLAIN), (FINE, SILENT), (PLAIN, FINE))
    terminal = on_terminal(shown, width=400)
    assert [line.rstrip() for line in without_colours(terminal).split("\n")] == [
        line.rstrip() for line in piped(shown, width=400).split("\n")
    ]
    assert "\x1b[31mworse    \x1b[0m" in terminal
    assert "\x1b[32mbetter   \x1b[0m" in terminal


def test_nothing_of_it_is_markup_or_acts_on_the_terminal() -> None:
    strange = record(None, exchange="[red]mx\\x1B]0;.example.org")
    text = on_terminal(
        rendered((strange, FINE), (FINE, strange), sides=(replace(SIDE, directory="a\x1b[2Jb"), AFTER)), width=400
    )
    assert "MX → 10 [red]mx\\x1B]0;.example.org: " in without_colours(text)
    assert "\n  [red]mx\\x1B]0;.example.org\n" in without_colours(text)
    assert "a\\x1B[2Jb" in without_colours(text)
    assert "\x1b]0;" not in text


# Words ------------------------------------------------------------------------------------------------


def shared(kind: ChangeKind, **fields: Any) -> SharedChange:
    plain: dict[str, Any] = {
        "effect": Effect.worse,
        "severity": Severity.warning,
        "name": None,
        "provider": "example.org",
        "hosts": (MX,),
        "subject": None,
        "before": None,
        "after": None,
    }
    return SharedChange(kind=kind, **(plain | fields))


def verdict(name: str, before: str = "yes", after: str = "no") -> SharedChange:
    return shared(ChangeKind.verdict_changed, name=name, before=before, after=after)


OLD, NEW = "a1" * 32, "b2" * 32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shared(ChangeKind.nxdomain, before="mx", after="nxdomain"), "domain does not exist any more mx → nxdomain"),
        (shared(ChangeKind.moved_away, before="yes", after="no"), "moved away from the expected MX yes → no"),
        (shared(ChangeKind.mx_changed, before="10 a.test", after="10 b.test"), "MX → 10 b.test"),
        (
            shared(ChangeKind.mx_changed, severity=Severity.notice, before="10 a.test", after="5 a.test"),
            "MX 10 a.test → 5 a.test",
        ),
        (verdict("starttls"), "verdict starttls yes → no"),
        (verdict("delivery.dane", "delivers", "fails"), "mail of senders that obey DANE delivers → fails"),
        (
            shared(ChangeKind.certificate_changed, subject=MX, before=f"{OLD} until 2026-12-01", after=NEW),
            "certificate sha256 a1a1a1a1a1a1a1a1 until 2026-12-01 → sha256 b2b2b2b2b2b2b2b2",
        ),
        (
            shared(ChangeKind.certificate_expires, subject=MX, before="15 days", after="14 days"),
            "certificate runs out 15 days → 14 days",
        ),
        (
            shared(ChangeKind.finding_new, name="timed-out", subject=f"{MX} [192.0.2.1]"),
            "new timed-out at [192.0.2.1]",
        ),
        (shared(ChangeKind.finding_fixed, name="mx-is-cname", subject=MX), "mx-is-cname gone"),
        (
            shared(ChangeKind.finding_changed, name="bare-lf", before="notice", after="error"),
            "bare-lf notice → error",
        ),
        (shared(ChangeKind.gone), "gone from the list"),
    ],
)
def test_a_change_is_told_in_words(change: SharedChange, words: str) -> None:
    assert change_words(change) == words


def test_every_kind_of_change_has_words_that_fit_a_table() -> None:
    for kind in ChangeKind:
        assert 0 < len(kind_words(kind, "certificate-differs-by-name")) <= 36


def test_verdicts_that_changed_alike_are_told_together() -> None:
    told = words_together(
        [
            (verdict("smtp", "yes", "unknown"), ""),
            (shared(ChangeKind.finding_new, name="timed-out"), "timed_out at connect"),
            (verdict("starttls", "yes", "unknown"), ""),
            (verdict("certificate_name", "no", "unknown"), ""),
            (verdict("delivery.dane", "delivers", "unknown"), "not told here"),
            (verdict("delivery.mta_sts", "delivers", "unknown"), ""),
        ]
    )
    assert told == [
        "verdict smtp, starttls yes → unknown",
        "new timed-out (timed_out at connect)",
        "verdict certificate_name no → unknown",
        "mail of senders that obey DANE, senders that obey MTA-STS delivers → unknown",
    ]
