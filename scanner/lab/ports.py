"""The lab's ports: free ones at first, the same ones ever after."""

import asyncio
import errno
import random
from collections.abc import Awaitable, Callable

#: Below Linux's ephemeral range, so that no client's socket takes a port while the lab is not running.
FIRST_PORT, LAST_PORT = 20000, 31999
MAX_CHOICES = 200
#: How long a port that must be bound again may still belong to a lab that is ending.
PATIENCE_S = 10.0
RETRY_S = 0.1

Open = Callable[[int], Awaitable[None]]


async def open_free_port(open_at: Open, rng: random.Random) -> int:
    """Opens at a port that is free and tells which. Raises OSError when hardly any is."""
    for port in rng.sample(range(FIRST_PORT, LAST_PORT + 1), MAX_CHOICES):
        try:
            await open_at(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port
    raise OSError(errno.EADDRINUSE, f"no free port among {MAX_CHOICES} between {FIRST_PORT} and {LAST_PORT}")


async def open_kept_port(open_at: Open, port: int) -> None:
    """Opens at this port, waiting for it if need be. Raises OSError when it stays taken."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while True:
        try:
            await open_at(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or loop.time() > until_s:
                raise
        else:
            return
        await asyncio.sleep(RETRY_S)
