"""How `check` and `send` end whatever is done to them: nothing is left behind, and the exit code is what it means."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.running import ENVIRONMENT, MXSCAN, mxscan

CHECK = ("check", "me@silent-on-rcpt.lab", "--from", "you@sender.lab", "--lab")
SEND = ("send", "--to", "me@silent-on-rcpt.lab", "--from", "you@sender.lab", "--lab")
COMMANDS = pytest.mark.parametrize("command", [CHECK, SEND], ids=["check", "send"])


@COMMANDS
def test_a_reader_that_goes_at_once_is_no_problem_of_anybodys(command: tuple[str, ...]) -> None:
    done = mxscan(*command, "--json", prefix=("bash", "-c", 'set -o pipefail; "$@" | true', "bash"))
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_that_lacks_a_character_gets_its_escape() -> None:
    done = mxscan("check", "no-such-domain.lab", "--lab", prefix=("env", "PYTHONIOENCODING=ascii"))
    assert done.returncode == 1, done.stderr.decode()
    assert b"\\u2192 Check the spelling" in done.stdout


@COMMANDS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["the lab opens", "it talks"])
def test_a_signal_leaves_nothing_behind(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals, when: str
) -> None:
    with subprocess.Popen(
        [*MXSCAN, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        if when == "it talks":
            process.stdout.readline()
        else:
            while not any(tmp_path.glob("mxscan-*")):
                os.sched_yield()
        process.send_signal(number)
        process.stdout.read()
        assert process.wait() == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_never_overwritten(tmp_path: Path) -> None:
    said = mxscan("check", "good.lab", "--lab", "--save", tmp_path)
    assert said.returncode == 2
    assert b"name a new directory" in said.stderr
    assert b"--resume" not in said.stderr, "a check has no such option"


def test_who_opted_out_is_not_asked_by_an_address_literal_either(tmp_path: Path) -> None:
    (tmp_path / "opt-out").write_text("127.64.2.0/24\n")
    said = mxscan("check", "me@[127.64.2.1]", "--from", "you@sender.lab", "--lab", "--opt-out", tmp_path / "opt-out")
    assert said.returncode == 3, said.stdout.decode()
    assert b"Nothing is known about [127.64.2.1]: it has opted out" in said.stdout
    assert b"Mail servers" not in said.stdout
