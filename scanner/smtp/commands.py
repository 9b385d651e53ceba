"""Commands (RFC 5321 §4.1): a verb and its argument as one line, and nothing that could become two."""

import re
from enum import StrEnum

#: RFC 5321 §4.5.3.1.4: a command line has at most 512 octets with CRLF; extensions add to that.
MAX_COMMAND_OCTETS = 512

#: RFC 4954 §4: "12288 octets is considered to be a sufficient line length limit" for a response within AUTH.
MAX_RESPONSE_OCTETS = 12288

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# RFC 4648 §4, which RFC 4954 §4 holds us to: whole groups of four, padding at the end only.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Verb(StrEnum):
    ehlo = "EHLO"
    helo = "HELO"
    starttls = "STARTTLS"
    auth = "AUTH"
    mail = "MAIL"
    rcpt = "RCPT"
    data = "DATA"
    rset = "RSET"
    quit = "QUIT"


class CommandError(ValueError):
    """A command that must not be sent. The message says which octet, and where; never the text of the command."""


def encode_command(
    verb: Verb, argument: str = "", *, utf8: bool = False, max_octets: int = MAX_COMMAND_OCTETS
) -> bytes:
    """The command's line with CRLF. Raises CommandError for controls, too many octets, and non-ASCII.

    `utf8` if SMTPUTF8 was agreed on (RFC 6531 §3.4): then the argument may have characters outside ASCII.
    `max_octets` is the line's limit with what extensions add (`parameters.max_command_octets`).
    """
    if control := _FORBIDDEN.search(argument):
        raise CommandError(f"control character 0x{ord(control[0]):02X} at position {control.start() + 1}")
    if not utf8 and (strange := _NOT_ASCII.search(argument)):
        raise CommandError(
            f"the character at position {strange.start() + 1} is not ASCII, and SMTPUTF8 was not agreed on"
        )
    line = _octets(f"{verb} {argument}\r\n" if argument else f"{verb}\r\n")
    if len(line) > max_octets:
        raise CommandError(f"a command line has at most {max_octets} octets, this one {len(line)}")
    return line


def is_base64(text: str) -> bool:
    """True for base64, also of no octets at all."""
    return _BASE64.fullmatch(text) is not None


def is_initial_response(text: str) -> bool:
    """True for what may follow the mechanism in AUTH (RFC 4954 §4): base64, or `=` for a response of no octets."""
    return text == "=" or (text != "" and is_base64(text))


def encode_response(text: str) -> bytes:
    """The line of a client's response within AUTH (RFC 4954 §4): base64, or nothing. Raises CommandError."""
    if not is_base64(text):
        raise CommandError("a response within AUTH is base64")
    line = _octets(f"{text}\r\n")
    if len(line) > MAX_RESPONSE_OCTETS:
        raise CommandError(f"a response within AUTH has at most {MAX_RESPONSE_OCTETS} octets, this one {len(line)}")
    return line


def _octets(line: str) -> bytes:
    if surrogate := _SURROGATE.search(line):
        raise CommandError(f"no valid UTF-8 at position {surrogate.start() + 1} of the line")
    return line.encode()
