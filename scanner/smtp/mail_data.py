"""Mail data (RFC 5321 §4.5.2): a message as lines that end with CRLF, dots doubled, and the end of mail data."""

import re

#: RFC 5321 §4.5.3.1.6: 1000 octets with CRLF, "not counting the leading dot duplicated for transparency".
MAX_TEXT_LINE_OCTETS = 998

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_NUL = re.compile(rb"\0")
_LONG_LINE = re.compile(rb"^[^\r\n]{%d,}" % (MAX_TEXT_LINE_OCTETS + 1), re.MULTILINE)
_EIGHT_BIT = re.compile(rb"[\x80-\xff]")


class MailDataError(ValueError):
    """A message that must not be sent as it is; `line` is the first line (from 1) that has what is told."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(f"line {line} of the message {why}")
        self.line = line


def normalize_line_ends(message: bytes) -> bytes:
    r"""The message with CRLF for every end of line: CRLF, and the lone CR or LF that must not be sent (§2.3.8)."""
    return _LINE_END.sub(b"\r\n", message)


def encode_mail_data(message: bytes) -> bytes:
    """What follows the 354: lines with CRLF, a dot before each that begins with one, and CRLF.CRLF at the end.

    The first CRLF of the final five octets is the message's own if it has one (§4.1.1.4). No line end but CRLF
    is left, so nothing within can be read as the end of mail data, by whatever reading.
    """
    data = normalize_line_ends(message)
    if data and not data.endswith(b"\r\n"):
        data += b"\r\n"
    # After a CRLF, `^` of MULTILINE stands behind the LF, and no other LF is left.
    return _LEADING_DOT.sub(b"..", data) + b".\r\n"


def check_mail_data(message: bytes, *, eight_bit: bool) -> None:
    """Raises MailDataError for what SMTP does not carry: NUL, a line over 998 octets, and 8-bit octets.

    `eight_bit` if they were agreed on: BODY=8BITMIME (RFC 6152 §3) or SMTPUTF8 (RFC 6531 §3.6).
    """
    data = normalize_line_ends(message)
    if found := _NUL.search(data):
        raise _error(data, found, "has a NUL: encode the part it is in (base64)")
    if found := _LONG_LINE.search(data):
        octets = found.end() - found.start()
        raise _error(data, found, f"has {octets} octets, {MAX_TEXT_LINE_OCTETS} is the limit: wrap or encode it")
    if not eight_bit and (found := _EIGHT_BIT.search(data)):
        raise _error(data, found, "has octets beyond ASCII, and nobody agreed to take them: encode it")


def _error(data: bytes, found: re.Match[bytes], why: str) -> MailDataError:
    return MailDataError(why, data.count(b"\r\n", 0, found.start()) + 1)
