"""A server's side of SASL (RFC 4954): what a client says of itself, and whether that is so. Without I/O.

Each mechanism is a generator: it yields challenges, is sent the responses, and returns the user's name, or None for
one that is not to be believed. It raises ValueError for a response that is none.
"""

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Callable, Generator, Mapping

Users = Mapping[str, str]
Exchange = Generator[bytes, bytes, str | None]

#: RFC 4954 §4: a response that ends the exchange.
_CANCEL = b"*"
#: RFC 4954 §4: an initial response that has no octets.
_EMPTY = b"="
#: Where the server has to speak first, an initial response is an error (RFC 4954 §4).
_SERVER_BEGINS = frozenset({"CRAM-MD5"})
_BEARER = re.compile(rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", re.IGNORECASE)


class AuthenticationError(Exception):
    """The exchange is over: `reply` says why."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply)
        self.reply = reply


class Authentication:
    """One AUTH command, up to its verdict. `user` is who it turned out to be, None until then, or if it is nobody."""

    def __init__(self, mechanism: str, users: Users, host: str) -> None:
        self._exchange = _MECHANISMS[mechanism](users, host)
        self._server_begins = mechanism in _SERVER_BEGINS
        self.user: str | None = None

    def begin(self, initial_response: bytes) -> bytes | None:
        """The first challenge, None if there is a verdict. Raises AuthenticationError."""
        challenge = next(self._exchange)
        if not initial_response:
            return challenge
        if self._server_begins:
            raise AuthenticationError(b"501 5.7.0 Here the server begins\r\n")
        return self.respond(b"" if initial_response == _EMPTY else initial_response)

    def respond(self, line: bytes) -> bytes | None:
        """The next challenge, None if there is a verdict. Raises AuthenticationError."""
        if line == _CANCEL:
            raise AuthenticationError(b"501 5.7.0 Authentication cancelled\r\n")
        try:
            return self._exchange.send(base64.b64decode(line, validate=True))
        except StopIteration as end:
            self.user = end.value
            return None
        except (binascii.Error, ValueError):
            raise AuthenticationError(b"501 5.5.2 Cannot decode the response\r\n") from None


def encode_challenge(challenge: bytes) -> bytes:
    """A challenge as a reply."""
    return b"334 " + base64.b64encode(challenge) + b"\r\n"


def _believed(users: Users, user: bytes, password: bytes) -> str | None:
    """Raises ValueError for a name that is no text."""
    name = user.decode()
    return name if name in users and hmac.compare_digest(users[name].encode(), password) else None


def _plain(users: Users, host: str) -> Exchange:  # noqa: ARG001  # the signature of a mechanism
    """RFC 4616 §2."""
    authorized, user, password = (yield b"").split(b"\0")
    return None if authorized not in (b"", user) else _believed(users, user, password)


def _login(users: Users, host: str) -> Exchange:  # noqa: ARG001  # the signature of a mechanism
    """draft-murchison-sasl-login §2; a client that knows the mechanism may send the name at once."""
    user = yield b"Username:"
    password = yield b"Password:"
    return _believed(users, user, password)


def _cram_md5(users: Users, host: str) -> Exchange:
    """RFC 2195 §2."""
    challenge = f"<{secrets.token_hex(16)}@{host}>".encode()
    user, _, digest = (yield challenge).rpartition(b" ")
    name = user.decode()
    expected = hmac.digest(users.get(name, "").encode(), challenge, "md5").hex().encode()
    return name if name in users and hmac.compare_digest(expected, digest) else None


def _xoauth2(users: Users, host: str) -> Exchange:
    """Google's and Microsoft's: why a token is not taken comes as a challenge, which wants an empty response."""
    found = _BEARER.fullmatch((yield b""))
    if found is None:
        raise ValueError("no bearer token")
    user = _believed(users, found[1], found[2])
    if user is None:
        yield json.dumps({"status": "401", "schemes": "bearer", "scope": f"https://{host}/"}).encode()
    return user


_MECHANISMS: dict[str, Callable[[Users, str], Exchange]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
}
