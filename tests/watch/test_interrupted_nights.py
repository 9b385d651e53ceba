"""Nights that end too early, at whatever point: nothing is lost, and at most one mail comes twice."""

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.outages.alerts import Alert
from scanner.outages.deliveries import Channel
from scanner.passes.progress import Interrupted
from scanner.passes.run import RunExecution
from scanner.passes.run_directory import RunDirectory, RunLockedError
from scanner.watch import night as night_module
from scanner.watch.night import rehearse_night
from scanner.watch.night_scan import ScanOrder
from scanner.watch.queue import DeliveryQueue
from scanner.watch.store import Store
from tests.watch.nights import DAY_S, HOUR_S, Nights
from tests.watch.test_night import WORLD

pytestmark = pytest.mark.acceptance

DOWN = WORLD.but(mx1="refuses")


class PowerCut(BaseException):
    """The machine goes off: nobody catches this."""


def cut(*_: Any, **__: Any) -> Any:
    raise PowerCut


def after(done: Callable[..., Any]) -> Callable[..., Any]:
    """What it does, and then the power cut."""

    def do_and_cut(*arguments: Any, **options: Any) -> Any:
        done(*arguments, **options)
        raise PowerCut

    return do_and_cut


#: The points at which a night may end, and what is patched so that it does.
POINTS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "before the scan": (RunExecution, "scan", cut),
    "after the scan, before it is noted": (RunExecution, "end", cut),
    "after the scan": (night_module, "compare_night", cut),
    "when everything is written, and not committed": (DeliveryQueue, "put", after(DeliveryQueue.put)),
    "after the deliveries": (Store, "open_threads", cut),
    "before the first delivery": (DeliveryQueue, "queued", cut),
    "when a delivery has begun": (DeliveryQueue, "begin", after(DeliveryQueue.begin)),
    "when it was handed over, and that is not noted": (DeliveryQueue, "settle", cut),
    "when that is noted": (DeliveryQueue, "settle", after(DeliveryQueue.settle)),
}


@pytest.mark.parametrize("point", POINTS)
def test_wherever_a_night_ends_the_outage_is_told_once_more_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    nights = Nights(tmp_path, {"watch.remind_s": 0.0})
    nights.play(WORLD)
    owner, name, broken = POINTS[point]
    # Before the night nothing is queued, so the outbox's calls are those after the commit.
    skip = 1 if name in ("queued", "open_threads") else 0
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, _after_calls(getattr(owner, name), broken, skip))
        with pytest.raises(PowerCut):
            nights.play(DOWN)
    before = [delivery.delivery for delivery, _ in nights.mailbox.taken]
    nights.play(DOWN, after_s=HOUR_S)
    arrived = [delivery.delivery for delivery, _ in nights.mailbox.taken]
    assert arrived, "the outage was told"
    assert len(set(arrived)) == 1, "as one alert, also where it came twice"
    assert len(arrived) <= 2
    assert before == arrived[: len(before)]
    nights.mailbox.taken.clear()
    assert nights.told(WORLD) == ["back_online 2 mx1.provider1.lab"]


def _after_calls(whole: Callable[..., Any], broken: Callable[..., Any], skip: int) -> Callable[..., Any]:
    """What is whole for so many calls, and broken then."""
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return (whole if calls <= skip else broken)(*arguments, **options)

    return call


def interrupted(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A night that a signal ends; its run's directory."""
    with monkeypatch.context() as patch:
        patch.setattr(RunExecution, "scan", _interrupt)
        with pytest.raises(Interrupted):
            nights.play(DOWN)
    newest = nights.state.newest_run()
    assert newest is not None
    return newest


def _interrupt(_: RunExecution) -> None:
    raise Interrupted(signal.SIGTERM)


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    path = interrupted(nights, monkeypatch)
    assert RunDirectory.open(path).read_run().starts[-1].exit == 128 + signal.SIGTERM
    night = nights.play(DOWN, after_s=HOUR_S)
    assert night.directory == path
    assert len(RunDirectory.open(path).read_run().starts) == 2
    assert nights.arrived() == ["down mx1.provider1.lab"]


def test_one_that_is_not_fresh_any_more_is_left_and_another_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    path = interrupted(nights, monkeypatch)
    night = nights.play(DOWN, after_s=DAY_S)
    assert night.directory != path
    assert len(RunDirectory.open(path).read_run().starts) == 1


def test_a_run_whose_settings_are_of_another_version_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    path = interrupted(nights, monkeypatch)
    run = (path / "run.json").read_bytes()
    (path / "run.json").write_bytes(run.replace(b'"pause_s"', b'"pause_h"'))
    assert nights.play(DOWN, after_s=HOUR_S).directory != path


def test_a_second_watch_does_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    with nights.state.locked(), pytest.raises(RunLockedError):
        nights.play(WORLD)
    assert list(nights.state.runs.iterdir()) == []


# A rehearsal ----------------------------------------------------------------------------------------


def everything(home: Path) -> dict[str, bytes]:
    """All files of the state directory."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_rehearsal_says_what_would_be_sent_and_changes_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    before = everything(nights.state.path)
    nights.clock.jump(DAY_S)
    with nights.order(DOWN) as order:
        assert _rehearsed(nights, order) == ["down"]
    assert everything(nights.state.path) == before
    assert nights.arrived() == []
    assert nights.told(DOWN) == ["down mx1.provider1.lab"], "it is still to be told"


def test_a_rehearsal_says_what_is_queued_already(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    nights.mailbox.is_closed = True
    nights.play(DOWN)
    with nights.order(WORLD) as order:
        assert _rehearsed(nights, order) == ["down", "back_online"]


def test_a_rehearsal_without_a_state_is_a_first_look(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    with nights.order(DOWN) as order:
        assert _rehearsed(nights, order) == ["first_look"]
    assert not nights.state.database.exists()


def _rehearsed(nights: Nights, order: ScanOrder) -> list[str]:
    """What would be sent by mail: the kinds of alerts."""
    return [
        msgspec.json.decode(delivery.payload, type=Alert).kind.value
        for delivery in rehearse_night(nights.state, order, nights.routing)
        if delivery.channel is Channel.mail
    ]


# What could not be sent -----------------------------------------------------------------------------


def test_what_is_left_is_tried_before_the_next_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    nights.mailbox.is_closed = True
    nights.play(DOWN)
    nights.mailbox.is_closed = False
    with monkeypatch.context() as patch, contextlib.suppress(PowerCut):
        patch.setattr(RunExecution, "scan", cut)
        nights.play(DOWN)
    assert nights.arrived() == ["down mx1.provider1.lab"]
