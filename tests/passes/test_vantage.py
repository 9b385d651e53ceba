"""Is it us? What the monitor makes of connects that come up and connects that do not."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.outcomes import Outcome, Stage
from scanner.passes.vantage import MAX_PATIENCE, RECENT_CONNECTS, REMEMBERED, VantageMonitor, connect_of
from scanner.records import Timings
from scanner.times import parse_utc, utc_text
from tests.passes.examples import session

N = 20  # networks in a row, as in the settings
NOON = parse_utc("2026-11-22T12:00:00.000Z").timestamp()


def record(network: int, outcome: Outcome, began: float, lasted: float = 1.0, **changes: Any) -> Any:
    """A session with a server of its own network and pace group; times are seconds after noon."""
    return replace(
        session(1),
        address=f"198.{network >> 8}.{network & 0xFF}.1",
        server_name=f"mx.n{network}.test",
        started_at=utc_text(NOON + began),
        ended_at=utc_text(NOON + began + lasted),
        stage=changes.pop("stage", Stage.done if outcome is Outcome.ok else Stage.connect),
        outcome=outcome,
        **changes,
    )


class Watched:
    """A monitor that is told `+` (came up) and `-` (did not), a second and a network each."""

    def __init__(self, networks_in_a_row: int = N) -> None:
        self.monitor = VantageMonitor(networks_in_a_row)
        self.number = 0

    def take(self, results: str, *, networks: int = 1 << 16, **changes: Any) -> None:
        for result in results:
            outcome = Outcome.ok if result == "+" else Outcome.timed_out
            self.monitor.take(connect_of(record(self.number % networks, outcome, self.number, **changes)))
            self.number += 1

    def is_suspicious(self) -> bool:
        return bool(self.monitor.suspected)


HUNDRED = RECENT_CONNECTS

SUSPICIOUS: list[tuple[str, str, bool]] = [
    ("nothing yet", "", False),
    ("nineteen in a row", "-" * (N - 1), False),
    ("twenty in a row", "-" * N, True),
    ("twenty, but one came up among them", "-" * 10 + "+" + "-" * 10, False),
    ("twenty in a row after some that came up", "+" * 5 + "-" * N, True),
    ("a good one after twenty", "-" * N + "+", False),
    ("four fifths of a hundred", "----+" * 20, True),
    ("four fifths of the last hundred", "+" * 50 + "----+" * 20, True),
    ("four fifths of a hundred that are over", "----+" * 20 + "+" * HUNDRED, False),
    ("less than four fifths of a hundred", "----+" * 19 + "---++", False),
    ("four fifths of less than a hundred", "----+" * 19, False),
]


@pytest.mark.parametrize(("results", "expected"), [row[1:] for row in SUSPICIOUS], ids=[row[0] for row in SUSPICIOUS])
def test_suspicion_needs_many_networks_in_a_row_or_most_of_the_last(results: str, expected: bool) -> None:
    watched = Watched()
    watched.take(results)
    assert watched.is_suspicious() is expected


def test_many_connects_to_few_networks_are_no_evidence() -> None:
    watched = Watched()
    watched.take("-" * 3 * HUNDRED, networks=N - 1)
    assert not watched.is_suspicious()


def test_the_share_of_a_few_networks_is_no_evidence_either() -> None:
    watched = Watched()
    for _ in range(HUNDRED // 5):
        watched.take("----", networks=N - 1)
        watched.take("+")
    assert not watched.is_suspicious()


def test_fewer_than_five_networks_never_are_whatever_the_settings_say() -> None:
    watched = Watched(networks_in_a_row=3)
    watched.take("-" * HUNDRED * 2, networks=4)
    assert not watched.is_suspicious()
    watched.take("-", networks=5)
    watched.take("-" * 4, networks=5)
    assert watched.is_suspicious()


def test_each_family_is_watched_by_itself() -> None:
    watched = Watched()
    for number in range(N):
        of_ipv6 = replace(record(0, Outcome.timed_out, number), address=f"2001:db8:{number:x}::1")
        watched.monitor.take(connect_of(of_ipv6))
        watched.take("+")
    assert watched.monitor.suspected == ["ipv6"]


def test_a_mapped_address_is_dialled_as_ipv4() -> None:
    mapped = replace(record(0, Outcome.ok, 0), address="::ffff:198.51.100.1")
    assert connect_of(mapped).family == "ipv4"


def test_a_wrong_suspicion_makes_the_next_one_take_twice_as_long() -> None:
    watched = Watched()
    for times in (1, 2, 4, 8):
        watched.take("-" * (times * N - 1))
        assert not watched.is_suspicious()
        watched.take("-")
        assert watched.is_suspicious()
        watched.monitor.dismiss("ipv4", NOON)


def test_patience_has_an_end() -> None:
    watched = Watched()
    for _ in range(10):
        watched.monitor.dismiss("ipv4", NOON)
    watched.take("-" * (MAX_PATIENCE * N))
    assert watched.is_suspicious()


def test_a_right_suspicion_brings_back_the_first_patience() -> None:
    watched = Watched()
    watched.monitor.dismiss("ipv4", NOON)
    watched.take("-" * 2 * N)
    watched.monitor.came_back("ipv4", NOON)
    assert not watched.is_suspicious()
    watched.take("-" * N)
    assert watched.is_suspicious()


HEARD: list[tuple[str, Any, float | None]] = [
    ("a good session, at its end", record(1, Outcome.ok, 10, 5), 15),
    ("a refusal in words, too", record(1, Outcome.transient_negative, 10, 5, stage=Stage.greeting), 15),
    (
        "one that fell silent, when it connected",
        record(1, Outcome.timed_out, 10, 30, stage=Stage.greeting, timings_ms=Timings(connect=2000.0)),
        12,
    ),
    ("one that did not connect, never", record(1, Outcome.timed_out, 10, 15), None),
    ("a refused connection, never: a firewall on the way refuses too", record(1, Outcome.refused, 10), None),
    ("a fault of ours, never", record(1, Outcome.local_fault, 10, stage=Stage.greeting), None),
]


@pytest.mark.parametrize(("ended", "expected"), [row[1:] for row in HEARD], ids=[row[0] for row in HEARD])
def test_a_server_was_heard_when_it_last_spoke(ended: Any, expected: float | None) -> None:
    heard_at = connect_of(ended).heard_at
    assert heard_at == (None if expected is None else NOON + expected)


def test_the_window_begins_when_a_server_was_heard_last() -> None:
    watched = Watched()
    watched.take("+" * 3)
    watched.take("-" * N)
    assert watched.monitor.lost_since("ipv4") == NOON + 3
    assert watched.monitor.networks_lost("ipv4") == N


def test_without_any_it_begins_with_the_first_session() -> None:
    watched = Watched()
    watched.take("-" * N)
    assert watched.monitor.lost_since("ipv4") == NOON


def test_where_some_still_come_up_it_begins_with_the_first_of_the_span_that_did_not() -> None:
    watched = Watched()
    watched.take("+" * 50)
    watched.take("----+" * 20)
    assert watched.monitor.suspected == ["ipv4"]
    assert watched.monitor.lost_since("ipv4") == NOON + 50


def test_a_long_session_that_ends_late_says_nothing_about_those_tried_after_it_connected() -> None:
    watched = Watched()
    watched.take("-" * (N - 1))
    late = record(999, Outcome.deadline, 0, 90, stage=Stage.ehlo, timings_ms=Timings(connect=500.0))
    watched.monitor.take(connect_of(late))
    watched.take("-")
    assert not watched.is_suspicious()  # the first began before it was heard
    watched.take("-")
    assert watched.is_suspicious()


@pytest.mark.parametrize("results", ["-" * N, "----+" * 20])
def test_when_servers_are_heard_again_all_begins_anew(results: str) -> None:
    watched = Watched()
    watched.take(results)
    watched.monitor.came_back("ipv4", NOON + 1000)
    assert not watched.is_suspicious()
    assert watched.monitor.heard_at("ipv4") == NOON + 1000
    assert watched.monitor.networks_lost("ipv4") == 0


def test_servers_that_were_up_are_remembered_the_last_first_one_of_a_network_and_a_group() -> None:
    watched = Watched()
    watched.take("+" * 12)
    same_network = replace(record(11, Outcome.ok, 12), server_name="mx.other.test")
    same_group = replace(record(500, Outcome.ok, 13), server_name="mx2.n10.test")
    for ended in (same_network, same_group):
        watched.monitor.take(connect_of(ended))
    good = watched.monitor.known_good("ipv4")
    assert [target.server_name for target in good][:3] == ["mx2.n10.test", "mx.other.test", "mx.n9.test"]
    assert len(good) == REMEMBERED
    assert watched.monitor.known_good("ipv6") == ()


def test_a_server_that_did_not_answer_quit_was_heard_before_it() -> None:
    record = replace(
        session(1),
        started_at="2026-11-22T12:00:00.000Z",
        ended_at="2026-11-22T12:00:03.000Z",
        timings_ms=Timings(connect=1.0, quit=2000.0),
    )
    assert connect_of(record).heard_at == parse_utc("2026-11-22T12:00:01.000Z").timestamp()
