"""The plan of a run on disk and in the pacer: which targets there are, and which still wait for a session."""

from collections.abc import Iterator

from scanner.outcomes import OUTCOMES_OF_OURS
from scanner.passes.context import RunContext
from scanner.passes.pace import Pacer
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.plan import plan_targets
from scanner.records import Host, SessionRecord, Target
from scanner.times import parse_utc


class TargetPlan:
    """Plans the targets of all mail hosts, writes what is new, and queues what has no session yet.

    `asked_at` says when a mail host's addresses were asked for (seconds since the epoch); `faulted` are the
    targets (64 bits of their ids) whose session was a fault of ours in an earlier start, `has_results` whether
    another was held then.
    """

    def __init__(self, context: RunContext, pacer: Pacer) -> None:
        self._directory = context.directory
        self._settings = context.settings
        self._partitions = context.run.partitions
        self._no_ipv6 = context.run.starts[-1].no_ipv6
        self._pacer = pacer
        self._planned: set[int] = set()
        self.asked_at: dict[str, float] = {}
        self.faulted: set[int] = set()
        self.has_results = False

    def make(self) -> None:
        """Plans everything. Raises DiskFault."""
        self._planned = {int(target.target, 16) for target in self._directory.read(Target)}
        finished: set[int] = set()
        for session in self._directory.read(SessionRecord):
            is_ours = session.outcome in OUTCOMES_OF_OURS
            (self.faulted if is_ours else finished).add(int(session.target, 16))
        self.has_results = bool(finished)
        with self.writer() as writer:
            for host in self._hosts():
                for target in self.targets_of(host):
                    self._enlist(target, writer)
                    if int(target.target, 16) not in finished:
                        self._queue(target)

    def add(self, host: Host, writer: PartsWriter[Target]) -> None:
        """Plans and queues the targets that a host has now and had not before."""
        self._note(host)
        for target in self.targets_of(host):
            if self._enlist(target, writer):
                self._queue(target)

    def targets_of(self, host: Host) -> Iterator[Target]:
        """The targets of a mail host."""
        return plan_targets(host, self._settings.probe.port, self._settings.dns.max_addresses)

    def writer(self) -> PartsWriter[Target]:
        """The parts of targets, to be opened."""
        return PartsWriter(self._directory, Target, self._partitions, lambda target: target.queue)

    def _hosts(self) -> Iterator[Host]:
        """Every mail host once, as it was found last."""
        for partition in range(self._partitions):
            last = {host.exchange: host for host in self._directory.read(Host, partition)}
            for host in last.values():
                self._note(host)
                yield host

    def _note(self, host: Host) -> None:
        if host.a.asked_at is not None:
            self.asked_at[host.exchange] = parse_utc(host.a.asked_at).timestamp()

    def _enlist(self, target: Target, writer: PartsWriter[Target]) -> bool:
        """Writes a target unless the plan has it already; True if it is new."""
        key = int(target.target, 16)
        if key in self._planned:
            return False
        self._planned.add(key)
        writer.append(target)
        return True

    def _queue(self, target: Target) -> None:
        # Without IPv6 here, an address of it is unknown, not unreachable. A mapped one is dialled as IPv4.
        if self._no_ipv6 and ":" in target.address and "." not in target.address:
            return
        self._pacer.add(target.address, target.queue, target.server_name)
