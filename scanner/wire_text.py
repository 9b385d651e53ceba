"""Octets as text, exactly and inertly: what stands in every record, and how to get the octets back."""

import re

#: `\xNN` for the backslash and every octet outside 0x20–0x7E; the rest stand for themselves.
_ESCAPED = tuple(chr(octet) if 0x20 <= octet <= 0x7E and octet != 0x5C else f"\\x{octet:02X}" for octet in range(256))
_ESCAPE = re.compile(r"\\x([0-9A-F]{2})")


def escape_octets(octets: bytes) -> str:
    r"""The text of octets: printable ASCII as it is, everything else `\xNN`. `restore_octets` undoes it."""
    if octets.isascii():
        text = octets.decode("ascii")
        if text.isprintable() and "\\" not in text:  # nearly all lines, and a quarter of the time
            return text
    return "".join([_ESCAPED[octet] for octet in octets])


def restore_octets(text: str) -> bytes:
    """The octets of a text made by `escape_octets`. Raises ValueError for a text that it cannot have made."""
    octets = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1", "replace")
    if escape_octets(octets) != text:
        raise ValueError(f"not an escaped text: {text[:60]!r}")
    return octets


def readable(text: str) -> str:
    """An escaped text for a person: valid printable UTF-8 shown as itself, every control still escaped.

    What turns the direction of writing or takes no place is no printable character either (Unicode's
    categories C and Z but for the space). The backslash stands for itself: this text is not for restoring.
    """
    if "\\" not in text and text.isprintable():
        return text
    decoded = restore_octets(text).decode("utf-8", "surrogateescape")
    return "".join([character if character.isprintable() else _escaped(character) for character in decoded])


def _escaped(character: str) -> str:
    # A lone surrogate is an octet that is no UTF-8; it is not printable, so it comes here as well.
    return escape_octets(character.encode("utf-8", "surrogateescape"))
