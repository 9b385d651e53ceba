"""--alert-command: a program that gets each alert as JSON on its standard input; exit code 0 says that it has it.

It is started and awaited without asyncio's subprocesses: those lose a program that is cancelled while it is being
started, and await its output together with its end, which what it leaves in the background may keep open for ever.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from scanner.net.deadline import Deadline
from scanner.outages.deliveries import Delivery
from scanner.watch.outbox import DeliveryError
from scanner.wire_text import escape_octets

#: How much of what the program printed last is looked at, and how much of that is told.
MAX_OUTPUT_BYTES = 65536
_MAX_TOLD = 300

#: How long the end of a program that was killed is waited for: the system may be at work for it.
_KILLED_WITHIN_S = 5.0


class AlertCommand:
    """A channel through a program: `words` are its name and arguments, no shell reads them."""

    def __init__(self, words: Sequence[str], limit_s: float) -> None:
        self._words = words
        self._limit_s = limit_s

    async def hand_over(self, delivery: Delivery) -> None:
        """Runs the program to its end, or to the limit, and then kills it. Raises DeliveryError."""
        try:
            with tempfile.TemporaryFile() as alert, _Output() as output:
                alert.write(delivery.payload + b"\n")
                alert.seek(0)
                process = subprocess.Popen(  # noqa: S603, ASYNC220 - the operator's words; it returns at once
                    self._words, stdin=alert, stdout=output.write_end, stderr=output.write_end, start_new_session=True
                )
                code = await self._end_of(process)
        except OSError as error:
            text = f"{self._words[0]} can't be started: {error.strerror}"
            raise DeliveryError(text, closes_channel=True) from error
        self._judge(code, output.printed)

    async def close(self) -> None:
        """No program is running between two alerts."""

    async def _end_of(self, process: "subprocess.Popen[bytes]") -> int | None:
        """The exit code, negative for a signal; None if the program had to be killed."""
        try:
            with Deadline(self._limit_s):
                await _end(process.pid)
        except TimeoutError:
            return None
        else:
            return process.wait()
        finally:
            if process.returncode is None:
                _kill_group(process.pid)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_KILLED_WITHIN_S)

    def _judge(self, code: int | None, printed: bytes) -> None:
        if code == 0:
            return
        if code is None:
            how = f"did not end within alerts.command_s = {self._limit_s:g} s and was killed"
        else:
            how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        said = escape_octets(b" ".join(printed.split())[-_MAX_TOLD:])
        raise DeliveryError(
            f"{self._words[0]} {how}{f', saying: {said}' if said else ''}",
            closes_channel=code is None,
            may_have_arrived=code is None,
        )


async def _end(pid: int) -> None:
    """Waits until a child has ended; it is still to be asked for its exit code."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(pid)
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _kill_group(leader: int) -> None:
    """Ends a program and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


class _Output:
    """A pipe that a program prints into; what comes is taken at once, and its end is kept."""

    def __enter__(self) -> Self:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._printed = bytearray()
        asyncio.get_running_loop().add_reader(self._read_end, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.write_end)
        self._take()  # what was printed last; more may come for ever, from what the program left running
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)

    @property
    def printed(self) -> bytes:
        return bytes(self._printed)

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._printed += os.read(self._read_end, MAX_OUTPUT_BYTES)
            del self._printed[:-MAX_OUTPUT_BYTES]
