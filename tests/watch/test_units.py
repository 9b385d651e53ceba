"""The systemd units: systemd finds no fault in them, and they say what mxscan takes for an answer."""

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from scanner.commands.watch import command as watch
from scanner.exit_codes import INCONCLUSIVE, PROBLEM

CONFIGS = Path(__file__).parents[2] / "configs"
SERVICE, TIMER = CONFIGS / "mxscan-watch.service", CONFIGS / "mxscan-watch.timer"


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """Section → key → its values: a key may stand there several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return sections


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault() -> None:
    command = ["systemd-analyze", "verify", str(SERVICE), str(TIMER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "mxscan-watch" in line]
    assert (done.returncode, said) == (0, [])


def test_both_are_units() -> None:
    for path in (SERVICE, TIMER):
        RawConfigParser(strict=False).read_string(path.read_text())
    assert set(unit(SERVICE)) == {"Unit", "Service"}
    assert set(unit(TIMER)) == {"Unit", "Timer", "Install"}


def test_what_is_told_is_no_fault_of_the_service_and_what_is_ours_is() -> None:
    codes = {int(code) for code in unit(SERVICE)["Service"]["SuccessExitStatus"][0].split()}
    assert codes == {PROBLEM, INCONCLUSIVE, 143}


def test_the_state_is_where_the_service_may_write() -> None:
    service = unit(SERVICE)["Service"]
    [command] = service["ExecStart"]
    assert "--state ${STATE_DIRECTORY}" in command
    assert service["StateDirectory"] == ["mxscan"]
    assert service["ProtectSystem"] == ["strict"]


def test_a_missed_night_is_made_up_for() -> None:
    assert unit(TIMER)["Timer"]["Persistent"] == ["yes"]
    assert unit(TIMER)["Timer"]["OnCalendar"][0].endswith(" UTC")


def test_the_command_of_the_service_is_one_that_there_is() -> None:
    [command] = unit(SERVICE)["Service"]["ExecStart"]
    words = command.split(" ")
    assert words[:3] == ["/usr/bin/env", "mxscan", "watch"]
    known = {name for parameter in watch.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
