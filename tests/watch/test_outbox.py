"""What is queued goes out once, and is never lost: whatever fails, wherever we end, in whatever order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.outages.alerts import Alert, AlertKind
from scanner.outages.deliveries import Channel, Delivery, DeliveryState, Routing, deliveries_of
from scanner.watch.database import Database
from scanner.watch.outbox import DeliveryError, DeliveryReport, deliver
from scanner.watch.queue import DeliveryQueue
from tests.conftest import Run
from tests.report.alerts import EACH, an_alert

DAY_S = 86400.0
GIVE_UP_S = 5 * DAY_S
DOWN, BACK, REMINDER = (EACH[kind] for kind in (AlertKind.down, AlertKind.back_online, AlertKind.reminder))
ROUTING = Routing(operators=("a@ops.test", "b@ops.test"), has_command=True)


@dataclass
class Days:
    """A clock that stands still until somebody moves it."""

    now: float = 1_795_300_000.0  # 2026-11-22

    def now_utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Way:
    """A channel that keeps what it was given, and does what it is told first."""

    fails: Callable[[Delivery], BaseException | None] = lambda _: None
    given: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    closed: int = 0

    async def hand_over(self, delivery: Delivery) -> None:
        self.tried.append(delivery.delivery)
        if (error := self.fails(delivery)) is not None:
            raise error
        self.given.append(delivery.delivery)

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Post:
    """An outbox, three ways out of it, and a clock."""

    queue: DeliveryQueue
    run: Run
    clock: Days = field(default_factory=Days)
    ways: dict[Channel, Way] = field(default_factory=lambda: {channel: Way() for channel in Channel})

    def put(self, *alerts: Alert, routing: Routing = ROUTING) -> list[Delivery]:
        """Queues the alerts, as a night does."""
        made = deliveries_of(alerts, routing, lambda key: self.queue.delivery(key) is not None)
        self.queue.put(made)
        return list(made)

    def go(self) -> DeliveryReport:
        return self.run(deliver(self.queue, self.ways, self.clock, GIVE_UP_S))

    def state(self, delivery: Delivery) -> DeliveryState:
        found = self.queue.delivery(delivery.delivery)
        assert found is not None
        return found.state

    @property
    def mails(self) -> Way:
        return self.ways[Channel.mail]


@pytest.fixture
def post(tmp_path: Path, run: Run) -> Iterator[Post]:
    with Database.copy(tmp_path / "none.sqlite") as database:
        yield Post(DeliveryQueue(database), run)


def refused(**how: bool) -> Callable[[Delivery], BaseException]:
    return lambda _: DeliveryError("the relay says no", **how)


def only_for(recipient: str, error: BaseException) -> Callable[[Delivery], BaseException | None]:
    return lambda delivery: error if delivery.recipients == (recipient,) else None


def test_everything_goes_out_once_and_in_order(post: Post) -> None:
    made = post.put(DOWN, REMINDER)
    assert post.go() == DeliveryReport(sent=8)
    assert [key for way in post.ways.values() for key in way.given] == [
        each.delivery for channel in Channel for each in made if each.channel is channel
    ]
    assert post.go() == DeliveryReport()
    assert {way.closed for way in post.ways.values()} == {2}


def test_what_cannot_be_sent_stays_and_is_sent_by_the_next_run(post: Post) -> None:
    made = post.put(DOWN)
    post.mails.fails = refused(closes_channel=True)
    report = post.go()
    assert (report.sent, report.left, report.given_up) == (2, 2, 0)
    assert report.complaints == ("2 alerts could not be told by mail: the relay says no (queued for the next run)",)
    assert len(post.mails.tried) == 1  # who is not there for one is not there for the other
    post.mails.fails = lambda _: None
    assert post.go() == DeliveryReport(sent=2)
    assert [post.state(each) for each in made] == [DeliveryState.sent] * 4


def test_two_rounds_of_a_night_are_one_report() -> None:
    first = DeliveryReport(sent=1, left=2, given_up=1, complaints=("still there", "lost"), losses=("lost",))
    second = DeliveryReport(sent=2, left=0, given_up=0)
    assert first.then(second) == DeliveryReport(3, 0, 1, ("lost",), ("lost",)), "what was left has been sent since"
    assert second.then(first) == DeliveryReport(3, 2, 1, ("still there", "lost"), ("lost",))


def test_what_is_given_up_with_its_thread_is_told(post: Post) -> None:
    post.put(DOWN, routing=Routing(operators=("a@ops.test",)))
    post.mails.fails = refused(is_permanent=True)
    post.go()
    post.clock.now += GIVE_UP_S + DAY_S
    post.put(BACK, routing=Routing(operators=("a@ops.test",)))
    report = post.go()
    assert report.given_up == 2
    assert report.complaints == report.losses
    assert [complaint.partition(": ")[2] for complaint in report.losses] == [
        "the relay says no (given up, and not tried again)",
        "the first alert of its thread was given up (given up, and not tried again)",
    ]


def test_one_that_is_refused_keeps_no_other_from_going(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = only_for("a@ops.test", DeliveryError("mailbox full"))
    report = post.go()
    assert (report.sent, report.left) == (3, 1)
    assert report.complaints == ("1 alert could not be told by mail: mailbox full (queued for the next run)",)


def test_what_is_refused_for_good_is_given_up_after_some_days_and_told(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = only_for("a@ops.test", DeliveryError("550 no such user", is_permanent=True))
    assert post.go().left == 1
    post.clock.now += GIVE_UP_S + DAY_S
    report = post.go()
    assert (report.left, report.given_up) == (0, 1)
    assert report.complaints == ("1 alert could not be told by mail: 550 no such user (given up, and not tried again)",)
    assert post.go() == DeliveryReport()


def test_what_is_not_refused_for_good_is_never_given_up(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = refused(closes_channel=True)
    post.clock.now += 1000 * DAY_S
    assert post.go().left == 2


def test_an_end_that_nobody_could_have_heard_of_waits_for_its_begin(post: Post) -> None:
    """The relay is down for a night, and the host is back before the relay is."""
    post.put(DOWN)
    post.mails.fails = refused(closes_channel=True)
    post.go()
    post.put(BACK)
    report = post.go()
    assert report.left == 4
    assert report.complaints == ("2 alerts could not be told by mail: the relay says no (queued for the next run)",)
    post.mails.fails = lambda _: None
    assert post.go() == DeliveryReport(sent=4)
    assert [key.split(".")[1] for key in post.mails.given] == ["1", "1", "2", "2"]


def test_who_was_refused_waits_and_the_others_do_not(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = only_for("a@ops.test", DeliveryError("mailbox full"))
    post.go()
    post.put(BACK)
    post.go()
    assert [key.split(".")[1] for key in post.mails.given] == ["1", "2"]  # both to b@ops.test
    post.mails.fails = lambda _: None
    post.go()
    assert [key.split(".")[1] for key in post.mails.given] == ["1", "2", "1", "2"]


def test_who_never_got_the_begin_never_gets_the_end(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = only_for("a@ops.test", DeliveryError("550 no such user", is_permanent=True))
    post.clock.now += GIVE_UP_S + DAY_S
    post.go()
    post.mails.fails = lambda _: None
    made = post.put(BACK)
    report = post.go()
    assert report.given_up == 1
    assert [post.state(each) for each in made if each.recipients] == [DeliveryState.given_up, DeliveryState.sent]


class Ended(BaseException):
    """The process is killed here."""


@pytest.mark.parametrize("before", [True, False], ids=["before it was sent", "after it was sent"])
def test_a_crash_gives_one_mail_twice_at_most_and_never_none(post: Post, before: bool) -> None:
    made = post.put(DOWN)

    def crash(delivery: Delivery) -> BaseException | None:
        if not before:
            post.mails.given.append(delivery.delivery)
        return Ended()

    post.mails.fails = crash
    with pytest.raises(Ended):
        post.go()
    [first, _] = mails = [each for each in made if each.recipients]
    assert [post.state(each) for each in mails] == [DeliveryState.started, DeliveryState.queued]
    post.mails.fails = lambda _: None
    assert post.go().left == 0
    again = post.queue.delivery(first.delivery)
    assert again is not None
    assert again.tries == 2
    to_a, to_b = (each.delivery for each in mails)
    assert post.mails.given == ([] if before else [to_a]) + [to_a, to_b]


def test_a_crash_before_it_was_noted_as_sent(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.put(DOWN)

    def crash(*_: object, **__: object) -> None:
        raise Ended

    with monkeypatch.context() as patch:
        patch.setattr(post.queue, "settle", crash)
        with pytest.raises(Ended):
            post.go()
    assert post.go().left == 0
    first, again = post.ways[Channel.file].given  # which is the channel's own affair: AlertsFile looks for the line
    assert first == again


def test_what_may_have_arrived_is_sent_again_by_the_next_run(post: Post) -> None:
    made = [each for each in post.put(DOWN) if each.recipients]
    post.mails.fails = only_for("a@ops.test", DeliveryError("lost", closes_channel=True, may_have_arrived=True))
    report = post.go()
    assert (
        "1 alert could not be told by mail: lost (may have arrived; sent again by the next run" in report.complaints[0]
    )
    assert [post.state(each) for each in made] == [DeliveryState.started, DeliveryState.queued]
    post.mails.fails = lambda _: None
    post.go()
    assert [post.state(each) for each in made] == [DeliveryState.sent] * 2


def test_what_nobody_can_carry_any_more_stays_and_is_complained_of(post: Post) -> None:
    post.put(DOWN)
    del post.ways[Channel.mail], post.ways[Channel.command]
    report = post.go()
    assert (report.sent, report.left) == (1, 3)
    assert report.complaints == (
        "1 alert could not be told by --alert-command: no such way is set up now (queued for the next run)",
        "2 alerts could not be told by mail: no such way is set up now (queued for the next run)",
    )


def test_the_ways_are_closed_whatever_happens(post: Post) -> None:
    post.put(DOWN)
    post.mails.fails = lambda _: Ended()
    with pytest.raises(Ended):
        post.go()
    assert {way.closed for way in post.ways.values()} == {1}


def test_two_threads_do_not_wait_for_each_other(post: Post) -> None:
    other = replace(an_alert(), alert="3f9a2c41-2")
    post.put(DOWN)
    post.mails.fails = lambda delivery: DeliveryError("no") if delivery.delivery.startswith("3f9a2c41-1") else None
    post.go()
    post.put(other)
    post.put(replace(BACK, alert="3f9a2c41-2"))
    post.go()
    assert [key[:12] for key in post.mails.given] == ["3f9a2c41-2.1", "3f9a2c41-2.1", "3f9a2c41-2.2", "3f9a2c41-2.2"]
