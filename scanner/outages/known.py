"""What is known of a portfolio from one run to the next: its mail hosts, its domains, and the threads of alerts."""

from dataclasses import dataclass

from scanner.outages.alerts import AlertId, AlertKind, State, StateStep
from scanner.outages.host_health import Trouble
from scanner.records import Count, Domain, Record, Sha256, Time, Words

#: Nothing could be found out: what was known before stays.
COULD_NOT_TELL = frozenset({State.unknown, State.blocked_us})


class RunStep(Record, frozen=True, kw_only=True):
    """A change that the run of this number found."""

    run: Count
    step: StateStep


class ToldCertificate(Record, frozen=True, kw_only=True):
    """A certificate near its end, and the smallest threshold (days) that was told of it."""

    sha256: Sha256
    step_days: Count


class Known(Record, frozen=True, kw_only=True):
    """What is known of a mail host or a domain.

    `state` is the last that could be told (unknown: none yet), since when, and why; `observed` what the last run
    found, which `why` explains. `blind_runs` counts the runs in a row that could not tell, since `blind_since`.
    `steps` are the changes of the last runs, `unsteady` the thread of its `unstable` alert while that holds,
    `quiet_since` the run that ended it: changes before that count for nothing any more.
    """

    name: str
    state: State = State.unknown
    observed: State = State.unknown
    since: Time | None = None
    why: tuple[Words, ...] = ()
    blind_runs: Count = 0
    blind_since: Time | None = None
    steps: tuple[RunStep, ...] = ()
    unsteady: AlertId | None = None
    quiet_since: Count = 0

    @property
    def shown(self) -> State:
        """The state to count it by: that the last run could not tell is shown as what it is."""
        return self.observed if self.observed in COULD_NOT_TELL else self.state


class KnownHost(Known, frozen=True, kw_only=True):
    """A mail host. `outage` is the thread that told of its outage, which began at `outage_since`.

    `had_starttls` stays true while STARTTLS is missed; `networks_up` are those in which it was reached last.
    """

    pace_group: str
    troubles: tuple[Trouble, ...] = ()
    last_good_at: Time | None = None
    had_starttls: bool = False
    certificates: tuple[ToldCertificate, ...] = ()
    networks_up: tuple[str, ...] = ()
    outage: AlertId | None = None
    outage_since: Time | None = None


class KnownDomain(Known, frozen=True, kw_only=True):
    """A domain, and the last that was known of each part of its record: what the next run is compared with."""

    owners: tuple[str, ...] = ()
    record: Domain


class Thread(Record, frozen=True, kw_only=True):
    """The alerts of one cause: the last one's number, when it was made and in which run.

    `runs` are the directories of the runs that the first and the last of them tell of.
    """

    alert: AlertId
    kind: AlertKind
    opened_at: Time
    sequence: Count
    told_at: Time
    told_run: Count
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run that is judged: its number among all runs of this portfolio, its id, its directory's name, and now."""

    number: int
    run: str
    directory: str
    at: str


@dataclass(frozen=True, slots=True)
class WatchRules:
    """When something is told: settings `[watch]`, of which each has the name."""

    unknown_runs: int
    unstable_changes: int
    unstable_runs: int
    remind_s: float
    digest_s: float
    gate_share: float
    gate_networks: int
    gate_groups: int
