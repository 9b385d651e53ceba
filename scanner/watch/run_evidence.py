"""What a finished run has to show: attempts by address for all hosts, and everything that was said for a few."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from scanner.judgement.lookups import merge_routes
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outages.alerts import AttemptEvidence, CanaryResult
from scanner.outages.attempt_ends import Attempt, reduce_attempt
from scanner.outages.host_health import HealthRules
from scanner.outcomes import HostPurpose
from scanner.passes.run_directory import RunDirectory
from scanner.records import Certificate, Domain, Event, Host, Route, SessionRecord, Transcript
from scanner.settings import WatchSettings
from scanner.times import parse_utc

_DAY_S = 86400.0


class RunEvidence:
    """The files of a run, read as far as they are asked for. Raises RunError, DiskFault."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._attempts: dict[str, list[Attempt]] = defaultdict(list)
        lost = VantageWindows.from_events(directory.read(Event))
        sessions: dict[str, tuple[str, Attempt | None]] = {}
        sources: set[str] = set()
        for session in directory.read(SessionRecord):  # the last line of a session counts
            sessions[session.session] = (session.address, reduce_attempt(session, lost))
            sources.update(filter(None, (session.source_address,)))
        for address, attempt in sessions.values():
            if attempt is not None:
                self._attempts[address].append(attempt)
        #: The addresses of ours from which the run's sessions came, as far as they know.
        self.source_addresses = tuple(sorted(sources))

    def domains(self) -> Iterator[Domain]:
        """The records of the run's domains, without those of lines that are none."""
        return (record for record in self._directory.read(Domain) if record.domain is not None)

    def attempts_at(self, address: str) -> Sequence[Attempt]:
        """All attempts that count at an address, by the time that they began."""
        return sorted(self._attempts.get(address, ()), key=lambda attempt: (attempt.started_at, attempt.session))

    def health_rules(self, settings: WatchSettings, now: float) -> HealthRules:
        """The rules for this run, with the lifetimes of the certificates that are near their end."""
        near_s = (max(settings.certificate_days, default=0) + 2) * _DAY_S
        lifetimes = {}
        for certificate in self._directory.read(Certificate):
            if certificate.not_before is None or certificate.not_after is None:
                continue
            end_s = parse_utc(certificate.not_after).timestamp()
            if end_s - now < near_s:
                lifetimes[certificate.sha256] = (end_s - parse_utc(certificate.not_before).timestamp()) / _DAY_S
        return HealthRules(settings.pause_s, settings.certificate_days, lifetimes)

    # For alerts ----------------------------------------------------------------------------------------

    def attempts(self, wanted: Collection[str]) -> dict[str, AttemptEvidence]:
        """Sessions with every word that was said."""
        sessions = {each.session: each for each in self._directory.read(SessionRecord) if each.session in wanted}
        said = {each.session: each.lines for each in self._directory.read(Transcript) if each.session in wanted}
        return {
            name: AttemptEvidence(session=session, transcript=said.get(name, ())) for name, session in sessions.items()
        }

    def lookups(self, wanted: Collection[str]) -> dict[str, tuple[Host, ...]]:
        """The answers for the addresses of mail hosts, in the order asked."""
        found: dict[str, dict[int, Host]] = defaultdict(dict)
        for host in self._directory.read(Host):
            if host.purpose is HostPurpose.mail and host.exchange in wanted:
                found[host.exchange][host.attempt] = host
        return {exchange: tuple(asked[number] for number in sorted(asked)) for exchange, asked in found.items()}

    def routes(self, wanted: Collection[str]) -> dict[str, Route]:
        """The mail routes that counted."""
        found: dict[str, Route] = {}
        for route in self._directory.read(Route):
            if route.domain in wanted:
                found[route.domain] = merge_routes(found.get(route.domain), route)
        return found

    def canaries(self) -> tuple[CanaryResult, ...]:
        """What came of asking servers that should be up."""
        return tuple(
            CanaryResult(
                at=event.at,
                address=str(event.detail.get("address")),
                came_up=event.detail.get("came_up") is True,
                said=f"{event.detail.get('outcome')} at {event.detail.get('stage')}",
            )
            for event in self._directory.read(Event)
            if event.event == "canary"
        )
