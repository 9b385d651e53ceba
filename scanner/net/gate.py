"""How many lookups may be in flight: few young ones, many old ones."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Passage:
    """One lookup's way through the gate; the lookup says here whether it timed out."""

    def __init__(self) -> None:
        self.is_young = True
        self.timed_out = False


class Gate:
    """Lets lookups through: at most `young` of less than `old_after_s` seconds, at most `total` in all.

    Too many young lookups overflow the socket buffer of the server and come back as timeouts that are none;
    old ones only wait and cost nothing. While more than 1 % of lookups time out, the gate narrows by a
    quarter, down to a quarter of `young`: a list with many dead names must not stop the others.
    """

    WINDOW = 200

    def __init__(self, young: int, total: int, old_after_s: float) -> None:
        self._total = asyncio.Semaphore(total)
        self._most = young
        self._least = max(1, young // 4)
        self._width = young
        self._old_after_s = old_after_s
        self._young = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._seen = 0
        self._timeouts = 0

    @property
    def width(self) -> int:
        """How many young lookups are let through now."""
        return self._width

    @contextlib.asynccontextmanager
    async def passage(self) -> AsyncIterator[Passage]:
        """A place for one lookup, held while the block runs."""
        async with self._total:
            await self._enter()
            passage = Passage()
            ageing = asyncio.get_running_loop().call_later(self._old_after_s, self._grow_old, passage)
            try:
                yield passage
            finally:
                ageing.cancel()
                self._grow_old(passage)
                self._learn_from(passage)

    async def _enter(self) -> None:
        while self._young >= self._width:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._wake_one()  # the place that may have been given to us goes to the next
                raise
        self._young += 1

    def _grow_old(self, passage: Passage) -> None:
        if passage.is_young:
            passage.is_young = False
            self._young -= 1
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiting and self._young < self._width:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _learn_from(self, passage: Passage) -> None:
        self._seen += 1
        self._timeouts += passage.timed_out
        if self._seen < self.WINDOW:
            return
        if self._timeouts > self.WINDOW // 100:
            self._width = max(self._least, self._width * 3 // 4)
        else:
            self._width = min(self._most, self._width + max(1, self._most // 10))
        self._seen = self._timeouts = 0
        for _ in range(self._young, self._width):
            self._wake_one()
