"""What rich makes of a renderable: piped, and on a terminal with colours."""

import re
from io import StringIO

from rich.console import Console, RenderableType

SGR = re.compile(r"\x1b\[[0-9;]*m")


def piped(renderable: RenderableType, width: int = 80) -> str:
    """The output that a pipe or a file gets, each line as long as it is."""
    file = StringIO()
    Console(file=file, width=width).print(renderable, soft_wrap=True)
    return file.getvalue()


def on_terminal(renderable: RenderableType, width: int = 80) -> str:
    """The output that a terminal gets, folded and coloured."""
    file = StringIO()
    Console(file=file, width=width, force_terminal=True, color_system="truecolor", legacy_windows=False).print(
        renderable
    )
    return file.getvalue()


def without_colours(text: str) -> str:
    return SGR.sub("", text)
