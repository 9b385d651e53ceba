"""When a server that refuses for now wants us back, as far as its words say it: in seconds."""

import re

_UNITS = {"s": 1, "m": 60, "h": 3600}

# Greylisting has no syntax; these are the forms that its programs have: postgrey ("see …, please try again in 300
# seconds", "come back in 00:05:00"), milter-greylist ("Greylisting in action, please come back in 00:05:00"),
# sqlgrey ("try again in 5 minutes"), Exchange and others ("retry in 60 secs"). A number needs its unit.
_CLOCK = re.compile(r"\b(?:in|after|for) (\d{1,2}):(\d\d):(\d\d)\b", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\b(?:in|after|for|within) (?:about |another |at least )?(\d{1,5}) ?(s|m|h)(?:ec|in|ou?r|rs?|s)?", re.IGNORECASE
)

#: Who wants longer than this means something else.
MAX_S = 7 * 86400
#: Characters that are looked at.
MAX_READ = 4096


def read_come_back_s(text: str) -> int | None:
    """Seconds after which a server with these words would have us come back; None if it does not say."""
    text = text[:MAX_READ]
    if clock := _CLOCK.search(text):
        hours, minutes, seconds = map(int, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    if amount := _AMOUNT.search(text):
        seconds = int(amount[1]) * _UNITS[amount[2].lower()]
        return seconds if 0 < seconds <= MAX_S else None
    return None
