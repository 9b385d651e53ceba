"""A message as octets, in the forms between which the server's extensions choose (RFC 5322, RFC 2045)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

from scanner.message.bodies import Attachment, Part, encode_attachment, encode_text
from scanner.message.fields import FieldError, check_name, check_value, encode_field

#: RFC 5322 §3.6: fields that a message has once, of those that we write and a sender may write instead.
_REPLACEABLE = ("date", "from", "to", "cc", "subject", "message-id")
_ONCE = frozenset({*_REPLACEABLE, "sender", "reply-to", "in-reply-to", "references"})

#: The mark of a test: that it is one, and where its transcript is.
TEST_FIELD = "X-Mxscan-Test"

#: Fields that nobody can know but who writes the message.
_OURS = frozenset({"mime-version", "content-type", "content-transfer-encoding", TEST_FIELD.lower()})

#: RFC 5322 §3.4: what stands in To where every recipient is hidden.
_NOBODY_TO_SEE = "undisclosed-recipients:;"


@dataclass(frozen=True, slots=True)
class Field:
    """A header field as somebody wants it: a name and a value of one line."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a message shall say. Addresses are mailboxes without brackets; `at` is an aware datetime.

    `test_note` says that this is a test and where its transcript is, "" if it is none; `fields` replace ours of
    the same name.
    """

    author: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    subject: str
    text: str
    is_html: bool = False
    attachments: Sequence[Attachment] = ()
    fields: Sequence[Field] = ()
    message_id: str
    at: datetime
    test_note: str = ""


@dataclass(frozen=True, slots=True)
class ComposedMessage:
    """A message as octets, every line ended by CRLF, and what a server must offer to get it in this form."""

    octets: bytes
    needs_8bitmime: bool
    needs_smtputf8: bool


def parse_field(text: str) -> Field:
    """`Name: value` as a field that a sender may add. Raises FieldError."""
    name, colon, value = text.partition(":")
    if not colon:
        raise FieldError("a header field is written as 'Name: value', and this has no colon", len(text) + 1)
    check_name(name)
    check_value(text)
    if name.lower() in _OURS:
        raise FieldError(f"{name} is written by mxscan itself: leave it out", 1)
    if name.lower() == "bcc":
        raise FieldError("Bcc in a header would be seen by everybody: use --bcc", 1)
    return Field(name, value.strip(" \t"))


def compose(draft: Draft) -> tuple[ComposedMessage, ...]:
    """The message in its forms, the one to be preferred first; the last has no octet over 127 in its text.

    Raises FieldError for a header that cannot be written.
    """
    in_8bit, in_7bit = (_compose(draft, allow_8bit=allow) for allow in (True, False))
    return (in_8bit, in_7bit) if in_8bit.needs_8bitmime else (in_7bit,)


def _compose(draft: Draft, *, allow_8bit: bool) -> ComposedMessage:
    subtype = "html" if draft.is_html else "plain"
    text = encode_text(draft.text, subtype, allow_8bit=allow_8bit)
    whole = _with_attachments(text, draft) if draft.attachments else text
    utf8 = not all(address.isascii() for address in (draft.author, *draft.to, *draft.cc))
    header = b"".join(encode_field(field.name, field.value, utf8=utf8) for field in _header(draft))
    octets = header + encode_field("MIME-Version", "1.0") + whole.fields + b"\r\n" + whole.content
    return ComposedMessage(octets, needs_8bitmime=whole.is_8bit, needs_smtputf8=utf8)


def _header(draft: Draft) -> Iterator[Field]:
    """Our fields, each replaced by the sender's of its name; then those that the sender adds."""
    given = {field.name.lower(): field for field in draft.fields}
    _check_counts(draft.fields)
    for field in _our_fields(draft):
        yield given.get(field.name.lower(), field)
    yield from (field for field in draft.fields if field.name.lower() not in _REPLACEABLE)


def _our_fields(draft: Draft) -> Iterator[Field]:
    yield Field("Date", format_datetime(draft.at))
    yield Field("From", draft.author)
    yield Field("To", ", ".join(draft.to) or _NOBODY_TO_SEE)
    if draft.cc:
        yield Field("Cc", ", ".join(draft.cc))
    yield Field("Subject", draft.subject)
    yield Field("Message-ID", draft.message_id)
    if draft.test_note:
        yield Field(TEST_FIELD, draft.test_note)


def _check_counts(fields: Sequence[Field]) -> None:
    seen: set[str] = set()
    for field in fields:
        name = field.name.lower()
        if name in _ONCE and name in seen:
            raise FieldError(f"a message has {field.name} once at most (RFC 5322 §3.6)", 1)
        seen.add(name)


def _with_attachments(text: Part, draft: Draft) -> Part:
    """RFC 2046 §5.1.3: the text and the files, one after the other; the CRLF before a boundary is a part of it."""
    parts = [text, *map(encode_attachment, draft.attachments)]
    boundary = _boundary(parts, draft.message_id)
    begin = b"--" + boundary + b"\r\n"
    content = b"".join(begin + part.fields + b"\r\n" + part.content + b"\r\n" for part in parts)
    fields = encode_field("Content-Type", f'multipart/mixed; boundary="{boundary.decode()}"')
    # RFC 2045 §6.4: an entity of parts has the encoding of the widest of them.
    fields += encode_field("Content-Transfer-Encoding", "8bit" if text.is_8bit else "7bit")
    return Part(fields, content + b"--" + boundary + b"--\r\n", is_8bit=text.is_8bit)


def _boundary(parts: Sequence[Part], message_id: str) -> bytes:
    """A line that stands in no part: `=_` is in neither base64 nor quoted-printable, a text may hold anything."""
    number = 0
    while True:
        digest = sha256(f"{number} {message_id}".encode()).hexdigest()[:24]
        boundary = f"=_mxscan_{digest}".encode()
        if not any(boundary in part.content for part in parts):
            return boundary
        number += 1
