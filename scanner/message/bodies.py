"""A body part: how its octets travel, and the header fields that say so (RFC 2045, RFC 2183, RFC 2231)."""

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.message.fields import MAX_LINE, encode_field

_END_OF_LINE = re.compile(r"\r\n|\n")
#: A text with one of these does not travel as it is; a CR that ends no line is one of them (RFC 2045 §2.7, §2.8).
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_BASE64_LINE_OCTETS = 57  # 76 characters, RFC 2045 §6.8

#: What one parameter may have on a line of 78: name, number, star, equals, quotes and semicolon are around it.
_PARAMETER_PART = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: its fields, then its content, lines ended by CRLF; `is_8bit` says how it travels."""

    fields: bytes
    content: bytes
    is_8bit: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be attached; `content_type` is `type/subtype`, and the file's octets arrive as they are."""

    name: str
    content_type: str
    content: bytes


def encode_text(text: str, subtype: str, *, allow_8bit: bool) -> Part:
    """A text as a part: as it is if it can travel so, else quoted-printable (RFC 2045 §6.7)."""
    normal = _END_OF_LINE.sub("\r\n", text)
    normal = normal if normal.endswith("\r\n") else f"{normal}\r\n"
    lines = normal.encode().split(b"\r\n")[:-1]
    charset = "us-ascii" if normal.isascii() else "utf-8"
    can_stand = not _CONTROL.search(normal.replace("\r\n", "\n")) and max(map(len, lines)) <= MAX_LINE
    if can_stand and normal.isascii():
        encoding, content = "7bit", normal.encode()
    elif can_stand and allow_8bit:
        encoding, content = "8bit", normal.encode()
    else:
        encoding, content = "quoted-printable", b"".join(_quoted_printable(line) for line in lines)
    fields = encode_field("Content-Type", f"text/{subtype}; charset={charset}")
    return Part(fields + encode_field("Content-Transfer-Encoding", encoding), content, is_8bit=encoding == "8bit")


def _quoted_printable(line: bytes) -> bytes:
    # As binary, because a lone CR in a line is content; the library's soft line breaks have a bare LF.
    return b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n") + b"\r\n"


def encode_attachment(attachment: Attachment) -> Part:
    """A file as a part in base64: every octet of it arrives, its line ends too."""
    fields = (
        encode_field("Content-Type", _content_type(attachment))
        + encode_field("Content-Transfer-Encoding", "base64")
        + encode_field("Content-Disposition", "attachment; " + "; ".join(_file_name(attachment.name)))
    )
    content = attachment.content
    lines = (content[at : at + _BASE64_LINE_OCTETS] for at in range(0, len(content), _BASE64_LINE_OCTETS))
    return Part(fields, b"".join(b64encode(line) + b"\r\n" for line in lines))


def _content_type(attachment: Attachment) -> str:
    kind = attachment.content_type.lower()
    if kind.startswith(("message/", "multipart/")):
        return "application/octet-stream"  # these must not be in base64 (RFC 2045 §6.4)
    if kind.startswith("text/") and _is_utf8(attachment.content):
        return f"{kind}; charset=utf-8"
    return kind


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _file_name(name: str) -> Iterator[str]:
    """The parameter `filename`: quoted if it is short and plain, else encoded and in parts (RFC 2231 §3, §4)."""
    if name.isascii() and name.isprintable() and "=?" not in name and len(name) <= _PARAMETER_PART:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        yield f'filename="{escaped}"'
        return
    parts = list(_parts("utf-8''", name))
    if len(parts) == 1:
        yield f"filename*={parts[0]}"
        return
    yield from (f"filename*{number}*={part}" for number, part in enumerate(parts))


def _parts(begin: str, name: str) -> Iterator[str]:
    """A name percent-encoded, cut between characters."""
    part = begin
    for character in name:
        encoded = "".join(map(_percent_encoded, character.encode("utf-8", "replace")))
        if len(part) + len(encoded) > _PARAMETER_PART:
            yield part
            part = ""
        part += encoded
    yield part


def _percent_encoded(octet: int) -> str:
    # RFC 2231 §7 allows more; these are those that no reader gets wrong.
    character = chr(octet)
    is_plain = octet < 0x80 and (character.isalnum() or character in "-._")
    return character if is_plain else f"%{octet:02X}"
