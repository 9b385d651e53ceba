"""Writing sessions: certificates not seen before, the transcript, then the session's line, which commits."""

from hashlib import sha256
from types import TracebackType
from typing import Self

from scanner.passes.certificate_record import certificate_record
from scanner.passes.partitions import partition_of
from scanner.passes.plan import queue_of
from scanner.passes.run_directory import DiskFault, RunDirectory
from scanner.probe.policies import FetchedPolicy
from scanner.probe.session import ProbedSession
from scanner.records import Certificate, Policy, SessionRecord, Transcript


class SessionStore:
    """The parts that the probe pass appends to, open while the block runs."""

    def __init__(self, directory: RunDirectory, partitions: int) -> None:
        numbers = range(partitions)
        self._certificates = [directory.appender(Certificate, number) for number in numbers]
        self._transcripts = [directory.appender(Transcript, number) for number in numbers]
        self._sessions = [directory.appender(SessionRecord, number) for number in numbers]
        self._policies = [directory.appender(Policy, number) for number in numbers]
        # The first 64 bits of the SHA-256 of certificates written.
        self._seen = {int(record.sha256[:16], 16) for record in directory.read(Certificate)}
        self._fault: DiskFault | None = None

    def write(self, probed: ProbedSession) -> None:
        """Writes a session. Raises DiskFault, and then for every other session too.

        What was written before it is whole, and at most one transcript, the last, is without its session:
        that much is repaired. One more session that ends while the pass is being stopped would leave another.
        """
        if self._fault is not None:
            raise self._fault
        try:
            self._write(probed)
        except DiskFault as fault:
            self._fault = fault
            raise

    def write_policy(self, fetched: FetchedPolicy) -> None:
        """Writes the fetch of a policy: its host's certificates, then its line. Raises DiskFault as `write` does."""
        if self._fault is not None:
            raise self._fault
        part = partition_of(queue_of(fetched.record.address), len(self._policies))
        for der in fetched.chain:
            self._write_certificate(der, part)
        self._policies[part].append(fetched.record)

    def _write(self, probed: ProbedSession) -> None:
        part = partition_of(queue_of(probed.record.address), len(self._sessions))
        for der in probed.chain:
            self._write_certificate(der, part)
        self._transcripts[part].append(probed.transcript)
        self._sessions[part].append(probed.record)

    def _write_certificate(self, der: bytes, part: int) -> None:
        key = int.from_bytes(sha256(der).digest()[:8], "big")
        if key not in self._seen:
            self._certificates[part].append(certificate_record(der))
            self._seen.add(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for appender in (*self._certificates, *self._transcripts, *self._sessions, *self._policies):
            appender.close()
