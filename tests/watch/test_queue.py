"""The queue of deliveries: in order, never lost, and gone once sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.outages.deliveries import Channel, Delivery, DeliveryState
from scanner.passes.run_directory import DiskFault
from scanner.watch.database import Database
from scanner.watch.queue import DeliveryQueue
from tests.outages.watching import moment

FIRST = Delivery(
    delivery="0123abcd-1.1.mail.ops",
    channel=Channel.mail,
    group="ops",
    recipients=("ops@example.org",),
    payload=b'{"alert":1}',
    waits_for=None,
    state=DeliveryState.queued,
    queued_at=moment(1),
)
SECOND = replace(FIRST, delivery="0123abcd-1.2.mail.ops", waits_for=FIRST.delivery, queued_at=moment(2))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "watch.sqlite") as database:
        yield database


@pytest.fixture
def queue(database: Database) -> DeliveryQueue:
    return DeliveryQueue(database)


def test_deliveries_come_back_as_they_were_in_order(queue: DeliveryQueue) -> None:
    queue.put([SECOND, FIRST])
    assert queue.queued() == [SECOND, FIRST]
    assert queue.delivery(FIRST.delivery) == FIRST
    assert queue.delivery("0123abcd-9.1.mail.ops") is None


def test_one_that_was_begun_and_has_no_end_is_still_queued(queue: DeliveryQueue) -> None:
    queue.put([FIRST])
    queue.begin(FIRST, moment(2))
    queue.begin(FIRST, moment(3))
    expected = replace(FIRST, state=DeliveryState.started, started_at=moment(3), tries=2)
    assert queue.queued() == [expected]


def test_one_that_was_sent_is_not_queued_and_has_no_payload_any_more(queue: DeliveryQueue) -> None:
    queue.put([FIRST, SECOND])
    queue.settle(FIRST, DeliveryState.sent, moment(4), error=None, recipients=())
    assert queue.queued() == [SECOND]
    sent = queue.delivery(FIRST.delivery)
    assert sent is not None
    assert (sent.state, sent.payload, sent.ended_at, sent.recipients) == (DeliveryState.sent, b"", moment(4), ())


def test_one_that_failed_keeps_its_payload_and_says_why(queue: DeliveryQueue) -> None:
    queue.put([FIRST])
    queue.settle(FIRST, DeliveryState.queued, moment(4), error="refused", recipients=FIRST.recipients)
    assert queue.queued() == [replace(FIRST, error="refused", ended_at=moment(4))]


def test_it_is_known_when_something_of_a_thread_was_sent_last(queue: DeliveryQueue) -> None:
    queue.put([FIRST, SECOND, replace(FIRST, delivery="0123abcd-12.1.mail.ops")])
    assert queue.last_sent("0123abcd-1") is None
    for number, name in enumerate((FIRST, SECOND, replace(FIRST, delivery="0123abcd-12.1.mail.ops")), 5):
        queue.settle(name, DeliveryState.sent, moment(number), error=None, recipients=())
    assert queue.last_sent("0123abcd-1") == moment(6)


def test_what_was_put_in_a_transaction_that_failed_was_never_there(database: Database, queue: DeliveryQueue) -> None:
    with pytest.raises(DiskFault), database.transaction():
        queue.put([FIRST, FIRST])
    assert queue.queued() == []
