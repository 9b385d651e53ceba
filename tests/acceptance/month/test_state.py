"""What a month leaves besides its mails: exit codes, figures, two other channels, and a state that can be asked."""

import json
import re
from collections import Counter

import pytest

from scanner.exit_codes import OK, OURS, USAGE
from scanner.outages.alerts import State
from tests.acceptance.month.conftest import REHEARSED, Watched
from tests.acceptance.month.nights import NIGHTS
from tests.acceptance.month.playing import OPERATORS
from tests.acceptance.month.portfolio import CUSTOMERS, HOSTS, ROUTES
from tests.acceptance.month.test_mails import alert_of

EACH_NIGHT = pytest.mark.parametrize("number", range(1, len(NIGHTS) + 1))


@EACH_NIGHT
def test_a_night_ends_with_its_exit_code_and_says_no_more_than_it_has_to(watched: Watched, number: int) -> None:
    played = watched.night(number)
    crashes = [-9] if played.night.crash else []
    expected = [*crashes, played.night.exit_code] if played.night.world is not None else []
    assert [ended.exit_code for ended in played.starts] == expected
    said = "".join(ended.said for ended in played.starts)
    assert bool(said) is (played.night.relay != "takes mail")


@pytest.mark.parametrize(("number", "why"), [(15, "connection: Connection refused"), (16, "MAIL FROM: 451 4.3.2")])
def test_mails_that_cannot_be_sent_are_complained_of(watched: Watched, number: int, why: str) -> None:
    [ended] = watched.night(number).starts
    assert re.fullmatch(
        rf"mxscan: 3 alerts could not be told by mail: 127[\d.:]+, {why}.*\(queued for the next run\)\n", ended.said
    )


def test_the_relay_is_told_the_password_by_tls_alone(watched: Watched) -> None:
    heard = [played.heard for played in watched.nights if played.mails]
    assert heard
    for commands in heard:
        verbs = [command.split()[0] for command in commands]
        assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
        assert commands[3].startswith("AUTH PLAIN ")


# The other channels ---------------------------------------------------------------------------------


def test_every_alert_is_a_line_of_alerts_jsonl_and_only_one(watched: Watched) -> None:
    lines = (watched.month.state / "alerts.jsonl").read_text().splitlines()
    alerts = Counter((alert["alert"], alert["sequence"], alert["kind"]) for alert in map(json.loads, lines))
    assert set(alerts.values()) == {1}
    assert set(alerts) == {alert_of(mail) for mail in watched.mails}


def test_the_alert_command_is_told_of_each_in_the_night_in_which_it_was_made(watched: Watched) -> None:
    told = [(alert.alert, alert.sequence, alert.kind) for played in watched.nights for alert in played.told]
    assert len(set(told)) == len(told)
    assert set(told) == {alert_of(mail) for mail in watched.mails}
    late = {alert.kind.value for number in (15, 16) for alert in watched.night(number).told}
    assert late == {"down", "back_online"}, "it is there, though the relay is not"


# Figures --------------------------------------------------------------------------------------------


def figures(text: str) -> dict[str, float]:
    """The samples of a Prometheus text: `name{labels}` → value."""
    samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix("mxscan_watch_"): float(value) for name, _, value in samples}


@EACH_NIGHT
def test_the_figures_are_those_of_the_night(watched: Watched, number: int) -> None:
    played = watched.night(number)
    if played.night.world is None:
        assert played.metrics == watched.night(number - 1).metrics
        return
    found = figures(played.metrics)
    assert found["last_run_exit_code"] == played.night.exit_code
    assert found["last_run_gated"] == (number in (11, 13))
    assert found["deliveries_queued"] == {15: 3, 16: 6}.get(number, 0)
    late_s = found["last_run_timestamp_seconds"] - played.began.timestamp()
    assert 0 < late_s < 3600 * len(played.starts)
    assert sum(found[f'hosts{{state="{state}"}}'] for state in State) == len(HOSTS) - 2 * (number > 6)
    domains = len(ROUTES) + len(CUSTOMERS) * (number <= 6)
    assert sum(found[f'domains{{state="{state}"}}'] for state in State) == domains


@pytest.mark.parametrize(
    ("number", "what", "count"),
    [
        (4, 'domains{state="down"}', 400),
        (4, 'hosts{state="down"}', 2),
        (5, 'domains{state="degraded"}', 400),
        (7, 'hosts{state="unknown"}', 2),
        (11, 'hosts{state="up"}', 6),  # kept as they were, and elm is degraded
        (20, 'hosts{state="blocked_us"}', 1),
        (20, 'domains{state="no_mail"}', 1),
        (3, "alerts_made", 2),
        (12, "alerts_made", 0),
    ],
)
def test_some_figures(watched: Watched, number: int, what: str, count: int) -> None:
    assert figures(watched.night(number).metrics)[what] == count


# The state, asked -----------------------------------------------------------------------------------

#: By the minute, and columns apart by two spaces.
STATUS = """\
4 of 17 mail hosts and domains are not up

state  mail host or domain  since  last alert
down  mx.fir.lab (mail host)  2026-03-30 02:29 UTC  2026-03-30 02:34 UTC
  127.70.4.1: refused at connect (2 attempts)  down
down  hugo.lab (domain)  2026-03-30 02:29 UTC  2026-03-30 02:34 UTC
  mx.fir.lab: down  down
degraded  mx.yew.lab (mail host)  2026-03-18 02:17 UTC  2026-03-25 02:29 UTC
  its certificate ends at 2026-04-02T00:00:00.000Z  certificate expires
degraded  emil.lab (domain)  2026-03-18 02:22 UTC  2026-03-25 02:29 UTC
  mx.yew.lab: degraded  certificate expires
"""

HISTORY = """\
history of cara.lab

when  name  what  why
2026-03-01 02:05 UTC  cara.lab  unknown → up
2026-03-15 02:19 UTC  cara.lab  up → down  mx.ash.lab: down
2026-03-15 02:19 UTC  mx.ash.lab  alert: down  THREAD
2026-03-16 02:15 UTC  cara.lab  down → up
2026-03-16 02:15 UTC  mx.ash.lab  alert: back online  THREAD
2026-03-20 02:24 UTC  cara.lab  up → no mail  nxdomain
2026-03-20 02:24 UTC  cara.lab  alert: dns changed  THREAD
"""


def comparable(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-\d+", "THREAD", text)
    text = re.sub(r"(\d\d:\d\d):\d\d UTC", r"\1 UTC", text)
    return "".join(re.sub(r" {2,}", "  ", f"{line.rstrip()}\n") for line in text.splitlines())


def test_the_status_after_the_month(watched: Watched) -> None:
    ended = watched.month.ask("--status")
    assert ended.exit_code == OK
    assert comparable(ended.said) == STATUS


def test_the_history_of_a_domain(watched: Watched) -> None:
    ended = watched.month.ask("--history", "cara.lab")
    assert ended.exit_code == OK
    assert comparable(ended.said) == HISTORY


def test_a_second_zone_and_a_domain_that_is_not_watched(watched: Watched) -> None:
    assert re.search(r"04:34:\d\d Europe/Berlin", watched.month.ask("--status", "--timezone", "Europe/Berlin").said)
    assert watched.month.ask("--history", "customer007.lab").exit_code == USAGE


def test_the_last_runs_are_kept_and_those_of_an_open_alert(watched: Watched) -> None:
    names = sorted(path.name[:10] for path in (watched.month.state / "runs").iterdir())
    assert names == ["2026-03-28", "2026-03-29", "2026-03-29", "2026-03-30", "2026-03-30"]


# The evening before ---------------------------------------------------------------------------------


def test_a_rehearsal_says_who_would_get_what_and_changes_nothing(watched: Watched) -> None:
    rehearsed = watched.rehearsed
    assert rehearsed.ended.exit_code == OK
    assert rehearsed.changed == frozenset()
    mails = [f"would be sent to {mail.recipient}: {mail.message['Subject']}" for mail in watched.night(REHEARSED).mails]
    said = rehearsed.ended.said.splitlines()
    assert said[:2] == [
        f"would be sent {where}: {watched.night(REHEARSED).mails[0].message['Subject']}"
        for where in ("into alerts.jsonl", "to the command")
    ]
    assert said[2:] == mails
    assert len(mails) > len(OPERATORS)


def test_our_side_is_told_from_the_portfolio(watched: Watched) -> None:
    """Exit code 4 in the nights in which it was us, and in no other."""
    ours = [played.number for played in watched.nights if any(ended.exit_code == OURS for ended in played.starts)]
    assert ours == [11, 13, 15, 16]
