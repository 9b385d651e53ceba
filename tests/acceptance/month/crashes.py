"""Power cuts: each of these kills the process that it is called in, at one point of a night, with all it had in hand.

What was not on the disk by then is as gone as what was only in memory; the relay keeps what it took.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from scanner.outages.deliveries import Channel, Delivery
from scanner.passes.session_store import SessionStore
from scanner.watch import night
from scanner.watch.alert_mails import AlertMails
from scanner.watch.database import Database
from scanner.watch.queue import DeliveryQueue


def _cut(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def in_the_middle_of_the_scan() -> None:
    """When the sixth session has been written."""
    write, calls = SessionStore.write, []

    def write_and_cut(store: SessionStore, probed: Any) -> None:
        write(store, probed)
        calls.append(probed)
        if len(calls) == 6:
            _cut()

    SessionStore.write = write_and_cut  # type: ignore[method-assign]


def after_the_scan() -> None:
    """Before anything of it is judged."""
    night.compare_night = _cut  # type: ignore[attr-defined]


def before_the_commit() -> None:
    """When everything has been written, and nothing committed."""
    _at_the_commit(lambda commit: _cut())


def after_the_commit() -> None:
    """Before anything is sent."""
    _at_the_commit(lambda commit: (commit(), _cut()))


def _at_the_commit(then: Callable[[Callable[[], object]], object]) -> None:
    execute = Database.execute

    def execute_or_cut(database: Database, statement: str, *values: object) -> Any:
        if statement != "COMMIT":
            return execute(database, statement, *values)
        return then(lambda: execute(database, statement, *values))

    Database.execute = execute_or_cut  # type: ignore[method-assign]


def before_a_mail_is_recorded() -> None:
    """When the relay has taken the first mail, and nobody here knows."""
    hand_over = AlertMails.hand_over

    async def hand_over_and_cut(mails: AlertMails, delivery: Delivery) -> None:
        await hand_over(mails, delivery)
        _cut()

    AlertMails.hand_over = hand_over_and_cut  # type: ignore[method-assign]


def between_two_mails() -> None:
    """When the first mail has been recorded as sent, and the second not begun."""
    settle = DeliveryQueue.settle

    def settle_and_cut(queue: DeliveryQueue, delivery: Delivery, *what: Any, **more: Any) -> None:
        settle(queue, delivery, *what, **more)
        if delivery.channel is Channel.mail:
            _cut()

    DeliveryQueue.settle = settle_and_cut  # type: ignore[method-assign]
