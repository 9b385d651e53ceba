"""The windows in which our own place was cut off."""

import pytest

from scanner.judgement.vantage_windows import VantageWindows, family_of
from scanner.outcomes import Outcome, Stage
from scanner.records import Event, SessionRecord

from .sessions import ADDRESS, ended, session


def lost(begin: str, end: str | None, family: str = "both", event: str = "vantage_lost") -> Event:
    """An event of 12:59 about a window, given as hours and minutes of the day."""
    until = at(end) if end else None
    return Event(at=at("12:59"), start=1, event=event, detail={"from": at(begin), "to": until, "family": family})


def at(minute: str) -> str:
    return f"2026-11-22T{minute}:00.000Z"


def timed_out(begin: str, end: str, address: str = ADDRESS) -> SessionRecord:
    """A connect that nobody answered."""
    return ended(Stage.connect, Outcome.timed_out, address=address, started_at=at(begin), ended_at=at(end))


WINDOW = lost("12:10", "12:20")


@pytest.mark.parametrize(
    ("begin", "end", "holds", "why"),
    [
        ("12:12", "12:13", True, "within"),
        ("12:05", "12:11", True, "it ended in the window"),
        ("12:19", "12:25", True, "it began in the window"),
        ("12:05", "12:25", True, "all around it"),
        ("12:15", "12:15", True, "a moment is enough"),
        ("12:05", "12:10", False, "it was over when the window began"),
        ("12:20", "12:21", False, "it began when the window was over"),
        ("12:01", "12:02", False, "before"),
        ("12:30", "12:31", False, "after"),
    ],
)
def test_a_session_that_overlaps_a_window_says_nothing(begin: str, end: str, holds: bool, why: str) -> None:
    assert VantageWindows.from_events([WINDOW]).holds(timed_out(begin, end)) is holds


@pytest.mark.parametrize(
    ("address", "family", "holds", "why"),
    [
        ("192.0.2.1", "ipv4", True, "its own"),
        ("192.0.2.1", "both", True, "both are one of them"),
        ("192.0.2.1", "ipv6", False, "IPv6 alone was lost"),
        ("2001:db8::1", "ipv6", True, "its own"),
        ("2001:db8::1", "ipv4", False, "IPv4 alone was lost"),
        ("::ffff:192.0.2.1", "ipv4", True, "a mapped address is dialled as IPv4"),
        ("::ffff:192.0.2.1", "ipv6", False, "and not as IPv6"),
    ],
)
def test_a_window_is_of_an_address_family(address: str, family: str, holds: bool, why: str) -> None:
    windows = VantageWindows.from_events([lost("12:10", "12:20", family)])
    assert windows.holds(timed_out("12:12", "12:13", address)) is holds
    assert (family_of(address) == family) is (holds and family != "both")


@pytest.mark.parametrize("outcome", [Outcome.refused, Outcome.permanent_negative, Outcome.tls_failed])
def test_only_a_session_that_went_well_keeps_its_say(outcome: Outcome) -> None:
    windows = VantageWindows.from_events([WINDOW])
    times = {"started_at": at("12:12"), "ended_at": at("12:13")}
    assert not windows.holds(session(**times))
    assert windows.holds(session(outcome=outcome, **times))


def test_every_window_counts_and_no_other_event() -> None:
    windows = VantageWindows.from_events(
        [lost("12:10", "12:20"), lost("12:40", "12:50"), lost("11:00", "11:59", event="paused")]
    )
    assert windows.holds(timed_out("12:12", "12:13"))
    assert windows.holds(timed_out("12:45", "12:46"))
    assert not windows.holds(timed_out("11:30", "11:31"))


def test_a_window_that_was_never_closed_ends_with_its_event() -> None:
    windows = VantageWindows.from_events([lost("12:10", None)])
    assert windows.holds(timed_out("12:58", "13:05"))
    assert not windows.holds(timed_out("13:00", "13:05"))


def test_without_a_window_every_session_counts() -> None:
    assert not VantageWindows().holds(timed_out("12:12", "12:13"))
