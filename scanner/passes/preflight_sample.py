"""The canaries of a list that is not scanned yet: those of a sample of its domains, looked up in memory."""

from random import Random

from scanner.contact_policy import ContactPolicy
from scanner.judgement.vantage_windows import family_of
from scanner.lookup.domains import lookup_route
from scanner.lookup.hosts import lookup_host
from scanner.net.machine import usable_families
from scanner.net.resolver import Resolver
from scanner.outcomes import HostFlag
from scanner.passes.canaries import choose_canaries, count_mail_hosts
from scanner.passes.concurrency import for_each
from scanner.passes.input import InputReader
from scanner.passes.plan import plan_targets
from scanner.passes.progress import StopRequest
from scanner.records import Host, Route, Target
from scanner.settings import Settings

#: Enough to find the providers that most domains of a list share.
SAMPLE = 500

#: An exchange that is one of these has no host behind it.
_NO_HOST = frozenset({HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost})


def sample_domains(source: str, settings: Settings) -> tuple[int, list[str]]:
    """How many distinct domains a list has (`-`: standard input), and at most 500 of its lines' domains at random.

    Raises InputError.
    """
    random = Random(settings.run.seed)
    reader = InputReader(source, settings.input, random.getrandbits(32))
    sample: list[str] = []
    for number, domain in enumerate(line.domain for line in reader if line.domain is not None):
        if len(sample) < SAMPLE:
            sample.append(domain)
        elif (place := random.randrange(number + 1)) < SAMPLE:
            sample[place] = domain
    return reader.summary().distinct_domains, sample


async def find_canaries(
    domains: list[str], resolver: Resolver, settings: Settings, policy: ContactPolicy, stop: StopRequest
) -> tuple[Target, ...]:
    """Looks the domains up and chooses among their mail hosts' addresses. Raises Interrupted."""
    routes: list[Route] = []
    hosts: list[Host] = []

    async def resolve(domain: str) -> None:
        routes.append(await lookup_route(domain, resolver, settings.dns, policy))

    async def look_up(exchange: str) -> None:
        hosts.append(await lookup_host(exchange, resolver, policy))

    await for_each(dict.fromkeys(domains), settings.dns.width, resolve, stop)
    exchanges = [exchange for exchange, _ in count_mail_hosts(routes).most_common()]
    await for_each(exchanges, settings.dns.width, look_up, stop)
    has_ipv6 = usable_families().ipv6

    def targets_of(host: Host) -> list[Target]:
        targets = plan_targets(host, settings.probe.port, settings.dns.max_addresses)
        return [target for target in targets if has_ipv6 or family_of(target.address) == "ipv4"]

    return choose_canaries(routes, hosts, targets_of)
