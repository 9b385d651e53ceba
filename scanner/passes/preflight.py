"""Before a scan: looks at this place, gathers what judgement/fitness.py and judgement/way_out.py judge."""

import asyncio
import secrets
import string
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_network

from scanner.addresses import AddressPolicy, address_text, parse_address
from scanner.judgement.fitness import (
    Check,
    CheckResult,
    EhloNameFacts,
    ResolverFacts,
    Reverse,
    judge_ehlo_name,
    judge_families,
    judge_resolver,
)
from scanner.judgement.way_out import judge_interception, judge_port, see_canary
from scanner.names import is_host_name
from scanner.net.deadline import Deadline
from scanner.net.machine import usable_families
from scanner.net.questions import Questions, server_address
from scanner.net.streams import connect
from scanner.outcomes import DnsStatus
from scanner.passes.canaries import NO_NAME
from scanner.passes.plan import target_of
from scanner.passes.vigil import OurFault
from scanner.probe.peer import Connector
from scanner.probe.session import ProbedSession
from scanner.settings import Settings

#: Of the names that a PTR gives, so many are looked up.
MAX_PTR_NAMES = 3

#: Under `invalid` there is nothing (RFC 6761 §6.4), and `com` has had no wildcard since 2003. Other registries have.
NO_WILDCARD = frozenset({"invalid", "com"})

_PUBLIC = AddressPolicy()


def refuse_unfit(checks: Iterable[Check]) -> None:
    """Raises OurFault if a check failed; its message has all that did, and what to do."""
    failed = [check for check in checks if check.result is CheckResult.failed]
    if failed:
        reasons = "; ".join(f"{check.name}: {check.said} ({check.what_to_do})" for check in failed)
        raise OurFault(f"this place is not fit to scan from, --no-preflight scans all the same: {reasons}")


class Preflight:
    """Checks of the place that a scan with these settings would be made from; `servers` are the DNS servers asked."""

    def __init__(self, settings: Settings, servers: Sequence[str], connector: Connector = connect) -> None:
        self._settings = settings
        self._servers = tuple(servers)
        self._questions = Questions(servers, settings.dns.lookup_s)
        self._connector = connector

    async def check_place(self, domains: int) -> tuple[Check, ...]:
        """What shows before any session, for a list of so many domains. Sends nothing but DNS questions."""
        name, resolver = await asyncio.gather(
            self._ehlo_name(self._settings.probe.source_address), self._resolver(domains)
        )
        return name, *self._families(), *resolver

    async def check_port(self, canaries: Sequence[ProbedSession]) -> tuple[Check, ...]:
        """What shows in the sessions with canaries; our name again, now that our address is known."""
        records = [canary.record for canary in canaries]
        sources = self._settings.probe.source_address or {
            record.source_address for record in records if record.source_address is not None
        }
        answered, name = await asyncio.gather(
            self._answers_for_nobody([record.address for record in records]), self._ehlo_name(sorted(sources))
        )
        sightings = [
            see_canary(
                target_of(canary.record.address, canary.record.port, canary.record.server_name),
                canary.record,
                canary.chain,
                is_named=canary.record.server_name != NO_NAME,
            )
            for canary in canaries
        ]
        return (
            name,
            judge_port(sightings, self._settings.probe.port),
            judge_interception(sightings, self._settings.vantage.nothing_there, answered=answered),
        )

    def _families(self) -> tuple[Check, Check]:
        """A scan of loopback, as one of the lab is, needs no route for IPv4."""
        usable = usable_families()
        on_loopback = any(ip_network(network).is_loopback for network in self._settings.probe.allow_networks)
        return judge_families(ipv4=usable.ipv4 or on_loopback, ipv6=usable.ipv6)

    async def _answers_for_nobody(self, canaries: Iterable[str]) -> bool | None:
        """Whether a connection comes up to an address where nothing can be; None if it is not tried.

        It is not in an address policy's power to allow this one, which is not public: it is dialled only where
        public servers were dialled before, or if it never leaves this machine.
        """
        text, probe = self._settings.vantage.nothing_there, self._settings.probe
        if not text:
            return None
        address = parse_address(text)
        if not (address.is_loopback or any(_PUBLIC.refusal(parse_address(canary)) is None for canary in canaries)):
            return None
        is_ours = {4: lambda source: ":" not in source, 6: lambda source: ":" in source}[address.version]
        source = next(filter(is_ours, probe.source_address), None)
        try:
            with Deadline(self._settings.limits.connect_s):
                stream = await self._connector(address, probe.port, source)
        except OSError:
            return False
        stream.abort()
        return True

    # Our name ------------------------------------------------------------------------------------------

    async def _ehlo_name(self, source_addresses: Iterable[str]) -> Check:
        name = self._settings.probe.ehlo_name
        if not name:
            return judge_ehlo_name(EhloNameFacts(name))
        sources = tuple(_one_text(source) for source in source_addresses)
        statuses, addresses = await self._addresses(name)
        seen = [source for source in sources if source in addresses or _PUBLIC.refusal(parse_address(source)) is None]
        reverse = await asyncio.gather(*(self._reverse(name, address) for address in seen or addresses[:2]))
        return judge_ehlo_name(EhloNameFacts(name, statuses, addresses, sources, tuple(reverse)))

    async def _addresses(self, name: str) -> tuple[tuple[DnsStatus, ...], tuple[str, ...]]:
        replies = await asyncio.gather(self._questions.ask(name, "A"), self._questions.ask(name, "AAAA"))
        statuses = tuple(reply.status for reply in replies)
        return statuses, tuple(_one_text(record) for reply in replies for record in reply.records)

    async def _reverse(self, name: str, address: str) -> Reverse:
        """The names of an address, and whether one of them is the name, or at least has the address."""
        reply = await self._questions.ask(parse_address(address).reverse_pointer, "PTR")
        names = tuple(record.lower().removesuffix(".") for record in reply.records)
        if name in names:
            return Reverse(address, reply.status, names, leads_back=True)
        others = filter(is_host_name, names[:MAX_PTR_NAMES])
        found = await asyncio.gather(*(self._addresses(other) for other in others))
        leads_back = any(address in addresses for _, addresses in found)
        return Reverse(address, reply.status, names, leads_back)

    # The resolver --------------------------------------------------------------------------------------

    async def _resolver(self, domains: int) -> tuple[Check, ...]:
        name = self._settings.probe.ehlo_name
        asked = [f"{_random_label()}.{domain}" for domain in {*NO_WILDCARD, name.rpartition(".")[2]} if domain]
        root, parent, *replies = await asyncio.gather(
            self._questions.ask(".", "SOA"),
            self._questions.ask(name.partition(".")[2] or ".", "SOA"),
            *(self._questions.ask(made_up, "A") for made_up in asked),
        )
        found = {made_up: reply.records[0] for made_up, reply in zip(asked, replies, strict=True) if reply.records}
        impossible = {made_up for made_up in found if made_up.rpartition(".")[2] in NO_WILDCARD}
        facts = ResolverFacts(
            servers=tuple(server_address(server)[0] for server in self._servers),
            statuses=tuple(reply.status for reply in (root, parent, *replies)),
            is_system=not self._settings.dns.servers,
            invented=tuple((made_up, found[made_up]) for made_up in sorted(impossible)),
            registry=tuple((made_up, found[made_up]) for made_up in sorted(found.keys() - impossible)),
            validates=root.is_authenticated if root.status is DnsStatus.ok else None,
        )
        return judge_resolver(facts, domains)


def _random_label() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(24))


def _one_text(text: str) -> str:
    """An address as both the DNS and a socket may write it; a mapped one as the IPv4 address it is."""
    address = parse_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address_text(address)
