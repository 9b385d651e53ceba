"""The picture of a terminal in README: `python -m tests.acceptance.picture` draws it anew."""

import os
import pty
import re
import subprocess
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tests.acceptance.running import ENVIRONMENT, MXSCAN

COMMAND = ("check", "postmaster@good.lab", "--from", "you@sender.lab", "--lab", "-v")
PICTURE = Path(__file__).parent / "check.svg"

#: As wide as the table of stages.
WIDTH = 132


def seen_on_terminal() -> str:
    """What the command writes to a terminal, colours included."""
    master, slave = pty.openpty()
    without = {name: value for name, value in ENVIRONMENT.items() if name not in ("NO_COLOR", "COLUMNS")}
    environment = {**without, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    with subprocess.Popen([*MXSCAN, *COMMAND], stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                octets = os.read(master, 65536)
            except OSError:  # Linux says EIO when the last writer has gone
                break
            if not octets:
                break
            written += octets
        os.close(master)
        assert process.wait() == 0, written
    return written.decode().replace("\r\n", "\n")


def draw(written: str) -> str:
    """The terminal as SVG, without anything from elsewhere in it."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ mxscan {' '.join(COMMAND)}", style="bold"))
    console.print(Text.from_ansi(written))
    without_fonts = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="mxscan check", code_format=without_fonts, unique_id="check")


if __name__ == "__main__":
    PICTURE.write_text(draw(seen_on_terminal()), encoding="utf-8")
