"""The tables of the watch: what is not up, the worst first, and what happened to a domain, the oldest first."""

from typing import Any
from zoneinfo import ZoneInfo

from scanner.outages.alerts import State
from scanner.outages.known import Known
from scanner.report.moments import Moments
from scanner.report.watch_text import HistoryRow, StatusRow, render_history, render_status

from .terminal import piped

SINCE = "2026-11-22T02:11:05.204Z"


def row(name: str, state: State, what: str = "mail host", **more: Any) -> StatusRow:
    known = Known(name=name, **({"state": state, "observed": state, "since": SINCE} | more))
    return StatusRow(what, known)


def told(*rows: StatusRow, total: int = 10) -> list[str]:
    return piped(render_status(rows, total, Moments())).splitlines()


def test_what_is_up_is_not_told() -> None:
    lines = told(row("up.test", State.up), row("none.test", State.no_mail))
    assert lines == ["all 10 mail hosts and domains are up"]


def test_the_worst_comes_first_and_hosts_before_their_domains() -> None:
    rows = [
        row("b.test", State.degraded, "domain"),
        row("a.test", State.down, "domain"),
        row("fine.test", State.up),
        row("mx.a.test", State.down),
        row("mx.b.test", State.degraded),
    ]
    lines = told(*rows)
    assert lines[0] == "4 of 10 mail hosts and domains are not up"
    assert [
        name for line in lines[3:] for name in ("mx.a.test", " a.test", "mx.b.test", " b.test") if name in line
    ] == [
        "mx.a.test",
        " a.test",
        "mx.b.test",
        " b.test",
    ]


def words(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def test_a_row_says_state_since_when_why_and_the_last_alert() -> None:
    known = Known(name="mx.test", state=State.down, observed=State.down, since=SINCE, why=("greeting timed_out",))
    lines = words(told(StatusRow("mail host", known, "2026-11-22T02:17:52.000Z", "down 3f9a2c41-1")))
    assert lines[2:] == [
        "state mail host or domain since last alert",
        "down mx.test (mail host) 2026-11-22 02:11:05 UTC 2026-11-22 02:17:52 UTC",
        "greeting timed_out down 3f9a2c41-1",
    ]


def test_nobody_was_told() -> None:
    assert words(told(row("mx.test", State.down)))[3].endswith("none")


def test_what_could_not_be_told_is_told_beside_what_was_known() -> None:
    blind = {"observed": State.unknown, "blind_since": "2026-11-21T02:00:00.000Z"}
    text = " ".join(words(told(row("mx.test", State.up, **blind))[3:]))
    assert text.startswith("up mx.test (mail host)")
    assert "could not tell since 2026-11-21 02:00:00 UTC" in text


def test_times_are_told_in_the_second_zone_too() -> None:
    text = piped(render_status([row("mx.test", State.down)], 1, Moments(ZoneInfo("Europe/Berlin"))))
    assert words(text.splitlines())[3:] == [
        "down mx.test (mail host) 2026-11-22 02:11:05 UTC none",
        "03:11:05 Europe/Berlin",
    ]


def test_a_name_does_nothing_to_the_terminal() -> None:
    text = piped(render_status([row("mx\x1b[2J[red]\n", State.down)], 1, Moments()))
    assert r"mx\x1B[2J[red]\x0A" in text


def test_a_history_is_told_in_order() -> None:
    rows = [
        HistoryRow("2026-11-23T02:11:02.000Z", "mx1.example.org", "down → up"),
        HistoryRow(SINCE, "mx1.example.org", "up → down", "greeting timed_out"),
    ]
    assert words(piped(render_history("example.org", rows, Moments())).splitlines()) == [
        "history of example.org",
        "",
        "when name what why",
        "2026-11-22 02:11:05 UTC mx1.example.org up → down greeting timed_out",
        "2026-11-23 02:11:02 UTC mx1.example.org down → up",
    ]


def test_nothing_has_happened_yet() -> None:
    assert piped(render_history("example.org", [], Moments())).endswith("nothing has happened since it is watched\n")
