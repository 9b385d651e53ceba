"""A lab: DNS, SMTP, authority and log of one world over one directory, from `open` to `close`."""

import datetime as dt
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scanner.lab.authority import Authority
from scanner.lab.dns_server import DnsServer
from scanner.lab.dns_trouble import DnsTrouble
from scanner.lab.lab_directory import LabDirectory, OnceOnly, write_whole
from scanner.lab.log import DnsLine, Log
from scanner.lab.order import NO_FAULTS, LabFaults
from scanner.lab.ports import Open, open_free_port, open_kept_port
from scanner.lab.smtp_server import SmtpServer
from scanner.lab.tls_server import TlsContexts
from scanner.lab.world import World
from scanner.lab.world_file import servers_of
from scanner.lab.zone import Zone
from scanner.settings import Limits

DNS_ADDRESS = "127.64.0.1"

Now = Callable[[], dt.datetime]


def _now_utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Lab:
    """Serves a world on the running loop. `limits` are those of which the behaviours take shares.

    `faults` come on top of what the world does; `seed` decides which answers get lost.
    """

    def __init__(
        self,
        world: World,
        directory: Path,
        limits: Limits,
        *,
        now_utc: Now = _now_utc,
        faults: LabFaults = NO_FAULTS,
        seed: int = 0,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        files = LabDirectory(directory)
        faults = files.left_of(faults)
        authority = Authority(files.authority, now_utc().date())
        write_whole(files.roots, authority.roots_pem)
        write_whole(files.domain_list, "".join([f"{entry.domain}\n" for entry in world.entries]).encode())
        self.dns_port = 0
        self.smtp_port = 0
        self.log = Log(files.log)
        trouble = DnsTrouble(faults, seed, time.monotonic, partial(files.remember, OnceOnly.dns_silent))
        self._dns = DnsServer(_zone(world), trouble)
        contexts = TlsContexts(authority, world.certificates)
        self._smtp = SmtpServer(
            servers=servers_of(world),
            behaviours=world.behaviours,
            limits=limits,
            contexts=contexts,
            log=self.log,
            now_utc=now_utc,
            blocked_after=faults.blocked_after,
            block_began=partial(files.remember, OnceOnly.blocked),
        )

    @property
    def dns_server(self) -> str:
        """`ADDRESS:PORT`."""
        return f"{DNS_ADDRESS}:{self.dns_port}"

    @property
    def tripwires(self) -> tuple[str, ...]:
        """The forbidden addresses that are watched."""
        return self._smtp.tripwires

    async def open(self, dns_port: int = 0, smtp_port: int = 0) -> None:
        """Listens at these ports, waiting until they are free; 0 is any free one. Raises OSError."""
        self.dns_port = await _open(self._open_dns, dns_port)
        self.smtp_port = await _open(self._open_smtp, smtp_port)

    async def close(self) -> None:
        """Ends all sessions, closes all sockets, writes the rest of the log."""
        self._smtp.close()
        await self._dns.close()
        self.log.write(DnsLine(queries=dict(self._dns.counters)))
        self.log.close()

    async def _open_dns(self, port: int) -> None:
        await self._dns.open(DNS_ADDRESS, port)

    async def _open_smtp(self, port: int) -> None:
        self._smtp.open(port)


async def _open(open_at: Open, port: int) -> int:
    if port == 0:
        return await open_free_port(open_at, random.Random())
    await open_kept_port(open_at, port)
    return port


#: Who scans the lab: the name in EHLO is his, forth and back.
_VISITOR = ("scanner.lab. A 127.0.0.1", "1.0.0.127.in-addr.arpa. PTR scanner.lab.")


def _zone(world: World) -> Zone:
    lines = [*_VISITOR, *world.records, *[line for entry in world.entries for line in entry.records]]
    return Zone(lines, {key: answers for entry in world.entries for key, answers in entry.dns.items()})
