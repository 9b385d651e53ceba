"""--alert-command: JSON on its input, no shell, a limit, its exit code, and nothing of it left running."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from scanner.outages.deliveries import Channel, Routing, deliveries_of
from scanner.watch.alert_command import MAX_OUTPUT_BYTES, AlertCommand
from scanner.watch.outbox import DeliveryError
from tests.conftest import Run
from tests.report.alerts import an_alert

[_, DELIVERY] = deliveries_of([an_alert()], Routing(has_command=True), lambda _: True)
LIMIT_S = 10.0


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def tell(run: Run, words: list[str], limit_s: float = LIMIT_S) -> DeliveryError | None:
    assert DELIVERY.channel is Channel.command
    try:
        run(AlertCommand(words, limit_s).hand_over(DELIVERY))
    except DeliveryError as error:
        return error
    return None


def test_the_alert_is_one_line_of_json_on_its_input(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert tell(run, python("import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())", str(kept))) is None
    assert kept.read_bytes() == DELIVERY.payload + b"\n"


def test_no_shell_reads_its_words(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    word = "$(touch /); `id` * ~ | >"
    assert tell(run, python("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(kept), word)) is None
    assert kept.read_text() == word


FAILURES = [
    (
        "an exit code",
        python("import sys; print('no such queue'); sys.exit(3)"),
        "ended with exit code 3, saying: no such queue",
    ),
    ("on stderr", python("import sys; sys.exit('sorry')"), "ended with exit code 1, saying: sorry"),
    ("a signal", python("import os; os.kill(os.getpid(), 15)"), "was ended by signal 15"),
    ("what it says is inert", python(r"print('\x1b[2J\0'); exit(1)"), r"saying: \x1B[2J\x00"),
]


@pytest.mark.parametrize(("words", "told"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES])
def test_any_end_but_0_is_a_fault(run: Run, words: list[str], told: str) -> None:
    error = tell(run, words)
    assert error is not None
    assert str(error).endswith(told)
    assert (error.is_permanent, error.closes_channel, error.may_have_arrived) == (False, False, False)


def test_a_program_that_is_not_there(run: Run, tmp_path: Path) -> None:
    error = tell(run, [str(tmp_path / "none")])
    assert error is not None
    assert "can't be started: No such file" in str(error)
    assert (error.closes_channel, error.may_have_arrived) == (True, False)


def test_a_program_that_never_ends_is_killed_with_all_that_it_started(run: Run, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = "import os, sys, time; child = os.fork(); open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(1000)"
    error = tell(run, python(code, str(pids)), limit_s=1.0)
    assert error is not None
    assert "did not end within alerts.command_s = 1 s and was killed" in str(error)
    assert (error.closes_channel, error.may_have_arrived) == (True, True)
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    assert all(map(ends, started))


def ends(pid: int) -> bool:
    """Whether a process that was killed has come to its end; that takes a moment."""
    patience = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < patience:
        time.sleep(0.005)
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process does anything yet: one that was killed and not yet asked for its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_program_that_reads_nothing_and_prints_much_hinders_nobody(run: Run) -> None:
    assert tell(run, python(f"import sys; sys.stdin.close(); print('x' * {MAX_OUTPUT_BYTES * 20})")) is None
    error = tell(run, python(f"print('x' * {MAX_OUTPUT_BYTES * 20} + 'the end'); exit(1)"))
    assert error is not None
    assert str(error).endswith("xxx" + "the end")
    assert len(str(error)) < 500


@pytest.mark.parametrize("new_session", ["", "os.setsid(); "], ids=["a child", "a child in a session of its own"])
def test_what_it_leaves_running_keeps_nobody_waiting_and_runs_on(run: Run, tmp_path: Path, new_session: str) -> None:
    pid = tmp_path / "pid"
    code = (
        f"import os, sys, time\nif os.fork() == 0:\n  {new_session}open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "  time.sleep(1000)\nwhile not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read(): time.sleep(0.01)"
    )
    assert tell(run, python(code, str(pid))) is None
    assert is_running(int(pid.read_text()))
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_watch_that_is_stopped_stops_the_program(run: Run, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(1000)"

    async def stop() -> None:
        telling = asyncio.create_task(AlertCommand(python(code, str(pid)), LIMIT_S).hand_over(DELIVERY))
        while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110 - it is another process that writes it
            await asyncio.sleep(0.01)
        telling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await telling

    run(stop())
    assert ends(int(pid.read_text()))
