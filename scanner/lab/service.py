"""A lab: DNS, SMTP, HTTPS, authority and log of one world over one directory, from `open` to `close`."""

import datetime as dt
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scanner.lab.authority import Authority
from scanner.lab.dns_server import DnsServer
from scanner.lab.dns_servers import DnsServers
from scanner.lab.dns_trouble import DnsTrouble
from scanner.lab.lab_directory import LabDirectory, OnceOnly, write_whole
from scanner.lab.log import DnsLine, Log
from scanner.lab.mail_server import MailServer, MailWorld
from scanner.lab.mail_store import MailStore
from scanner.lab.order import ANY_PORTS, NO_FAULTS, LabFaults, LabPorts
from scanner.lab.policy_server import PolicyServer
from scanner.lab.ports import Open, open_free_port, open_kept_port
from scanner.lab.servers import Servers
from scanner.lab.tls_server import TlsContexts
from scanner.lab.world import World
from scanner.lab.world_file import DNS_ADDRESS, name_servers_of, policy_addresses_of, servers_of
from scanner.lab.world_zone import zone_source
from scanner.settings import Limits

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
        self.ports = ANY_PORTS
        self.log = Log(files.log)
        self._zone_source = zone_source(world, authority)
        self._trouble = DnsTrouble(faults, seed, time.monotonic, partial(files.remember, OnceOnly.dns_silent))
        self._name_servers = name_servers_of(world)
        self._dns: DnsServers | None = None
        contexts = TlsContexts(authority, world.certificates)
        mail = MailWorld(world.behaviours, world.users, limits, contexts, MailStore(files.messages))
        self._https = Servers(
            [PolicyServer(hosts, world.policy_behaviours, limits, contexts) for hosts in policy_addresses_of(world)],
            log=self.log,
            now_utc=now_utc,
        )
        self._smtp = Servers(
            [MailServer(server, mail) for server in servers_of(world)],
            log=self.log,
            now_utc=now_utc,
            blocked_after=faults.blocked_after,
            block_began=partial(self._block_began, files),
        )

    @property
    def dns_server(self) -> str:
        """`ADDRESS:PORT`."""
        return f"{DNS_ADDRESS}:{self.ports.dns}"

    @property
    def tripwires(self) -> tuple[str, ...]:
        """The forbidden addresses that are watched."""
        return self._smtp.tripwires

    async def open(self, wanted: LabPorts = ANY_PORTS) -> None:
        """Listens at these ports, waiting until they are free; 0 is any free one. Raises OSError."""
        smtp = await _open(self._open_smtp, wanted.smtp)
        https = await _open(self._open_https, wanted.https)
        # Last, because the port of the mail servers stands in names.
        zone = self._zone_source.zone(smtp)
        self._dns = DnsServers(DNS_ADDRESS, DnsServer(zone, self._trouble), self._name_servers, zone)
        self.ports = LabPorts(smtp=smtp, https=https, dns=await _open(self._dns.open, wanted.dns))

    async def close(self) -> None:
        """Ends all sessions, closes all sockets, writes the rest of the log."""
        self._smtp.close()
        self._https.close()
        if self._dns is not None:
            await self._dns.close()
            self.log.write(_dns_line(self._dns))
        self.log.close()

    async def _open_smtp(self, port: int) -> None:
        self._smtp.open(port)

    async def _open_https(self, port: int) -> None:
        self._https.open(port)

    def _block_began(self, files: LabDirectory) -> None:
        files.remember(OnceOnly.blocked)
        self._https.block()


def _dns_line(dns: DnsServers) -> DnsLine:
    asked = {address: dict(counts) for address, counts in dns.queries.items() if counts}
    return DnsLine(queries=asked.pop(DNS_ADDRESS, {}), name_servers=asked)


async def _open(open_at: Open, port: int) -> int:
    if port == 0:
        return await open_free_port(open_at, random.Random())
    await open_kept_port(open_at, port)
    return port
