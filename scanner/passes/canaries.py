"""Canaries: a few mail servers that should be up, asked first and whenever nothing else answers."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from scanner.addresses import address_text, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.passes.plan import target_of
from scanner.records import Host, Mx, Route, Target

MAX_CANARIES = 8

#: So many mail hosts are counted at least, twice as many at most, however long the list.
COUNTED_HOSTS = 2048

#: The server name of a canary of which only the address is known: nobody's (RFC 6761 §6.4). Whoever is asked for
#: it in the handshake serves his default certificate or refuses; a canary is judged by what comes before that.
NO_NAME = "canary.invalid"


def choose_canaries(
    routes: Iterable[Route], hosts: Iterable[Host], targets_of: Callable[[Host], Iterable[Target]]
) -> tuple[Target, ...]:
    """The addresses that most domains share, at most 8, each in a network and a pace group of its own.

    `targets_of` gives a host's targets that may be contacted. The last line of a host counts.
    """
    domains = count_mail_hosts(routes)
    found = {host.exchange: host for host in hosts if host.exchange in domains}
    shared: Counter[str] = Counter()
    by_address: dict[str, Target] = {}
    for exchange, count in domains.most_common():
        for target in targets_of(found[exchange]) if exchange in found else ():
            shared[target.address] += count
            by_address.setdefault(target.address, target)  # under the name that most domains know it by
    return _unrelated(by_address[address] for address, _ in shared.most_common())


def configured_canaries(addresses: Iterable[str], port: int, policy: ContactPolicy) -> tuple[Target, ...]:
    """The canaries of the settings, without those that must not be contacted. Raises ValueError for no address."""
    parsed = dict.fromkeys(map(parse_address, addresses))
    return tuple(target_of(address_text(address), port, NO_NAME) for address in parsed if not policy.flags(address))


def count_mail_hosts(routes: Iterable[Route]) -> Counter[str]:
    """How many domains have a mail host among their most preferred, for the hosts that most have.

    Bounded: when too many are counted, the rarer half is forgotten. A host that a notable share of the list has
    comes again before that happens, and so stays; the counts of the others are lower bounds.
    """
    counts: Counter[str] = Counter()
    for route in routes:
        counts.update({mx.exchange for mx in _most_preferred(route.mx)})
        if len(counts) >= 2 * COUNTED_HOSTS:
            counts = Counter(dict(counts.most_common(COUNTED_HOSTS)))
    return counts


def _most_preferred(mx: Sequence[Mx]) -> Iterable[Mx]:
    return takewhile(lambda record: record.preference == mx[0].preference, mx)


def _unrelated(targets: Iterable[Target]) -> tuple[Target, ...]:
    """The first 8 of different networks and pace groups."""
    chosen: list[Target] = []
    networks: set[str] = set()
    groups: set[str] = set()
    for target in targets:
        if target.queue in networks or target.pace_group in groups:
            continue
        chosen.append(target)
        networks.add(target.queue)
        groups.add(target.pace_group)
        if len(chosen) == MAX_CANARIES:
            break
    return tuple(chosen)
