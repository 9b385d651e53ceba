"""The messages that a lab's servers took: a file of octets each, and its envelope beside it in JSON."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from scanner.lab.lab_directory import write_whole

#: What a lab keeps over all its starts; who sends more is told that there is no room (RFC 5321 §4.2.3).
MAX_MESSAGES = 1000
MAX_BYTES = 256 << 20


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A recipient that was accepted; `parameters` of RCPT as they came."""

    forward_path: str
    parameters: tuple[str, ...]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a message came.

    Paths are addresses without their brackets, "" the null reverse path. `host` and `address` are the server's,
    `helo` what the client called itself, `user` who authenticated; `client_certificate` is a SHA-256 in hexadecimal.
    `by` is `data` or `bdat`, `octets` their number in the file.
    """

    host: str
    address: str
    helo: str
    tls: bool
    user: str | None
    client_certificate: str | None
    reverse_path: str
    mail_parameters: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    octets: int
    by: str


@dataclass(frozen=True)
class KeptMessage:
    """A message as a server understood it: its dots are no longer stuffed."""

    envelope: Envelope
    octets: bytes


class MailStore:
    """Keeps messages in a directory, made when there is one, with numbers that go on over several starts."""

    def __init__(self, directory: Path, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._max_messages = max_messages
        kept = _message_files(directory)
        self._count = len(kept)
        self._bytes_left = max_bytes - sum([path.stat().st_size for path in kept])

    def keep(self, envelope: Envelope, octets: bytes) -> bool:
        """False if there is no room. Raises OSError."""
        if self._count == self._max_messages or len(octets) > self._bytes_left:
            return False
        self._directory.mkdir(exist_ok=True)
        self._count += 1
        self._bytes_left -= len(octets)
        path = self._directory / f"{self._count:06d}.eml"
        # The envelope first: who sees a message sees how it came.
        write_whole(path.with_suffix(".json"), msgspec.json.encode(envelope) + b"\n")
        write_whole(path, octets)
        return True


def read_messages(directory: Path) -> list[KeptMessage]:
    """The messages of a lab in the order in which they came. Raises msgspec.DecodeError for one that is broken."""
    return [
        KeptMessage(msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=Envelope), path.read_bytes())
        for path in _message_files(directory)
    ]


def _message_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.eml"))
