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
from scanner.watch.alerts_file import AlertsFile
from scanner.watch.database import Database
from scanner.watch.queue import DeliveryQueue


def _cut(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _replace(owner: object, name: str, by: object) -> None:
    """In this process, which nothing outlives."""
    setattr(owner, name, by)


def in_the_middle_of_the_scan() -> None:
    """When the sixth session has been written."""
    write, calls = SessionStore.write, []

    def write_and_cut(store: SessionStore, probed: Any) -> None:
        write(store, probed)
        calls.append(probed)
        if len(calls) == 6:
            _cut()

    _replace(SessionStore, "write", write_and_cut)


def after_the_scan() -> None:
    """Before anything of it is judged."""
    _replace(night, "compare_night", _cut)


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

    _replace(Database, "execute", execute_or_cut)


def before_a_mail_is_recorded() -> None:
    """When the relay has taken the first mail, and nobody here knows."""
    hand_over = AlertMails.hand_over

    async def hand_over_and_cut(mails: AlertMails, delivery: Delivery) -> None:
        await hand_over(mails, delivery)
        _cut()

    _replace(AlertMails, "hand_over", hand_over_and_cut)


def before_a_line_is_recorded() -> None:
    """When the first alert stands in alerts.jsonl, and the database does not know."""
    hand_over = AlertsFile.hand_over

    async def hand_over_and_cut(file: AlertsFile, delivery: Delivery) -> None:
        await hand_over(file, delivery)
        _cut()

    _replace(AlertsFile, "hand_over", hand_over_and_cut)


def between_two_mails() -> None:
    """When the first mail has been recorded as sent, and the second not begun."""
    settle = DeliveryQueue.settle

    def settle_and_cut(queue: DeliveryQueue, delivery: Delivery, *what: Any, **more: Any) -> None:
        settle(queue, delivery, *what, **more)
        if delivery.channel is Channel.mail:
            _cut()

    _replace(DeliveryQueue, "settle", settle_and_cut)
