"""What holds for every argument of `check` and `send`: it is one line, and nothing in it commands a terminal."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner.commands.send_errors import RequestError

#: What no argument has: CR, LF and NUL above all, which would be lines of their own on the wire.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_CALLED = {"\r": "CR", "\n": "LF", "\0": "NUL"}
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")

#: Parameters that are not called as their options are.
_TYPED = {"sender": "from", "mechanism": "auth"}


def refuse_controls(options: Mapping[str, Any]) -> None:
    """No argument has CR, LF, NUL or another control; so none can become a line of its own. Raises RequestError."""
    for name, value in options.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str | Path):
                _refuse_control(f"--{_TYPED.get(name, name).replace('_', '-')}", text)


def _refuse_control(option: str, value: str | Path) -> None:
    text = str(value)
    if found := _CONTROL.search(text):
        called = _CALLED.get(found[0]) or f"the control character U+{ord(found[0]):04X}"
        several = "; a text of several lines comes from --body-file or standard input" if option == "--body" else ""
        raise RequestError(f"{option}: {called} at position {found.start() + 1}: an argument is one line{several}")
    # A file may be called anything; what is said to a server or stands in a message is UTF-8.
    if isinstance(value, str) and (found := _NOT_UTF8.search(text)):
        raise RequestError(f"{option}: no valid UTF-8 at position {found.start() + 1}")
