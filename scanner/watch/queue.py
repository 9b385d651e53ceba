"""The queue of what is to be sent, in the database of the state: never lost, and told apart once it is sent."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from scanner.outages.alerts import AlertId
from scanner.outages.deliveries import Delivery, DeliveryState
from scanner.watch.database import Database, Row

#: One that was started and has no end is one during which we ended: it is tried again.
_OPEN = (DeliveryState.queued.value, DeliveryState.started.value)


class DeliveryQueue:
    """Deliveries in the order in which they were put; each change is on the disk when its method returns.

    Raises DiskFault.
    """

    def __init__(self, database: Database) -> None:
        self._execute = database.execute

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Appends deliveries; within a transaction they are part of it."""
        for delivery in deliveries:
            fields = msgspec.structs.asdict(delivery)
            fields["recipients"] = _encoded(delivery.recipients)
            # The table has the record's fields in their order, after the position that it gives itself.
            self._execute(
                "INSERT INTO deliveries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *map(_plain, fields.values()),
            )

    def queued(self) -> list[Delivery]:
        """All that have no end yet, in order."""
        rows = self._execute("SELECT * FROM deliveries WHERE state IN (?, ?) ORDER BY position", *_OPEN)
        return [_delivery(row) for row in rows]

    def delivery(self, key: str) -> Delivery | None:
        """A delivery, whatever became of it."""
        rows = self._execute("SELECT * FROM deliveries WHERE delivery = ?", key)
        return _delivery(rows[0]) if rows else None

    def begin(self, delivery: Delivery, at: str) -> None:
        """A try begins."""
        self._execute(
            "UPDATE deliveries SET state = ?, started_at = ?, tries = tries + 1 WHERE delivery = ?",
            DeliveryState.started.value,
            at,
            delivery.delivery,
        )

    def settle(
        self,
        delivery: Delivery,
        state: DeliveryState,
        at: str,
        *,
        error: str | None,
        recipients: Iterable[str],
    ) -> None:
        """What came of a try: sent, given up, or queued again; `recipients` are those still to be reached.

        What was sent is not kept here: it stands in alerts.jsonl.
        """
        self._execute(
            "UPDATE deliveries SET state = ?, ended_at = ?, error = ?, recipients = ?, "
            "payload = CASE ? WHEN 'sent' THEN x'' ELSE payload END WHERE delivery = ?",
            *(state.value, at, error, _encoded(recipients)),
            *(state.value, delivery.delivery),
        )

    def last_sent(self, alert: AlertId) -> str | None:
        """When something of a thread was sent last, to anybody."""
        rows = self._execute(
            "SELECT max(ended_at) AS at FROM deliveries WHERE state = ? AND delivery LIKE ? || '.%'",
            DeliveryState.sent.value,
            alert,
        )
        at: str | None = rows[0]["at"]
        return at


def _encoded(recipients: Iterable[str]) -> str:
    return msgspec.json.encode(tuple(recipients)).decode()


def _plain(value: object) -> object:
    """SQLite takes no enums."""
    return value.value if isinstance(value, StrEnum) else value


def _delivery(row: Row) -> Delivery:
    fields = {name: row[name] for name in Delivery.__struct_fields__}
    return msgspec.convert({**fields, "recipients": msgspec.json.decode(row["recipients"])}, Delivery)
