"""A run compared with what was known: what is known then, and what is to be sent, written in one transaction.

Theory of operation. Mail hosts come first: their attempts give each its state, and the gate decides whether any of
it is believed. Then the domains go by, one at a time, each with what was known of it. What happened is put together
by cause, and only for that the run is read again, for every word that was said.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from scanner.outages.alerts import Alert, AlertId, AlertKind, GateReport, State
from scanner.outages.causes import Draft, Happened, draft_alerts, draft_trouble, refer
from scanner.outages.composing import Evidence, Place, TouchedDomain, compose_alert, told_in_full
from scanner.outages.domain_watching import owners_of, watch_domain
from scanner.outages.gate import judge_gate
from scanner.outages.host_health import HostSeen, Reason, judge_host_health
from scanner.outages.host_watching import watch_host
from scanner.outages.known import Known, KnownHost, RunFacts, WatchRules
from scanner.outages.threads import Threads
from scanner.outcomes import RouteKind
from scanner.passes.plan import pace_group_of
from scanner.records import Domain
from scanner.settings import Settings, WatchSettings
from scanner.times import parse_utc
from scanner.watch.night_scan import ScannedNight
from scanner.watch.run_evidence import RunEvidence
from scanner.watch.store import Store

_NOT_LOOKED_UP = frozenset({RouteKind.dns_failure, RouteKind.skipped})
_PROBLEMS = frozenset({State.down, State.degraded})


@dataclass(slots=True)
class Compared:
    """What came of a run: the alerts, and how many mail hosts and domains are in which state.

    `gate` says why nothing was believed, None if it was; then the states are those that were kept.
    """

    run: RunFacts
    alerts: list[Alert] = field(default_factory=list)
    gate: GateReport | None = None
    host_states: Counter[State] = field(default_factory=Counter)
    domain_states: Counter[State] = field(default_factory=Counter)
    #: Whether a mail host or a domain is known to have a problem, also where this run could not tell.
    has_problem: bool = False


def compare_night(store: Store, scanned: ScannedNight, run: RunFacts, settings: Settings) -> Compared:
    """Judges a run against the state and writes what is known then. To be called within a transaction.

    Raises RunError, DiskFault.
    """
    comparison = _Comparison(store, scanned, run, settings)
    gate = comparison.look()
    if gate is None:
        comparison.watch()
    else:
        comparison.keep_all(gate)
    return comparison.compared


class _Comparison:
    """One run on its way into the state."""

    def __init__(self, store: Store, scanned: ScannedNight, run: RunFacts, settings: Settings) -> None:
        self._store = store
        self._scanned = scanned
        self._run = run
        self._settings = settings.watch
        self._rules = rules_of(settings.watch)
        self._evidence = RunEvidence(scanned.directory)
        self._threads = Threads(store.open_threads(), run)
        self._before = {host.name: host for host in store.hosts()}
        self._seen: dict[str, HostSeen] = {}
        self._hosts: dict[str, KnownHost] = {}
        self._touched: dict[str, TouchedDomain] = {}
        self.compared = Compared(run)

    # The gate ------------------------------------------------------------------------------------------

    def look(self) -> GateReport | None:
        """Looks at all mail hosts; what speaks against believing any of it."""
        if self._scanned.fault is not None:
            return GateReport(fault=self._scanned.fault, canaries=self._evidence.canaries())
        now = parse_utc(self._run.at).timestamp()
        rules = self._evidence.health_rules(self._settings, now)
        not_looked_up: set[str] = set()
        for record in self._evidence.domains():
            for host in record.mail_hosts:
                if host.exchange not in self._seen:
                    group = pace_group_of(host.exchange)
                    seen = judge_host_health(host, group, self._evidence.attempts_at, rules)
                    self._seen[host.exchange] = seen
            not_looked_up |= self._hosts_known_of(record)
        for name in not_looked_up - self._seen.keys():
            self._seen[name] = _not_looked_up(name)
        return judge_gate(self._before.values(), self._seen, self._rules)

    def _hosts_known_of(self, record: Domain) -> set[str]:
        """The mail hosts that a domain had when it was looked up last, if it could not be this time."""
        if record.mail_route.kind not in _NOT_LOOKED_UP:
            return set()
        known = self._store.domain(record.domain or "")
        return {host.exchange for host in known.record.mail_hosts} if known is not None else set()

    def keep_all(self, gate: GateReport) -> None:
        """Believes nothing: one alert, and all states are as they were."""
        self._compose(draft_trouble(gate, self._threads, self._rules))
        for host in self._before.values():
            self._count("host", host)
        for domain in self._store.domains():
            self._count("domain", domain)
        threads = [thread.alert for thread in self._store.open_threads()]
        trouble = self._threads.of_kind(AlertKind.monitor_trouble)
        self._close_run(gate, [*threads, trouble.alert if trouble is not None else None])

    # What is known then --------------------------------------------------------------------------------

    def watch(self) -> None:
        """Brings every mail host and every domain to what is known now, and tells what happened."""
        happened = self._watch_hosts()
        told = {event.exchange for event in happened.host_events}
        unsteady = self._watch_domains(happened, told)
        drafts = draft_alerts(happened, self._threads, self._rules)
        for draft in drafts:
            unsteady |= self._refer(draft)
        self._write_hosts()
        self._compose(drafts)
        self._close_run(None, [*self._referred_to(), *unsteady, *self._digest(unsteady)])

    def _watch_hosts(self) -> Happened:
        watched = {
            name: watch_host(self._before.get(name), seen, self._run, self._rules) for name, seen in self._seen.items()
        }
        self._hosts = {name: host.known for name, host in watched.items()}
        addresses = {name: seen.down_addresses for name, seen in self._seen.items()}
        return Happened(self._hosts, addresses, [event for host in watched.values() for event in host.events])

    def _watch_domains(self, happened: Happened, told: set[str]) -> set[AlertId | None]:
        """The threads of unstable domains; those touched by what is told of mail hosts are kept in mind."""
        unsteady: set[AlertId | None] = set()
        names = set()
        for record in self._evidence.domains():
            before = self._store.domain(record.domain or "")
            after, events = watch_domain(before, record, self._hosts, self._run, self._rules)
            after = replace(after, owners=owners_of(record, self._settings.owner_column))
            state_before = before.state if before is not None else State.unknown
            exchanges = frozenset(host.exchange for host in after.record.mail_hosts)
            if events or not told.isdisjoint(exchanges):
                self._touched[after.name] = TouchedDomain(after, state_before, record.metadata, exchanges)
            if after.unsteady is not None:
                happened.unsteady_domains[after.name] = after
                unsteady.add(after.unsteady)
            happened.domain_events += events
            names.add(after.name)
            self._store.put_domain(after)
            self._note("domain", state_before, after)
        self._store.forget_domains(names)
        return unsteady

    def _note(self, subject: str, before: State, after: Known) -> None:
        if after.state is not before:
            self._store.add_step(self._run, subject, before, after)
        self._count(subject, after)

    def _count(self, subject: str, known: Known) -> None:
        states = self.compared.host_states if subject == "host" else self.compared.domain_states
        states[known.shown] += 1
        self.compared.has_problem |= known.state in _PROBLEMS

    def _refer(self, draft: Draft) -> set[AlertId | None]:
        """What a new thread is about refers to it from now on; the threads of unstable domains."""
        for name in draft.hosts:
            self._hosts[name] = refer(self._hosts[name], draft)
        if draft.kind is not AlertKind.unstable or not draft.domains:
            return set()
        for event in draft.domains:
            self._store.put_domain(replace(self._touched[event.domain].known, unsteady=draft.thread.alert))
        return {draft.thread.alert}

    def _write_hosts(self) -> None:
        for name, host in self._hosts.items():
            self._store.put_host(host)
            before = self._before.get(name)
            self._note("host", before.state if before is not None else State.unknown, host)
        self._store.forget_hosts(self._hosts)

    def _referred_to(self) -> Iterable[AlertId | None]:
        return (alert for host in self._hosts.values() for alert in (host.outage, host.unsteady))

    def _digest(self, unsteady_domains: set[AlertId | None]) -> list[AlertId]:
        """The thread of the digest, while anything is unstable."""
        digest = self._threads.of_kind(AlertKind.digest)
        is_unsteady = bool(unsteady_domains) or any(host.unsteady for host in self._hosts.values())
        return [digest.alert] if digest is not None and is_unsteady else []

    # Alerts --------------------------------------------------------------------------------------------

    def _compose(self, drafts: Sequence[Draft]) -> None:
        touched = [self._touched_by(draft) for draft in drafts]
        evidence = self._gather(drafts, {domain.known.name for domains in touched for domain in domains})
        place = Place(
            run=self._scanned.run.run,
            run_directory=str(self._scanned.directory.path.absolute()),
            at=self._run.at,
            ehlo_name=self._scanned.run.ehlo_name,
            port=self._scanned_port(),
            source_addresses=self._evidence.source_addresses,
        )
        for draft, domains in zip(drafts, touched, strict=True):
            alert = compose_alert(draft, domains, evidence, place)
            self._store.add_alert(alert)
            self.compared.alerts.append(alert)

    def _scanned_port(self) -> int:
        port = self._scanned.run.settings.get("probe", {}).get("port")
        return int(port)

    def _touched_by(self, draft: Draft) -> list[TouchedDomain]:
        own = {event.domain for event in draft.domains}
        hosts = set(draft.hosts)
        return [
            domain for name, domain in self._touched.items() if name in own or not hosts.isdisjoint(domain.exchanges)
        ]

    def _gather(self, drafts: Sequence[Draft], domains: set[str]) -> Evidence:
        in_full = {name for draft in drafts for name in told_in_full(draft)}
        sessions = {session for name in in_full for session in self._seen[name].sessions}
        return Evidence(
            before=self._before,
            after=self._hosts,
            seen=self._seen,
            attempts=self._evidence.attempts(sessions) if sessions else {},
            lookups=self._evidence.lookups(in_full) if in_full else {},
            routes=self._evidence.routes(domains) if domains else {},
        )

    def _close_run(self, gate: GateReport | None, referred_to: Iterable[AlertId | None]) -> None:
        self.compared.gate = gate
        self._store.set_open_threads(self._threads.keep_only(referred_to), self._run.at)
        self._store.add_run(self._run, (gate.fault or "too many networks failed at once") if gate is not None else None)


def rules_of(settings: WatchSettings) -> WatchRules:
    """The rules by which things are told."""
    return WatchRules(**{name: getattr(settings, name) for name in WatchRules.__slots__})


def _not_looked_up(name: str) -> HostSeen:
    said = Reason(None, "the domains that have it could not be looked up")
    return HostSeen(name, pace_group_of(name), State.unknown, (said,))
