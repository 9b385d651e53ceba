"""alerts.jsonl: every alert that was ever made, one line each, one write a line."""

from pathlib import Path

import msgspec

from scanner.outages.alerts import Alert
from scanner.outages.deliveries import Delivery, DeliveryState
from scanner.passes.run_directory import Appender, DiskFault
from scanner.passes.torn_lines import cut_torn_line
from scanner.watch.outbox import DeliveryError


class AlertsFile:
    """A channel into a file; an alert that a killed process may have written already is not written twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def hand_over(self, delivery: Delivery) -> None:
        """Appends the alert's line. Raises DeliveryError."""
        alert = msgspec.json.decode(delivery.payload, type=Alert)
        try:
            if delivery.state is DeliveryState.started and self._has(alert):
                return
            self._append(alert)
        except (OSError, DiskFault) as error:
            raise DeliveryError(str(error), closes_channel=True) from error

    async def close(self) -> None:
        """Nothing is open between two lines."""

    def _append(self, alert: Alert) -> None:
        if self._path.exists():
            cut_torn_line(self._path)
        appender = Appender(self._path)
        try:
            appender.append(alert)
        finally:
            appender.close()

    def _has(self, alert: Alert) -> bool:
        """Whether a whole line of the file is this alert's: it begins with its thread and its place in it."""
        if not self._path.exists():
            return False
        begin = f'{{"alert":"{alert.alert}","sequence":{alert.sequence},'.encode()
        with self._path.open("rb") as lines:
            return any(line.startswith(begin) and line.endswith(b"\n") for line in lines)
