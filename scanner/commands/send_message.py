"""The message of `mxscan send`: text and files read, or the text that says that this is a test; then composed."""

import mimetypes
import os
import platform
import secrets
import stat
import sys
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from scanner import __version__
from scanner.commands.send_errors import RequestError
from scanner.commands.send_request import SendRequest
from scanner.message.bodies import Attachment
from scanner.message.composing import ComposedMessage, Draft, compose
from scanner.message.default_text import Occasion, default_subject, default_text, note_of
from scanner.message.fields import FieldError
from scanner.names import is_host_name
from scanner.report.shown_text import shown
from scanner.smtp.mailboxes import Mailbox

#: What text and files may have together: more than nearly every server takes, and it is held in memory some times.
MAX_OCTETS = 150 * 1024 * 1024

_STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was read for a message; `text` is None if nobody gave one."""

    text: str | None
    is_html: bool
    attachments: tuple[Attachment, ...]


def read_contents(body: str | None, body_file: Path | None, *, is_html: bool, attach: Iterable[Path]) -> Contents:
    """Reads the text and the files. Raises RequestError for one that can't be read, is no text, or is too large."""
    text = body if body is not None else _read_text(body_file)
    attachments = []
    left = MAX_OCTETS - len((text or "").encode())
    for path in attach:
        content = _read_file(path, "--attach", left)
        left -= len(content)
        attachments.append(Attachment(path.name, _content_type(path), content))
    return Contents(text=text, is_html=is_html, attachments=tuple(attachments))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in its forms, the one to be preferred first, and its message id."""

    message_id: str
    forms: tuple[ComposedMessage, ...]

    def as_said(self, digests: Container[str | None]) -> bytes:
        """The form that a server got, by its SHA-256; the preferred one if none did."""
        said = (form.octets for form in self.forms if sha256(form.octets).hexdigest() in digests)
        return next(said, self.forms[0].octets)


def compose_message(
    request: SendRequest, contents: Contents, *, ehlo_name: str, at: datetime, saved_at: Path | None
) -> Outgoing:
    """The message; without an EHLO name it is from this host by its own name. Raises RequestError for its header."""
    host = _host(ehlo_name)
    # RFC 5322 §3.6.4: unique, and its right side a name of the host that made it.
    message_id = f"<{at:%Y%m%d%H%M%S}.{secrets.token_hex(8)}.mxscan@{host}>"
    occasion = Occasion(
        version=__version__,
        at=at,
        host=host,
        message_id=message_id,
        saved_at=None if saved_at is None else shown(str(saved_at)),
    )
    text = contents.text if contents.text is not None else default_text(occasion, is_html=contents.is_html)
    draft = Draft(
        # RFC 5322 §3.6.2: every message has an author; for the null reverse-path it is who sends reports.
        author=f"MAILER-DAEMON@{host}" if request.sender is None else str(request.sender),
        to=_texts(request.to),
        cc=_texts(request.cc),
        subject=request.subject if request.subject is not None else default_subject(occasion),
        text=text,
        is_html=contents.is_html,
        attachments=contents.attachments,
        fields=request.fields,
        message_id=message_id,
        at=at,
        test_note=note_of(occasion),
    )
    try:
        return Outgoing(message_id, compose(draft))
    except FieldError as error:
        raise RequestError(f"--header: {error}") from error


def _host(ehlo_name: str) -> str:
    name = (ehlo_name or platform.node()).lower()
    return name if is_host_name(name) else "localhost"


def _texts(mailboxes: Iterable[Mailbox]) -> tuple[str, ...]:
    return tuple(map(str, mailboxes))


# Files ------------------------------------------------------------------------------------------------


def _read_text(path: Path | None) -> str | None:
    """The text of a file or of standard input; None if there is neither, or nothing was piped."""
    if path is None:
        text = _decoded(_read_standard_input(), "standard input") if _is_piped() else ""
        return text or None
    if path == _STANDARD_INPUT:
        return _decoded(_read_standard_input(), "standard input")
    return _decoded(_read_file(path, "--body-file", MAX_OCTETS), f"--body-file {shown(str(path))}")


def _decoded(octets: bytes, where: str) -> str:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise RequestError(f"{where}: expected a text in UTF-8, found another octet in line {line}") from error


def _is_piped() -> bool:
    """True if standard input is a pipe or a file; a terminal, a socket or /dev/null holds no text for us."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _read_standard_input() -> bytes:
    octets = sys.stdin.buffer.read(MAX_OCTETS + 1)
    return _within(octets, "standard input", MAX_OCTETS)


def _read_file(path: Path, option: str, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(most + 1)
    except OSError as error:
        raise RequestError(f"{option} {shown(str(path))} can't be read: {error.strerror}") from error
    return _within(octets, f"{option} {shown(str(path))}", most)


def _within(octets: bytes, where: str, most: int) -> bytes:
    if len(octets) > most:
        raise RequestError(f"{where}: text and files have {MAX_OCTETS // 1024**2} MiB together at most")
    return octets


def _content_type(path: Path) -> str:
    """As the file's name says; what is compressed is no longer what it was."""
    kind, encoding = mimetypes.guess_type(path.name)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    return kind or "application/octet-stream"
