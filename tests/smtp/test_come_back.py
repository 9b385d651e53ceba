"""When a server wants us back: in its own words, which have no grammar."""

import pytest

from scanner.smtp.come_back import read_come_back_s

SAYS_WHEN = [
    ("Greylisting in action, please come back in 00:05:00", 300, "milter-greylist, with a clock"),
    ("4.7.1 Greylisted, see example.org.html: try again in 300 seconds", 300, "postgrey"),
    ("4.2.0 Greylisted for 5 minutes", 300, "sqlgrey"),
    ("please retry in 60 secs", 60, "a short form of the unit"),
    ("Try again in about 1 hour", 3600, "a unit in the singular"),
    ("temporarily deferred, retry after 15 min", 900, "another preposition"),
    ("come back in 2h", 7200, "a unit without a space"),
    ("TRY AGAIN IN 30 SECONDS", 30, "capitals"),
    ("come back in 01:30:10", 5410, "hours, minutes and seconds"),
]  # fmt: skip

SAYS_NOT = [
    ("Greylisted, please try again later", "no time at all"),
    ("4.7.1 try again in a few minutes", "no number"),
    ("Message over 300 MB is refused for 5 reasons", "a number of something else"),
    ("try again in 0 seconds", "nothing to wait for"),
    ("try again in 99999 hours", "longer than anybody greylists"),
    ("", "no text"),
]


@pytest.mark.parametrize(("text", "seconds", "why"), SAYS_WHEN)
def test_a_time_is_read_in_the_words_that_greylisting_programs_have(text: str, seconds: int, why: str) -> None:
    assert read_come_back_s(text) == seconds, why


@pytest.mark.parametrize(("text", "why"), SAYS_NOT)
def test_what_says_no_time_is_not_guessed_at(text: str, why: str) -> None:
    assert read_come_back_s(text) is None, why


def test_a_long_text_is_not_read_to_its_end() -> None:
    assert read_come_back_s("x" * 5000 + " in 5 minutes") is None
