"""`mxscan diff`: what changed from one run to another."""

import contextlib
import sys
from pathlib import Path

import click
import msgspec

from scanner.changes.changes import compare_domains
from scanner.changes.comparability import began_at, find_remarks
from scanner.commands.diff_json import write_differences
from scanner.commands.display import Display
from scanner.commands.failures import tells_failures
from scanner.commands.output import show
from scanner.exit_codes import INCONCLUSIVE, OK, PROBLEM
from scanner.passes.change_table import ChangeTable
from scanner.passes.comparison import pairs
from scanner.passes.plan import pace_group_of
from scanner.passes.progress import Progress
from scanner.passes.run_directory import IncompleteRunError, RunDirectory, RunError
from scanner.records import Domain, JudgeInfo
from scanner.report.diff_text import render_differences
from scanner.report.differences import Differences, Side


@click.command("diff", short_help="Tell what changed from one run to another.")
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every change of every domain.")
@tells_failures
def command(run_a: Path, run_b: Path, *, as_json: bool) -> int:
    """Tell what changed from RUN_A, the earlier run, to RUN_B.

    Domains added and gone, mail routes, verdicts, certificates and findings: how many first, then by whose mail
    hosts, in order of importance. Nothing is contacted. The exit code is 1 if a domain is worse off, else 3 if one
    of the runs is not finished.
    """
    before, after = _open(run_a), _open(run_b)
    if before.path.resolve() == after.path.resolve():
        raise RunError(f"{run_a} and {run_b} are the same run: name two")
    with contextlib.closing(ChangeTable(pace_group_of)) as table:
        differences = _compare(before, after, table)
        _check_all_read(before, differences.in_both + differences.gone)
        _check_all_read(after, differences.in_both + differences.added)
        sides = (_side(before, differences, 0), _side(after, differences, 1))
        remarks = find_remarks(before.read_run(), after.read_run(), _judged(before), _judged(after))
        if as_json:
            write_differences(sys.stdout.buffer, sides, remarks, differences.counts(), table.shared())
        else:
            show(render_differences(sides, remarks, differences, table.groups()), soft_wrap=True)
    if differences.is_worse:
        return PROBLEM
    return OK if all(side.is_complete for side in sides) else INCONCLUSIVE


def _open(path: Path) -> RunDirectory:
    directory = RunDirectory.open(path)
    if not (directory.parts(Domain) and directory.has("judge.json")):
        raise RunError(f"{path} has not been judged yet: mxscan judge {path}")
    return directory


def _judged(directory: RunDirectory) -> JudgeInfo:
    try:
        return msgspec.json.decode(directory.read_file("judge.json"), type=JudgeInfo)
    except msgspec.MsgspecError as error:
        raise RunError(f"{directory.path}/judge.json can't be read: {error}") from error


def _compare(before: RunDirectory, after: RunDirectory, table: ChangeTable) -> Differences:
    differences, progress = Differences(), Progress()
    progress.begin("compare domains", max(run.read_run().input.distinct_domains for run in (before, after)))
    with Display(progress, quiet=False):
        for earlier, later in pairs(before, after):
            changes = compare_domains(earlier, later)
            differences.add(earlier, later, changes)
            table.add(changes)
            progress.advance("changed" if changes else "alike")
        table.order()
    return differences


def _check_all_read(directory: RunDirectory, count: int) -> None:
    """Raises IncompleteRunError for a run of which domains are missing: they would be told as gone."""
    if count != (expected := directory.read_run().input.distinct_domains):
        raise IncompleteRunError(
            f"{directory.path} has records of {count} domains, run.json says {expected}: mxscan judge {directory.path}"
        )


def _side(directory: RunDirectory, differences: Differences, number: int) -> Side:
    run = directory.read_run()
    not_finished = differences.not_finished[number]
    return Side(
        directory=str(directory.path),
        run=run.run,
        began_at=began_at(run),
        rules=_judged(directory).rules,
        domains=run.input.distinct_domains,
        invalid_lines=run.input.invalid_lines,
        not_finished=not_finished,
        is_complete=run.starts[-1].exit == OK and not not_finished,
    )
