"""What commands print on stdout, for people."""

import sys
from typing import NoReturn

from rich.console import Console, RenderableType


class Output(Console):
    """A console that leaves a closed output to the caller: rich would end the process with 1."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def show(what: RenderableType, *, soft_wrap: bool = False) -> None:
    """Prints on stdout. Raises BrokenPipeError if nobody reads it any more, which ends a command quietly."""
    Output(file=sys.stdout).print(what, soft_wrap=soft_wrap)
