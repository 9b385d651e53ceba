"""The DNS servers named to us: asked all over both transports, or in turn until one knows; and others, directly."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from scanner.addresses import Address, parse_address
from scanner.dns.server_answers import BothWays, ServerAnswer, Transport
from scanner.net.questions import server_address
from scanner.outcomes import DnsStatus

T = TypeVar("T")


class Asker(Protocol):
    """Asks one question of one server over one transport (net/server_questions.py)."""

    async def ask(
        self, server: str, name: str, record_type: str, transport: Transport, *, recursion_desired: bool = True
    ) -> ServerAnswer: ...


class DnsServers:
    """Servers as the settings name them, at least one. Those that were heard are asked before those that were not."""

    def __init__(self, asker: Asker, servers: Iterable[str]) -> None:
        self._asker = asker
        self._servers = list(servers)
        self._order = self._servers

    async def ask_all(self, name: str, record_type: str) -> Sequence[BothWays]:
        """The answers of all servers, in the order in which they were named."""
        asked = await asyncio.gather(*(self._ask_both(server, name, record_type) for server in self._servers))
        self._order = [both.label for both in sorted(asked, key=lambda both: not both.best.is_usable)]
        return asked

    async def ask_both(self, name: str, record_type: str) -> BothWays:
        """The answers of one server over both transports."""
        return await self._ask_both(self._order[0], name, record_type)

    async def ask_any(self, name: str, record_type: str) -> ServerAnswer:
        """The answer of the first server that tells what there is; the last answer if none does."""
        for server in self._order:
            answer = await self._asker.ask(server, name, record_type, Transport.udp)
            if not answer.is_heard or answer.is_truncated:
                answer = await self._asker.ask(server, name, record_type, Transport.tcp)
            if answer.is_usable:
                break
        return answer

    async def ask_authority(self, label: str, address: Address, port: int, zone: str) -> BothWays:
        """What a name server says of the SOA of a zone, by itself."""
        server = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
        udp, tcp = await asyncio.gather(
            *(self._asker.ask(server, zone, "SOA", transport, recursion_desired=False) for transport in Transport)
        )
        return BothWays(label, address, udp, tcp)

    async def _ask_both(self, server: str, name: str, record_type: str) -> BothWays:
        udp, tcp = await asyncio.gather(
            *(self._asker.ask(server, name, record_type, transport) for transport in Transport)
        )
        address, _, _ = server_address(server)[0].partition("%")
        return BothWays(server, parse_address(address), udp, tcp)


def best_of(asked: Iterable[BothWays]) -> ServerAnswer:
    """The answer of the first server that says that there is such a name; else of one that says there is not."""
    return min((both.best for both in asked), key=_rank)


def _rank(answer: ServerAnswer) -> int:
    if not answer.is_usable:
        return 2
    return 1 if answer.status is DnsStatus.nxdomain else 0


async def each_in_order(work: Iterable[Coroutine[Any, Any, T]], hear: Callable[[T], None]) -> None:
    """Runs all together; each result is heard once it is there and all before it were."""
    async with asyncio.TaskGroup() as tasks:
        for task in [tasks.create_task(each) for each in work]:
            hear(await task)
