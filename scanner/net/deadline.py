"""A deadline for a stage: `asyncio.timeout`, without what a stage has no use for, at half its cost."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """Raises TimeoutError out of its block if that is not over in so many seconds.

    The same promise as `asyncio.timeout`: the block is cancelled, a cancellation from outside passes through,
    and nothing is left behind. It cannot be rescheduled and is for the task that enters it. A session has
    four or five; together they were a tenth of what it costs.
    """

    __slots__ = ("_cancelling", "_fired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._fired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._fired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            # Nobody else asked for the cancellation: it was ours, and becomes the timeout.
            raise TimeoutError from error

    def _fire(self) -> None:
        self._fired = True
        self._task.cancel()
