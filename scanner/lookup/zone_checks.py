"""The zone around a domain, asked of the DNS servers named to us and of its own: found, reachable, all the same?"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from publicsuffixlist import PublicSuffixList

from scanner.addresses import Address, address_text, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis import authority_checks, zone_checks
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.messages import ROOT
from scanner.dns.server_answers import BothWays, ServerAnswer, enclosing_zone
from scanner.lookup.dns_servers import DnsServers, best_of, each_in_order
from scanner.names import is_host_name
from scanner.net.questions import DNS_PORT
from scanner.outcomes import AddressFlag, DnsStatus

#: The root and `com` have 13 name servers with two addresses each. Who has more is told that not all were asked.
MAX_NAME_SERVERS = 13
MAX_CONTACTS = 26

#: Of one name and family, so many addresses are looked at.
MAX_ADDRESSES = 8

#: Why a name server is not asked. That it is one of ours is no reason: its zone is the same from inside.
LEFT_ALONE = frozenset({AddressFlag.not_public, AddressFlag.opted_out})


class ZoneCheck:
    """Finds the zone of a domain and hears its servers; those on loopback, and nobody else, are asked at `port`."""

    def __init__(self, servers: DnsServers, policy: ContactPolicy, tell: Callable[[Step], None], port: int) -> None:
        self._servers = servers
        self._policy = policy
        self._tell = tell
        self._port = port

    async def check(self, domain: str) -> None:
        """Tells the steps for a domain (A-labels)."""
        self._tell(Step(Section.zone, StepResult.action, f"asking for the SOA of the zone around {domain}"))
        asked = await self._servers.ask_all(domain, "SOA")
        answer = best_of(asked)
        zone = await self._enclosing_zone(answer) if answer.is_usable else None
        if zone is None:
            self._tell(zone_checks.judge_zone_not_found(domain, [both.best for both in asked]))
            return
        exists = answer.status is not DnsStatus.nxdomain or answer.is_alias
        self._tell(zone_checks.judge_zone_found(domain, zone, exists=exists))
        if not exists and _is_of_a_registry(zone):  # it has no servers of its own: what its registry has is not asked
            return
        resolvers = asked if zone == domain else await self._servers.ask_all(zone, "SOA")
        for step in zone_checks.judge_resolvers(resolvers):
            self._tell(step)
        await self._check_authorities(zone, resolvers)

    async def _enclosing_zone(self, answer: ServerAnswer) -> str | None:
        """The zone by the first SOA that shows, going up from the name that was asked for."""
        zone = enclosing_zone(answer)
        while zone is None and answer.name != ROOT and answer.is_usable:
            answer = await self._servers.ask_any(answer.name.partition(".")[2] or ROOT, "SOA")
            zone = enclosing_zone(answer)
        return zone

    async def _check_authorities(self, zone: str, resolvers: Sequence[BothWays]) -> None:
        answer = await self._servers.ask_any(zone, "NS")
        self._tell(authority_checks.judge_names(zone, answer))
        names = sorted(answer.texts)
        contacts = await self._contacts(names[:MAX_NAME_SERVERS])
        if len(names) > MAX_NAME_SERVERS or len(contacts) > MAX_CONTACTS:
            said = f"{zone} has more name servers than are asked here"
            self._tell(Step(Section.zone, StepResult.information, said))
        asked = await self._hear(zone, contacts[:MAX_CONTACTS], resolvers)
        serials = authority_checks.judge_serials(zone, asked)
        for step in filter(None, (serials, authority_checks.judge_cached(zone, resolvers, asked))):
            self._tell(step)

    async def _hear(
        self, zone: str, contacts: Iterable[tuple[str, Address]], resolvers: Sequence[BothWays]
    ) -> Sequence[BothWays]:
        """What the name servers say, each told in its turn; those that are silent come last."""
        heard: list[BothWays] = []
        silent: list[BothWays] = []

        def hear(both: BothWays) -> None:
            step = authority_checks.judge_authority(zone, both)
            if step is None:
                silent.append(both)
                return
            heard.append(both)
            self._tell(step)

        await each_in_order(
            (
                # Only where a lab or a test serves the world, its name servers have another port than 53.
                self._servers.ask_authority(label, address, self._port if address.is_loopback else DNS_PORT, zone)
                for label, address in contacts
            ),
            hear,
        )
        for step in authority_checks.judge_silent(silent, heard, resolvers):
            self._tell(step)
        return [*heard, *silent]

    async def _contacts(self, names: Sequence[str]) -> list[tuple[str, Address]]:
        """The name servers that may be asked, each with what a person calls it."""
        found = await asyncio.gather(*map(self._addresses, names))
        return [
            contact for name, answers in zip(names, found, strict=True) for contact in self._contacts_of(name, answers)
        ]

    def _contacts_of(self, name: str, answers: Sequence[ServerAnswer]) -> Iterator[tuple[str, Address]]:
        """Those of one name; what is wrong with it, and who is left alone, is told."""
        if self._policy.is_opted_out(name):
            self._tell(authority_checks.judge_not_contacted(name, [AddressFlag.opted_out]))
            return
        step = authority_checks.judge_addresses(name, answers)
        if step is not None:
            self._tell(step)
        aliases = {record.owner for answer in answers for record in answer.answer}
        addresses = {parse_address(text) for answer in answers for text in answer.texts[:MAX_ADDRESSES]}
        for address in sorted(addresses, key=_by_family):
            label = f"{name} [{address_text(address)}]"
            flags = LEFT_ALONE.intersection(self._policy.flags(address, name, *aliases))
            if flags:
                self._tell(authority_checks.judge_not_contacted(label, sorted(flags)))
            else:
                yield label, address

    async def _addresses(self, name: str) -> Sequence[ServerAnswer]:
        """The answers for the addresses of a name server; none if it may not or can't be asked for."""
        if not is_host_name(name) or self._policy.is_opted_out(name):
            return ()
        return await asyncio.gather(self._servers.ask_any(name, "A"), self._servers.ask_any(name, "AAAA"))


def _by_family(address: Address) -> tuple[int, int]:
    return address.version, int(address)


def _is_of_a_registry(zone: str) -> bool:
    return zone == ROOT or _suffixes().is_public(zone)


@cache
def _suffixes() -> PublicSuffixList:
    # Read when it is first needed: it takes longer than most answers.
    return PublicSuffixList()
