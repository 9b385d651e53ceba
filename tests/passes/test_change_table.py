"""Changes of many domains: shared ones once, in order of importance, under the mail hosts that they belong to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from scanner.outcomes import ChangeKind, Effect, Severity
from scanner.passes import change_table
from scanner.passes.change_table import ChangedDomain, ChangeTable
from scanner.passes.run_directory import DiskFault
from scanner.records import Change
from scanner.report.differences import ChangeLine, Groups

MX1, MX2 = "mx1.provider.test", "mx2.provider.test"


def change(domain: str = "a.test", kind: ChangeKind = ChangeKind.mx_changed, **fields: Any) -> Change:
    plain: dict[str, Any] = {"effect": Effect.worse, "severity": Severity.error, "hosts": (MX1,)}
    return Change(domain=domain, kind=kind, **(plain | fields))


def lost(domain: str, **fields: Any) -> Change:
    return change(domain, ChangeKind.starttls_lost, **fields)


@pytest.fixture
def table() -> Iterator[ChangeTable]:
    with closing(ChangeTable(lambda host: host.partition(".")[2])) as table:
        yield table


def filled(table: ChangeTable, *changes: Change) -> ChangeTable:
    for one in changes:
        table.add([one])
    table.order()
    return table


def everything(table: ChangeTable) -> list[tuple[str, int, list[str]]]:
    return [(shared.kind, total, [one.domain for one in domains]) for shared, total, domains in table.shared()]


def test_a_change_that_domains_share_is_one_with_all_of_them(table: ChangeTable) -> None:
    filled(table, *(lost(f"{number}.test") for number in range(400)))
    ((kind, total, domains),) = everything(table)
    assert (kind, total, domains) == ("starttls_lost", 400, [f"{number}.test" for number in range(400)])


@pytest.mark.parametrize(
    "fields",
    [
        {"hosts": (MX2,)},
        {"hosts": (MX1, MX2)},
        {"kind": ChangeKind.dane_broken},
        {"name": "starttls"},
        {"effect": Effect.other},
        {"severity": Severity.notice},
        {"before": "yes"},
        {"after": "no"},
        {"subject": f"{MX1} [192.0.2.1]"},
    ],
)
def test_changes_that_differ_are_not_shared(table: ChangeTable, fields: dict[str, Any]) -> None:
    filled(table, lost("a.test"), lost("b.test", **fields) if "kind" not in fields else change("b.test", **fields))
    assert len(everything(table)) == 2


def test_evidence_and_session_are_those_of_each_domain(table: ChangeTable) -> None:
    session = "0123456789abcdef.1.survey"
    filled(table, lost("a.test", evidence="one", session=session), lost("b.test", evidence="two"))
    ((_, _, domains),) = table.shared()
    assert list(domains) == [ChangedDomain("a.test", "one", session), ChangedDomain("b.test", "two", None)]


def test_what_is_more_important_comes_first_then_what_more_domains_share(table: ChangeTable) -> None:
    filled(
        table,
        change("a.test", ChangeKind.added, effect=Effect.other, severity=Severity.notice),
        change("b.test", ChangeKind.added, effect=Effect.other, severity=Severity.notice),
        change("a.test", ChangeKind.verdict_changed, severity=Severity.warning),
        change("a.test", ChangeKind.nxdomain),
        change("b.test", ChangeKind.verdict_changed, effect=Effect.not_known, severity=Severity.warning),
        lost("a.test"),
        lost("b.test"),
    )
    assert [(kind, total) for kind, total, _ in everything(table)] == [
        ("starttls_lost", 2),
        ("nxdomain", 1),
        ("verdict_changed", 1),
        ("verdict_changed", 1),
        ("added", 2),
    ]


def test_more_shared_changes_than_are_known_by_number_are_found_again(
    table: ChangeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_table, "_MAX_KNOWN", 2)
    filled(table, *(lost(f"{turn}.test", hosts=(f"mx{number}.test",)) for turn in range(3) for number in range(5)))
    assert [total for _, total, _ in everything(table)] == [3] * 5


# Groups -----------------------------------------------------------------------------------------------


def outline(groups: Groups) -> list[str]:
    """The groups in words, each under the one that it belongs to."""
    told = []
    for provider in groups.providers:
        told.append(f"{provider.provider} {provider.domains}")
        for host in provider.hosts:
            told.append(f"  {','.join(host.hosts)} +{host.more}")
            told += [f"    {_line(line)}" for line in host.lines]
        told += [f"  +{provider.more_hosts}"] if provider.more_hosts else []
    return told


def _line(line: ChangeLine) -> str:
    with_it = "".join(f" with {shared.kind}" for shared, _ in line.with_it)
    return f"{line.shared.kind} {line.domains}: {','.join(line.first)}{with_it}"


def test_changes_stand_under_their_mail_host_and_that_under_its_provider(table: ChangeTable) -> None:
    filled(
        table,
        change("a.test", ChangeKind.nxdomain, hosts=("mx.other.test",)),
        lost("a.test"),
        lost("b.test"),
        lost("c.test"),
        lost("d.test"),
        lost("a.test", hosts=(MX2,)),
        change("e.test", ChangeKind.added, hosts=(), effect=Effect.other, severity=Severity.notice),
    )
    assert outline(table.groups()) == [
        "provider.test 4",
        f"  {MX1} +0",
        "    starttls_lost 4: a.test,b.test,c.test",
        f"  {MX2} +0",
        "    starttls_lost 1: a.test",
        "other.test 1",
        "  mx.other.test +0",
        "    nxdomain 1: a.test",
        "None 1",
        "   +0",
        "    added 1: e.test",
    ]


def test_what_changed_for_the_same_domains_is_one_line(table: ChangeTable) -> None:
    filled(
        table,
        lost("a.test", evidence="first"),
        change("a.test", ChangeKind.verdict_changed, name="starttls", evidence="second"),
        change("a.test", ChangeKind.verdict_changed, name="delivery.dane", severity=Severity.warning),
        lost("b.test"),
        change("b.test", ChangeKind.verdict_changed, name="starttls"),
        change("c.test", ChangeKind.verdict_changed, name="delivery.dane", severity=Severity.warning),
    )
    assert outline(table.groups())[2:] == [
        "    starttls_lost 2: a.test,b.test with verdict_changed",
        "    verdict_changed 2: a.test,c.test",
    ]
    (line, _) = table.groups().providers[0].hosts[0].lines
    assert (line.evidence, [evidence for _, evidence in line.with_it]) == ("first", ["second"])


def test_what_means_something_else_is_another_line_also_for_the_same_domain(table: ChangeTable) -> None:
    filled(table, lost("a.test"), change("a.test", effect=Effect.other))
    assert outline(table.groups())[2:] == ["    starttls_lost 1: a.test", "    mx_changed 1: a.test"]


def test_fewer_domains_are_not_the_same(table: ChangeTable) -> None:
    both = [change(domain, severity=Severity.warning) for domain in ("a.test", "b.test")]
    filled(table, lost("a.test"), *both)
    assert outline(table.groups())[2:] == ["    starttls_lost 1: a.test", "    mx_changed 2: a.test,b.test"]


def test_what_is_only_counted_joins_no_line(table: ChangeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_table, "MAX_LINES", 1)
    filled(table, lost("a.test"), change("b.test", ChangeKind.nxdomain), change("b.test", ChangeKind.mx_changed))
    assert outline(table.groups())[1:] == [f"  {MX1} +2", "    starttls_lost 1: a.test"]


def test_consequences_stand_in_no_group(table: ChangeTable) -> None:
    follows = {"name": "smtp", "before": "yes", "after": "not_applicable", "effect": Effect.other}
    filled(table, lost("a.test"), change("b.test", ChangeKind.verdict_changed, hosts=("mx.z.test",), **follows))
    assert [provider.provider for provider in table.groups().providers] == ["provider.test"]
    assert table.groups().more == 0
    assert len(everything(table)) == 2


def test_only_so_much_of_each_is_in_the_groups_and_the_rest_is_counted(
    table: ChangeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_PROVIDERS", "MAX_HOSTS", "MAX_LINES", "MAX_DOMAINS"):
        monkeypatch.setattr(change_table, name, 2)
    changes = [
        lost(f"{domain}.test", hosts=(f"mx{host}.p{provider}.test",), before=f"{line}")
        for provider in range(4)
        for host in range(4)
        for line in range(4)
        for domain in range(line + 1)
    ]
    groups = filled(table, *changes).groups()
    assert groups.more == 2
    assert outline(groups)[:8] == [
        "p0.test 4",
        "  mx0.p0.test +2",
        "    starttls_lost 4: 0.test,1.test",
        "    starttls_lost 3: 0.test,1.test",
        "  mx1.p0.test +2",
        "    starttls_lost 4: 0.test,1.test",
        "    starttls_lost 3: 0.test,1.test",
        "  +2",
    ]


def test_without_changes_there_is_nothing(table: ChangeTable) -> None:
    filled(table)
    assert everything(table) == []
    assert table.groups() == Groups((), 0)


def test_a_disk_that_takes_no_more_is_told(table: ChangeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def executemany(self, *_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def close(self) -> None: ...

    table.close()
    monkeypatch.setattr(table, "_database", Full())
    with pytest.raises(DiskFault, match="temporary files: database or disk is full"):
        table.add([])
