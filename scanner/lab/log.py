"""The lab's own log, `log.jsonl`: what its servers saw, so that a scan can be checked against it.

`what` tells the lines apart: `session` (SMTP), `fetch` (HTTPS), `tripwire` (somebody came where nobody may),
`dns` (counts, at the end).
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

#: Lines are written when so many octets have come together, and by `flush`.
BUFFER_BYTES = 65536


class LogLine(msgspec.Struct, tag_field="what", forbid_unknown_fields=True):
    """A line of the log. Times are seconds of the system's monotonic clock, and text in UTC."""


class Visit(NamedTuple):
    """Who came where and when: what the lines of all sessions have."""

    address: str
    port: int
    peer: str
    started_at: str
    started_s: float
    ended_s: float


class SessionLine(LogLine, tag="session", kw_only=True):
    """A finished SMTP session; `commands` has the verbs in order, those the server did not answer too.

    `paths` are the commands MAIL and RCPT as they came, `user` is who was authenticated in the end. What is said in
    AUTH is not logged.

    `end`: `client_closed`, `client_reset`, `server_closed`, `server_reset`, `lab_stopped`.
    `spoke_early`: the client sent something before the greeting was complete.
    """

    address: str
    port: int
    host: str
    peer: str
    started_at: str
    started_s: float
    ended_s: float
    commands: list[str]
    sni: str | None
    tls: str | None
    spoke_early: bool
    end: str
    error: str | None
    paths: list[str] = []
    user: str | None = None


class FetchLine(LogLine, tag="fetch", kw_only=True):
    """A finished HTTPS session; `requests` has the heads of all complete requests, `end` is as for SMTP."""

    address: str
    port: int
    peer: str
    started_at: str
    started_s: float
    ended_s: float
    requests: list[str]
    sni: str | None
    tls: str | None
    end: str
    error: str | None


class TripwireLine(LogLine, tag="tripwire", kw_only=True):
    """A connection to an address that a scan must never contact."""

    address: str
    port: int
    peer: str
    at: str


class DnsLine(LogLine, tag="dns", kw_only=True):
    """How many queries came to the resolver in all, by transport, and to each name server that was asked."""

    queries: dict[str, int]
    name_servers: dict[str, dict[str, int]] = {}


class Log:
    """Appends lines to a file, many at a time."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._encode = msgspec.json.Encoder().encode
        self._buffer = bytearray()

    def write(self, line: LogLine) -> None:
        self._buffer += self._encode(line) + b"\n"
        if len(self._buffer) > BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what is buffered."""
        if self._buffer:
            self._file.write(self._buffer)
            self._buffer.clear()

    def close(self) -> None:
        self.flush()
        self._file.close()


def read_log(path: Path) -> list[LogLine]:
    """The lines of a log. Raises msgspec.ValidationError for a line that is none."""
    decoder = msgspec.json.Decoder(SessionLine | FetchLine | TripwireLine | DnsLine)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
