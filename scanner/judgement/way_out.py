"""Do sessions from here reach the servers that they are meant for? Canaries' sessions → checks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scanner.judgement.fitness import Check, CheckResult
from scanner.names import is_host_name
from scanner.outcomes import Outcome, Stage
from scanner.records import ReplyRecord, SessionRecord, Target
from scanner.tls.certificates import describe_certificate
from scanner.tls.identity import match_dns_names

K = TypeVar("K")

#: So many unrelated networks are evidence of a blocked port, and so many servers of an interceptor.
NETWORKS_FOR_BLOCKED = 5
SERVERS_FOR_INTERCEPTED = 3

_ELSEWHERE = "scan from another network; if these are one operator's servers under many names, name others by --canary"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canary as its session saw it: `names` are those it may rightly have, `is_covered` if its chain has one.

    `greeting` is its whole text, `chain` the served certificates by SHA-256.
    """

    address: str
    network: str
    group: str
    came_up: bool
    greeting: str | None = None
    chain: tuple[str, ...] = ()
    is_covered: bool = False


def see_canary(target: Target, record: SessionRecord, chain: Sequence[bytes], *, is_named: bool) -> Sighting:
    """What a session says about the way to its server; a target that is not `is_named` is known by address only."""
    greeting = record.replies.greeting
    names = [target.server_name] if is_named else []
    return Sighting(
        address=target.address,
        network=target.queue,
        group=target.pace_group if is_named else target.queue,
        came_up=record.stage is not Stage.connect and record.outcome is not Outcome.local_fault,
        greeting=None if greeting is None else "\n".join(greeting.lines),
        chain=record.tls.chain if record.tls is not None else (),
        is_covered=bool(chain) and _covers(chain[0], [*names, *_greeting_name(greeting)]),
    )


def judge_port(sightings: Sequence[Sighting], port: int) -> Check:
    """Whether connections to the port come up. Fewer than five dead networks are no evidence."""
    reached = [sighting for sighting in sightings if sighting.came_up]
    networks = {sighting.network for sighting in sightings}
    if reached:
        return Check("port_open", CheckResult.ok, f"port {port}: {len(reached)} of {len(sightings)} canaries reached")
    if not sightings:
        return Check("port_open", CheckResult.not_known, "no canary was asked", "name a list, or a server by --canary")
    if len(networks) < NETWORKS_FOR_BLOCKED:
        said = f"none of {len(sightings)} servers was reached on port {port}: too few to tell"
        return Check("port_open", CheckResult.not_known, said, "name servers that are known to be up by --canary")
    return Check(
        "port_open",
        CheckResult.failed,
        f"port {port} outwards seems to be blocked: none of {len(networks)} networks was reached",
        "ask the provider to open it, or scan from elsewhere; --canary names a server that is known to be up",
    )


def judge_interception(sightings: Iterable[Sighting], nothing_there: str, *, answered: bool | None) -> Check:
    """Whether something on the way answers instead of the servers.

    `answered` says whether a connection came up to `nothing_there`, an address where no server can be; None if
    it was not tried.
    """
    reached = [sighting for sighting in sightings if sighting.came_up]
    said = _answers_for_nobody(nothing_there) if answered else _says_the_same(reached) or _serves_the_same(reached)
    if said is not None:
        said = f"something on the way answers instead of the servers: {said}"
        return Check("not_intercepted", CheckResult.failed, said, _ELSEWHERE)
    if not reached or (answered is None and not _are_unrelated(reached)):
        return Check("not_intercepted", CheckResult.not_known, "too few servers were reached to tell")
    return Check("not_intercepted", CheckResult.ok, "the servers themselves answer")


def _answers_for_nobody(nothing_there: str) -> str:
    return f"a connection came up to {nothing_there}, where no server can be"


def _says_the_same(reached: list[Sighting]) -> str | None:
    """One greeting of unrelated servers, which has the name of none of them."""
    for greeting, alike in _alike(reached, lambda sighting: sighting.greeting):
        if not any(sighting.group in greeting.lower() for sighting in alike):
            return f"{_listed(alike)} greet alike with {greeting.splitlines()[0]!r}"
    return None


def _serves_the_same(reached: list[Sighting]) -> str | None:
    """One chain of unrelated servers, which covers neither what they are called nor what they call themselves."""
    uncovered = [sighting for sighting in reached if not sighting.is_covered]
    for _, alike in _alike(uncovered, lambda sighting: sighting.chain):
        return f"{_listed(alike)} serve the same certificate, which covers none of them"
    return None


def _alike(reached: Iterable[Sighting], key: Callable[[Sighting], K | None]) -> Iterator[tuple[K, list[Sighting]]]:
    """What at least three unrelated servers have in common, if it is anything, and which they are."""
    found: defaultdict[K, list[Sighting]] = defaultdict(list)
    for sighting in reached:
        common = key(sighting)
        if common:
            found[common].append(sighting)
    yield from ((common, alike) for common, alike in found.items() if _are_unrelated(alike))


def _are_unrelated(sightings: Sequence[Sighting]) -> bool:
    """True for three servers at least, of three networks and three pace groups."""
    networks = {sighting.network for sighting in sightings}
    groups = {sighting.group for sighting in sightings}
    return min(len(networks), len(groups)) >= SERVERS_FOR_INTERCEPTED


def _listed(sightings: Iterable[Sighting]) -> str:
    return ", ".join(sighting.address for sighting in sightings)


def _greeting_name(greeting: ReplyRecord | None) -> list[str]:
    """The domain with which a server greets (RFC 5321 §4.2), if it does."""
    words = greeting.lines[0].split(maxsplit=1) if greeting is not None else []
    name = words[0].lower().removesuffix(".") if words else ""
    return [name] if is_host_name(name) else []


def _covers(certificate: bytes, names: Iterable[str]) -> bool:
    dns_names = describe_certificate(certificate).dns_names or ()
    return any(match_dns_names(name, dns_names) for name in names)
