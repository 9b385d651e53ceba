"""`mxscan judge`: the third pass again, over a run as it stands."""

from pathlib import Path

import click

from scanner.commands.display import Display
from scanner.commands.failures import tells_failures
from scanner.commands.output import show
from scanner.commands.signals import stopping
from scanner.exit_codes import INCONCLUSIVE, OK
from scanner.net.clock import SystemClock
from scanner.passes.context import RunContext
from scanner.passes.judge import JudgePass
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run import settings_of
from scanner.passes.run_directory import RunDirectory
from scanner.report.summary_text import render_summary


@click.command("judge", short_help="Judge a run again.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@tells_failures
def command(run: Path, *, quiet: bool) -> int:
    """Judge a run again, with this version's rules: RUN/domains.jsonl is made anew. Nothing is contacted.

    A run that is not finished is judged as far as it is; the exit code is then 3.
    """
    directory = RunDirectory.open(run)
    record = directory.read_run()
    context = RunContext(directory, record, settings_of(record), SystemClock(), Progress(), StopRequest())
    with stopping(context.stop), Display(context.progress, quiet=quiet):
        summary = JudgePass(context).run()
    if not quiet:
        show(render_summary(summary))
    return OK if summary.is_complete else INCONCLUSIVE
