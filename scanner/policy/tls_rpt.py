"""TLS-RPT (RFC 8460 §3): the TXT record that says where senders report how TLS went."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.policy.problem import Problem, ProblemFound, quote
from scanner.policy.txt_fields import WSP, parse_fields, refuse_invalid_extensions, select_record

#: tlsrpt-version
RECORD_VERSION = b"v=TLSRPTv1"

# RFC 3986 §3: scheme ":" and what may follow, percent-encoded octets included. §3 of RFC 8460: "commas,
# exclamation points, and semicolons MUST be encoded".
_URI = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")
# RFC 6068 §2: what mailto: is for here needs an address; RFC 9110 §4.2.2: https: needs a host.
_MAILTO = re.compile(rb"mailto:[^@?#/]+@[^@?#/]+(?:\?[^#]*)?", re.IGNORECASE)
_HTTPS = re.compile(rb"https://[^/?#:@][^/?#]*(?:[/?#].*)?", re.IGNORECASE)
# §3: "Two URI schemes are supported". RFC 3986 §3.1: their case does not matter.
_SUPPORTED = re.compile(rb"(?:mailto|https):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TlsRptRecord:
    """Where reports go: URIs of mailto: and https: in order; those of other schemes apart, which nobody serves."""

    rua: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


def parse_record(txt_records: Sequence[Sequence[bytes]]) -> TlsRptRecord | Problem | None:
    """The record among the TXT records of `_smtp._tls.<domain>`, each given as its character-strings.

    None: not published. Problem: published, and no sender can use it.
    """
    try:
        record = select_record(txt_records, RECORD_VERSION)
        if record is None:
            return None
        fields = parse_fields(record, RECORD_VERSION)
        refuse_invalid_extensions(fields, b"rua")
        return _parse_rua([value for name, value in fields if name == b"rua"])
    except ProblemFound as found:
        return found.problem


def _parse_rua(values: Sequence[bytes]) -> TlsRptRecord:
    """The endpoints of all `rua` fields: the grammar allows several, and no sentence says which of them count."""
    if not values:
        raise ProblemFound('the field "rua" is missing')
    # tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
    uris = [uri.strip(WSP) for value in values for uri in value.split(b",")]
    for uri in uris:
        _check_uri(uri)
    supported = tuple(uri.decode("ascii") for uri in uris if _SUPPORTED.match(uri))
    unsupported = tuple(uri.decode("ascii") for uri in uris if not _SUPPORTED.match(uri))
    if not supported:
        raise ProblemFound(f"rua has no URI of mailto: or https:, only {quote(uris[0])}")
    return TlsRptRecord(supported, unsupported)


def _check_uri(uri: bytes) -> None:
    """Raises ProblemFound for what is no URI, and for one of a supported scheme that leads nowhere."""
    if not _URI.fullmatch(uri):
        raise ProblemFound(f"{quote(uri)} in rua is no URI{_hint(uri)}")
    if _SUPPORTED.match(uri) and not (_MAILTO.fullmatch(uri) or _HTTPS.fullmatch(uri)):
        raise ProblemFound(f"{quote(uri)} in rua has no mail address or host")


def _hint(uri: bytes) -> str:
    """The commonest mistakes by name."""
    if b"@" in uri and b":" not in uri:
        return ": mailto: is missing"
    if b"!" in uri:
        return ": an exclamation point has to be written %21"
    return ""
