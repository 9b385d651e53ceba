"""The lab of a night, in a process of its own: always at the same ports, and always on the first day of the month."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scanner.lab.lab_directory import LabDirectory, write_whole
from scanner.lab.order import LabFaults, LabPorts
from scanner.lab.service import Lab
from scanner.lab.world_file import DNS_ADDRESS, load_world
from tests.acceptance.month.portfolio import World
from tests.faults.command import Fork
from tests.faults.scanning import LIMITS

#: The first night; the lab's certificates are dated from this day.
FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class ServedLab:
    """What `--lab` wants to know of an open lab."""

    dns_server: str
    smtp_port: int
    https_port: int
    roots: Path
    domain_list: Path


class Labs:
    """The labs of all nights, one after the other, over one directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._files = LabDirectory(home)
        self._ports = LabPorts()
        home.mkdir()

    @contextmanager
    def serving(self, world: World) -> Iterator[ServedLab]:
        """A lab over this world, open while the block runs."""
        (self._home / "world.toml").write_text(world.file())
        ready = self._home / "ready.json"
        ready.unlink(missing_ok=True)
        process = Fork(self._home / "process", lambda: self._serve(world.dns_loss))
        try:
            process.wait_until(ready.exists)
            self._ports = msgspec.json.decode(ready.read_bytes(), type=LabPorts)
            yield ServedLab(
                dns_server=f"{DNS_ADDRESS}:{self._ports.dns}",
                smtp_port=self._ports.smtp,
                https_port=self._ports.https,
                roots=self._files.roots,
                domain_list=self._files.domain_list,
            )
        finally:
            if not process.has_ended():
                process.signal(signal.SIGTERM)
            ended = process.ended()
        assert ended.exit_code == 0, ended.said

    def _serve(self, dns_loss: float) -> int:
        asyncio.run(self._until_told_to_end(LabFaults(dns_loss=dns_loss), os.getppid()))
        return 0

    async def _until_told_to_end(self, faults: LabFaults, parent: int) -> None:
        """Serves until SIGTERM comes, or nobody is left to send it."""
        world = load_world(self._home / "world.toml")
        lab = Lab(world, self._home, LIMITS, now_utc=lambda: FIRST, faults=faults)
        end = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
        await lab.open(self._ports)
        write_whole(self._home / "ready.json", msgspec.json.encode(lab.ports))
        while not end.is_set() and os.getppid() == parent:
            try:
                async with asyncio.timeout(0.5):
                    await end.wait()
            except TimeoutError:
                continue
        await lab.close()
