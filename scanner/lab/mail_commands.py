"""The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3), as a strict server reads them. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

#: RFC 5321 §4.5.3.1.3.
MAX_PATH_BYTES = 256

#: A path up to its end, and what follows it. Nothing stands before it, whatever some servers let pass (RFC 5321 §3.3).
_ARGUMENT = re.compile(rb'<((?:"(?:[^"\\]|\\.)*"|[^<>"\s])*)>((?: [^ ]+)*)')
_XTEXT = rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_NOTIFY = rb"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}"

#: Parameters by keyword: the extension that has them, and their values (RFC 1870 §3, 6152 §2, 3030 §2, 6531 §3.4,
#: 3461 §4, 4954 §5). None is no value.
_MAIL_PARAMETERS: dict[bytes, tuple[str, re.Pattern[bytes] | None]] = {
    b"SIZE": ("SIZE", re.compile(rb"[0-9]{1,20}")),
    b"BODY": ("8BITMIME", re.compile(rb"7BIT|8BITMIME", re.IGNORECASE)),
    b"SMTPUTF8": ("SMTPUTF8", None),
    b"RET": ("DSN", re.compile(rb"FULL|HDRS", re.IGNORECASE)),
    b"ENVID": ("DSN", re.compile(_XTEXT + rb"{1,100}")),
    b"AUTH": ("AUTH", re.compile(rb"<>|" + _XTEXT + rb"{1,500}")),
}
_RCPT_PARAMETERS: dict[bytes, tuple[str, re.Pattern[bytes] | None]] = {
    b"NOTIFY": ("DSN", re.compile(_NOTIFY, re.IGNORECASE)),
    b"ORCPT": ("DSN", re.compile(rb"(?:rfc822|utf-8);" + _XTEXT + rb"{1,480}", re.IGNORECASE)),
}


class CommandError(Exception):
    """A command that is not in order: `reply` says why."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class PathCommand:
    """MAIL or RCPT: the address in its path ("" is the null reverse path), its parameters as they came."""

    address: str
    parameters: tuple[str, ...]

    def value(self, keyword: str) -> str | None:
        """The value of a parameter, '' if it has none; None if it is not there."""
        for parameter in self.parameters:
            name, _, value = parameter.partition("=")
            if name.upper() == keyword:
                return value
        return None


def parse_mail(argument: bytes, extensions: Collection[str]) -> PathCommand:
    """`FROM:<…> …`; `extensions` are the keywords that the server offers. Raises CommandError."""
    command = _parse(b"FROM:", argument, _MAIL_PARAMETERS, extensions)
    if not command.address.isascii() and command.value("SMTPUTF8") is None:  # RFC 6531 §3.5
        raise CommandError(b"553 5.6.7 Non-ASCII addresses not permitted for that sender\r\n")
    return command


def parse_rcpt(argument: bytes, extensions: Collection[str], *, is_utf8: bool) -> PathCommand:
    """`TO:<…> …`; `is_utf8`: MAIL had SMTPUTF8. Raises CommandError."""
    command = _parse(b"TO:", argument, _RCPT_PARAMETERS, extensions)
    if "@" not in command.address and command.address.lower() != "postmaster":  # RFC 5321 §4.1.1.3
        raise CommandError(b"501 5.1.3 Bad recipient address syntax\r\n")
    if not command.address.isascii() and not is_utf8:
        raise CommandError(b"553 5.6.7 Non-ASCII addresses not permitted for that recipient\r\n")
    return command


def _parse(
    word: bytes,
    argument: bytes,
    known: Mapping[bytes, tuple[str, re.Pattern[bytes] | None]],
    extensions: Collection[str],
) -> PathCommand:
    found = _ARGUMENT.fullmatch(argument[len(word) :])
    if found is None or argument[: len(word)].upper() != word or len(found[1]) > MAX_PATH_BYTES - len("<>"):
        raise CommandError(b"501 5.5.4 Syntax error in arguments\r\n")
    parameters = found[2].split()
    for parameter in parameters:
        _check(parameter, known, extensions)
    try:
        return PathCommand(found[1].decode(), tuple([parameter.decode() for parameter in parameters]))
    except UnicodeDecodeError:
        raise CommandError(b"501 5.5.4 Neither ASCII nor UTF-8\r\n") from None


def _check(
    parameter: bytes, known: Mapping[bytes, tuple[str, re.Pattern[bytes] | None]], extensions: Collection[str]
) -> None:
    keyword, equals, value = parameter.partition(b"=")
    extension, values = known.get(keyword.upper(), ("", None))
    if extension not in extensions:  # RFC 5321 §4.1.1.11
        raise CommandError(b"555 5.5.4 Unsupported option: " + keyword[:100] + b"\r\n")
    if bool(equals) != (values is not None) or (values is not None and not values.fullmatch(value)):
        raise CommandError(b"501 5.5.4 Bad value of " + keyword[:100] + b"\r\n")
