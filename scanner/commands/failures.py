"""Known failures → a line on stderr and an exit code: the one table for all commands."""

import contextlib
import functools
from collections.abc import Callable
from typing import ParamSpec

import click

from scanner.commands.send_errors import RequestError, SaveError
from scanner.commands.settings_source import SettingsError
from scanner.exit_codes import INCONCLUSIVE, OURS, USAGE
from scanner.lab.order import LabError
from scanner.passes.input import InputError
from scanner.passes.opt_out_file import OptOutFileError
from scanner.passes.progress import Interrupted
from scanner.passes.roots import CaFileError, RootsError
from scanner.passes.run_directory import DiskFault, IncompleteRunError, RunError, RunLockedError
from scanner.passes.vigil import OurFault
from scanner.watch.state_directory import StateError

P = ParamSpec("P")

_EXIT_CODES: dict[type[Exception], int] = {
    SettingsError: USAGE,
    RequestError: USAGE,
    InputError: USAGE,
    OptOutFileError: USAGE,
    RunError: USAGE,
    StateError: USAGE,
    IncompleteRunError: INCONCLUSIVE,
    RunLockedError: OURS,
    DiskFault: OURS,
    SaveError: OURS,
    CaFileError: USAGE,
    RootsError: OURS,
    OurFault: OURS,
}


def exit_code_of(error: Exception) -> int | None:
    """The exit code of a known failure; None for anything else, which is a bug of ours."""
    if isinstance(error, Interrupted):
        return 128 + error.signal_number
    if isinstance(error, LabError):
        return error.exit_code
    return _EXIT_CODES.get(type(error))


def say(text: str) -> None:
    """A line on stderr; nobody there to read it is no reason to stop."""
    with contextlib.suppress(OSError):
        click.echo(f"mxscan: {text}", err=True)


def tells_failures(command: Callable[P, int]) -> Callable[P, int]:
    """A command whose known failures are told in a line and returned as an exit code."""

    @functools.wraps(command)
    def told(*arguments: P.args, **options: P.kwargs) -> int:
        try:
            return command(*arguments, **options)
        except Exception as error:
            code = exit_code_of(error)
            if code is None:
                raise
            say(str(error))
            return code

    return told
