"""One HTTP/1.1 GET over a stream that is open already: no redirects, no coding but identity, a bound on the body."""

from dataclasses import dataclass, field

import h11

from scanner.net.streams import Stream

#: Octets of the status line and the header fields; more is nobody's policy server.
MAX_HEADER_BYTES = 16384


class HttpError(Exception):
    """What came is no HTTP response (RFC 9112)."""


class HttpTooLongError(Exception):
    """The header or the body is longer than allowed; what was read of the body stands in the response."""


class HttpClosedError(Exception):
    """The connection ended before the response did; the stream's `ended_by` says how."""


@dataclass(slots=True)
class HttpResponse:
    """A response, filled as it arrives; field names are lower case, of several fields of a name the first counts."""

    max_body_bytes: int
    status: int | None = None
    fields: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""


async def get(stream: Stream, host: str, path: str, agent: str, response: HttpResponse) -> None:
    """Asks for a path and reads into `response`, which also has what came before anything went wrong.

    Raises HttpError, HttpTooLongError, HttpClosedError, and what the stream raises.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
    fields = [("Host", host), ("User-Agent", agent), ("Accept-Encoding", "identity"), ("Connection", "close")]
    stream.write(connection.send(h11.Request(method="GET", target=path, headers=fields)) or b"")
    connection.send(h11.EndOfMessage())
    while True:
        event = await _next_event(connection, stream)
        if isinstance(event, h11.Response):
            response.status = event.status_code
            for name, value in event.headers:
                response.fields.setdefault(name.decode("ascii"), value)
        elif isinstance(event, h11.Data):
            response.body += event.data
            if len(response.body) > response.max_body_bytes:
                response.body = response.body[: response.max_body_bytes]
                raise HttpTooLongError
        elif isinstance(event, h11.EndOfMessage):
            return


async def _next_event(connection: h11.Connection, stream: Stream) -> h11.Event:
    """The next event that says something; 1xx responses do not."""
    has_ended = False
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            if has_ended:
                raise HttpClosedError from error
            if error.error_status_hint == 431:  # h11's limit on a header that does not end
                raise HttpTooLongError from error
            raise HttpError(str(error)) from error
        if isinstance(event, (h11.Response, h11.Data, h11.EndOfMessage)):
            return event
        if has_ended or isinstance(event, h11.ConnectionClosed):
            raise HttpClosedError
        if event is h11.NEED_DATA:
            data = await stream.read()
            has_ended = not data
            connection.receive_data(data)
