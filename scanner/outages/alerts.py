"""What an alert says: everything that its mail tells and proves, as data. The texts are in report/alert_text.py.

An alert belongs to a thread, which is one cause from its first mail to its last: `alert` names the thread, and
`sequence` counts its alerts. It is complete in itself: whoever has it needs neither the run nor the state.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from scanner.outcomes import DnsStatus, RouteKind
from scanner.records import (
    Change,
    Count,
    Host,
    Metadata,
    Milliseconds,
    Mx,
    Port,
    Record,
    SessionRecord,
    Sha256,
    Time,
    TranscriptLine,
    Words,
)

AlertId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[1-9][0-9]*$")]


class State(StrEnum):
    """How a mail host or a domain is. It is no verdict: `down` says how our two attempts went."""

    up = "up"
    degraded = "degraded"
    down = "down"
    blocked_us = "blocked_us"
    unknown = "unknown"
    no_mail = "no_mail"


class AlertKind(StrEnum):
    """What an alert is about, and where in its thread it stands."""

    #: Hosts that were not up when they were looked at for the first time: one alert for all of a run.
    first_look = "first_look"
    down = "down"
    #: The cause of a `first_look` or `down` still holds; `hosts` are those that are still down.
    reminder = "reminder"
    #: Hosts of a `first_look` or `down` are up again, all or some of them (`still_down` has the others).
    back_online = "back_online"
    degraded = "degraded"
    dns_changed = "dns_changed"
    starttls_lost = "starttls_lost"
    certificate_expires = "certificate_expires"
    dane_broken = "dane_broken"
    mta_sts_broken = "mta_sts_broken"
    #: Nothing could be found out for several runs, or we are blocked: what was known before is still assumed.
    could_not_tell = "could_not_tell"
    #: Too many changes: from now on only the digest tells of them, until there is quiet.
    unstable = "unstable"
    digest = "digest"
    stable = "stable"
    #: The gate: this place, or a large network, has a problem; nothing is said about anybody.
    monitor_trouble = "monitor_trouble"


class AttemptEvidence(Record, frozen=True, kw_only=True):
    """One attempt: when, from where, how far, which limit, what was said (all in `session`), and every line of it."""

    session: SessionRecord
    transcript: tuple[TranscriptLine, ...]


class StateStep(Record, frozen=True, kw_only=True):
    """Another state, as one run found it; `why` in words."""

    at: Time
    state: State
    why: Words


class AlertedHost(Record, frozen=True, kw_only=True):
    """A mail host as it is now and was before (`before` null: it was not known).

    `since` is the begin of the first failing attempt of the first run that found it so, for a host that is up
    again of the last outage; `until` and `duration_s` are of a host that is up again. `lookups` are the DNS
    answers used, one for each time that the host was asked for. `attempts` has every attempt that counts at
    each of its addresses, in order; it is empty where `told_in_full` is false, beyond the limit of one alert.
    """

    exchange: Words
    port: Port
    state: State
    before: State | None
    reasons: tuple[Words, ...] = ()
    since: Time | None = None
    until: Time | None = None
    duration_s: Annotated[float, Meta(ge=0)] | None = None
    last_good_at: Time | None = None
    told_in_full: bool = True
    attempts: tuple[AttemptEvidence, ...] = ()
    lookups: tuple[Host, ...] = ()
    steps: tuple[StateStep, ...] = ()


class AlertedDomain(Record, frozen=True, kw_only=True):
    """A domain that a cause touches, whose it is, and the answer to the question for its MX that was used.

    `changes` are those of the domain itself that the alert is about: of another MX set, or a policy that broke.
    """

    domain: str
    state: State
    before: State | None
    owners: tuple[str, ...] = ()
    metadata: Metadata
    kind: RouteKind
    dns_status: DnsStatus
    asked_at: Time | None = None
    ms: Milliseconds | None = None
    mx: tuple[Mx, ...] = ()
    changes: tuple[Change, ...] = ()
    steps: tuple[StateStep, ...] = ()


class ExpiringCertificate(Record, frozen=True, kw_only=True):
    """The certificate that runs out; `threshold_days` is the one of the settings that was passed."""

    sha256: Sha256
    not_after: Time
    days_left: int
    threshold_days: Count


class CanaryResult(Record, frozen=True, kw_only=True):
    """A mail server that should be up, asked because hardly anybody answered."""

    at: Time
    address: str
    came_up: bool
    said: Words


class GateReport(Record, frozen=True, kw_only=True):
    """Why nothing of a run is believed: how many networks and pace groups failed at once of those that were up.

    `fault` is what the scan itself said when it gave up (canaries that do not answer); the counts are 0 then.
    """

    networks_failed: Count = 0
    networks_up_before: Count = 0
    pace_groups_failed: Count = 0
    examples: tuple[Words, ...] = ()
    canaries: tuple[CanaryResult, ...] = ()
    fault: Words | None = None


class Alert(Record, frozen=True, kw_only=True):
    """One message about one cause; `cause` names it in a few words, e.g. "mx1.example.org".

    `at` is when it was made, `since` when the cause began as far as we know. `source_addresses` are those from which
    the run's sessions came (one that never connected does not know its own), `ehlo_name` is what we call ourselves.
    `domains` lists every domain touched; `domains_total` is their number, after the list was cut down for one owner
    that of his.
    """

    alert: AlertId
    sequence: Annotated[int, Meta(ge=1)]
    kind: AlertKind
    at: Time
    run: str
    run_directory: str
    ehlo_name: str
    source_addresses: tuple[str, ...] = ()
    cause: Words
    since: Time | None = None
    reasons: tuple[Words, ...] = ()
    hosts: tuple[AlertedHost, ...] = ()
    still_down: tuple[Words, ...] = ()
    domains: tuple[AlertedDomain, ...] = ()
    domains_total: Count = 0
    certificate: ExpiringCertificate | None = None
    gate: GateReport | None = None
    #: Runs in a row that could not tell.
    runs: Count = 0
