"""The scan of a night: a run as any other, but with the pause that `down` needs, and gone on with if it was cut short.

A run that the last start left unfinished goes on if it is fresh: its first attempts are then of the same night. An
older one is left as it is, and a new one begun.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from scanner.exit_codes import BUG, OK, OURS
from scanner.outcomes import RetryOn
from scanner.passes.progress import Interrupted
from scanner.passes.run import Invocation, RunExecution, begin_run, go_on_with, is_finished, settings_of
from scanner.passes.run_directory import DiskFault, RunDirectory, RunError
from scanner.passes.vigil import OurFault
from scanner.records import Run
from scanner.settings import Settings
from scanner.times import parse_utc, utc_text
from scanner.watch.state_directory import StateDirectory
from scanner.watch.way_out import fault_of_this_place

#: `down` is what failed in one of these ways twice, so each of them needs its second attempt.
NEEDED_AGAIN = (
    RetryOn.refused,
    RetryOn.unreachable,
    RetryOn.timed_out,
    RetryOn.closed,
    RetryOn.reset,
    RetryOn.permanent_negative_greeting,
)


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What is scanned, and how: `source` is a path or `-`; `width_of` gives the width that descriptors allow."""

    source: str
    settings: Settings
    invocation: Invocation
    lab: bool = False
    width_of: Callable[[int, int], int] = lambda width, _: width


@dataclass(frozen=True, slots=True)
class ScannedNight:
    """A run that came to its end, or one that this place made impossible: `fault` says why."""

    directory: RunDirectory
    run: Run
    fault: str | None = None
    bugs: int = 0


def settings_of_night(settings: Settings) -> Settings:
    """The settings with second attempts as `down` needs them, whatever the size of the list."""
    again = tuple(dict.fromkeys((*settings.second_attempt.retry_on, *NEEDED_AGAIN)))
    pause_s = settings.watch.pause_s
    second = replace(settings.second_attempt, retry_on=again, pause_s=pause_s, short_pause_s=pause_s)
    return replace(settings, second_attempt=second)


def unfinished_run(state: StateDirectory, settings: Settings, now: float) -> RunDirectory | None:
    """The run that was begun last, if it is fresh; the caller knows that it was not judged yet."""
    path = state.newest_run()
    if path is None:
        return None
    try:
        directory = RunDirectory.open(path)
        run = directory.read_run()
        settings_of(run)
        began = parse_utc(run.starts[0].at).timestamp()
    except RunError:  # it ended before its input was read, or is another version's
        return None
    is_fresh = 0 <= now - began <= settings.watch.go_on_within_s
    return directory if is_fresh else None


def scan_into(directory: RunDirectory, order: ScanOrder) -> ScannedNight:
    """A new run in a directory. Raises InputError and what else begins no run, DiskFault, Interrupted."""
    settings = settings_of_night(order.settings)
    try:
        with directory.locked():
            with order.invocation.stop.at_once():
                run = begin_run(directory, order.source, settings, order.invocation, lab=order.lab)
            return _execute(directory, run, settings, order)
    finally:
        directory.discard()  # one that has begun is left alone


def go_on_in(directory: RunDirectory, order: ScanOrder) -> ScannedNight:
    """The rest of a run. Raises RunLockedError, RunError, DiskFault, Interrupted."""
    with directory.locked():
        run = directory.read_run()
        settings = settings_of(run)
        if is_finished(directory, run):
            return ScannedNight(directory, run, fault_of_this_place(directory, run, settings, order.invocation))
        return _execute(directory, go_on_with(directory, run, (), order.invocation), settings, order)


def new_directory(state: StateDirectory, now: float) -> RunDirectory:
    """A directory named by the time, as a scan names its own."""
    return state.new_run(utc_text(now)[:19].replace(":", "") + "Z")


def _execute(directory: RunDirectory, run: Run, settings: Settings, order: ScanOrder) -> ScannedNight:
    width = order.width_of(settings.probe.width, run.partitions)
    settings = replace(settings, probe=replace(settings.probe, width=width))
    execution = RunExecution(directory, run, settings, order.invocation)
    try:
        execution.scan()
    except OurFault as fault:
        execution.end(OURS, f"OurFault: {fault}")
        return ScannedNight(directory, directory.read_run(), fault=str(fault))
    except Exception as error:
        # On a full disk this fails too; what is told then is the first error.
        with suppress(DiskFault):
            execution.end(_exit_code_of(error), f"{type(error).__name__}: {error}")
        raise
    execution.end(BUG if execution.bugs else OK, None)
    ended = directory.read_run()
    of_ours = fault_of_this_place(directory, ended, settings, order.invocation)
    return ScannedNight(directory, ended, of_ours, execution.bugs)


def _exit_code_of(error: Exception) -> int:
    if isinstance(error, Interrupted):
        return 128 + error.signal_number
    return OURS if isinstance(error, DiskFault) else BUG
