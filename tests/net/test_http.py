"""One GET over a stream: every response that a policy server may give, in every split, and every way to give none."""

import pytest

from scanner.net.http import HttpClosedError, HttpError, HttpResponse, HttpTooLongError, get
from tests.conftest import Run

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.test\r\nmax_age: 86400\r\n"
MAX_BYTES = 1000


class Said:
    """A stream on which this was said, piece by piece, and then nothing more."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.written = b""
        self.has_ended = False
        self.ended_by: OSError | None = None

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def read_available(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.written += data

    async def flush(self) -> bool:
        return True

    def abort(self) -> None:
        self._pieces.clear()


def response_of(octets: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *fields, b"", octets])


def with_length(octets: bytes, status: bytes = b"200 OK") -> bytes:
    return response_of(octets, b"Content-Length: %d" % len(octets), b"Content-Type: text/plain", status=status)


async def ask(stream: Said) -> HttpResponse:
    response = HttpResponse(MAX_BYTES)
    await get(stream, "mta-sts.test", "/.well-known/mta-sts.txt", "mxscan/0", response)
    return response


CHUNKED = response_of(b"5\r\nhello\r\n3\r\n, w\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")
RESPONSES = [
    ("a body of a known length", with_length(POLICY), 200, POLICY),
    ("no body", with_length(b""), 200, b""),
    ("a body in chunks", CHUNKED, 200, b"hello, w"),
    ("HTTP/1.0: the end of the connection ends the body", b"HTTP/1.0 200 OK\r\n\r\n" + POLICY, 200, POLICY),
    ("not found", with_length(b"no", b"404 Not Found"), 404, b"no"),
    ("a redirect is a response as any other", with_length(b"", b"301 Moved"), 301, b""),
    ("100 Continue comes before it", b"HTTP/1.1 100 Continue\r\n\r\n" + with_length(POLICY), 200, POLICY),
    ("as long as is allowed", with_length(b"x" * MAX_BYTES), 200, b"x" * MAX_BYTES),
    ("a reason that is none", with_length(b"x", b"200 "), 200, b"x"),
]


@pytest.mark.parametrize(
    ("octets", "status", "body"), [row[1:] for row in RESPONSES], ids=[row[0] for row in RESPONSES]
)
def test_a_response_is_the_same_however_its_octets_arrive(octets: bytes, status: int, body: bytes, run: Run) -> None:
    splits = [(octets,), tuple(octets[at : at + 1] for at in range(len(octets)))]
    splits += [(octets[:cut], octets[cut:]) for cut in range(1, min(len(octets), 120))]
    for pieces in splits:
        response = run(ask(Said(*pieces)))
        assert (response.status, response.body) == (status, body)


def test_the_request_asks_for_the_host_and_for_no_coding(run: Run) -> None:
    stream = Said(with_length(POLICY))
    run(ask(stream))
    first, *fields = stream.written.decode().split("\r\n")
    assert first == "GET /.well-known/mta-sts.txt HTTP/1.1"
    assert {"Host: mta-sts.test", "Accept-Encoding: identity", "Connection: close"} <= set(fields)


def test_of_several_fields_of_a_name_the_first_counts(run: Run) -> None:
    octets = response_of(b"", b"Content-Type: text/plain", b"content-type: text/html", b"Content-Length: 0")
    assert run(ask(Said(octets))).fields["content-type"] == b"text/plain"


NONE: list[tuple[str, tuple[bytes, ...], type[Exception]]] = [
    ("the connection ends at once", (), HttpClosedError),
    ("it ends within the header", (b"HTTP/1.1 200 OK\r\nContent-",), HttpClosedError),
    ("it ends within the body", (response_of(b"half", b"Content-Length: 8"),), HttpClosedError),
    ("it ends within a chunk", (response_of(b"5\r\nhe", b"Transfer-Encoding: chunked"),), HttpClosedError),
    ("another protocol", (b"220 mx.test ESMTP\r\n\r\n",), HttpError),
    ("no protocol", (b"\x00\xff" * 8 + b"\r\n\r\n",), HttpError),
    ("two lengths", (response_of(b"", b"Content-Length: 1", b"Content-Length: 2"),), HttpError),
    ("a header without an end", (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 5000), HttpTooLongError),
    ("a body longer than allowed", (with_length(b"x" * (MAX_BYTES + 1)),), HttpTooLongError),
    ("a body without an end", (response_of(b"x" * 600, b"X: y"), b"x" * 600), HttpTooLongError),
]


@pytest.mark.parametrize(("pieces", "error"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_what_is_no_response_is_told_apart(pieces: tuple[bytes, ...], error: type[Exception], run: Run) -> None:
    with pytest.raises(error):
        run(ask(Said(*pieces)))


def test_what_was_read_before_the_limit_is_kept(run: Run) -> None:
    async def asked() -> HttpResponse:
        response = HttpResponse(MAX_BYTES)
        with pytest.raises(HttpTooLongError):
            await get(Said(with_length(b"x" * 5000)), "mta-sts.test", "/", "mxscan/0", response)
        return response

    response = run(asked())
    assert (response.status, response.body) == (200, b"x" * MAX_BYTES)
