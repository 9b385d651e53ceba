"""Moments as text: UTC, milliseconds, and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.times import datetime_text, parse_utc, utc_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_780_000_000.0, "2026-05-28T20:26:40.000Z"),
        (1_780_000_000.1234, "2026-05-28T20:26:40.123Z"),
        (1_780_000_000.9996, "2026-05-28T20:26:41.000Z"),
        (951_782_400.0, "2000-02-29T00:00:00.000Z"),
    ],
)
def test_seconds_since_the_epoch_are_written_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert utc_text(seconds) == text


def test_a_moment_elsewhere_is_written_in_utc_too() -> None:
    there = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=2)))
    assert datetime_text(there) == "2026-11-21T23:02:03.456Z"


@given(st.integers(0, 4_000_000_000_000))
def test_a_text_gives_back_its_milliseconds(milliseconds: int) -> None:
    moment = parse_utc(utc_text(milliseconds / 1000))
    assert moment.tzinfo == UTC
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == milliseconds
    assert datetime_text(moment) == utc_text(milliseconds / 1000)
