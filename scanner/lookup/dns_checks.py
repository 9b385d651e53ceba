"""What a check asks the DNS, told step by step: the zone, the sender's and the recipient's records, PTR."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv6Address

from scanner.addresses import parse_address
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.record_checks import judge_agreement, judge_records
from scanner.diagnosis.reverse_checks import judge_not_asked, judge_reverse
from scanner.diagnosis.sender_checks import judge_sender, select_route
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.judgement.fitness import Reverse
from scanner.lookup.dns_servers import Asker, DnsServers, best_of
from scanner.lookup.zone_checks import LEFT_ALONE, ZoneCheck
from scanner.names import is_host_name
from scanner.net.questions import DNS_PORT
from scanner.outcomes import AddressFlag, DnsStatus

#: Of the names that a PTR gives, so many are looked up.
MAX_PTR_NAMES = 3


class DnsChecks:
    """Asks `servers` (`ADDRESS` or `ADDRESS:PORT`, at least one) and tells what comes of it, step by step.

    `port` is where those name servers of a zone are asked that are on loopback, as those of a lab are; all others
    are asked at port 53. Nobody is asked about a name that opted out, and no server that the policy leaves alone.
    Nothing is raised for what the DNS says, or does not say.
    """

    def __init__(
        self,
        asker: Asker,
        servers: Sequence[str],
        policy: ContactPolicy,
        tell: Callable[[Step], None],
        *,
        port: int = DNS_PORT,
    ) -> None:
        self._servers = DnsServers(asker, servers)
        self._policy = policy
        self._tell = tell
        self._zone = ZoneCheck(self._servers, policy, tell, port)

    async def check_zone(self, domain: str) -> None:
        """The zone around a domain: its SOA from every DNS server and from its own, over UDP and over TCP."""
        if not self._has_opted_out(Section.zone, domain):
            await self._zone.check(domain)

    async def check_recipient(self, domain: str) -> None:
        """The records of the recipient's mail route over UDP and TCP, from every DNS server: are they the same?"""
        if not self._has_opted_out(Section.route, domain):
            await self._ask_for_route(Section.route, domain)

    async def check_sender(self, domain: str) -> None:
        """The same of the sender's domain, with its mail hosts' addresses: would a reply and a bounce come back?"""
        if self._has_opted_out(Section.sender, domain):
            return
        mx, own = await self._ask_for_route(Section.sender, domain)
        route = select_route(domain, mx, own)
        addresses: dict[str, Sequence[ServerAnswer]] = {domain: own} if own else {}
        hosts = [host.exchange for host in route.hosts if not host.flags and self._may_ask_for(host.exchange)]
        if not own:
            for host, asked in zip(hosts, await asyncio.gather(*map(self._ask_for_addresses, hosts)), strict=True):
                for both in asked:
                    self._tell_records(Section.sender, [both])
                addresses[host] = [both.best for both in asked]
        self._tell(judge_sender(domain, route, addresses, self._is_public))

    async def check_reverse(self, address_text: str, *, is_ours: bool) -> None:
        """The name of an address, and whether it leads back."""
        address = parse_address(address_text)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # it is dialled as this one
        flags = LEFT_ALONE.intersection(self._policy.flags(address))
        if flags:  # a private address is nothing that public servers are asked for
            self._tell(judge_not_asked(str(address), sorted(flags), is_ours=is_ours))
            return
        ptr = await self._servers.ask_any(address.reverse_pointer, "PTR")
        names = [name for name in ptr.texts[:MAX_PTR_NAMES] if self._may_ask_for(name)]
        family = "A" if address.version == 4 else "AAAA"
        back = await asyncio.gather(*(self._servers.ask_any(name, family) for name in names))
        reverse = Reverse(
            str(address), ptr.dns_status, ptr.texts, leads_back=any(str(address) in answer.texts for answer in back)
        )
        failed = next((answer for answer in back if not answer.is_usable), None)
        if failed is not None and not reverse.leads_back:  # whether it leads back is not known
            reverse = replace(reverse, status=failed.dns_status)
        self._tell(judge_reverse(reverse, is_ours=is_ours))

    def _has_opted_out(self, section: Section, domain: str) -> bool:
        if not self._policy.is_opted_out(domain):
            return False
        said = f"{domain} has opted out: nobody is asked about it"
        self._tell(Step(section, StepResult.unknown, said))
        return True

    def _is_public(self, address: str) -> bool:
        return AddressFlag.not_public not in self._policy.flags(parse_address(address))

    def _may_ask_for(self, name: str) -> bool:
        return is_host_name(name) and not self._policy.is_opted_out(name)

    async def _ask_for_route(self, section: Section, domain: str) -> tuple[ServerAnswer, tuple[ServerAnswer, ...]]:
        """The best answers for a domain's MX and, if it has none (RFC 5321 §5.1), for its own A and AAAA."""
        self._tell(Step(section, StepResult.action, f"asking for MX of {domain} over UDP and TCP"))
        mx = await self._servers.ask_all(domain, "MX")
        self._tell_records(section, mx)
        best = best_of(mx)
        if best.dns_status is not DnsStatus.no_data:
            return best, ()
        own = await asyncio.gather(self._servers.ask_all(domain, "A"), self._servers.ask_all(domain, "AAAA"))
        for asked in own:
            self._tell_records(section, asked)
        return best, tuple(best_of(asked) for asked in own)

    async def _ask_for_addresses(self, host: str) -> Sequence[BothWays]:
        return await asyncio.gather(self._servers.ask_both(host, "A"), self._servers.ask_both(host, "AAAA"))

    def _tell_records(self, section: Section, asked: Sequence[BothWays]) -> None:
        """What each server said to the same question, and whether they agree, if there is something to tell."""
        for step in filter(None, [*(judge_records(section, both) for both in asked), judge_agreement(section, asked)]):
            self._tell(step)
