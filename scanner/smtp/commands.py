"""Commands (RFC 5321 §4.1): a verb and its argument as one line, and nothing that could become two."""

import re
from enum import StrEnum

#: RFC 5321 §4.5.3.1.4: a command line has at most 512 octets with CRLF.
MAX_COMMAND_OCTETS = 512

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")


class Verb(StrEnum):
    ehlo = "EHLO"
    helo = "HELO"
    starttls = "STARTTLS"
    quit = "QUIT"


class CommandError(ValueError):
    """A command that must not be sent. The message says which octet, and where."""


def encode_command(verb: Verb, argument: str = "") -> bytes:
    """The command's line with CRLF. Raises CommandError for controls, non-ASCII and more than 512 octets."""
    control = _FORBIDDEN.search(argument)
    if control:
        raise CommandError(f"control character 0x{ord(control[0]):02X} at position {control.start() + 1}")
    if not argument.isascii():
        raise CommandError(f"{argument!r} is not ASCII, and SMTPUTF8 was not agreed on")
    line = f"{verb} {argument}\r\n" if argument else f"{verb}\r\n"
    if len(line) > MAX_COMMAND_OCTETS:
        raise CommandError(f"a command line has at most {MAX_COMMAND_OCTETS} octets, this one {len(line)}")
    return line.encode("ascii")
