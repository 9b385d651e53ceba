"""A mail host from one run to the next: what was known, and what a run saw → what is known now, and what happened.

Theory of operation. A run that could not tell changes nothing but the count of such runs. One that could gives the
host its state; what is told follows from the state before, in this order: the first look, an unstable host, a host
that becomes unstable, an outage that goes on or is over, and only then what is new.
"""

from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from scanner.outages.alerts import AlertId, AlertKind, State
from scanner.outages.certificate_steps import SeenCertificate
from scanner.outages.host_health import HostSeen, Reason, Trouble
from scanner.outages.known import COULD_NOT_TELL, KnownHost, RunFacts, ToldCertificate, WatchRules
from scanner.outages.steadiness import add_step, is_flapping, is_quiet

#: So many certificates of a host are remembered: a pool may serve one at each address.
MAX_CERTIFICATES = 16

_NOT_UP = frozenset({State.down, State.degraded})
_TAKES_MAIL = frozenset({State.up, State.degraded})

#: What a new trouble is told as; certificates have their own way.
_TOLD_AS = {
    Trouble.addresses_down: AlertKind.degraded,
    Trouble.tls_broken: AlertKind.degraded,
    Trouble.starttls_lost: AlertKind.starttls_lost,
}


@dataclass(frozen=True, slots=True)
class HostEvent:
    """Something to tell of a mail host; `thread` is the one that it belongs to, None if it opens one."""

    kind: AlertKind
    exchange: str
    reasons: tuple[str, ...] = ()
    thread: AlertId | None = None
    certificate: SeenCertificate | None = None


class WatchedHost(NamedTuple):
    """What is known of a host after a run, and what there is to tell."""

    known: KnownHost
    events: tuple[HostEvent, ...]


def watch_host(known: KnownHost | None, seen: HostSeen, run: RunFacts, rules: WatchRules) -> WatchedHost:
    """A host after a run; `known` is None if it was not watched before."""
    before = known or KnownHost(name=seen.exchange, pace_group=seen.pace_group)
    if seen.state in COULD_NOT_TELL:
        return _could_not_tell(before, seen, run, rules)
    seen = _missing_starttls(before, seen)
    after = _looked(before, seen, run, rules)
    if before.state is State.unknown:
        return WatchedHost(after, _first_look(after))
    after, events = _news(before, after, run, rules)
    return WatchedHost(after, (*events, *_certificates(before, seen)))


# What is known then ---------------------------------------------------------------------------------


def _could_not_tell(before: KnownHost, seen: HostSeen, run: RunFacts, rules: WatchRules) -> WatchedHost:
    after = replace(
        before,
        observed=seen.state,
        why=_in_words(seen.reasons),
        blind_runs=before.blind_runs + 1,
        blind_since=before.blind_since or seen.since or run.at,
    )
    # Once: the next notice is for the next time that nothing could be told.
    is_told = after.blind_runs == rules.unknown_runs and not seen.is_left_alone
    event = HostEvent(AlertKind.could_not_tell, after.name, after.why)
    return WatchedHost(after, (event,) if is_told else ())


def _missing_starttls(before: KnownHost, seen: HostSeen) -> HostSeen:
    """A host that takes mail, had STARTTLS and now shows none is degraded."""
    is_broken = any(reason.trouble is Trouble.tls_broken for reason in seen.reasons)
    if seen.state not in _TAKES_MAIL or not before.had_starttls or seen.offers_tls is not False or is_broken:
        return seen
    lost = Reason(Trouble.starttls_lost, "STARTTLS was offered before and is not any more")
    return seen.with_trouble(lost)


def _looked(before: KnownHost, seen: HostSeen, run: RunFacts, rules: WatchRules) -> KnownHost:
    """What is known after a run that could tell; the threads are as before."""
    is_other = seen.state is not before.state
    why = _in_words(seen.reasons)
    steps = before.steps
    if is_other and before.state is not State.unknown:
        steps = add_step(steps, run, rules, seen.state, "; ".join(why))
    since = (seen.since if seen.state in _NOT_UP else None) or seen.good_at
    return replace(
        before,
        state=seen.state,
        observed=seen.state,
        since=(since or run.at) if is_other else before.since,
        why=why,
        blind_runs=0,
        blind_since=None,
        steps=steps,
        pace_group=seen.pace_group,
        troubles=tuple(reason.trouble for reason in seen.reasons if reason.trouble is not None),
        last_good_at=seen.good_at or before.last_good_at,
        had_starttls=before.had_starttls or seen.offers_tls is True,
        certificates=_remembered(before.certificates, seen.certificates),
        networks_up=seen.networks_up,
    )


def _remembered(told: tuple[ToldCertificate, ...], seen: tuple[SeenCertificate, ...]) -> tuple[ToldCertificate, ...]:
    """The thresholds that have been told, the certificates seen last at the end."""
    now = [ToldCertificate(sha256=certificate.sha256, step_days=certificate.step_days) for certificate in seen]
    names = {certificate.sha256 for certificate in now}
    earlier = [certificate for certificate in told if certificate.sha256 not in names]
    return tuple([*earlier, *now][-MAX_CERTIFICATES:])


# What there is to tell ------------------------------------------------------------------------------


def _first_look(after: KnownHost) -> tuple[HostEvent, ...]:
    if after.state not in _NOT_UP:
        return ()
    return (HostEvent(AlertKind.first_look, after.name, after.why),)


def _news(
    before: KnownHost, after: KnownHost, run: RunFacts, rules: WatchRules
) -> tuple[KnownHost, tuple[HostEvent, ...]]:
    if before.unsteady is not None:
        return _while_unstable(before.unsteady, after, run, rules)
    if is_flapping(after, run, rules):
        # What it says of the outage is the last that is said of it.
        return replace(after, outage=None, outage_since=None), (HostEvent(AlertKind.unstable, after.name, after.why),)
    if before.outage is not None:
        return _in_outage(before.outage, after)
    return after, _new_troubles(before, after)


def _while_unstable(
    thread: AlertId, after: KnownHost, run: RunFacts, rules: WatchRules
) -> tuple[KnownHost, tuple[HostEvent, ...]]:
    if not is_quiet(after, run, rules):
        return after, (HostEvent(AlertKind.digest, after.name, after.why),)
    after = replace(after, unsteady=None, quiet_since=run.number)
    if after.state is State.down:
        return after, (HostEvent(AlertKind.down, after.name, after.why),)
    return after, (HostEvent(AlertKind.stable, after.name, after.why, thread),)


def _in_outage(thread: AlertId, after: KnownHost) -> tuple[KnownHost, tuple[HostEvent, ...]]:
    """The outage is over once the host takes mail; a host that lost its addresses meanwhile does not."""
    if after.state in _TAKES_MAIL:
        event = HostEvent(AlertKind.back_online, after.name, after.why, thread)
        return replace(after, outage=None, outage_since=None), (event,)
    return after, (HostEvent(AlertKind.reminder, after.name, after.why, thread),)


def _new_troubles(before: KnownHost, after: KnownHost) -> tuple[HostEvent, ...]:
    if after.state is State.down:
        return (HostEvent(AlertKind.down, after.name, after.why),)
    if (before.state is State.no_mail) is not (after.state is State.no_mail):
        why = after.why or ("it has an address again",)
        return (HostEvent(AlertKind.dns_changed, after.name, why),)
    new = [trouble for trouble in after.troubles if trouble not in before.troubles]
    kinds = dict.fromkeys(_TOLD_AS[trouble] for trouble in new if trouble in _TOLD_AS)
    return tuple(HostEvent(kind, after.name, after.why) for kind in kinds)


def _certificates(before: KnownHost, seen: HostSeen) -> tuple[HostEvent, ...]:
    """Each certificate that passed a threshold which was not told of it yet."""
    told = {certificate.sha256: certificate.step_days for certificate in before.certificates}
    return tuple(
        HostEvent(AlertKind.certificate_expires, seen.exchange, (), None, certificate)
        for certificate in seen.certificates
        if certificate.step_days < told.get(certificate.sha256, certificate.step_days + 1)
    )


def _in_words(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    return tuple(reason.said for reason in reasons)
