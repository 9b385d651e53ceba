"""Many at a time, never more than a number, from an iterator that is never read ahead of need."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from scanner.passes.progress import StopRequest

T = TypeVar("T")


async def for_each(
    items: Iterable[T],
    width: int,
    work: Callable[[T], Awaitable[None]],
    stop: StopRequest,
    interval_s: float = 0.0,
) -> None:
    """Awaits `work` for every item, `width` at a time, `interval_s` between two beginnings.

    A stop lets those in flight end, an error ends them. Raises the first error of `work` as it is.
    """
    slots = asyncio.Semaphore(width)

    async def one(item: T) -> None:
        try:
            await work(item)
        finally:
            slots.release()

    try:
        async with asyncio.TaskGroup() as tasks:
            for item in items:
                await slots.acquire()
                if stop.signal_number is not None:
                    break
                tasks.create_task(one(item))
                if interval_s:
                    await asyncio.sleep(interval_s)
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    stop.check()


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception in a group that is no group itself: a pass fails for one reason."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
