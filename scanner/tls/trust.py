"""Whether a path leads from a served certificate to a trusted root, at a time: OpenSSL's answer, remembered.

Theory of operation. OpenSSL validates the path (RFC 5280 §6) with the roots, the served chain and the time.
pyOpenSSL has no public way to set a purpose, so `purpose.py` looks at the path that OpenSSL found. One chain
may serve ten thousand names: as all that time does to a validation is to pass the notBefore and notAfter of
the certificates involved, a result holds for the whole span between two of these, and is remembered with it.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from OpenSSL import crypto

from scanner.tls.certificate_fields import parse_certificate, parse_not_after, parse_not_before
from scanner.tls.purpose import allows_tls_server
from scanner.tls.trust_roots import parse_roots

#: How many chains are remembered: some 0.5 KB each.
MAX_CHAINS = 4096

#: How many spans of time are remembered of one chain. A run sees one or two; unreadable dates make one a second.
MAX_SPANS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustResult:
    """OpenSSL's verdict: `code` and `text` are its own, `depth` is where in the path (0: the leaf).

    `trusted` is None if the leaf could not even be loaded; then there is no code and no depth.
    """

    trusted: bool | None
    code: int | None
    text: str
    depth: int | None


TRUSTED = TrustResult(trusted=True, code=0, text="ok", depth=0)
UNREADABLE = TrustResult(trusted=None, code=None, text="OpenSSL cannot read the certificate", depth=None)


class _Span(NamedTuple):
    """Seconds since 1970, both included, in which a validation has one and the same result."""

    first: float
    last: float

    def holds(self, second: int) -> bool:
        return self.first <= second <= self.last


class TrustStore:
    """The roots of a run. For one thread: what OpenSSL and the memory hold is shared and not locked."""

    def __init__(self, roots_pem: bytes) -> None:
        """Raises ValueError, saying which and why, if a root cannot be read, or if there is none."""
        ders = parse_roots(roots_pem)
        self._roots = [_load_root(number, der) for number, der in enumerate(ders, 1)]
        self._boundaries = _boundaries(ders)
        self._store = crypto.X509Store()
        self._store_second: int | None = None
        self._remembered: dict[bytes, tuple[tuple[_Span, TrustResult], ...]] = {}

    def verify(self, chain: Sequence[bytes], at: datetime) -> TrustResult:
        """Validate a path from the first of these certificates (DER), with the help of the others, to a root.

        `at` is an aware datetime; parts of a second do not count. A certificate behind the leaf that cannot
        be loaded is left out. No name is looked at, and no revocation. Where several things are wrong,
        OpenSSL tells of the first that it came upon; a wrong purpose is told only if nothing else is.
        """
        if at.tzinfo is None:
            raise ValueError("the time of a validation needs its zone")
        second = math.floor(at.timestamp())
        key = b"".join([sha256(der).digest() for der in chain])
        remembered = self._remembered.pop(key, ())
        for span, result in remembered:
            if span.holds(second):
                self._remembered[key] = remembered
                return result
        span = self._span(chain, second)
        result = self._validate(chain, span, second)
        self._remember(key, (*remembered, (span, result))[-MAX_SPANS:])
        return result

    def _remember(self, key: bytes, results: tuple[tuple[_Span, TrustResult], ...]) -> None:
        """Hold the results of a chain; the chain that was not asked for longest makes room."""
        self._remembered[key] = results
        if len(self._remembered) > MAX_CHAINS:
            del self._remembered[next(iter(self._remembered))]

    def _span(self, chain: Sequence[bytes], second: int) -> _Span:
        """The time around `second` in which no certificate, served or root, begins or ends to be valid."""
        try:
            served = _span_within(_boundaries(chain), second)
        except ValueError:
            return _Span(second, second)  # what cannot be read may change at any time
        roots = _span_within(self._boundaries, second)
        return _Span(max(served.first, roots.first), min(served.last, roots.last))

    def _validate(self, chain: Sequence[bytes], span: _Span, second: int) -> TrustResult:
        return validate_path(self._store_for(span, second), chain)

    def _store_for(self, span: _Span, second: int) -> crypto.X509Store:
        """A store whose time has the same result as `second`: the last one, mostly, or else a new one.

        A store's time can be set once: later calls of set_time change nothing and say nothing
        (X509_VERIFY_PARAM_set1 keeps a time that is there; tried with OpenSSL 4.0.3). A new store with
        150 roots takes 0.2 ms.
        """
        if self._store_second is None or not span.holds(self._store_second):
            self._store = crypto.X509Store()
            for root in self._roots:
                self._store.add_cert(root)
            self._store.set_time(datetime.fromtimestamp(second, UTC))
            self._store_second = second
        return self._store


def validate_path(store: crypto.X509Store, chain: Sequence[bytes]) -> TrustResult:
    """Validate a path from the first of these certificates (DER), with the help of the others, into a store.

    The store brings the anchors, the time and the flags. What `TrustStore.verify` promises holds here too.
    """
    leaf, *others = [_load(der) for der in chain] or [None]
    if leaf is None:
        return UNREADABLE
    intermediates = [certificate for certificate in others if certificate is not None]
    context = crypto.X509StoreContext(store, leaf, intermediates)
    try:
        path = context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        code, depth, text = error.errors
        return TrustResult(trusted=False, code=code, text=text, depth=depth)
    finally:
        _empty_error_queue()
    return _judge_purpose(path)


def _judge_purpose(path: Iterable[crypto.X509]) -> TrustResult:
    """Judge a path that OpenSSL found good, leaf first, by the purpose of its certificates."""
    for depth, certificate in enumerate(path):
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        if not allows_tls_server(der, is_leaf=depth == 0):
            return TrustResult(trusted=False, code=26, text="unsuitable certificate purpose", depth=depth)
    return TRUSTED


def _boundaries(ders: Iterable[bytes]) -> list[int]:
    """Every notBefore and notAfter in seconds since 1970, sorted. ValueError if one cannot be read."""
    fields = [parse_certificate(der) for der in ders]
    times = [parse(field) for field in fields for parse in (parse_not_before, parse_not_after)]
    return sorted({int(time.timestamp()) for time in times})


def _span_within(boundaries: Sequence[int], second: int) -> _Span:
    """The time between two boundaries; a boundary is a span of its own, whichever side it belongs to."""
    position = bisect_left(boundaries, second)
    if position < len(boundaries) and boundaries[position] == second:
        return _Span(second, second)
    first = boundaries[position - 1] + 1 if position > 0 else -math.inf
    last = boundaries[position] - 1 if position < len(boundaries) else math.inf
    return _Span(first, last)


def _load(der: bytes) -> crypto.X509 | None:
    try:
        return crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    except crypto.Error:
        return None


def _load_root(number: int, der: bytes) -> crypto.X509:
    root = _load(der)
    try:
        _boundaries([der])
    except ValueError as error:
        raise ValueError(f"certificate {number} in the bundle of roots cannot be read: {error}") from error
    if root is None:
        raise ValueError(f"certificate {number} in the bundle of roots cannot be read by OpenSSL")
    return root


def _empty_error_queue() -> None:
    """Take off OpenSSL's queue what a validation left there, or a later error elsewhere has its text."""
    with suppress(crypto.Error):
        crypto.load_certificate(crypto.FILETYPE_ASN1, b"")
