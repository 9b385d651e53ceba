"""`mxscan diff`: what it takes, what it writes, and its exit codes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from scanner.cli import run as run_command
from scanner.exit_codes import INCONCLUSIVE, OK, PROBLEM, USAGE
from scanner.outcomes import Outcome, Stage
from scanner.records import Domain
from tests.changes.changed import GOOD, record
from tests.judgement.sessions import MX, ended, without_starttls
from tests.passes.runs import judged_run, named

LATER = "2026-11-23T12:00:00.000Z"
FINE, PLAIN = record(GOOD), record(without_starttls())
SILENT = record(ended(Stage.connect, Outcome.timed_out))
NOT_YET = record(None)

Diff = Callable[..., tuple[int, str, str]]


@pytest.fixture
def diff(capsys: pytest.CaptureFixture[str]) -> Diff:
    """Runs the command in this process; its exit code, and what it wrote on stdout and stderr."""

    def run(*arguments: Path | str) -> tuple[int, str, str]:
        code = run_command(["diff", *map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


def two(path: Path, before: Sequence[Domain], after: Sequence[Domain], **later: Any) -> tuple[Path, Path]:
    """Two runs one after the other, the second with what else is given."""
    runs = judged_run(path / "a", before), judged_run(path / "b", after, **({"at": LATER} | later))
    return runs[0].path, runs[1].path


@pytest.mark.parametrize(
    ("before", "after", "later", "code", "why"),
    [
        ([FINE], [FINE], {}, OK, "nothing changed"),
        ([PLAIN], [FINE], {}, OK, "it became better"),
        ([FINE], [SILENT], {}, OK, "what is not known any more is no worse"),
        ([FINE], [], {}, OK, "that is the list's affair"),
        ([FINE], [PLAIN], {}, PROBLEM, "it became worse"),
        ([FINE], [NOT_YET], {}, INCONCLUSIVE, "the run has not come to it"),
        ([FINE], [FINE], {"exit_code": None}, INCONCLUSIVE, "the run goes on, or was killed"),
        ([FINE], [FINE], {"exit_code": 130}, INCONCLUSIVE, "the run was interrupted"),
        ([FINE, named(FINE, "b.test")], [PLAIN, named(NOT_YET, "b.test")], {}, PROBLEM, "worse is worse"),
    ],
)
def test_the_exit_code_says_whether_anything_is_worse(
    tmp_path: Path, diff: Diff, before: list[Domain], after: list[Domain], later: dict[str, Any], code: int, why: str
) -> None:
    assert diff(*two(tmp_path, before, after, **later))[0] == code


def test_an_unfinished_first_run_is_incomplete_too(tmp_path: Path, diff: Diff) -> None:
    code, out, _ = diff(*two(tmp_path, [NOT_YET], [FINE]))
    assert code == INCONCLUSIVE
    assert "not finished, 1 domain to do: resume it" in out


def test_the_text_begins_with_the_counts(tmp_path: Path, diff: Diff) -> None:
    _, out, err = diff(*two(tmp_path, [FINE], [PLAIN, named(FINE, "new.test")]))
    assert "\n1 domain in both, 1 added, 0 gone; 1 changed\n" in out
    assert (
        f"example.org: 2 domains\n  {MX}\n    worse      STARTTLS lost (starttls-not-supported): example.org\n" in out
    )
    assert err == ""


def test_json_is_one_object_with_everything(tmp_path: Path, diff: Diff) -> None:
    customers = [f"customer-{number}.test" for number in range(400)]
    before = [*(named(FINE, name) for name in customers), named(FINE, "gone.test")]
    after = [named(PLAIN, name) for name in customers]
    paths = two(tmp_path, before, after, rules=4)
    code, out, _ = diff(*paths, "--json")
    told = orjson.loads(out)
    assert code == PROBLEM
    assert list(told) == ["before", "after", "remarks", "counts", "changes"]
    assert told["before"] == {
        "directory": str(paths[0]),
        "run": "a",
        "began_at": "2026-11-22T12:00:00.000Z",
        "rules": 3,
        "domains": 401,
        "invalid_lines": 0,
        "not_finished": 0,
        "is_complete": True,
    }
    assert len(told["remarks"]) == 1
    assert {name: told["counts"][name] for name in ("in_both", "added", "gone", "changed")} == {
        "in_both": 400,
        "added": 0,
        "gone": 1,
        "changed": 400,
    }
    assert told["counts"]["effects"] == {"worse": 400, "not_known": 0, "other": 1, "known_now": 0, "better": 0}
    lost = {"kind": "starttls_lost", "name": None, "effect": "worse", "domains": 400}
    assert lost in told["counts"]["kinds"]


def test_json_has_every_change_with_all_of_its_domains(tmp_path: Path, diff: Diff) -> None:
    customers = [f"customer-{number}.test" for number in range(400)]
    before, after = ([named(one, name) for name in customers] for one in (FINE, PLAIN))
    changes = orjson.loads(diff(*two(tmp_path, before, after), "--json")[1])["changes"]
    assert [change["kind"] for change in changes] == ["starttls_lost", "finding_new", *["verdict_changed"] * 5]
    first = changes[0]
    assert [domain["domain"] for domain in first.pop("domains")] == customers
    assert first == {
        "effect": "worse",
        "severity": "error",
        "kind": "starttls_lost",
        "name": None,
        "provider": "example.org",
        "hosts": [MX],
        "subject": MX,
        "before": "done",
        "after": "starttls-not-supported",
        "domains_total": 400,
    }
    assert changes[1]["domains"][0] == {
        "domain": "customer-0.test",
        "evidence": "EHLO offers SIZE",
        "session": "0123456789abcdef.1.survey",
    }


def test_json_of_two_runs_that_are_alike_has_no_changes(tmp_path: Path, diff: Diff) -> None:
    assert orjson.loads(diff(*two(tmp_path, [FINE], [FINE]), "--json")[1])["changes"] == []


def test_what_was_not_made_alike_is_remarked(tmp_path: Path, diff: Diff) -> None:
    earlier, later = two(tmp_path, [FINE], [FINE], rules=4)
    _, out, _ = diff(later, earlier)
    assert "remark  the first run began after the second: what is called new here is older\n" in out
    assert "remark  the runs were judged by different rules (4 and 3), " in out


# What it refuses --------------------------------------------------------------------------------------


def test_the_same_run_twice_is_refused(tmp_path: Path, diff: Diff) -> None:
    run = judged_run(tmp_path / "a", [FINE]).path
    link = tmp_path / "link"
    link.symlink_to(run)
    for other in (run, link, run / ".." / "a"):
        code, out, err = diff(run, other)
        assert (code, out) == (USAGE, "")
        assert "the same run: name two" in err


@pytest.mark.parametrize("missing", ["domains.jsonl", "judge.json"])
@pytest.mark.parametrize("which", ["a", "b"])
def test_a_run_that_was_not_judged_is_refused_with_what_to_do(
    tmp_path: Path, diff: Diff, missing: str, which: str
) -> None:
    paths = two(tmp_path, [FINE], [FINE])
    (tmp_path / which / missing).unlink()
    code, _, err = diff(*paths)
    assert code == USAGE
    assert f"has not been judged yet: mxscan judge {tmp_path / which}\n" in err


def test_what_is_no_run_is_refused(tmp_path: Path, diff: Diff) -> None:
    run = judged_run(tmp_path / "a", [FINE]).path
    (tmp_path / "empty").mkdir()
    for other, told in ((tmp_path / "nowhere", "no directory"), (tmp_path / "empty", "no run.json in it")):
        code, _, err = diff(run, other)
        assert code == USAGE
        assert f"{other} is no run directory: {told}" in err


@pytest.mark.parametrize("name", ["domains.jsonl", "judge.json"])
def test_a_damaged_file_is_named(tmp_path: Path, diff: Diff, name: str) -> None:
    paths = two(tmp_path, [FINE], [FINE])
    (paths[1] / name).write_text("{}\n")
    code, out, err = diff(*paths)
    assert (code, out) == (USAGE, "")
    assert f"{paths[1] / name}" in err


def test_a_run_of_which_records_are_lost_is_not_compared(tmp_path: Path, diff: Diff) -> None:
    before, after = two(tmp_path, [FINE, named(FINE, "b.test")], [FINE, named(FINE, "b.test")])
    kept = (after / "domains.jsonl").read_bytes().splitlines(keepends=True)[0]
    (after / "domains.jsonl").write_bytes(kept)
    code, out, err = diff(before, after)
    assert (code, out) == (INCONCLUSIVE, "")
    assert err.endswith(f"b has records of 1 domains, run.json says 2: mxscan judge {after}\n")
