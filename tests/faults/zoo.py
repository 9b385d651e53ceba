"""A scan of the embedded world, and what it says about one of its domains, in words that a table can hold."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from scanner.records import Domain, JudgedAddress, SessionRecord, Transcript
from tests.faults.invariant import offences_of, records_of


class Zoo:
    """A finished run over the embedded world. Domains are asked for as the world writes them."""

    def __init__(self, run: Path) -> None:
        self.run = run

    @cached_property
    def offences(self) -> list[str]:
        """Where the run breaks the invariant: nowhere."""
        return list(offences_of(self.run))

    def record(self, domain: str) -> Domain:
        return self._domains[domain]

    def ends(self, domain: str) -> str:
        """How it ended at each address: `STAGE OUTCOME [LIMIT]`, or `- REASON` where nobody went."""
        return ", ".join(map(_end, self._addresses(domain)))

    def sessions(self, domain: str) -> list[SessionRecord]:
        """All sessions with the addresses of a domain, as it lists them."""
        return [self._sessions[name] for address in self._addresses(domain) for name in address.sessions]

    def transcript(self, session: SessionRecord) -> Transcript:
        return self._transcripts[session.session]

    def told(self, domain: str) -> set[str]:
        """Everything that is said about a domain beside its verdicts: findings, flags, causes, versions of TLS."""
        record = self.record(domain)
        return {
            *record.mail_route.flags,
            *(flag for host in record.mail_hosts for flag in host.flags),
            *(flag for address in self._addresses(domain) for flag in address.flags),
            *(finding.kind for finding in record.findings),
            *(word for session in self.sessions(domain) for word in _words(session)),
        }

    def _addresses(self, domain: str) -> list[JudgedAddress]:
        return [address for host in self.record(domain).mail_hosts for address in host.addresses]

    @cached_property
    def _domains(self) -> dict[str, Domain]:
        return {record.input: record for record in records_of(self.run, Domain)}

    @cached_property
    def _sessions(self) -> dict[str, SessionRecord]:
        return {session.session: session for session in records_of(self.run, SessionRecord)}

    @cached_property
    def _transcripts(self) -> dict[str, Transcript]:
        return {transcript.session: transcript for transcript in records_of(self.run, Transcript)}


def _end(address: JudgedAddress) -> str:
    if address.stage is None:
        return f"- {address.reason}"
    return " ".join(filter(None, (address.stage, address.outcome, address.limit)))


def _words(session: SessionRecord) -> Iterator[str]:
    yield from session.flags
    yield session.variant
    if session.cause is not None:
        yield session.cause
        yield "about us" if session.about_us else "not about us"
    if session.tls is not None and session.tls.version is not None:
        yield session.tls.version
