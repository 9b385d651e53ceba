"""The plan: from mail hosts and their addresses to the distinct targets of a run. Pure and cheap."""

from collections.abc import Iterator
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from scanner.addresses import network_of, parse_address
from scanner.judgement.targets import select_addresses, server_name_of, target_id
from scanner.records import Host, Target


@lru_cache(maxsize=65536)
def pace_group_of(server_name: str) -> str:
    """The registrable domain of a mail host: who it belongs to, as far as a name can tell."""
    return _suffixes().privatesuffix(server_name) or server_name


@cache
def _suffixes() -> PublicSuffixList:
    # Read when it is first needed: it takes longer than to show a domain.
    return PublicSuffixList()


def plan_targets(host: Host, port: int, max_addresses: int) -> Iterator[Target]:
    """The distinct targets of a mail host, without the addresses that are not to be contacted."""
    for address in select_addresses(host, max_addresses)[0]:
        yield target_of(address.address, port, server_name_of(host))


def target_of(address: str, port: int, server_name: str) -> Target:
    """The target's record."""
    return Target(
        target=target_id(address, port, server_name),
        address=address,
        port=port,
        server_name=server_name,
        pace_group=pace_group_of(server_name),
        queue=queue_of(address),
    )


@lru_cache(maxsize=65536)
def queue_of(address: str) -> str:
    """The network of an address: its queue, and what its targets and sessions are partitioned by."""
    return network_of(parse_address(address))
