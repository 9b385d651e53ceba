"""Times for people: UTC always, another zone marked as such, dates where they differ; durations in two units."""

from zoneinfo import ZoneInfo

import pytest

from scanner.report.moments import Moments, duration_text, seconds_between

BERLIN = Moments(ZoneInfo("Europe/Berlin"))
UTC = Moments()

NIGHT, LATE = "2026-11-22T02:11:05.999Z", "2026-11-22T23:30:00.000Z"


@pytest.mark.parametrize(
    ("moments", "time", "text"),
    [
        (UTC, NIGHT, "2026-11-22 02:11:05 UTC"),
        (BERLIN, NIGHT, "2026-11-22 02:11:05 UTC (03:11:05 Europe/Berlin)"),
        (BERLIN, LATE, "2026-11-22 23:30:00 UTC (2026-11-23 00:30:00 Europe/Berlin)"),
        (BERLIN, "2026-07-01T12:00:00.000Z", "2026-07-01 12:00:00 UTC (14:00:00 Europe/Berlin)"),  # summer time
        (
            Moments(ZoneInfo("America/St_Johns")),
            NIGHT,
            "2026-11-22 02:11:05 UTC (2026-11-21 22:41:05 America/St_Johns)",
        ),
    ],
)
def test_a_time_is_told_in_utc_and_in_the_second_zone(moments: Moments, time: str, text: str) -> None:
    assert moments.text(time) == text


@pytest.mark.parametrize(
    ("begin", "end", "in_utc", "in_berlin"),
    [
        (
            NIGHT,
            "2026-11-22T02:11:35.000Z",
            "2026-11-22 02:11:05 to 02:11:35 UTC",
            "03:11:05 to 03:11:35 Europe/Berlin",
        ),
        (
            LATE,
            "2026-11-23T00:10:00.000Z",
            "2026-11-22 23:30:00 to 2026-11-23 00:10:00 UTC",
            "2026-11-23 00:30:00 to 01:10:00 Europe/Berlin",
        ),
        (
            "2026-11-22T22:50:00.000Z",
            "2026-11-22T23:10:00.000Z",
            "2026-11-22 22:50:00 to 23:10:00 UTC",
            "23:50:00 to 2026-11-23 00:10:00 Europe/Berlin",
        ),
    ],
)
def test_a_span_has_the_date_where_it_changes(begin: str, end: str, in_utc: str, in_berlin: str) -> None:
    assert (BERLIN.span(begin, end), BERLIN.local_span(begin, end)) == (in_utc, in_berlin)
    assert UTC.local_span(begin, end) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.004, "4 ms"),
        (0.95, "950 ms"),
        (0.9999, "1 s"),
        (30.021, "30 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (312, "5 min 12 s"),
        (3600, "1 h"),
        (3601, "1 h"),  # two units are told, and the second next to the first
        (86397.3, "23 h 59 min"),
        (86400, "1 day"),
        (183600, "2 days 3 h"),
        (2592000, "30 days"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_seconds_between_two_times() -> None:
    assert seconds_between("2026-11-22T02:11:05.204Z", "2026-11-23T02:11:05.000Z") == pytest.approx(86399.796)
