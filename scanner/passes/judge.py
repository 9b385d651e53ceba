"""The third pass: route, hosts and sessions → one record a domain. No network, no clock; it can be done again.

Theory of operation. Every session of the run is reduced, once, to a few facts; hosts and certificates are
kept as they are. Then the domains are judged partition by partition, each holding its own routes only, and
what comes of them in input order is merged into domains.jsonl. So the memory is that of the facts, whatever
the number of domains, and the file is the same however often it is made.
"""

import contextlib
import heapq
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from scanner import __version__
from scanner.judgement.certificates import ChainJudge
from scanner.judgement.domains import RULES, Found, judge_domain, judge_invalid
from scanner.judgement.expectation import parse_expectation
from scanner.judgement.facts import reduce_session
from scanner.judgement.host_addresses import JudgeOptions
from scanner.judgement.lookups import merge_hosts, merge_routes
from scanner.judgement.mail_hosts import FoundHosts
from scanner.judgement.mta_sts import FoundPolicies
from scanner.judgement.policy_fetches import PolicyFetch, choose_fetch, reduce_fetch
from scanner.judgement.run_sessions import RunSessions
from scanner.judgement.vantage_windows import VantageWindows
from scanner.opt_out import OptOut, parse_opt_out
from scanner.outcomes import HostPurpose
from scanner.passes.context import RunContext
from scanner.passes.duplicates import InputIndex
from scanner.passes.opt_out_file import COPY
from scanner.passes.partitions import hash64, partition_of
from scanner.passes.run_directory import IncompleteRunError, encode_record
from scanner.records import (
    Certificate,
    Domain,
    Event,
    Host,
    InputLine,
    JudgeInfo,
    Policy,
    Route,
    SessionRecord,
)
from scanner.report.summary import Summary
from scanner.times import utc_text


class JudgePass:
    """Judges a run as it stands, finished or not."""

    def __init__(self, context: RunContext) -> None:
        self._directory = context.directory
        self._run = context.run
        self._settings = context.settings
        self._clock = context.clock
        self._progress = context.progress
        self._stop = context.stop
        self._summary = Summary()

    def run(self) -> Summary:
        """Writes domains.jsonl and judge.json, each in one piece. Raises RunError, DiskFault, Interrupted."""
        index = self._read_input()
        found = self._find()
        self._progress.begin("judge domains", index.distinct_domains + self._run.input.invalid_lines)
        with contextlib.ExitStack() as parts, self._directory.replacing("domains.jsonl") as file:
            for line in self._encoded(found, index, parts):
                file.write(line)
        judged_at = utc_text(self._clock.now_utc())
        self._directory.write_records("judge.json", [JudgeInfo(rules=RULES, version=__version__, judged_at=judged_at)])
        return self._summary

    def _read_input(self) -> InputIndex:
        """The input as it was read. Raises IncompleteRunError if some of it is missing now."""
        index = InputIndex(self._directory.read(InputLine))
        expected = self._run.input
        if (index.distinct_domains, index.invalid_lines) != (expected.distinct_domains, expected.invalid_lines):
            raise IncompleteRunError(
                f"{self._directory.path}/input.jsonl has {index.distinct_domains} domains, run.json says "
                f"{expected.distinct_domains}: the run is damaged, and its domains.jsonl is left as it is"
            )
        return index

    def _read_roots(self) -> bytes:
        """The trust store of the run. Raises IncompleteRunError if it is another one now."""
        roots = self._directory.read_file("roots.pem")
        if sha256(roots).hexdigest() != self._run.roots_sha256:
            raise IncompleteRunError(
                f"{self._directory.path}/roots.pem is not the trust store that the run was made with: put it back"
            )
        return roots

    def _read_opt_out(self) -> OptOut:
        """Who opted out of the run. Raises IncompleteRunError if the run's copy of the list is no list any more."""
        if not self._directory.has(COPY):
            return OptOut()
        try:
            return parse_opt_out(self._directory.read_file(COPY).decode())
        except ValueError as error:  # OptOutError, UnicodeDecodeError
            raise IncompleteRunError(f"{self._directory.path}/{COPY} is damaged: {error}") from error

    # What was found ------------------------------------------------------------------------------------

    def _find(self) -> Found:
        self._progress.begin("judge sessions", None)
        chains = self._chains()
        lost = VantageWindows.from_events(self._directory.read(Event))
        sessions = self._sessions(chains, lost)
        fetches = self._fetches(chains, lost)
        self._summary.missing_certificates = len(chains.missing)
        hosts: dict[HostPurpose, dict[str, Host]] = {purpose: {} for purpose in HostPurpose}
        for host in self._directory.read(Host):
            known = hosts[host.purpose]
            known[host.exchange] = merge_hosts(known.get(host.exchange), host)
        return Found(
            FoundHosts(hosts[HostPurpose.mail], sessions.of, self._options()),
            parse_expectation(self._settings.judge.expect_mx),
            FoundPolicies(hosts[HostPurpose.policy], fetches),
        )

    def _options(self) -> JudgeOptions:
        starts = self._run.starts
        validates = {start.resolver_validates for start in starts} - {None}
        return JudgeOptions(
            max_addresses=self._settings.dns.max_addresses,
            # What is still open then, the last start could not ask for.
            no_ipv6=any(start.no_ipv6 for start in starts[-1:]),
            opt_out=self._read_opt_out(),
            resolver_validates=True in validates if validates and self._settings.lookups.dane else None,
        )

    def _chains(self) -> ChainJudge:
        """What judges certificates: with those of authorities, which may complete a chain that lacks them."""
        certificates: dict[str, bytes] = {}
        intermediates: dict[str, list[str]] = {}
        for record in self._directory.read(Certificate):
            certificates[record.sha256] = record.der
            if record.is_ca and not record.is_self_issued and record.subject is not None:
                intermediates.setdefault(record.subject, []).append(record.sha256)
        return ChainJudge(self._read_roots(), certificates, intermediates)

    def _fetches(self, chains: ChainJudge, lost: VantageWindows) -> dict[str, PolicyFetch]:
        """What came of asking for the policy of each domain; of an attempt made again the last line counts."""
        attempts: dict[str, dict[int, PolicyFetch]] = {}
        for fetch in self._directory.read(Policy):
            attempts.setdefault(fetch.policy_domain, {})[fetch.attempt] = reduce_fetch(fetch, chains, lost)
        return {domain: choose_fetch(made[number] for number in sorted(made)) for domain, made in attempts.items()}

    def _sessions(self, chains: ChainJudge, lost: VantageWindows) -> RunSessions:
        """The facts of all sessions; of a session made again the last line counts."""
        sessions = RunSessions(chains, self._settings.probe.names_per_address)
        for session in self._directory.read(SessionRecord):
            self._stop.check()
            sessions.add(reduce_session(session, chains, lost))
            self._progress.advance(session.outcome)
        for facts in sessions:
            self._summary.add_session(facts.counted_as)
        return sessions

    # Domains in input order ----------------------------------------------------------------------------

    def _encoded(self, found: Found, index: InputIndex, parts: contextlib.ExitStack) -> Iterator[bytes]:
        """The lines of domains.jsonl in input order."""
        if self._run.partitions == 1:
            return (encode_record(record) for _, record in self._judge_partition(0, found, index))
        files = [
            self._write_partition(parts.enter_context(self._directory.scratch()), number, found, index)
            for number in range(self._run.partitions)
        ]
        numbered = heapq.merge(*(_numbered_lines(file) for file in files), key=lambda line: line[0])
        return (line for _, line in numbered)

    def _write_partition(self, file: BinaryIO, partition: int, found: Found, index: InputIndex) -> BinaryIO:
        records = self._judge_partition(partition, found, index)
        file.writelines(b"%d\t%b" % (number, encode_record(record)) for number, record in records)
        file.seek(0)
        return file

    def _judge_partition(self, partition: int, found: Found, index: InputIndex) -> Iterator[tuple[int, Domain]]:
        """The records of a partition's domains with the number of their first line, in input order."""
        routes: dict[str, Route] = {}
        for route in self._directory.read(Route, partition):
            routes[route.domain] = merge_routes(routes.get(route.domain), route)
        seen: set[int] = set()
        for line in self._directory.read(InputLine):
            if partition_of(line.domain or "", self._run.partitions) != partition:
                continue
            if line.domain is None:
                record = judge_invalid(line, found)
            elif (key := hash64(line.domain)) not in seen:
                seen.add(key)
                record = judge_domain(index.lines_of(line), routes.get(line.domain), found)
            else:
                continue
            self._stop.check()
            self._summary.add(record)
            self._progress.advance(record.mail_route.kind)
            yield line.line, record


def _numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for line in file:
        number, _, record = line.partition(b"\t")
        yield int(number), record
