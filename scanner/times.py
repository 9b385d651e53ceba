"""Moments as text: what every record calls a time, and back."""

from datetime import UTC, datetime
from functools import lru_cache


def utc_text(seconds: float) -> str:
    """Seconds since the epoch → `2026-10-01T12:00:00.123Z`."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{_second_text(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=1024)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def datetime_text(moment: datetime) -> str:
    """An aware datetime → the same text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_utc(text: str) -> datetime:
    """The moment of a text made by `utc_text`. Raises ValueError."""
    return datetime.fromisoformat(text)
