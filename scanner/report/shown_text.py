"""Any text of a record as a person may see it: printable, and inert on every terminal."""

import re

from scanner.wire_text import escape_octets, readable

_ESCAPES = re.compile(r"(?:\\x[0-9A-F]{2})+")


def shown(text: str) -> str:
    """Words of ours, of the input or from the wire, with valid printable UTF-8 among the escapes as itself.

    What is no printable character (a control, what turns the direction of writing or has no width, a line
    end) is escaped, wherever it comes from: only spaces and what can be seen are left.
    """
    inert = text if text.isprintable() else "".join(map(_inert, text))
    return _ESCAPES.sub(lambda run: readable(run[0]), inert)


def _inert(character: str) -> str:
    if character.isprintable():
        return character
    return escape_octets(character.encode("utf-8", "surrogatepass"))
