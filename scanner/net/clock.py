"""Time: one clock, passed in everywhere, that a test can hold."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch for records, monotonic seconds for durations, and waiting."""

    def now_utc(self) -> float: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now_utc(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
