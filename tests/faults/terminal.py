"""The command on a terminal of its own, whose keys a test can press."""

import contextlib
import os
import pty

from tests.faults.command import PATIENCE_S, Ended, Fork


class Terminal(Fork):
    """As Fork; what it says on its terminal is in `shown`."""

    def _fork(self) -> int:
        process, self._terminal = pty.fork()
        if process != 0:
            os.set_blocking(self._terminal, False)
            self.shown = b""
        return process

    def _redirect(self, stdout: int | None) -> None:
        """Everything is the terminal already."""

    def press_control_c(self) -> None:
        os.write(self._terminal, b"\x03")

    def has_ended(self) -> bool:
        # One whose terminal nobody reads would wait for that.
        with contextlib.suppress(BlockingIOError, OSError):
            self.shown += os.read(self._terminal, 65536)
        return super().has_ended()

    def wait_until_shown(self, text: bytes) -> None:
        self.wait_until(lambda: text in self.shown)

    def ended(self, patience_s: float = PATIENCE_S) -> Ended:
        ended = super().ended(patience_s)
        with contextlib.suppress(BlockingIOError, OSError):
            while said := os.read(self._terminal, 65536):
                self.shown += said
        os.close(self._terminal)
        return Ended(ended.exit_code, self.shown.decode(errors="backslashreplace"))
