"""The options of `mxscan check`."""

from pathlib import Path

import click

from scanner.commands.foreground_options import foreground_options
from scanner.commands.scan_options import C

_OPTIONS = [
    click.option("--from", "sender", metavar="SENDER", help="The sender's address; '<>' is the null reverse path."),
    click.option("-v", "/v", "--verbose", "verbose", is_flag=True, help="Show every word of the dialogues."),
    click.option("--save", type=Path, metavar="DIR", help="Keep all of it as a run directory, a new one."),
]


def check_options(command: C) -> C:
    """Adds the options of `check` to a command."""
    for option in reversed((*_OPTIONS, foreground_options)):
        command = option(command)
    return command
