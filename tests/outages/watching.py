"""Mail hosts and domains as runs see them, night after night, for tests of what is known and told."""

from collections.abc import Iterable, Mapping
from typing import Any

from scanner.outages.alerts import AlertKind, State
from scanner.outages.causes import Draft, Happened, draft_alerts, draft_trouble, refer
from scanner.outages.certificate_steps import SeenCertificate
from scanner.outages.gate import judge_gate
from scanner.outages.host_health import HostSeen, Reason, Trouble
from scanner.outages.host_watching import HostEvent, watch_host
from scanner.outages.known import KnownHost, RunFacts, Thread, WatchRules
from scanner.outages.threads import Threads
from scanner.times import utc_text

BEGAN_S = 1_800_000_000.0
DAY_S = 86400.0
MX = "mx1.example.org"

RULES = WatchRules(
    unknown_runs=3,
    unstable_changes=4,
    unstable_runs=14,
    remind_s=0.0,
    digest_s=DAY_S,
    gate_share=0.2,
    gate_networks=5,
    gate_groups=3,
)


def rules(**changes: Any) -> WatchRules:
    return WatchRules(**{**{name: getattr(RULES, name) for name in WatchRules.__slots__}, **changes})


def night(number: int) -> RunFacts:
    """The run of a night; nights are a day apart."""
    return RunFacts(number, f"run {number}", f"directory-{number}", moment(number))


def moment(number: int, second: float = 0.0) -> str:
    """A time in a night."""
    return utc_text(BEGAN_S + number * DAY_S + second)


def seen(state: State, exchange: str = MX, **changes: Any) -> HostSeen:
    """A mail host at one address in a network of its own, in a state for which there is a plain reason."""
    number = int("".join(filter(str.isdigit, exchange)) or "1")
    network = f"192.0.{number}.0/24"
    reasons = {
        State.degraded: (Reason(Trouble.addresses_down, "one of two is down"),),
        State.down: (Reason(None, "refused at connect (2 attempts)"),),
        State.unknown: (Reason(None, "timed_out at ehlo"),),
        State.blocked_us: (Reason(None, "permanent_negative at greeting (blocklisted)"),),
        State.no_mail: (Reason(None, "it has no address (nxdomain)"),),
    }
    is_reached = state in (State.up, State.degraded)
    fields: dict[str, Any] = {
        "exchange": exchange,
        "pace_group": exchange.partition(".")[2],
        "state": state,
        "reasons": reasons.get(state, ()),
        "since": None if state is State.up else moment(0),
        "good_at": moment(0) if is_reached else None,
        "offers_tls": True if is_reached else None,
        "networks": {network: State.up if is_reached else State.down if state is State.down else State.unknown},
        "down_addresses": (f"192.0.{number}.1",) if state is State.down else (),
    }
    return HostSeen(**{**fields, **changes})


def certificate(days_left: int, step_days: int, sha256: str = "a" * 64) -> SeenCertificate:
    return SeenCertificate(sha256, moment(days_left), days_left, step_days, is_soon=step_days <= 14)


class Portfolio:
    """Mail hosts watched night after night, as watch/comparison.py does it, without domains and files."""

    def __init__(self, by: WatchRules = RULES) -> None:
        self.rules = by
        self.hosts: dict[str, KnownHost] = {}
        self.threads: tuple[Thread, ...] = ()
        self.told: list[tuple[int, Draft]] = []
        self.number = 0

    def look(self, hosts: Iterable[HostSeen]) -> list[Draft]:
        """Another night; what it tells."""
        self.number += 1
        tonight = {host.exchange: host for host in hosts}
        threads = Threads(self.threads, night(self.number))
        gate = judge_gate(self.hosts.values(), tonight, self.rules)
        if gate is not None:
            drafts = draft_trouble(gate, threads, self.rules)
            trouble = threads.of_kind(AlertKind.monitor_trouble)
            kept = [thread.alert for thread in self.threads]
            self.threads = threads.keep_only([*kept, trouble.alert if trouble else None])
        else:
            drafts = self._watch(tonight, threads)
        self.told += [(self.number, draft) for draft in drafts]
        return drafts

    def see(self, **states: State) -> list[str]:
        """Another night with hosts by their first label, all of one provider; what it tells, in words."""
        return told(self.look(seen(state, f"{name}.example.org") for name, state in states.items()))

    def _watch(self, tonight: Mapping[str, HostSeen], threads: Threads) -> list[Draft]:
        run = night(self.number)
        watched = {name: watch_host(self.hosts.get(name), host, run, self.rules) for name, host in tonight.items()}
        self.hosts = {name: host.known for name, host in watched.items()}
        events: list[HostEvent] = [event for host in watched.values() for event in host.events]
        addresses = {name: host.down_addresses for name, host in tonight.items()}
        drafts = draft_alerts(Happened(self.hosts, addresses, events), threads, self.rules)
        for draft in drafts:
            for name in draft.hosts:
                self.hosts[name] = refer(self.hosts[name], draft)
        digest = threads.of_kind(AlertKind.digest)
        is_unsteady = any(host.unsteady for host in self.hosts.values())
        referred_to = [alert for host in self.hosts.values() for alert in (host.outage, host.unsteady)]
        self.threads = threads.keep_only([*referred_to, digest.alert if digest and is_unsteady else None])
        return drafts


def told(drafts: Iterable[Draft]) -> list[str]:
    """`down mx1.example.org`, `down 2 mx1.example.org mx2.example.org`: kind, number in its thread above 1, names."""
    words = []
    for draft in drafts:
        number = f" {draft.thread.sequence}" if draft.thread.sequence > 1 else ""
        names = [*draft.hosts, *(event.domain for event in draft.domains)]
        words.append(f"{draft.kind}{number} {' '.join(names)}".strip())
    return words
