"""Whether a password stands in an output, in any form that anything of ours could give it."""

import base64
import hmac
import quopri
import re
from collections.abc import Iterator

from scanner.smtp.sasl import Credentials
from tests.smtp.secret_forms import secrets_in

_CHALLENGE = re.compile(rb"334 ([A-Za-z0-9+/=]{8,})")


def told_secrets(output: bytes, credentials: Credentials) -> list[bytes]:
    """The forms in which it stands there; to be empty."""
    lowered = output.lower()
    others = (*_encoded(credentials.password), *_responses(output, credentials))
    return [*secrets_in(output, credentials), *(form for form in others if form.lower() in lowered)]


def _encoded(password: str) -> Iterator[bytes]:
    """Quoted-printable, in text and in a header field; and with escapes, as octets are shown."""
    octets = password.encode()
    for in_header in (False, True):
        yield quopri.encodestring(octets, header=in_header).replace(b"=\n", b"").strip()
    yield repr(octets)[2:-1].encode()


def _responses(output: bytes, credentials: Credentials) -> Iterator[bytes]:
    """What CRAM-MD5 makes of it with each challenge that is shown (RFC 2195 §2)."""
    for challenge in _CHALLENGE.findall(output):
        digest = hmac.new(credentials.password.encode(), base64.b64decode(challenge), "md5").hexdigest().encode()
        yield digest
        yield base64.b64encode(credentials.user.encode() + b" " + digest)
