"""What commands print on stdout, for people."""

import sys
from typing import NoReturn

from rich.console import Console, RenderableType


class Output(Console):
    """A console that leaves a closed output to the caller: rich would end the process with 1."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


class Printer:
    """Prints what happens as it happens, or nothing; a session, in which a closed output is noticed, goes on."""

    def __init__(self, *, is_silent: bool, colour: bool) -> None:
        self._console = None if is_silent else Output(file=sys.stdout, no_color=not colour or None)
        self._nobody_reads = False

    def print(self, what: RenderableType, *, folds: bool = False) -> None:
        """Prints lines as long as they are; a paragraph `folds` between words on a terminal.

        Raises BrokenPipeError if nobody reads it any more, from then on each time.
        """
        if self._nobody_reads:
            raise BrokenPipeError
        if self._console is None:
            return
        try:
            self._console.print(what, soft_wrap=not (folds and self._console.is_terminal))
        except BrokenPipeError:
            self._nobody_reads = True
            raise


def show(what: RenderableType, *, soft_wrap: bool = False) -> None:
    """Prints on stdout. Raises BrokenPipeError if nobody reads it any more, which ends a command quietly."""
    Output(file=sys.stdout).print(what, soft_wrap=soft_wrap)
