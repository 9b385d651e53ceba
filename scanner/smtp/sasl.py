"""SASL mechanisms (RFC 4422), the client's side: what AUTH says first, and what it answers to each challenge.

Theory of operation. A mechanism is a generator: it yields its initial response (None if the server speaks first), and
from then on takes challenges and yields responses, all as octets. `Mechanism` puts base64 and the rules of RFC 4954
around it. Nothing here shows a secret: no representation, no error, and no error is raised while another one is
handled that holds one.
"""

import base64
import hmac
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from scanner.smtp.commands import MAX_COMMAND_OCTETS, Verb, is_base64
from scanner.wire_text import escape_octets

#: What a mechanism says in turn. None, only in the first place: the server begins.
_Exchange = Generator[bytes | None, bytes, None]

_NOT_IN_CREDENTIALS = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What is kept of a server's words on a failure.
_MAX_FAILURE = 1024


class SaslError(Exception):
    """AUTH cannot be done, or cannot go on: the message says why, and never what was to be said."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in; for XOAUTH2 `password` is the access token. The representation has no password.

    Both are sent as UTF-8 (RFC 4616 §2), as they are typed. Raises SaslError for NUL, which PLAIN separates them with.
    """

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for what, text in (("user name", self.user), ("password", self.password)):
            if not text:
                raise SaslError(f"the {what} is empty")
            if strange := _NOT_IN_CREDENTIALS.search(text):
                why = "a NUL" if strange[0] == "\0" else "no valid UTF-8"
                raise SaslError(f"{why} in the {what} at position {strange.start() + 1}")


class Mechanism:
    """An exchange by one mechanism, from the client's side.

    `initial_response` is the base64 that goes along with AUTH, or None: then the server speaks first, or the line would
    have become too long, and it is the response to the first challenge (RFC 4954 §4). `failure` is what the server said
    of a failure in a challenge, as escaped text (XOAUTH2 sends JSON there, before its 535).
    """

    def __init__(self, name: str, exchange: _Exchange) -> None:
        self.name = name
        self.failure: str | None = None
        self._exchange = exchange
        self._unsaid = next(exchange)
        self.initial_response = self._take_initial_response()

    def _take_initial_response(self) -> str | None:
        if self._unsaid is None:
            return None
        encoded = base64.b64encode(self._unsaid).decode("ascii")
        if len(f"{Verb.auth} {self.name} {encoded}\r\n") > MAX_COMMAND_OCTETS:
            return None
        self._unsaid = None
        return encoded

    @property
    def argument(self) -> str:
        """The argument of AUTH: a secret, if there is an initial response."""
        return f"{self.name} {self.initial_response}" if self.initial_response is not None else self.name

    def respond(self, challenge: bytes) -> str:
        """The response, in base64 or empty, to the text of a 334. After a SaslError, AUTH is to be cancelled."""
        if not is_base64(text := challenge.decode("latin-1")):
            raise SaslError("the server's challenge is no base64 (RFC 4954 §4)")
        response = self._next_response(base64.b64decode(text))
        return base64.b64encode(response).decode("ascii")

    def _next_response(self, challenge: bytes) -> bytes:
        if self._unsaid is not None:
            response, self._unsaid = self._unsaid, None
            return response
        try:
            response = self._exchange.send(challenge) or b""
        except StopIteration:
            raise SaslError(f"the server asks for more than {self.name} has to say") from None
        if not response:
            self.failure = escape_octets(challenge[:_MAX_FAILURE])
        return response


def start(mechanism: str, credentials: Credentials) -> Mechanism:
    """Begins an exchange. Raises SaslError for a mechanism that is not known."""
    name = mechanism.upper()
    return Mechanism(name, _MECHANISMS[_known(name)](credentials))


def choose_mechanism(offered: Sequence[str], wanted: str | None, *, is_encrypted: bool) -> str:
    """The mechanism to log in with, of those that the server offers (in upper case); raises SaslError if there is none.

    The one that is wanted, else under TLS PLAIN first, because it depends on nothing else (RFC 4954 §4 demands it of
    everybody), and in the clear CRAM-MD5, which alone does not tell the password. Whether to log in in the clear at all
    is for others to decide. XOAUTH2 has to be wanted: its password is another thing.
    """
    choices = (_known(wanted.upper()),) if wanted else _UNDER_TLS if is_encrypted else _IN_THE_CLEAR
    chosen = next((name for name in choices if name in offered), None)
    if chosen is None:
        offers = f"offers {', '.join(offered)}" if offered else "offers no AUTH here"
        raise SaslError(f"the server {offers}, and not {' or '.join(choices)}")
    return chosen


def _known(name: str) -> str:
    if name not in _MECHANISMS:
        raise SaslError(f"no mechanism that we know, which are {', '.join(_MECHANISMS)}")
    return name


# The mechanisms ------------------------------------------------------------------------------------------------


def _plain(credentials: Credentials) -> _Exchange:
    """RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd."""
    yield f"\0{credentials.user}\0{credentials.password}".encode()


def _login(credentials: Credentials) -> _Exchange:
    """Never standardized; the server's prompts ("Username:", "Password:") are not to be relied on."""
    yield None
    yield credentials.user.encode()
    yield credentials.password.encode()


def _cram_md5(credentials: Credentials) -> _Exchange:
    """RFC 2195 §2: the user name, a space, and the keyed digest of the challenge in lower case."""
    challenge = yield None
    digest = hmac.new(credentials.password.encode(), challenge, "md5").hexdigest()
    yield f"{credentials.user} {digest}".encode()


def _xoauth2(credentials: Credentials) -> _Exchange:
    """Google's and Microsoft's: user and bearer token, with ^A; an error comes as a challenge, answered by nothing."""
    if _CONTROL.search(credentials.user + credentials.password):
        raise SaslError("a control character in the user name or the access token")
    yield f"user={credentials.user}\1auth=Bearer {credentials.password}\1\1".encode()
    yield b""


_MECHANISMS: dict[str, Callable[[Credentials], _Exchange]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
}
_UNDER_TLS = ("PLAIN", "LOGIN", "CRAM-MD5")
_IN_THE_CLEAR = ("CRAM-MD5", "PLAIN", "LOGIN")
