"""The gate: when too much fails at once, it is this place or a large network, and nothing is said about anybody."""

from collections.abc import Iterable, Mapping

from scanner.outages.alerts import GateReport, State
from scanner.outages.host_health import HostSeen
from scanner.outages.known import KnownHost, WatchRules

#: So many networks are named.
MAX_EXAMPLES = 20


def judge_gate(known: Iterable[KnownHost], seen: Mapping[str, HostSeen], rules: WatchRules) -> GateReport | None:
    """What failed at once, if it was too much to be believed.

    Counted are the networks that were up when they were last seen, and that were asked now. One provider that goes
    down has few of them, in one pace group, however many domains it serves.
    """
    known = [host for host in known if host.name in seen]
    now = _networks(seen.values())
    were_up = {network for host in known for network in host.networks_up} & now.keys()
    failed = {network for network in were_up if now[network] is State.down}
    groups = {host.pace_group for host in known if not failed.isdisjoint(host.networks_up)}
    too_many = len(failed) > rules.gate_networks and len(failed) > rules.gate_share * len(were_up)
    if not too_many or len(groups) < rules.gate_groups:
        return None
    return GateReport(
        networks_failed=len(failed),
        networks_up_before=len(were_up),
        pace_groups_failed=len(groups),
        examples=tuple(sorted(failed)[:MAX_EXAMPLES]),
    )


def _networks(hosts: Iterable[HostSeen]) -> dict[str, State]:
    """Every network that was asked: up if any address in it is, else down if any is."""
    states: dict[str, State] = {}
    for host in hosts:
        for network, state in host.networks.items():
            if _WEIGHT.get(state, 0) >= _WEIGHT.get(states.get(network, State.unknown), 0):
                states[network] = state
    return states


_WEIGHT = {State.down: 1, State.up: 2}
