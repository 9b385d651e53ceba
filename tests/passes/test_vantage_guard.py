"""When nothing is reached any more: canaries are asked, the pass waits, the window is marked, the run stops."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.judgement.targets import target_id
from scanner.opt_out import parse_opt_out
from scanner.outcomes import Outcome, Stage
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.plan import target_of
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.passes.vantage import Window
from scanner.passes.vantage_guard import HELD_AT_MOST, VantageGuard
from scanner.passes.vigil import OurFault
from scanner.probe.session import ProbedSession
from scanner.records import Event, Target
from scanner.settings import Settings, VantageSettings
from scanner.times import parse_utc, utc_text
from tests.conftest import Run
from tests.passes.examples import run as run_record
from tests.passes.examples import session, transcript

N = 20
NOON = parse_utc("2026-11-22T12:00:00.000Z").timestamp()
THREE_PAUSES = VantageSettings(networks_in_a_row=N, pause_s=60, pauses=3)
CANARY = target_of("203.0.113.1", 25, "mx.canary.test")


class Clock:
    """Time that goes by only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.during_sleep: Callable[[], object] = lambda: None
        self._now = NOON

    def now_utc(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds
        self.during_sleep()
        await asyncio.sleep(0)

    def advance(self) -> None:
        self._now += 1


@dataclass
class Guarded:
    """A guard whose canaries answer as `answers` says, one round after the other; the last says it for ever."""

    directory: RunDirectory
    answers: str = "-"
    heard: bool = False
    canaries: tuple[Target, ...] = (CANARY,)
    settings: VantageSettings = THREE_PAUSES
    policy: ContactPolicy = field(default_factory=lambda: ContactPolicy(AddressPolicy()))
    clock: Clock = field(default_factory=Clock)
    stop: StopRequest = field(default_factory=StopRequest)
    progress: Progress = field(default_factory=Progress)
    written: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        context = RunContext(
            directory=self.directory,
            run=run_record(),
            settings=Settings(vantage=self.settings),
            clock=self.clock,
            progress=self.progress,
            stop=self.stop,
            policy=self.policy,
        )
        self.events = EventLog(self.directory, self.clock, 1)
        self.guard = VantageGuard(
            context,
            self.events,
            self._probe,
            lambda probed: self.written.append(probed.record.error or ""),
            canaries=self.canaries,
            heard=self.heard,
        )

    def take(self, results: str, *, again: bool = False, address: str = "") -> None:
        """`+` came up, `-` did not, `x` was a fault of ours; a network and a second each."""
        for result in results:
            self.number += 1
            outcome = {"+": Outcome.ok, "-": Outcome.timed_out, "x": Outcome.local_fault}[result]
            where = address or f"198.{self.number >> 8}.{self.number & 0xFF}.1"
            self.guard.take(_probed(where, outcome, self.clock.now_utc(), f"{result}{self.number}"), again=again)
            self.clock.advance()

    def take_ipv6(self, results: str) -> None:
        for result in results:
            self.take(result, address=f"2001:db8:{self.number + 1:x}::1")

    def is_suspicious(self) -> bool:
        return self.guard.is_suspicious

    def told(self, word: str) -> list[Event]:
        return [event for event in self.directory.read(Event) if event.event == word]

    async def _probe(self, target: Target) -> ProbedSession:
        self.asked.append(target.address)
        answer, self.answers = self.answers[0], self.answers[1:] or self.answers
        outcome = Outcome.ok if answer == "+" else Outcome.timed_out
        return _probed(target.address, outcome, self.clock.now_utc(), "canary")


def _probed(address: str, outcome: Outcome, began: float, name: str) -> ProbedSession:
    server_name = f"mx.{name.strip('+-x')}.test"
    record = replace(
        session(1),
        session=f"{target_id(address, 25, server_name)}.1.survey",
        address=address,
        server_name=server_name,
        started_at=utc_text(began),
        ended_at=utc_text(began + 1),
        stage=Stage.done if outcome is Outcome.ok else Stage.connect,
        outcome=outcome,
        error=name,
    )
    return ProbedSession(record, transcript(1), ())


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


# What is written, and when ----------------------------------------------------------------------------

HELD: list[tuple[str, bool, str, list[str]]] = [
    ("nothing ever came up: held back", False, "---", []),
    ("what came up shows that the rest is theirs, in order", False, "--+-", ["-1", "-2", "+3", "-4"]),
    ("an earlier start reached servers", True, "--", ["-1", "-2"]),
    ("a fault of ours waits until a server is heard again", False, "+x-", ["+1", "-3"]),
    ("and is written before it", False, "+xx+", ["+1", "x2", "x3", "+4"]),
]


@pytest.mark.parametrize(("heard", "results", "written"), [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_what_is_in_doubt_is_held_back(directory: RunDirectory, heard: bool, results: str, written: list[str]) -> None:
    guarded = Guarded(directory, heard=heard)
    guarded.take(results)
    assert guarded.written == written


def test_a_fault_of_ours_is_not_written_after_the_session_that_replaces_it(directory: RunDirectory) -> None:
    # The last line of an id counts.
    guarded = Guarded(directory, heard=True)
    guarded.take("x")
    guarded.number = 0
    guarded.take("-+")
    guarded.guard.finish()
    assert guarded.written == ["-1", "+2"]


def test_no_more_than_a_number_are_held_back(directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("-" * HELD_AT_MOST)
    assert guarded.written == []
    guarded.take("-")
    assert len(guarded.written) == HELD_AT_MOST + 1


def test_what_says_nothing_about_any_network_is_written_and_counts_for_nothing(directory: RunDirectory) -> None:
    guarded = Guarded(directory, heard=True)
    for number in range(2 * N):
        bug = _probed(f"198.0.{number}.1", Outcome.scanner_bug, NOON, "bug")
        guarded.guard.take(bug)
    assert not guarded.is_suspicious()
    assert len(guarded.written) == 2 * N


def test_what_failed_in_an_earlier_start_too_says_nothing_about_this_one(directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("x" * 3 * N, again=True)
    assert not guarded.is_suspicious()
    guarded.guard.finish()
    assert len(guarded.written) == 3 * N


# Is it us? --------------------------------------------------------------------------------------------


def test_without_suspicion_nobody_is_asked(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+" + "-" * (N - 1))
    assert not guarded.is_suspicious()
    assert run(guarded.guard.check()) == ()
    assert guarded.asked == []


def test_a_canary_that_answers_says_that_it_is_not_us(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory, answers="+")
    guarded.take("+" + "-" * N)
    assert guarded.is_suspicious()
    assert run(guarded.guard.check()) == ()
    assert sorted(guarded.asked) == ["198.0.1.1", CANARY.address]  # the one that was up before, and the one given
    assert not guarded.is_suspicious()
    assert guarded.clock.slept == []
    assert guarded.told("vantage_lost") == []
    assert [event.detail["came_up"] for event in guarded.told("canary")] == [True, True]


def test_a_canary_that_answers_lets_what_was_held_back_go(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory, answers="+")
    guarded.take("-" * N)
    assert guarded.written == []
    run(guarded.guard.check())
    assert len(guarded.written) == N
    guarded.take("-")
    assert len(guarded.written) == N + 1


def test_a_server_that_is_heard_meanwhile_says_so_too(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+" + "-" * N)
    guarded.clock.during_sleep = lambda: guarded.take("+")
    (window,) = run(guarded.guard.check())
    assert guarded.clock.slept == [60]
    assert not guarded.is_suspicious()
    assert window.until > window.since


def test_when_the_canaries_come_back_the_window_is_marked_and_the_run_goes_on(
    run: Run, directory: RunDirectory
) -> None:
    guarded = Guarded(directory, answers="----+")
    guarded.take("+" + "-" * N)
    shown = []
    guarded.progress.begin("probe", 100)
    guarded.clock.during_sleep = lambda: shown.append(guarded.progress.name)
    (window,) = run(guarded.guard.check())
    # Heard last at the end of the first session, and again after two pauses.
    assert window == Window("ipv4", NOON + 1, NOON + 1 + N + 2 * 60)
    assert shown == [f"paused, IPv4 reaches nobody: try {number}" for number in (1, 2)]
    assert guarded.progress.name == "probe"
    (lost,) = guarded.told("vantage_lost")
    assert lost.detail == {"from": "2026-11-22T12:00:01.000Z", "to": "2026-11-22T12:02:21.000Z", "family": "ipv4"}
    assert not guarded.is_suspicious()
    guarded.guard.finish()


def test_when_they_do_not_the_run_stops_and_can_go_on(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+" + "-" * N)
    with pytest.raises(
        OurFault, match=r"IPv4 network is the problem: since 2026-11-22T12:00:01\.000Z connections to 20 "
    ):
        run(guarded.guard.check())
    assert guarded.clock.slept == [60, 60, 60]
    assert len(guarded.told("paused")) == 3
    (lost,) = guarded.told("vantage_lost")
    assert lost.detail["to"] == utc_text(guarded.clock.now_utc())


def test_without_pauses_it_stops_at_once(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory, settings=VantageSettings(networks_in_a_row=N, pauses=0))
    guarded.take("+" + "x" * N)
    with pytest.raises(OurFault, match=r"\(x21\)"):  # the last fault of ours
        run(guarded.guard.check())
    assert guarded.clock.slept == []
    assert guarded.written == ["+1"]


def test_a_port_that_is_blocked_from_the_start_leaves_no_record(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("-" * N)
    with pytest.raises(OurFault, match=f"no connection came up to any of {N} networks.*seems to be blocked"):
        run(guarded.guard.check())
    assert guarded.clock.slept == []
    assert guarded.written == []
    assert len(guarded.told("vantage_lost")) == 1


def test_after_an_earlier_start_that_reached_servers_it_waits(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory, heard=True)
    guarded.take("-" * N)
    with pytest.raises(OurFault, match="network is the problem"):
        run(guarded.guard.check())
    assert len(guarded.clock.slept) == 3


def test_a_stop_ends_the_waiting_and_the_window(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+" + "-" * N)
    guarded.clock.during_sleep = lambda: guarded.stop.ask(signal.SIGINT)
    (window,) = run(guarded.guard.check())
    assert window.since == NOON + 1
    assert guarded.clock.slept == [60]
    assert len(guarded.told("vantage_lost")) == 1


# One family alone -------------------------------------------------------------------------------------


def test_a_family_that_is_lost_alone_is_given_up_and_told_at_the_end(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+")
    guarded.take_ipv6("-" * N)
    guarded.take("+")
    assert guarded.is_suspicious()
    (window,) = run(guarded.guard.check())
    assert window.family == "ipv6"
    assert guarded.asked == []  # the canary is of the other family
    assert not guarded.is_suspicious()
    assert guarded.guard.is_lost("2001:db8::1")
    assert not guarded.guard.is_lost("192.0.2.1")
    assert not guarded.guard.is_lost("::ffff:192.0.2.1")
    guarded.guard.settle()  # the other family's second attempts are made all the same
    with pytest.raises(OurFault, match="IPv6"):
        guarded.guard.finish()


def test_both_families_lost_stop_the_run(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take("+")
    guarded.take_ipv6("+" + "-" * N)
    with pytest.raises(OurFault):
        run(guarded.guard.check())


def test_both_families_that_come_back_were_both_lost(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory, answers="--+")
    guarded.take("+")
    guarded.take_ipv6("+" + "-" * N)
    guarded.take("-" * N)
    windows = run(guarded.guard.check())
    assert windows == (
        Window("ipv4", NOON + 1, NOON + 2 + 2 * N + 60),
        Window("ipv6", NOON + 2, NOON + 2 + 2 * N + 60),
    )
    assert [event.detail["family"] for event in guarded.told("vantage_lost")] == ["ipv4", "ipv6"]
    assert not guarded.is_suspicious()


def test_what_the_other_family_did_not_reach_meanwhile_is_in_doubt_too(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take_ipv6("+--")
    guarded.take("+" + "-" * N)
    with pytest.raises(OurFault):
        run(guarded.guard.check())
    assert [event.detail["family"] for event in guarded.told("vantage_lost")] == ["ipv4", "ipv6"]


def test_a_family_lost_alone_casts_no_doubt_on_the_other(run: Run, directory: RunDirectory) -> None:
    guarded = Guarded(directory)
    guarded.take_ipv6("-" * N)
    guarded.take("+-")
    (window,) = run(guarded.guard.check())
    assert window.family == "ipv6"


def test_a_canary_that_has_opted_out_since_is_left_alone(run: Run, directory: RunDirectory) -> None:
    opted_out = parse_opt_out(f"{CANARY.address}\nmx.1.test\n")
    guarded = Guarded(directory, answers="+", policy=ContactPolicy(AddressPolicy(), (), lambda: opted_out))
    guarded.take("++" + "-" * N)
    run(guarded.guard.check())
    assert guarded.asked == ["198.0.2.1"]


# The end of a pass ------------------------------------------------------------------------------------

ENDS: list[tuple[str, bool, str, bool]] = [
    ("nothing to do", False, "", True),
    ("nothing but faults of ours", False, "xxx", False),
    ("one that was theirs", False, "xx-", True),
    ("an earlier start reached servers", True, "xx", True),
    ("one came up", False, "xx+", True),
]


@pytest.mark.parametrize(("heard", "results", "is_written"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_a_pass_in_which_all_was_our_fault_ends_with_it(
    directory: RunDirectory, heard: bool, results: str, is_written: bool
) -> None:
    guarded = Guarded(directory, heard=heard)
    guarded.take(results)
    if is_written:
        guarded.guard.finish()
        assert len(guarded.written) == len(results)
        return
    with pytest.raises(OurFault, match=r"on our side: every session failed \(x3\)"):
        guarded.guard.finish()
    assert guarded.written == []
