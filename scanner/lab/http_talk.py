"""A policy host's side of HTTP/1.1 (RFC 9112): heads of requests in, steps out. Without I/O."""

import re
from collections.abc import Callable

from scanner.lab.steps import Step, Verb

_END_OF_HEAD = b"\r\n\r\n"
#: RFC 8461 §3.3: where a policy is.
_POLICY_REQUEST = re.compile(
    rb"GET /\.well-known/mta-sts\.txt HTTP/1\.[01]\r\n(?:.+\r\n)*?host:[ \t]*([a-z0-9._-]+)(?::\d+)?[ \t]*\r\n",
    re.IGNORECASE,
)
_NOT_FOUND = (
    Step(Verb.send, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    Step(Verb.close),
)

#: The steps of the response of a policy host of that name, None if there is none here.
ResponseOf = Callable[[str], tuple[Step, ...] | None]


class HttpTalk:
    """The requests of one connection (session.Talk); `heard` has their heads."""

    __slots__ = ("_response_of", "heard")

    def __init__(self, response_of: ResponseOf) -> None:
        self._response_of = response_of
        self.heard: list[str] = []

    def next_steps(self, received: bytearray) -> tuple[Step, ...] | None:
        """The steps that answer the request in the buffer, None if it is not complete. No request has a body."""
        head = self._next_head(received)
        if head is None:
            return None
        asked = _POLICY_REQUEST.match(head)
        steps = None if asked is None else self._response_of(asked[1].decode("ascii").lower())
        return _NOT_FOUND if steps is None else steps

    def hear_rest(self, received: bytearray) -> None:
        """Requests that came and were never answered."""
        while self._next_head(received) is not None:
            pass

    def tls_begins(self) -> None:
        """What is asked over TLS is asked in the same words."""

    def tls_established(self, client_certificate: bytes | None) -> None:
        """Everybody may read a policy."""

    def _next_head(self, received: bytearray) -> bytes | None:
        end = received.find(_END_OF_HEAD)
        if end < 0:
            return None
        head = bytes(received[: end + 2])
        del received[: end + len(_END_OF_HEAD)]
        self.heard.append(head.decode("latin-1"))
        return head
