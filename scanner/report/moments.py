"""Moments and durations for a person: in UTC, and marked as such in a second time zone where one is wished."""

from datetime import UTC, datetime, tzinfo

from scanner.times import parse_utc

_SECONDS = {"day": 86400, "h": 3600, "min": 60, "s": 1}


class Moments:
    """Says the times of records to the second; `zone` is the second time zone, and `str(zone)` its name."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    def text(self, time: str) -> str:
        """`2026-11-22 02:11:05 UTC (03:11:05 Europe/Berlin)`; the second has a date where that is another."""
        local = self.local_span(time)
        return f"{self.span(time)} ({local})" if local else self.span(time)

    def span(self, *times: str) -> str:
        """From one time to another, in UTC: `2026-11-22 02:11:05 to 02:11:35 UTC`."""
        moments = [parse_utc(time).astimezone(UTC) for time in times]
        return f"{moments[0]:%Y-%m-%d} {_times(moments)} UTC"

    def local_span(self, *times: str) -> str:
        """The same in the second zone: `03:11:05 to 03:11:35 Europe/Berlin`; "" without one."""
        if self._zone is None:
            return ""
        moments = [parse_utc(time).astimezone(self._zone) for time in times]
        is_same_day = moments[0].date() == parse_utc(times[0]).date()
        date = "" if is_same_day else f"{moments[0]:%Y-%m-%d} "
        return f"{date}{_times(moments)} {self._zone}"

    def date(self, time: str) -> str:
        """The day in UTC: `2026-11-22`."""
        return f"{parse_utc(time):%Y-%m-%d}"


def _times(moments: list[datetime]) -> str:
    """Times of a day; a later one has its date where that is not the first one's."""
    first = moments[0].date()
    return " to ".join(f"{at:%H:%M:%S}" if at.date() == first else f"{at:%Y-%m-%d %H:%M:%S}" for at in moments)


def duration_text(seconds: float) -> str:
    """Two units at most, the larger ones: `2 days 3 h`, `5 min 12 s`; below a minute to a tenth, `4 ms`."""
    if round(seconds * 1000) < 1000:
        return f"{round(seconds * 1000)} ms"
    if (tenths := round(seconds, 1)) < 60:
        return f"{tenths:g} s"
    parts = []
    left = round(seconds)
    for unit, size in _SECONDS.items():
        count, left = divmod(left, size)
        parts.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}" if count else "")
    first = next(at for at, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


def seconds_between(begin: str, end: str) -> float:
    """From one time of a record to another, in seconds."""
    return (parse_utc(end) - parse_utc(begin)).total_seconds()
