"""The plan of a run on disk and in the pacer: which targets there are, and which still wait for a session."""

from collections.abc import Callable, Iterable, Iterator

from scanner.addresses import parse_address
from scanner.judgement.claims import came_up
from scanner.judgement.lookups import merge_hosts
from scanner.judgement.targets import server_name_of
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import OUTCOMES_OF_OURS, HostPurpose
from scanner.passes.attempt_book import SECOND_ATTEMPT, Attempt, AttemptBook
from scanner.passes.context import RunContext
from scanner.passes.partitions import hash64
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.plan import plan_targets, queue_of
from scanner.passes.shared_addresses import SharedAddresses
from scanner.passes.turns import Turns
from scanner.records import Certificate, Event, Host, SessionRecord, Target
from scanner.times import parse_utc

#: An attempt that a target is to be queued for; None if there is none.
AttemptOf = Callable[[Target], Attempt | None]


class TargetPlan:
    """Plans the targets of all mail hosts, writes what is new, and queues what is to be done.

    `planned` has 64 bits of the id of each; `asked_at` says when a mail host's addresses were asked for (seconds
    since the epoch); `faulted` are the targets whose session was a fault of ours in an earlier start;
    `last_ended_at` is when the last session of an earlier start ended, "" if there was none, and `was_heard`
    whether a connection came up in one.
    """

    def __init__(self, context: RunContext, pacer: Turns, shared: SharedAddresses) -> None:
        self._directory = context.directory
        self._settings = context.settings
        self._partitions = context.run.partitions
        self._no_ipv6 = context.run.starts[-1].no_ipv6
        self._policy = context.policy
        self._pacer = pacer
        self._shared = shared
        self.planned: set[int] = set()
        self.book = AttemptBook(frozenset(context.settings.second_attempt.retry_on))
        self.asked_at: dict[str, float] = {}
        #: Mail hosts that are asked for by another name (SNI), by that name.
        self.exchanges: dict[str, str] = {}
        self.faulted: set[int] = set()
        self.last_ended_at = ""
        self.was_heard = False

    @property
    def size(self) -> int:
        """How many distinct targets the run has."""
        return len(self.planned)

    def make(self) -> None:
        """Plans everything, and takes note of the sessions of earlier starts. Raises DiskFault."""
        self.planned = {int(target.target, 16) for target in self._directory.read(Target)}
        windows = self._read_sessions()
        waiting = self._enlist_all()
        if self.last_ended_at:
            self._share_what_is_known(waiting, windows)

    def read_again(self) -> None:
        """Takes note of all sessions anew: a time in which our own place was cut off took some of them back."""
        windows = self._read_sessions()
        self._shared.forget()
        due = {hash64(target.address) for target in self._targets() if self.book.due(int(target.target, 16))}
        self._share_what_is_known(due, windows)

    def queue_due(self) -> int:
        """Queues every target whose next attempt does not wait for the pause; how many."""
        return self._queue_all(lambda target: self.book.due(int(target.target, 16)))

    def queue_second(self) -> int:
        """Queues every target that is to have a second attempt; how many."""
        book = self.book
        return self._queue_all(lambda target: SECOND_ATTEMPT if book.wants_second(int(target.target, 16)) else None)

    def queue_one(self, target: Target) -> bool:
        """Queues a target of the plan if it is due; False if it had its session, or is none of the plan."""
        key = int(target.target, 16)
        attempt = self.book.due(key) if key in self.planned else None
        self._queue(target, attempt)
        return attempt is not None

    def wants_second(self) -> bool:
        """True if a target is to have a second attempt."""
        return any(self.book.wants_second(key) for key in self.planned)

    def add(self, host: Host, writer: PartsWriter[Target]) -> None:
        """Plans and queues the targets that a host has now and had not before."""
        self._note(host)
        for target in self.targets_of(host):
            if self._enlist(target, writer):
                self._queue(target, self.book.due(int(target.target, 16)))

    def reachable_targets_of(self, host: Host) -> Iterator[Target]:
        """The targets of a mail host that can be talked to from here."""
        return (target for target in self.targets_of(host) if not self._lacks_family(target))

    def targets_of(self, host: Host) -> Iterator[Target]:
        """The targets of a mail host."""
        return plan_targets(host, self._settings.probe.port, self._settings.dns.max_addresses)

    def writer(self) -> PartsWriter[Target]:
        """The parts of targets, to be opened."""
        return PartsWriter(self._directory, Target, self._partitions, lambda target: target.queue)

    # Planning ------------------------------------------------------------------------------------------

    def _read_sessions(self) -> VantageWindows:
        """Notes every session of the run; the times in which our own place was cut off."""
        windows = VantageWindows.from_events(self._directory.read(Event))
        for session in self._directory.read(SessionRecord):
            is_ours = session.outcome in OUTCOMES_OF_OURS
            self.book.take(session, counts=not is_ours and not windows.holds(session))
            self.last_ended_at = max(self.last_ended_at, session.ended_at)
            self.was_heard |= came_up(session)
            if is_ours:
                self.faulted.add(int(session.target, 16))
        return windows

    def _enlist_all(self) -> set[int]:
        """Writes every target that is new; hashes of the addresses at which a target waits."""
        waiting = set()
        with self.writer() as writer:
            for target in self._targets():
                self._enlist(target, writer)
                if self.book.due(int(target.target, 16)):
                    waiting.add(hash64(target.address))
        return waiting

    def _enlist(self, target: Target, writer: PartsWriter[Target]) -> bool:
        """Writes a target unless the plan has it already; True if it is new."""
        key = int(target.target, 16)
        if key in self.planned:
            return False
        self.planned.add(key)
        writer.append(target)
        return True

    def _share_what_is_known(self, waiting: set[int], windows: VantageWindows) -> None:
        """What earlier starts saw at addresses where names wait: it may speak for them."""

        def sessions() -> Iterator[SessionRecord]:
            for session in self._directory.read(SessionRecord):
                if hash64(session.address) in waiting and not windows.holds(session):
                    yield session

        served = {fingerprint for session in sessions() for fingerprint in _chain_of(session)}
        read = self._directory.read(Certificate)
        certificates = {record.sha256: record.der for record in read if record.sha256 in served}
        for session in sessions():
            known = [certificates[fingerprint] for fingerprint in _chain_of(session) if fingerprint in certificates]
            self._shared.take(session, known)

    def _targets(self) -> Iterator[Target]:
        for host in self._hosts():
            yield from self.targets_of(host)

    def _hosts(self) -> Iterator[Host]:
        """Every mail host once, as its lookups together say."""
        for partition in range(self._partitions):
            for host in _merged(self._directory.read(Host, partition)):
                self._note(host)
                yield host

    def _note(self, host: Host) -> None:
        times = [lookup.asked_at for lookup in (host.a, host.aaaa) if lookup.asked_at is not None]
        server_name = server_name_of(host)
        if times:
            self.asked_at[server_name] = parse_utc(max(times)).timestamp()
        if server_name != host.exchange:
            self.exchanges[server_name] = host.exchange

    # Queueing ------------------------------------------------------------------------------------------

    def _queue_all(self, attempt_of: AttemptOf) -> int:
        before = self._pacer.waiting
        for target in self._targets():
            self._queue(target, attempt_of(target))
        return self._pacer.waiting - before

    def _queue(self, target: Target, attempt: Attempt | None) -> None:
        if attempt is None or self._lacks_family(target):
            return
        if attempt != SECOND_ATTEMPT and self._shared.speaks_for(target.address, target.server_name):
            return
        if self._policy.flags(parse_address(target.address), target.server_name):  # opted out since it was looked up
            return
        self._pacer.add(target.address, queue_of(target.address), target.server_name, *attempt)

    def _lacks_family(self, target: Target) -> bool:
        # Without IPv6 here, an address of it is unknown, not unreachable. A mapped one is dialled as IPv4.
        return self._no_ipv6 and ":" in target.address and "." not in target.address


def _chain_of(session: SessionRecord) -> tuple[str, ...]:
    return session.tls.chain if session.tls is not None else ()


def _merged(hosts: Iterable[Host]) -> Iterator[Host]:
    """Each mail host once."""
    merged: dict[str, Host] = {}
    for host in hosts:
        if host.purpose is HostPurpose.mail:
            merged[host.exchange] = merge_hosts(merged.get(host.exchange), host)
    return iter(merged.values())
