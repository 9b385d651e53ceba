"""What people type or paste where a mailbox belongs: named for what it is, and where, before the grammar is asked."""

import re
import unicodedata
from typing import NamedTuple

#: No text longer than this is looked into: four times the longest mailbox.
MAX_TEXT = 1024

_NAMES = {"\0": "NUL", "\t": "tab", "\n": "LF", "\r": "CR"}
# Zero width (non-)joiners are letters' neighbours in Persian and in the scripts of India, so in names there.
_JOINERS = "\u200c\u200d"
_ASCII_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_QUOTE_IT = 'remove it, or put the whole local part in quotes, as in "a b"@example.org'
_ONE_ONLY = "write one address only"
_COMMENT = "comments belong into header fields, remove it"

#: Every printable ASCII character that is no atext, in a local part: what it is, and what to do.
STRANGE_IN_LOCAL_PART = {
    " ": ("a space", _QUOTE_IT),
    "\\": ("a backslash outside of quotes", _QUOTE_IT),
    '"': ("a quote", "the whole local part stands in quotes, or none of it"),
    "(": ("a comment", _COMMENT),
    ")": ("the end of a comment", _COMMENT),
    ",": ("a comma", _ONE_ONLY),
    ";": ("a semicolon", _ONE_ONLY),
    "<": ("an angle bracket", "write only what stands between < and >"),
    ">": ("an angle bracket", "remove it"),
    ":": ("a colon", _QUOTE_IT),
    "[": ("a bracket", _QUOTE_IT),
    "]": ("a bracket", _QUOTE_IT),
}
#: What people write into a domain.
STRANGE_IN_DOMAIN = {
    " ": ("a space", "remove it"),
    "@": ("a second @", 'remove it; one that belongs to the local part stands in quotes, as in "a@b"@example.org'),
    "(": ("a comment", _COMMENT),
    ")": ("the end of a comment", _COMMENT),
    ",": ("a comma", _ONE_ONLY),
    ";": ("a semicolon", _ONE_ONLY),
    ":": ("a colon", "an address has no port, remove it"),
    "_": ("an underscore", "a mail domain is made of letters, digits and hyphens"),
    "[": ("a bracket", "an address literal begins right after the @, as in you@[192.0.2.1]"),
    "]": ("a bracket", "an address literal begins right after the @, as in you@[192.0.2.1]"),
    ">": ("an angle bracket", "remove it"),
    "/": ("a slash", "an address is no URL, remove what does not belong to the domain"),
}


class Mistake(NamedTuple):
    """What it is, at which character (from 1), what to do about it, and the text of the mailbox within, if any."""

    what: str
    position: int
    what_to_do: str
    meant: str | None = None


def find_mistake(text: str) -> Mistake | None:
    """The first mistake that has a name; None says nothing about the grammar."""
    if not text:
        return Mistake("nothing", 1, "write an address like you@example.org")
    if len(text) > MAX_TEXT:
        return Mistake(f"the address is too long ({len(text)} characters)", 255, "an address has at most 254 octets")
    return _unseen(text) or _pasted(text)


def _unseen(text: str) -> Mistake | None:
    """Controls, which end lines and move cursors, and characters that take no place or pretend to be a space."""
    for position, character in enumerate(text, start=1):
        if _ASCII_CONTROL.match(character):
            named = f" ({_NAMES[character]})" if character in _NAMES else ""
            return Mistake(f"control character 0x{ord(character):02X}{named}", position, "remove it")
        if character.isascii() or character in _JOINERS:
            continue
        category = unicodedata.category(character)
        if category == "Cs":  # `surrogateescape` makes these of octets that are no UTF-8
            return Mistake("no valid UTF-8", position, "type the address anew, in UTF-8")
        if category in {"Cc", "Cf", "Zl", "Zp", "Zs"}:
            named = unicodedata.name(character, "control character").lower()
            return Mistake(f"{named} (U+{ord(character):04X}), which is not seen,", position, "remove it")
    return None


def _pasted(text: str) -> Mistake | None:
    """A mailbox with something around it that belongs to header fields, links or text."""
    if text != text.strip(" "):
        position = 1 if text.startswith(" ") else len(text.rstrip(" ")) + 1
        return Mistake("a space around the address", position, "remove it", text.strip(" "))
    if text.lower().startswith("mailto:"):
        return Mistake("a mailto: link", 1, "write the address alone", text[7:].partition("?")[0])
    if text == "<>":
        return Mistake("the null reverse-path", 1, "it can only be a sender, write an address like you@example.org")
    if text.endswith(">") and "<" in text:
        return _bracketed(text)
    if text.startswith("@") and ":" in text:
        return _source_route(text, 1)
    return None


def _bracketed(text: str) -> Mistake:
    begin = text.rindex("<")
    within = text[begin + 1 : -1]
    if within.startswith("@") and ":" in within:
        return _source_route(within, begin + 2)
    if text[:begin].strip("< "):
        return Mistake("a display name", 1, "write only what stands between < and >", within)
    return Mistake("angle brackets", 1, "write the address without them", within)


def _source_route(text: str, position: int) -> Mistake:
    """`@relay,@relay:mailbox`, which RFC 5321 §4.1.1.3 and appendix C tell to ignore."""
    return Mistake("a source route", position, "write only the mailbox after the colon", text.rpartition(":")[2])
