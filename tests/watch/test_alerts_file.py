"""alerts.jsonl: a line an alert, whole or not there, and not twice."""

import os
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from msgspec.structs import replace

from scanner.commands.schema import record_schema
from scanner.outages.alerts import Alert, AlertKind
from scanner.outages.deliveries import Delivery, DeliveryState, Routing, deliveries_of
from scanner.watch.alerts_file import AlertsFile
from scanner.watch.outbox import DeliveryError
from tests.conftest import Run
from tests.report.alerts import EACH, an_alert

DOWN, BACK = EACH[AlertKind.down], EACH[AlertKind.back_online]


def delivery_of(alert: Alert, state: DeliveryState = DeliveryState.queued) -> Delivery:
    [made] = deliveries_of([alert], Routing(), lambda _: True)
    return replace(made, state=state)


def lines_of(path: Path) -> list[Alert]:
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [msgspec.json.decode(line, type=Alert) for line in text.splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


def test_each_alert_is_a_line(run: Run, path: Path) -> None:
    async def write() -> None:
        file = AlertsFile(path)
        for alert in (DOWN, BACK):
            await file.hand_over(delivery_of(alert))
        await file.close()

    run(write())
    assert lines_of(path) == [DOWN, BACK]


def test_every_kind_of_alert_fits_its_schema(run: Run, path: Path) -> None:
    validator = jsonschema_rs.validator_for(record_schema("alerts"))
    for alert in EACH.values():
        run(AlertsFile(path).hand_over(delivery_of(alert)))
    for line in path.read_bytes().splitlines():
        found = msgspec.json.decode(line)
        assert [error.message for error in validator.iter_errors(found)] == []
        assert not validator.is_valid({**found, "surprise": 1})
        assert not validator.is_valid({**found, "kind": "no such kind"})


def test_one_that_may_be_there_already_is_not_written_twice(run: Run, path: Path) -> None:
    for alert in (DOWN, BACK):
        run(AlertsFile(path).hand_over(delivery_of(alert)))
    run(AlertsFile(path).hand_over(delivery_of(DOWN, DeliveryState.started)))
    assert lines_of(path) == [DOWN, BACK]


@pytest.mark.parametrize("other", [replace(DOWN, sequence=11), replace(DOWN, alert="3f9a2c41-11")])
def test_one_that_is_not_there_is_written(run: Run, path: Path, other: Alert) -> None:
    run(AlertsFile(path).hand_over(delivery_of(other)))
    run(AlertsFile(path).hand_over(delivery_of(DOWN, DeliveryState.started)))
    assert lines_of(path) == [other, DOWN]


def test_a_torn_line_is_cut_and_its_alert_written_whole(run: Run, path: Path) -> None:
    run(AlertsFile(path).hand_over(delivery_of(an_alert(alert="3f9a2c41-7"))))
    whole = path.stat().st_size
    run(AlertsFile(path).hand_over(delivery_of(DOWN)))
    for cut in (whole + 1, whole + 40, path.stat().st_size - 1):
        os.truncate(path, cut)
        run(AlertsFile(path).hand_over(delivery_of(DOWN, DeliveryState.started)))
        assert [alert.alert for alert in lines_of(path)] == ["3f9a2c41-7", "3f9a2c41-1"]


def test_a_place_that_cannot_be_written_is_a_fault_that_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as told:
        run(AlertsFile(tmp_path / "missing" / "alerts.jsonl").hand_over(delivery_of(DOWN)))
    assert "missing" in str(told.value)
    assert (told.value.closes_channel, told.value.is_permanent) == (True, False)
