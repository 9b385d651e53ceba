"""Two runs in numbers: whose domains they are, what changed for how many, and by whose servers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scanner.changes.changes import importance, is_consequence
from scanner.outcomes import ChangeKind, Effect
from scanner.records import Change, Count, Domain, Record, SharedChange, Time
from scanner.report.summary import is_not_finished

#: What changed: the kind of a change, and the verdict or the finding where it takes one to say what.
What = tuple[ChangeKind, str | None]


class Side(Record, frozen=True, kw_only=True):
    """One of the two runs. `not_finished` domains have something left that the run did not come to."""

    directory: str
    run: str
    began_at: Time
    rules: Count
    domains: Count
    invalid_lines: Count
    not_finished: Count
    is_complete: bool


class KindCount(Record, frozen=True, kw_only=True):
    """For how many domains something changed in one way."""

    kind: ChangeKind
    name: str | None
    effect: Effect
    domains: Count


class DifferenceCounts(Record, frozen=True, kw_only=True):
    """The whole in numbers, all of them of domains; one with changes of several effects counts for each.

    Verdicts that only began or ceased to apply are not counted: what they depend on is.
    """

    in_both: Count
    added: Count
    gone: Count
    changed: Count
    effects: dict[Effect, Count]
    kinds: tuple[KindCount, ...]


@dataclass(slots=True)
class Differences:
    """Counts over the domains of two runs."""

    added: int = 0
    gone: int = 0
    in_both: int = 0
    changed: int = 0
    not_finished: list[int] = field(default_factory=lambda: [0, 0])
    effects: Counter[Effect] = field(default_factory=Counter)
    kinds: Counter[tuple[What, Effect]] = field(default_factory=Counter)

    @property
    def is_worse(self) -> bool:
        """True if any domain is worse off."""
        return self.effects[Effect.worse] > 0

    def add(self, before: Domain | None, after: Domain | None, changes: Iterable[Change]) -> None:
        """Counts a domain, which has these changes; None where a run does not have it."""
        for side, record in enumerate((before, after)):
            if record is not None:
                self.not_finished[side] += is_not_finished(record.verdicts)
        self.added += before is None
        self.gone += after is None
        kinds = {((one.kind, one.name), one.effect) for one in changes if not is_consequence(one)}
        if before is not None and after is not None:
            self.in_both += 1
            self.changed += bool(kinds)
        if kinds:
            self.kinds.update(kinds)
            self.effects.update({effect for _, effect in kinds})

    def rows(self) -> list[tuple[What, list[int]]]:
        """For each thing that changed, for how many domains it did so, by effect; the most important first."""
        whats = {what for what, _ in self.kinds}
        rows = [(what, [self.kinds[what, effect] for effect in Effect]) for what in whats]
        order = {kind: place for place, kind in enumerate(ChangeKind)}
        return sorted(rows, key=lambda row: ([-count for count in row[1]], order[row[0][0]], row[0][1] or ""))

    def counts(self) -> DifferenceCounts:
        """The same as a record."""
        kinds = [
            KindCount(kind=kind, name=name, effect=effect, domains=domains)
            for (kind, name), domains_by_effect in self.rows()
            for effect, domains in zip(Effect, domains_by_effect, strict=True)
            if domains
        ]
        return DifferenceCounts(
            in_both=self.in_both,
            added=self.added,
            gone=self.gone,
            changed=self.changed,
            effects={effect: self.effects[effect] for effect in Effect},
            kinds=tuple(kinds),
        )


# By whose servers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change and its domains: how many, and the first few; `with_it` is what else changed for just these.

    With each stands the evidence of the first domain.
    """

    shared: SharedChange
    evidence: str
    domains: int
    first: tuple[str, ...]
    with_it: tuple[tuple[SharedChange, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HostGroup:
    """What changed at a mail host, or at all of some domains; `more` changes are not among the lines."""

    hosts: tuple[str, ...]
    lines: tuple[ChangeLine, ...]
    more: int


@dataclass(frozen=True, slots=True)
class ProviderGroup:
    """What changed at the mail hosts of one provider (None: at none); for `more_hosts` there is no group."""

    provider: str | None
    domains: int
    hosts: tuple[HostGroup, ...]
    more_hosts: int


@dataclass(frozen=True, slots=True)
class Groups:
    """Providers in order of importance; `more` are left out."""

    providers: tuple[ProviderGroup, ...]
    more: int


def shared_of(change: Change, provider: str | None) -> SharedChange:
    """What the change shares with those of other domains."""
    return SharedChange(
        effect=change.effect,
        severity=change.severity,
        kind=change.kind,
        name=change.name,
        provider=provider,
        hosts=change.hosts,
        subject=change.subject,
        before=change.before,
        after=change.after,
    )


def rank_of(change: Change) -> int:
    """Its importance as a number the lower, the more important: by effect, then by severity."""
    effect, severity, _ = importance(change)
    return effect * 10 + severity
