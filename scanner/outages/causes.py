"""What happened in a run → drafts of alerts: one for each cause, in the thread that it belongs to.

Theory of operation. Events are put together by what most probably is one cause: mail hosts of one pace group or at
one address, one certificate, one thread, domains whose change is the same in every word. What nobody has to act on
at once (a first look, what could not be told, the digest) is one alert a run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from scanner.outages.alerts import AlertKind, GateReport, State
from scanner.outages.certificate_steps import SeenCertificate
from scanner.outages.domain_watching import DomainEvent
from scanner.outages.host_watching import HostEvent
from scanner.outages.known import Known, KnownHost, Thread, WatchRules
from scanner.outages.threads import Threads
from scanner.outcomes import ChangeKind
from scanner.records import Change

E = TypeVar("E", HostEvent, DomainEvent)

#: Of these, what happened to hosts that probably fail together is one alert.
_BY_HOSTS = (
    AlertKind.down,
    AlertKind.degraded,
    AlertKind.starttls_lost,
    AlertKind.dns_changed,
    AlertKind.unstable,
)
_BY_CHANGE = (AlertKind.dns_changed, AlertKind.dane_broken, AlertKind.mta_sts_broken, AlertKind.unstable)

#: Who is down then is told of when he is up again.
_OUTAGES = frozenset({AlertKind.first_look, AlertKind.down})

#: What is down from the first look on is a matter of --status: nobody is reminded of it.
_REMINDED_OF = frozenset({AlertKind.down})


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert before its evidence is looked up; `thread` has been given its number already."""

    thread: Thread
    kind: AlertKind
    cause: str
    reasons: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    still_down: tuple[str, ...] = ()
    domains: tuple[DomainEvent, ...] = ()
    certificate: SeenCertificate | None = None
    gate: GateReport | None = None


@dataclass(slots=True)
class Happened:
    """All that a run found to tell, and what is known after it; `down_addresses` are by mail host, if it has any."""

    hosts: Mapping[str, KnownHost]
    down_addresses: Mapping[str, Sequence[str]]
    host_events: list[HostEvent] = field(default_factory=list)
    domain_events: list[DomainEvent] = field(default_factory=list)
    #: The domains that are unstable.
    unsteady_domains: dict[str, Known] = field(default_factory=dict)


def draft_alerts(happened: Happened, threads: Threads, rules: WatchRules) -> list[Draft]:
    """The alerts of a run that the gate let pass."""
    return [
        *_first_look(happened, threads),
        *_outages(happened, threads),
        *_certificates(happened, threads),
        *_changes(happened, threads),
        *_repeated(happened, threads, rules),
        *_not_told(happened, threads),
        *_digest(happened, threads, rules),
    ]


def draft_trouble(gate: GateReport, threads: Threads, rules: WatchRules) -> list[Draft]:
    """The one alert of a run that is not believed; while that lasts, no more than reminders."""
    thread = threads.of_kind(AlertKind.monitor_trouble)
    if thread is None:
        thread = threads.begin(AlertKind.monitor_trouble)
    elif threads.is_due(thread, rules.remind_s):
        thread = threads.go_on(thread.alert)
    else:
        return []
    return [Draft(thread, AlertKind.monitor_trouble, "watch", gate=gate)]


def refer(host: KnownHost, draft: Draft) -> KnownHost:
    """A mail host that an alert is about, referring to its thread as long as that is to be heard of again."""
    if draft.kind in _OUTAGES and host.state is State.down:
        return replace(host, outage=draft.thread.alert, outage_since=host.since)
    if draft.kind is AlertKind.unstable:
        return replace(host, unsteady=draft.thread.alert)
    return host


# What opens threads ---------------------------------------------------------------------------------


def _first_look(happened: Happened, threads: Threads) -> Iterator[Draft]:
    events = _of_kind(happened.host_events, AlertKind.first_look)
    if events:
        yield _draft(threads.begin(AlertKind.first_look), AlertKind.first_look, events, happened)


def _outages(happened: Happened, threads: Threads) -> Iterator[Draft]:
    for kind in _BY_HOSTS:
        for events in _by_cause(_of_kind(happened.host_events, kind), happened):
            yield _draft(threads.begin(kind), kind, events, happened)


def _certificates(happened: Happened, threads: Threads) -> Iterator[Draft]:
    kind = AlertKind.certificate_expires
    events = _of_kind(happened.host_events, kind)
    for same in _grouped(events, lambda event: event.certificate and event.certificate.sha256):
        certificate = min((event.certificate for event in same if event.certificate), key=lambda each: each.days_left)
        hosts = tuple(event.exchange for event in same)
        yield Draft(threads.begin(kind), kind, _named(hosts, "mail host"), hosts=hosts, certificate=certificate)


def _changes(happened: Happened, threads: Threads) -> Iterator[Draft]:
    for kind in _BY_CHANGE:
        for events in _grouped(_of_kind(happened.domain_events, kind), _as_one_change):
            yield _of_domains(threads.begin(kind), kind, events)


def _not_told(happened: Happened, threads: Threads) -> Iterator[Draft]:
    kind = AlertKind.could_not_tell
    hosts, domains = _of_kind(happened.host_events, kind), _of_kind(happened.domain_events, kind)
    if hosts or domains:
        yield _mixed(threads.begin(kind), kind, hosts, domains)


# What goes on in threads ----------------------------------------------------------------------------


def _repeated(happened: Happened, threads: Threads, rules: WatchRules) -> Iterator[Draft]:
    """Hosts that are back, reminders of those that are not, and the end of an unrest."""
    for kind in (AlertKind.back_online, AlertKind.reminder, AlertKind.stable):
        for events in _grouped(_of_kind(happened.host_events, kind), lambda event: event.thread):
            thread = threads.get(events[0].thread or "")
            if kind is not AlertKind.reminder or _may_remind(thread, threads, rules):
                yield _draft(threads.go_on(thread.alert), kind, events, happened)
    for ended in _grouped(_of_kind(happened.domain_events, AlertKind.stable), lambda event: event.thread):
        yield _of_domains(threads.go_on(ended[0].thread or ""), AlertKind.stable, ended)


def _may_remind(thread: Thread, threads: Threads, rules: WatchRules) -> bool:
    return thread.kind in _REMINDED_OF and threads.is_due(thread, rules.remind_s)


def _digest(happened: Happened, threads: Threads, rules: WatchRules) -> Iterator[Draft]:
    """All that is unstable in one alert, if it is due and there is anything new."""
    kind = AlertKind.digest
    hosts, domains = _of_kind(happened.host_events, kind), _of_kind(happened.domain_events, kind)
    unsteady: list[Known] = [happened.hosts[event.exchange] for event in hosts]
    unsteady += [happened.unsteady_domains[event.domain] for event in domains]
    if not unsteady:
        return
    before = threads.of_kind(kind)
    last = before or min((threads.get(known.unsteady or "") for known in unsteady), key=lambda thread: thread.told_at)
    if threads.is_due(last, rules.digest_s) and any(_is_news(known, last) for known in unsteady):
        yield _mixed(threads.go_on(before.alert) if before else threads.begin(kind), kind, hosts, domains)


def _is_news(known: Known, last: Thread) -> bool:
    return known.state is State.down or any(step.run > last.told_run for step in known.steps)


# Putting together -----------------------------------------------------------------------------------


def _of_kind(events: Iterable[E], kind: AlertKind) -> list[E]:
    return [event for event in events if event.kind is kind]


def _grouped(events: Sequence[E], key: Callable[[E], object]) -> list[list[E]]:
    """Events with the same key together, in the order in which the first of each came."""
    groups: dict[object, list[E]] = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return list(groups.values())


def _as_one_change(event: DomainEvent) -> object:
    """Changes of one cause are alike but for the domain and what shows it there."""
    return tuple(_as_anybodys(change) for change in event.changes)


def _as_anybodys(change: Change) -> Change:
    # A domain that is gone from DNS is so whatever mail hosts it had: it is the registry's affair or a resolver's.
    hosts = () if change.kind is ChangeKind.nxdomain else change.hosts
    return replace(change, domain="", evidence="", session=None, hosts=hosts)


def _by_cause(events: Sequence[HostEvent], happened: Happened) -> list[list[HostEvent]]:
    """Events of hosts that share a pace group, or an address that does not answer, directly or over others."""
    leader: dict[str, str] = {}

    def lead(key: str) -> str:
        while (above := leader.setdefault(key, key)) != key:
            leader[key] = leader[above]
            key = above
        return key

    for event in events:
        shared = (
            f"group {happened.hosts[event.exchange].pace_group}",
            *happened.down_addresses.get(event.exchange, ()),
        )
        for key in shared:
            leader[lead(key)] = lead(event.exchange)
    return _grouped(events, lambda event: lead(event.exchange))


def _draft(thread: Thread, kind: AlertKind, events: Sequence[HostEvent], happened: Happened) -> Draft:
    hosts = tuple(event.exchange for event in events)
    return Draft(
        thread,
        kind,
        _named(hosts, "mail host"),
        reasons=tuple(dict.fromkeys(reason for event in events for reason in event.reasons)),
        hosts=hosts,
        still_down=_still_down(thread, happened) if kind is AlertKind.back_online else (),
    )


def _still_down(thread: Thread, happened: Happened) -> tuple[str, ...]:
    return tuple(sorted(name for name, host in happened.hosts.items() if host.outage == thread.alert))


def _of_domains(thread: Thread, kind: AlertKind, events: Sequence[DomainEvent]) -> Draft:
    return _mixed(thread, kind, (), events)


def _mixed(thread: Thread, kind: AlertKind, hosts: Sequence[HostEvent], domains: Sequence[DomainEvent]) -> Draft:
    exchanges = tuple(event.exchange for event in hosts)
    names = tuple(event.domain for event in domains)
    parts = [_named(exchanges, "mail host") if exchanges else "", _named(names, "domain") if names else ""]
    reasons = [*(reason for event in hosts for reason in event.reasons)]
    reasons += [reason for event in domains for reason in event.reasons]
    return Draft(
        thread,
        kind,
        " and ".join(filter(None, parts)),
        reasons=tuple(dict.fromkeys(reasons)),
        hosts=exchanges,
        domains=tuple(domains),
    )


def _named(names: Sequence[str], what: str) -> str:
    """One by its name, several by the first and their number; `what` they are, in the singular."""
    if len(names) == 1:
        return names[0]
    return f"{names[0]} and {len(names) - 1} more {what}{'s' if len(names) > 2 else ''}"
