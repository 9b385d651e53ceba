"""Whom Postfix asks about users: a server of Dovecot's authentication protocol 1.1, with its users in a table.

https://doc.dovecot.org/developer_manual/design/auth_protocol/ describes the protocol. Postfix speaks AUTH with the
client and passes the octets on.
"""

import base64
import hmac
import secrets
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

#: Who comes as this user finds nobody to ask.
AWAY = "away@real.test"

_HELLO = (
    b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tCRAM-MD5\tdictionary\tactive\n"
    b"MECH\tXOAUTH2\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t" + b"0" * 32 + b"\nDONE\n"
)


#: What is asked first of who brought no initial response; with CRAM-MD5 it is another one each time.
_FIRST = {b"PLAIN": b"", b"LOGIN": b"Username:", b"XOAUTH2": b""}


class _Exchanges(socketserver.StreamRequestHandler):
    """A connection of one smtpd."""

    def handle(self) -> None:
        self.wfile.write(_HELLO)
        self._held: dict[bytes, tuple[bytes, bytes, str]] = {}
        for line in self.rfile:
            verb, *fields = line.rstrip(b"\n").split(b"\t")
            if verb == b"AUTH":
                self._begin(*fields)
            elif verb == b"CONT":
                mechanism, challenge, user = self._held.pop(fields[0])
                self._go_on(fields[0], mechanism, challenge, user, base64.b64decode(fields[1]))

    def _begin(self, number: bytes, mechanism: bytes, *parameters: bytes) -> None:
        given = next((each.removeprefix(b"resp=") for each in parameters if each.startswith(b"resp=")), None)
        if given is None:
            first = f"<{secrets.token_hex(8)}@real.test>".encode() if mechanism == b"CRAM-MD5" else _FIRST[mechanism]
            self._challenge(number, mechanism, first)
        else:
            self._go_on(number, mechanism, b"", "", base64.b64decode(given))

    def _challenge(self, number: bytes, mechanism: bytes, challenge: bytes, user: str = "") -> None:
        self._held[number] = (mechanism, challenge, user)
        self.wfile.write(b"CONT\t" + number + b"\t" + base64.b64encode(challenge) + b"\n")

    def _go_on(self, number: bytes, mechanism: bytes, challenge: bytes, user: str, response: bytes) -> None:
        match mechanism:
            case b"PLAIN":
                _, name, password = response.decode().split("\0")
                self._end(number, name, hmac.compare_digest(self._password(name), password))
            case b"LOGIN" if not user:
                self._challenge(number, mechanism, b"Password:", response.decode())
            case b"LOGIN":
                self._end(number, user, hmac.compare_digest(self._password(user), response.decode()))
            case b"CRAM-MD5":
                name, _, digest = response.decode().rpartition(" ")
                expected = hmac.new(self._password(name).encode(), challenge, "md5").hexdigest()
                self._end(number, name, hmac.compare_digest(expected, digest))
            case b"XOAUTH2":
                self._go_on_with_token(number, user, response)

    def _go_on_with_token(self, number: bytes, user: str, response: bytes) -> None:
        if user:  # the empty answer to what was said of the failure
            self._end(number, user, is_right=False)
            return
        name, token = (part.partition("=")[2] for part in response.decode().split("\1")[:2])
        if token == f"Bearer {self._password(name)}":
            self._end(number, name, is_right=True)
        else:
            self._challenge(number, b"XOAUTH2", b'{"status":"401","schemes":"bearer"}', name)

    def _password(self, user: str) -> str:
        server = self.server
        assert isinstance(server, _Server)
        return server.users.get(user, "\0nobody")

    def _end(self, number: bytes, user: str, is_right: bool) -> None:
        if user == AWAY:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        verb = b"OK" if is_right else b"FAIL"
        self.wfile.write(verb + b"\t" + number + b"\tuser=" + user.encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, users: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Exchanges)
        self.users = users


@contextmanager
def sasl_backend(users: Mapping[str, str]) -> Iterator[str]:
    """Serves while the block runs; what `smtpd_sasl_path` is to be."""
    with _Server(users) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"inet:127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
