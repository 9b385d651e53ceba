"""What AUTH says, kept from everybody who reads: our lines, and what a server repeats of them.

A server that does not understand a line likes to repeat it ("500 unrecognized: …"), and that line may be a password.
"""

import base64
import re

from scanner.smtp.replies import Reply
from scanner.smtp.sasl import Credentials

HIDDEN = b"[hidden]"

_CANCEL = b"*"
#: What CRAM-MD5 says after the user's name (RFC 2195 §2).
_DIGEST = re.compile(rb"[0-9a-f]{32}\Z")


def without_secret(line: bytes) -> bytes:
    """A line that we say within AUTH (RFC 4954 §4), as it may be read: `AUTH PLAIN [hidden]`, `[hidden]`."""
    said = _responses(line)
    return b" ".join(HIDDEN if word in said else word for word in line.split()) + b"\r\n"


class Concealment:
    """Hides a password, and whatever was said within AUTH, in octets."""

    def __init__(self, credentials: Credentials) -> None:
        self._user = credentials.user.encode()
        self._forms = {credentials.password.encode()}

    def learn(self, line: bytes) -> None:
        """Takes a line that we say within AUTH among the secrets."""
        for response in _responses(line):
            said = base64.b64decode(response)
            digest = _DIGEST.search(said)
            # Who logs in is no secret, and a reply may well name it.
            self._forms |= {response, said, digest[0] if digest else b""} - {self._user, b""}

    def __call__(self, octets: bytes) -> bytes:
        """The octets without any of it, in upper or lower case."""
        forms = sorted(self._forms, key=len, reverse=True)
        return re.sub(b"|".join(map(re.escape, forms)), HIDDEN, octets, flags=re.IGNORECASE)

    def in_reply(self, reply: Reply) -> Reply:
        """The reply without any of it."""
        return Reply(reply.code, reply.enhanced_code, tuple(map(self, reply.lines)))


def _responses(line: bytes) -> list[bytes]:
    """The responses, in base64, in a line: after `AUTH mechanism`, or alone. `*` and `=` say nothing."""
    words = line.split()
    responses = words[2:] if len(words) > 1 else words
    return [word for word in responses if word not in (_CANCEL, b"=")]
