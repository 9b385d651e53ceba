"""A run in numbers: routes, sessions, verdicts and findings, counted while it is judged."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.outcomes import DnsStatus, NotKnown, Outcome, RouteKind, Severity, VerdictValue
from scanner.records import Domain, MailRoute

#: Reasons of an unknown that go when the run is resumed.
_NOT_FINISHED = frozenset({NotKnown.not_yet_probed, NotKnown.vantage})

VERDICTS = ("reachable", "smtp", "starttls", "certificate_trusted", "certificate_name", "expected_mx")


@dataclass(slots=True)
class Summary:
    """Counts over the records of a run."""

    domains: int = 0
    invalid_lines: int = 0
    not_finished: int = 0
    missing_certificates: int = 0
    sessions: int = 0
    routes: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in VERDICTS})
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    domains_with_finding: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """False if something that a record needs is not there, or not yet."""
        return not (self.not_finished or self.missing_certificates)

    def add_session(self, counted_as: Outcome | NotKnown) -> None:
        """Counts a session; one that was made again counts once, as it ended last."""
        self.sessions += 1
        self.outcomes[counted_as] += 1

    def add(self, record: Domain) -> None:
        """Counts a domain or an invalid line."""
        if record.domain is None:
            self.invalid_lines += 1
        else:
            self.domains += 1
        self.routes[_counted_as(record.mail_route)] += 1
        for name, counter in self.verdicts.items():
            verdict = getattr(record.verdicts, name)
            if verdict is not None and record.mail_route.kind is not RouteKind.invalid_name:
                counter[verdict.value] += 1
        self.not_finished += not _NOT_FINISHED.isdisjoint(record.verdicts.reachable.reasons)
        kinds = [(found.severity.value, found.kind.value) for found in record.findings]
        self.findings.update(kinds)
        self.domains_with_finding.update(set(kinds))

    def verdict_rows(self) -> Iterator[tuple[str, list[int]]]:
        """For each verdict that was asked for: its name and how many domains have each value, in order."""
        for name, counter in self.verdicts.items():
            if counter:
                yield name, [counter[value] for value in VerdictValue]

    def finding_rows(self) -> list[tuple[str, str, int, int]]:
        """Severity, kind, number of findings and of domains with one: errors first, frequent ones first."""
        order = list(Severity)
        keys = sorted(
            self.findings,
            key=lambda key: (order.index(Severity(key[0])), -self.domains_with_finding[key], key[1]),
        )
        return [(*key, self.findings[key], self.domains_with_finding[key]) for key in keys]


def _counted_as(route: MailRoute) -> str:
    """The kind of a route; where we are the reason that it is not known, that, and not a failure of theirs."""
    is_about_us = route.kind is RouteKind.dns_failure and route.dns_status in _ABOUT_US
    return route.dns_status if is_about_us else route.kind


_ABOUT_US = frozenset({DnsStatus.local_fault, DnsStatus.not_asked})
