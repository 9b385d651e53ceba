"""A domain from one run to the next: what its mail hosts make of it, and what changed of itself.

An outage is told of a mail host, once, with all its domains; what is told of a domain is its own: where its DNS
sends mail, and what it publishes. A change is one against the last that was known, part by part: what a run could
not find out takes nothing away.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from scanner.changes.changes import compare_domains
from scanner.outages.alerts import AlertId, AlertKind, State
from scanner.outages.known import COULD_NOT_TELL, Known, KnownDomain, RunFacts, WatchRules
from scanner.outages.steadiness import add_step, is_flapping, is_quiet
from scanner.outcomes import ChangeKind, Effect, PolicyValue, RouteFlag, RouteKind, Severity, VerdictValue
from scanner.records import Change, Domain, PolicyVerdict, Verdict, Verdicts
from scanner.smtp.mailboxes import MailboxError, parse_mailbox

#: What is told of a domain, and as what.
_TOLD_AS = {
    ChangeKind.nxdomain: AlertKind.dns_changed,
    ChangeKind.route_kind_changed: AlertKind.dns_changed,
    ChangeKind.mx_changed: AlertKind.dns_changed,
    ChangeKind.moved_away: AlertKind.dns_changed,
    ChangeKind.dane_broken: AlertKind.dane_broken,
    ChangeKind.mta_sts_broken: AlertKind.mta_sts_broken,
}

_NOT_LOOKED_UP = frozenset({RouteKind.dns_failure, RouteKind.skipped})
_NO_MAIL = frozenset({RouteKind.null_mx, RouteKind.no_mail_host, RouteKind.nxdomain})

_ABOUT_KNOWING = frozenset({Effect.not_known, Effect.known_now})

_NOT_KNOWN = frozenset({VerdictValue.unknown.value, PolicyValue.unknown.value})

_BETWEEN_OWNERS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something to tell of a domain itself; `thread` is the one that it belongs to, None if it opens one."""

    kind: AlertKind
    domain: str
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()
    thread: AlertId | None = None


class WatchedDomain(NamedTuple):
    """What is known of a domain after a run, and what there is to tell."""

    known: KnownDomain
    events: tuple[DomainEvent, ...]


def watch_domain(
    known: KnownDomain | None, tonight: Domain, hosts: Mapping[str, Known], run: RunFacts, rules: WatchRules
) -> WatchedDomain:
    """A domain after a run, whose `hosts` have been watched already; `known` is None if it was not watched before.

    `tonight` is the record of a domain, not of a line that is none.
    """
    tonight = _without_sessions(tonight)
    before = known or KnownDomain(name=tonight.domain or "", record=tonight)
    if tonight.mail_route.kind in _NOT_LOOKED_UP:
        return _could_not_tell(before, tonight, run, rules)
    changes = _own_changes(before.record, tonight)
    after = _looked(before, tonight, hosts, run)
    if changes:
        why = ", ".join(dict.fromkeys(change.kind.value for change in changes))
        after = replace(after, steps=add_step(after.steps, run, rules, after.state, why))
    return _news(after, changes, run, rules)


def owners_of(domain: Domain, column: str) -> tuple[str, ...]:
    """The mail addresses in a column of the input, over all lines of a domain; several may stand in one cell.

    Each is written as a relay is told it; what is none is kept, so that it is told when nobody can write to it.
    """
    if not column:
        return ()
    cells = [metadata.get(column, "") for metadata in (domain.metadata, *domain.metadata_more)]
    names = [name for cell in cells for name in _BETWEEN_OWNERS.split(cell) if "@" in name]
    return tuple(dict.fromkeys(map(_as_mailbox, names)))


def _as_mailbox(name: str) -> str:
    try:
        return str(parse_mailbox(name.strip("<>")))  # a list may have `Name <name@example.org>`
    except MailboxError:
        return name


# What is known then ---------------------------------------------------------------------------------


def _could_not_tell(before: KnownDomain, tonight: Domain, run: RunFacts, rules: WatchRules) -> WatchedDomain:
    route = tonight.mail_route
    why = (f"its mail route is not known: {route.kind} ({route.dns_status})",)
    after = replace(
        before,
        observed=State.unknown,
        why=why,
        blind_runs=before.blind_runs + 1,
        blind_since=before.blind_since or run.at,
    )
    # Who opted out, or is not asked for another reason of ours, is nothing to be told of.
    is_told = after.blind_runs == rules.unknown_runs and route.kind is RouteKind.dns_failure
    return WatchedDomain(after, (DomainEvent(AlertKind.could_not_tell, after.name, (), why),) if is_told else ())


def _looked(before: KnownDomain, tonight: Domain, hosts: Mapping[str, Known], run: RunFacts) -> KnownDomain:
    members = [hosts[host.exchange] for host in tonight.mail_hosts if host.exchange in hosts]
    state = _state_of(tonight, members)
    # What some hosts are known to be may leave open what the domain is: then it is what it was.
    is_other = state is not State.unknown and state is not before.state
    return replace(
        before,
        state=state if is_other else before.state,
        observed=_observed(state, members),
        since=_since(members, state, run) if is_other else before.since,
        why=_in_words(tonight, members),
        blind_runs=0,
        blind_since=None,
        record=remember(before.record, tonight),
    )


def _state_of(tonight: Domain, members: Sequence[Known]) -> State:
    """A domain is down when all its mail hosts are."""
    if tonight.mail_route.kind in _NO_MAIL:
        return State.no_mail
    states = {member.state for member in members}
    if RouteFlag.mx_over_limit in tonight.mail_route.flags or not members:
        states.add(State.unknown)  # mail hosts that nobody looked at
    told = states - COULD_NOT_TELL
    if told <= {State.down, State.no_mail}:
        # Nobody is known to take its mail; one that could not be told may.
        return State.unknown if told != states or not told else max(told, key=_WORST.index)
    return State.up if told == {State.up} else State.degraded


_WORST = (State.no_mail, State.down)


def _observed(state: State, members: Sequence[Known]) -> State:
    seen = {member.observed for member in members}
    if seen and seen <= COULD_NOT_TELL:
        return State.blocked_us if State.blocked_us in seen else State.unknown
    return state


def _since(members: Sequence[Known], state: State, run: RunFacts) -> str:
    """A domain is down since the last of its hosts is; what else it is, it is since it was seen so."""
    moments = [member.since for member in members if member.since is not None]
    return max(moments) if state is State.down and moments else run.at


def _in_words(tonight: Domain, members: Sequence[Known]) -> tuple[str, ...]:
    if tonight.mail_route.kind in _NO_MAIL:
        return (tonight.mail_route.kind.value,)
    return tuple(f"{member.name}: {member.observed}" for member in members if member.observed is not State.up)


# What was known before stays ------------------------------------------------------------------------


def remember(before: Domain, tonight: Domain) -> Domain:
    """Tonight's record, with what was known before in the verdicts that tonight could not tell."""
    kept = {
        name: earlier
        for name in Verdicts.__struct_fields__
        if _is_unknown(getattr(tonight.verdicts, name)) and (earlier := getattr(before.verdicts, name)) is not None
    }
    return replace(tonight, verdicts=replace(tonight.verdicts, **kept)) if kept else tonight


def _is_unknown(verdict: object) -> bool:
    return isinstance(verdict, Verdict | PolicyVerdict) and verdict.value.value in _NOT_KNOWN


def _without_sessions(domain: Domain) -> Domain:
    """The record without what is of mail hosts: those are watched on their own."""
    hosts = tuple(replace(host, addresses=(), dane=None) for host in domain.mail_hosts)
    return replace(domain, mail_hosts=hosts, findings=(), metadata_more=())


def _own_changes(before: Domain, tonight: Domain) -> tuple[Change, ...]:
    """What changed of the domain itself, against the last that was known; another preference alone is no news."""
    return tuple(
        change
        for change in compare_domains(before, tonight)
        if change.kind in _TOLD_AS and change.effect not in _ABOUT_KNOWING and not _is_preference_only(change)
    )


def _is_preference_only(change: Change) -> bool:
    return change.kind is ChangeKind.mx_changed and change.severity is Severity.notice


# What there is to tell ------------------------------------------------------------------------------


def _news(after: KnownDomain, changes: Sequence[Change], run: RunFacts, rules: WatchRules) -> WatchedDomain:
    if after.unsteady is not None:
        if not is_quiet(after, run, rules):
            return WatchedDomain(after, (DomainEvent(AlertKind.digest, after.name, tuple(changes)),))
        event = DomainEvent(AlertKind.stable, after.name, thread=after.unsteady)
        return WatchedDomain(replace(after, unsteady=None, quiet_since=run.number), (event,))
    if is_flapping(after, run, rules):
        return WatchedDomain(after, (DomainEvent(AlertKind.unstable, after.name, tuple(changes)),))
    return WatchedDomain(after, tuple(_events(after.name, changes)))


def _events(domain: str, changes: Sequence[Change]) -> Iterable[DomainEvent]:
    """One for each kind of alert, with all changes that belong to it."""
    for kind in dict.fromkeys(_TOLD_AS[change.kind] for change in changes):
        yield DomainEvent(kind, domain, tuple(change for change in changes if _TOLD_AS[change.kind] is kind))
