"""A policy server that greylists (RFC 6647): whom it has not seen before is to come again.

It speaks the protocol by which Postfix delegates its decisions (SMTPD_POLICY_README).
"""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

COME_BACK = "450 4.2.0 Greylisted, please try again in 300 seconds"

_Triplet = tuple[str | None, ...]


class _Requests(socketserver.StreamRequestHandler):
    """The requests of one smtpd: attributes, a line each, up to an empty line."""

    server: "_Server"

    def handle(self) -> None:
        attributes: dict[str, str] = {}
        for line in self.rfile:
            if line != b"\n":
                name, _, value = line.decode().rstrip("\n").partition("=")
                attributes[name] = value
                continue
            triplet = tuple(map(attributes.get, ("client_address", "sender", "recipient")))
            action = "dunno" if triplet in self.server.seen else COME_BACK
            self.server.seen.add(triplet)
            self.wfile.write(f"action={action}\n\n".encode())
            attributes.clear()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Requests)
        self.seen: set[_Triplet] = set()


@contextlib.contextmanager
def greylisting(path: Path) -> Iterator[None]:
    """Serves at a socket while the block runs."""
    with _Server(path) as server:
        path.chmod(0o666)  # smtpd asks as `postfix`
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
