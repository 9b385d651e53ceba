"""Every form in which a password may stand in an output: for tests that search outputs for it."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from scanner.smtp.sasl import Credentials, start

#: Shorter pieces of base64 would be found by chance.
_MIN_FORM = 8


def secret_forms(credentials: Credentials) -> frozenset[bytes]:
    """The password as it is, in base64 at every alignment, in what each mechanism says, in hexadecimal, as JSON …"""
    return frozenset(_forms(credentials))


def secrets_in(output: bytes | str, credentials: Credentials) -> list[bytes]:
    """The forms of the password that stand in an output, in any case; to be empty."""
    octets = output.encode("utf-8", "surrogateescape") if isinstance(output, str) else output
    folded = octets.lower()
    return sorted(form for form in secret_forms(credentials) if form in octets or form.lower() in folded)


def _forms(credentials: Credentials) -> Iterator[bytes]:
    password = credentials.password.encode()
    yield password
    yield password[::-1]
    yield json.dumps(credentials.password)[1:-1].encode()
    yield repr(credentials.password)[1:-1].encode()
    yield from (quote(password, safe="").encode(), quote(password).encode())
    yield from (password.hex().encode(), password.hex(" ").encode(), password.hex(":").encode())
    yield from (form for form in _base64_at_every_alignment(password) if len(form) >= _MIN_FORM)
    for mechanism in ("PLAIN", "XOAUTH2"):
        initial_response = start(mechanism, credentials).initial_response
        if initial_response is not None:
            yield initial_response.encode()
    yield base64.b64encode(password)


def _base64_at_every_alignment(octets: bytes) -> Iterator[bytes]:
    """What of the octets' base64 does not depend on what stands before and after them."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + octets)
        begin = (before * 8 + 5) // 6
        end = (before + len(octets)) * 8 // 6
        yield encoded[begin:end]
        yield base64.urlsafe_b64encode(base64.b64decode(encoded))[begin:end]
