"""Serial numbers of zones: which is newer (RFC 1982)."""

from collections.abc import Iterable

_HALF = 1 << 31
_ALL = 1 << 32


def is_newer(serial: int, other: int) -> bool:
    """RFC 1982 §3.2: they go round; the one that is less than half the circle ahead is newer."""
    return 0 < (serial - other) % _ALL < _HALF


def newest(serials: Iterable[int]) -> int:
    """The newest of some serials, at least one. Where the circle leaves it open, the first that nobody follows."""
    best, *others = serials
    for serial in others:
        if is_newer(serial, best):
            best = serial
    return best
