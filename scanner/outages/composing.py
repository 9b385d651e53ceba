"""A draft with its evidence → the alert: complete in itself, for whoever reads it and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scanner.outages.alerts import (
    Alert,
    AlertedDomain,
    AlertedHost,
    AlertKind,
    AttemptEvidence,
    ExpiringCertificate,
    State,
)
from scanner.outages.causes import Draft
from scanner.outages.certificate_steps import SeenCertificate
from scanner.outages.host_health import HostSeen
from scanner.outages.known import KnownDomain, KnownHost
from scanner.records import Change, Host, Metadata, Route
from scanner.times import parse_utc

#: So many mail hosts of one alert are told with every word that was said; the run has it of all.
MAX_TOLD_IN_FULL = 50

_OF_ITS_STEPS = frozenset({AlertKind.unstable, AlertKind.digest, AlertKind.stable})


@dataclass(frozen=True, slots=True)
class TouchedDomain:
    """A domain that an alert may list: what is known of it now, its state before, and what its input line says."""

    known: KnownDomain
    before: State
    metadata: Metadata
    exchanges: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """What is the same in all alerts of a run."""

    run: str
    run_directory: str
    at: str
    ehlo_name: str
    port: int
    source_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What alerts are composed of: hosts before and after a run, what was seen of them, and what proves it."""

    before: Mapping[str, KnownHost]
    after: Mapping[str, KnownHost]
    seen: Mapping[str, HostSeen]
    attempts: Mapping[str, AttemptEvidence]
    lookups: Mapping[str, tuple[Host, ...]]
    routes: Mapping[str, Route]


def told_in_full(draft: Draft) -> tuple[str, ...]:
    """The mail hosts whose attempts an alert has with every word."""
    return draft.hosts[:MAX_TOLD_IN_FULL]


def compose_alert(draft: Draft, domains: Sequence[TouchedDomain], evidence: Evidence, place: Place) -> Alert:
    """The alert; `domains` are those that it touches."""
    in_full = frozenset(told_in_full(draft))
    hosts = tuple(_host(name, draft, evidence, place, in_full=name in in_full) for name in draft.hosts)
    touched = tuple(_domain(domain, draft, evidence) for domain in domains)
    return Alert(
        alert=draft.thread.alert,
        sequence=draft.thread.sequence,
        kind=draft.kind,
        at=place.at,
        run=place.run,
        run_directory=place.run_directory,
        ehlo_name=place.ehlo_name,
        source_addresses=place.source_addresses,
        cause=draft.cause,
        since=min((host.since for host in hosts if host.since is not None), default=_since(domains, draft)),
        reasons=draft.reasons,
        hosts=hosts,
        still_down=draft.still_down,
        domains=touched,
        domains_total=len(touched),
        certificate=_certificate(draft.certificate),
        gate=draft.gate,
        runs=_runs(draft, domains, evidence),
    )


# Mail hosts -----------------------------------------------------------------------------------------


def _host(name: str, draft: Draft, evidence: Evidence, place: Place, *, in_full: bool) -> AlertedHost:
    known, seen, before = evidence.after[name], evidence.seen[name], evidence.before.get(name)
    is_back = draft.kind is AlertKind.back_online
    since = _since_when(draft.kind, known, before)
    attempts = [evidence.attempts[session] for session in seen.sessions if session in evidence.attempts]
    return AlertedHost(
        exchange=name,
        port=place.port,
        state=known.shown,
        before=before.state if before is not None else None,
        reasons=known.why,
        since=since,
        until=seen.good_at if is_back else None,
        duration_s=_duration_s(since, seen.good_at) if is_back else None,
        last_good_at=_last_good(known, before),
        told_in_full=in_full,
        attempts=tuple(attempts) if in_full else (),
        lookups=evidence.lookups.get(name, ()) if in_full else (),
        steps=tuple(step.step for step in known.steps) if draft.kind in _OF_ITS_STEPS else (),
    )


def _since_when(kind: AlertKind, known: KnownHost, before: KnownHost | None) -> str | None:
    if kind is AlertKind.could_not_tell:
        return known.blind_since
    if kind is AlertKind.back_online and before is not None:
        return before.outage_since
    if kind is AlertKind.reminder:
        return known.outage_since
    return known.since


def _last_good(known: KnownHost, before: KnownHost | None) -> str | None:
    """A degraded host answers tonight too: it was good when it was up last, as far as that is known."""
    if known.state is not State.degraded:
        return known.last_good_at
    return before.last_good_at if before is not None and before.state is State.up else None


def _duration_s(since: str | None, until: str | None) -> float | None:
    if since is None or until is None:
        return None
    return max((parse_utc(until) - parse_utc(since)).total_seconds(), 0.0)


# Domains --------------------------------------------------------------------------------------------


def _domain(domain: TouchedDomain, draft: Draft, evidence: Evidence) -> AlertedDomain:
    known, route = domain.known, evidence.routes.get(domain.known.name)
    changes: tuple[Change, ...] = next((event.changes for event in draft.domains if event.domain == known.name), ())
    return AlertedDomain(
        domain=known.name,
        state=known.shown,
        before=domain.before if domain.before is not State.unknown else None,
        owners=known.owners,
        metadata=domain.metadata,
        kind=route.kind if route is not None else known.record.mail_route.kind,
        dns_status=route.dns_status if route is not None else known.record.mail_route.dns_status,
        asked_at=route.asked_at if route is not None else None,
        ms=route.ms if route is not None else None,
        mx=route.mx if route is not None else (),
        changes=changes,
        steps=tuple(step.step for step in known.steps) if draft.kind in _OF_ITS_STEPS else (),
    )


def _since(domains: Sequence[TouchedDomain], draft: Draft) -> str | None:
    """Of a cause that is of domains alone, when it was seen first."""
    if draft.kind is AlertKind.could_not_tell:
        return min((domain.known.blind_since for domain in domains if domain.known.blind_since), default=None)
    return None


def _runs(draft: Draft, domains: Sequence[TouchedDomain], evidence: Evidence) -> int:
    if draft.kind is not AlertKind.could_not_tell:
        return 0
    counts = [evidence.after[name].blind_runs for name in draft.hosts]
    return max([*counts, *(domain.known.blind_runs for domain in domains)], default=0)


def _certificate(seen: SeenCertificate | None) -> ExpiringCertificate | None:
    if seen is None:
        return None
    return ExpiringCertificate(
        sha256=seen.sha256, not_after=seen.not_after, days_left=seen.days_left, threshold_days=seen.step_days
    )
