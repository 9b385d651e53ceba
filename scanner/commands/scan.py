"""`mxscan scan`: a list of domains through the three passes."""

import contextlib
import dataclasses
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from scanner.commands.descriptors import width_within_descriptors
from scanner.commands.display import Display
from scanner.commands.event_loop import chosen_loop
from scanner.commands.failures import exit_code_of, say, tells_failures
from scanner.commands.lab_scan import open_lab
from scanner.commands.output import show
from scanner.commands.scan_options import (
    MAY_CHANGE,
    NOT_WITH_LAB,
    SETTINGS,
    given_options,
    scan_options,
    setting_values,
)
from scanner.commands.settings_source import SettingsError, change_settings, load_settings
from scanner.commands.signals import stopping
from scanner.exit_codes import BUG, OK
from scanner.net.clock import SystemClock
from scanner.passes.progress import Interrupted, Progress, StopRequest
from scanner.passes.run import Invocation, RunExecution, begin_run, go_on_with, is_finished, settings_of
from scanner.passes.run_directory import DiskFault, RunDirectory, RunError
from scanner.records import Run
from scanner.report.summary import Summary
from scanner.report.summary_text import render_summary
from scanner.settings import Settings

_NO_EHLO_NAME = (
    "a scan of real servers needs our name for EHLO: --ehlo-name mx.example.org, a fully qualified domain name "
    "that resolves to this host's address and back (RFC 5321 §4.1.1.1); or probe.ehlo_name in --config"
)


@click.command("scan", short_help="Scan a list of domains.")
@scan_options
@tells_failures
def command(*, file: str | None, out: Path | None, resume: Path | None, config: Path | None, **options: Any) -> int:
    """Scan a list of domains: one a line, or a CSV or TSV column; `-` is standard input.

    The results are in the run directory: domains.jsonl has one record a domain, and every word that was
    said is in the transcripts. A run that was interrupted goes on with --resume.
    """
    quiet = options.pop("quiet")
    request = _Request(file, out, config, options)
    with contextlib.ExitStack() as stack:
        scan = _new(request, stack) if resume is None else _resumed(resume, request, stack)
        return OK if scan is None else _run(scan, quiet=quiet)


@dataclass(frozen=True, slots=True)
class _Request:
    """What was typed."""

    file: str | None
    out: Path | None
    config: Path | None
    options: dict[str, Any]

    @property
    def wants_lab(self) -> bool:
        return any(self.options[name] for name in ("lab", "lab_domains", "lab_world", "lab_real_limits"))


@dataclass(frozen=True, slots=True)
class _Scan:
    """One start of a run, ready to go."""

    directory: RunDirectory
    run: Run
    settings: Settings
    invocation: Invocation


def _new(request: _Request, stack: contextlib.ExitStack) -> _Scan:
    lab = request.wants_lab
    if lab and (refused := given_options({name: request.options[name] for name in NOT_WITH_LAB})):
        raise click.UsageError(f"the lab has its own: leave out {', '.join(refused)} (its ports: lab.* in --config)")
    if request.file is None and not lab:
        raise click.UsageError("name a FILE with domains, `-` for standard input, or use --lab")
    settings = load_settings(request.config, setting_values(request.options, SETTINGS), lab=lab)
    if not lab and not settings.probe.ehlo_name:
        raise SettingsError(_NO_EHLO_NAME)
    directory = RunDirectory.create(request.out or Path("runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ"))
    # Registered first, so done last: a run that could not begin leaves nothing behind.
    stack.callback(directory.discard)
    stack.enter_context(directory.locked())
    source = request.file
    if lab:
        settings, lab_list = open_lab(directory, settings, stack)
        source = source or lab_list
    invocation = _invocation(settings)
    with stopping(invocation.stop), invocation.stop.at_once():
        run = begin_run(directory, source or "-", settings, invocation, lab=lab)
    return _Scan(directory, run, _within_descriptors(settings, run.partitions), invocation)


def _resumed(path: Path, request: _Request, stack: contextlib.ExitStack) -> _Scan | None:
    """A run to go on with; None if it is finished."""
    fixed = {name: value for name, value in request.options.items() if name not in MAY_CHANGE}
    refused = given_options({"FILE": request.file, "out": request.out, "config": request.config, **fixed})
    if refused:
        raise RunError(f"--resume takes everything from {path}: leave out {', '.join(refused)}")
    directory = RunDirectory.open(path)
    stack.enter_context(directory.locked())
    run = directory.read_run()
    if is_finished(directory, run):
        say(f"{path} is finished: nothing is left to do")
        return None
    changed = setting_values(request.options, MAY_CHANGE)
    settings = _within_descriptors(change_settings(settings_of(run), changed), run.partitions)
    invocation = _invocation(settings)
    run = go_on_with(directory, run, tuple(f"{name} = {value}" for name, value in changed.items()), invocation)
    if run.lab:
        open_lab(directory, settings, stack)
    return _Scan(directory, run, settings, invocation)


def _invocation(settings: Settings) -> Invocation:
    name, factory = chosen_loop(settings)
    return Invocation(tuple(sys.argv), name, factory, SystemClock(), Progress(), StopRequest())


def _within_descriptors(settings: Settings, partitions: int) -> Settings:
    width = width_within_descriptors(settings.probe.width, partitions)
    return replace(settings, probe=replace(settings.probe, width=width))


def _run(scan: _Scan, *, quiet: bool) -> int:
    """Scans, tells, and notes in run.json how it ended."""
    if not quiet:
        for remark in scan.run.input.remarks:
            say(remark)
    display = Display(scan.invocation.progress, quiet=quiet)
    invocation = dataclasses.replace(
        scan.invocation,
        show_results=lambda summary: _tell_so_far(summary, display),
        warn=lambda text: display.tell(f"mxscan: {text}"),
    )
    execution = RunExecution(scan.directory, scan.run, scan.settings, invocation)
    try:
        with stopping(invocation.stop), display:
            summary = execution.scan()
    except Exception as error:
        code = exit_code_of(error)
        # On a full disk this fails too; what is told then is the first error.
        with contextlib.suppress(DiskFault):
            execution.end(BUG if code is None else code, _reason(error))
        if code is not None:
            say(f"the run can go on: mxscan scan --resume {scan.directory.path}")
        raise
    code = BUG if execution.bugs else OK
    execution.end(code, None)
    if not quiet:
        _tell(summary, scan.directory)
    return code


def _reason(error: Exception) -> str:
    return f"interrupted by {error}" if isinstance(error, Interrupted) else f"{type(error).__name__}: {error}"


def _tell_so_far(summary: Summary, display: Display) -> None:
    display.tell(render_summary(summary))
    display.tell("so far; second attempts follow")


def _tell(summary: Summary, directory: RunDirectory) -> None:
    show(render_summary(summary))
    click.echo(f"records      {directory.path}/domains.jsonl")
    click.echo(f"transcripts  {directory.path}/transcripts-*.jsonl")
    click.echo(f"one domain   mxscan show {directory.path} DOMAIN")
