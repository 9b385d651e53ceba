"""A run in numbers: routes, sessions, verdicts, policies, deliveries and findings, counted while it is judged."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scanner.outcomes import DnsStatus, NotKnown, Outcome, PolicyValue, RouteKind, Severity, VerdictValue
from scanner.policy.senders import Delivery
from scanner.records import Domain, MailRoute, Verdicts

#: Reasons of an unknown that go when the run is resumed.
_NOT_FINISHED = frozenset({NotKnown.not_yet_probed, NotKnown.vantage})

VERDICTS = (
    "reachable",
    "smtp",
    "starttls",
    "certificate_trusted",
    "certificate_name",
    "certificate_domain_name",
    "expected_mx",
)
POLICIES = ("dane", "mta_sts", "tls_rpt")
SENDERS = ("opportunistic", "dane", "mta_sts")


def _counters(names: Iterable[str]) -> dict[str, Counter[str]]:
    return {name: Counter() for name in names}


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
    verdicts: dict[str, Counter[str]] = field(default_factory=lambda: _counters(VERDICTS))
    policies: dict[str, Counter[str]] = field(default_factory=lambda: _counters(POLICIES))
    deliveries: dict[str, Counter[str]] = field(default_factory=lambda: _counters(SENDERS))
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
        if record.mail_route.kind is not RouteKind.invalid_name:
            self._add_verdicts(record.verdicts)
        self.not_finished += is_not_finished(record.verdicts)
        kinds = [(found.severity.value, found.kind.value) for found in record.findings]
        self.findings.update(kinds)
        self.domains_with_finding.update(set(kinds))

    def _add_verdicts(self, verdicts: Verdicts) -> None:
        for counters in (self.verdicts, self.policies):
            for name, counter in counters.items():
                verdict = getattr(verdicts, name)
                if verdict is not None:
                    counter[verdict.value] += 1
        if verdicts.delivery is not None:
            for name, counter in self.deliveries.items():
                counter[getattr(verdicts.delivery, name).value] += 1

    def verdict_rows(self) -> Iterator[tuple[str, list[int]]]:
        """For each verdict that was asked for: its name and how many domains have each value, in order."""
        return _rows(self.verdicts, VerdictValue)

    def policy_rows(self) -> Iterator[tuple[str, list[int]]]:
        """The same for each policy that was looked for."""
        return _rows(self.policies, PolicyValue)

    def delivery_rows(self) -> Iterator[tuple[str, list[int]]]:
        """For each kind of sender: what becomes of its messages, for how many domains."""
        return _rows(self.deliveries, Delivery)

    def finding_rows(self) -> list[tuple[str, str, int, int]]:
        """Severity, kind, number of findings and of domains with one: errors first, frequent ones first."""
        order = list(Severity)
        keys = sorted(
            self.findings,
            key=lambda key: (order.index(Severity(key[0])), -self.domains_with_finding[key], key[1]),
        )
        return [(*key, self.findings[key], self.domains_with_finding[key]) for key in keys]


def _rows(counters: Mapping[str, Counter[str]], values: Iterable[str]) -> Iterator[tuple[str, list[int]]]:
    in_order = list(values)
    return ((name, [counter[value] for value in in_order]) for name, counter in counters.items() if counter)


def is_not_finished(verdicts: Verdicts) -> bool:
    """True if the run has still to find out something about the domain."""
    sts = verdicts.mta_sts.reasons if verdicts.mta_sts is not None else ()
    return not (_NOT_FINISHED.isdisjoint(verdicts.reachable.reasons) and _NOT_FINISHED.isdisjoint(sts))


def _counted_as(route: MailRoute) -> str:
    """The kind of a route; where we are the reason that it is not known, that, and not a failure of theirs."""
    is_about_us = route.kind is RouteKind.dns_failure and route.dns_status in _ABOUT_US
    return route.dns_status if is_about_us else route.kind


_ABOUT_US = frozenset({DnsStatus.local_fault, DnsStatus.not_asked})
