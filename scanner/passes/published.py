"""Whether an address is still where its mail host's name points: old answers are asked for again."""

import asyncio
from collections import Counter

from msgspec.structs import replace

from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import FAILURES
from scanner.judgement.lookups import knows_security
from scanner.lookup.hosts import lookup_host
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.net.resolver import Resolver
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.resolve import FreshResolver
from scanner.passes.target_plan import TargetPlan
from scanner.records import Host, Target
from scanner.wire_text import escape_octets


class PublishedAddresses:
    """Looks mail hosts up again just before a session, if their answers are older than that session allows.

    Each round asks a resolver of its own: c-ares keeps answers, and would only say again what it said before.
    """

    def __init__(
        self, plan: TargetPlan, fresh_resolver: FreshResolver, policy: ContactPolicy, discovery: TlsDiscovery | None
    ) -> None:
        self._plan = plan
        self._fresh_resolver = fresh_resolver
        self._policy = policy
        self._discovery = discovery
        self._resolver: Resolver | None = None
        self._asking: dict[str, asyncio.Task[Host | None]] = {}
        #: How often a mail host was looked up again: the number of its next attempt follows.
        self._again: Counter[str] = Counter()

    def write_to(self, hosts: PartsWriter[Host], targets: PartsWriter[Target]) -> None:
        """Where new answers and new targets go."""
        self._hosts, self._targets = hosts, targets

    async def forget(self) -> None:
        """Ends a round: what its resolver knows is not asked for again."""
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()

    async def has(self, address: str, name: str, not_before: float) -> bool:
        """False if the answers for `name` were older than `not_before`, and the new ones have not this address.

        Where the DNS gives no new answer for the address's family, the old one stands.
        """
        if self._plan.asked_at.get(name, 0.0) >= not_before:
            return True
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        host = await task
        return host is None or _publishes(host, address)

    async def _ask(self, name: str) -> Host | None:
        """Looks a mail host up again; None if neither family was answered."""
        self._again[name] += 1
        if self._resolver is None:
            self._resolver = self._fresh_resolver()
        # Attempts 1 and 2 are the resolve pass's.
        attempt = self._again[name] + 2
        exchange = self._plan.exchanges.get(name, name)
        host = await lookup_host(exchange, self._resolver, self._policy, attempt, discovery=self._discovery)
        if FAILURES.issuperset((host.a.dns_status, host.aaaa.dns_status)):
            return None
        self._hosts.append(host)
        self._plan.add(host if knows_security(host) else _with_server_name(host, name), self._targets)
        return host


def _with_server_name(host: Host, name: str) -> Host:
    """The host as it is known by an earlier answer: its servers are asked for by the same name."""
    base_domain = escape_octets(name.encode())
    return host if base_domain == host.exchange else replace(host, tlsa_base_domain=base_domain)


def _publishes(host: Host, address: str) -> bool:
    lookup = host.aaaa if ":" in address else host.a
    return lookup.dns_status in FAILURES or any(found.address == address for found in lookup.addresses)
