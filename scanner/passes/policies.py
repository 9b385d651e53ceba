"""MTA-STS policies in the probe pass: which are to be fetched, from which address, and that they are written.

A policy host has a line in hosts-*.jsonl only if its domain has a record that promises a policy, so nothing else
need be looked at. A fetch that fails has its second attempt when sessions have theirs, at the next address.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scanner.addresses import parse_address
from scanner.judgement.attempts import needs_second_fetch
from scanner.judgement.lookups import merge_hosts
from scanner.judgement.targets import select_addresses
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import OUTCOMES_OF_OURS, HostPurpose, Variant
from scanner.passes.context import RunContext
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.plan import queue_of, target_of
from scanner.passes.session_store import SessionStore
from scanner.passes.turns import Turns
from scanner.probe.policies import HOST_PREFIX, fetch_policy
from scanner.probe.session import Survey
from scanner.records import Event, Host, Policy, Target


class _Fetches(NamedTuple):
    """What was tried for a policy domain: which attempts count, and whether the first is worth a second."""

    first: bool = False
    second: bool = False
    wants_second: bool = False


class PolicyFetches:
    """Plans and makes the fetches of a run; `common` is what they have in common with sessions."""

    def __init__(self, context: RunContext, common: Survey, pacer: Turns) -> None:
        self._context = context
        self._common = common
        self._pacer = pacer
        self._port = context.settings.probe.policy_port
        self._retry_on = frozenset(context.settings.second_attempt.retry_on)
        self._no_ipv6 = context.run.starts[-1].no_ipv6
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._made: dict[str, _Fetches] = {}
        #: When the last fetch of the run ended; "" if there was none.
        self.last_ended_at = ""

    def make(self, targets: PartsWriter[Target], planned: set[int]) -> None:
        """Plans all fetches; `planned` are the targets that are written already (64 bits of their ids)."""
        self.read_again()
        for host in self._policy_hosts():
            addresses = tuple(self._contactable(host))
            if addresses:
                self._addresses[host.exchange.removeprefix(HOST_PREFIX)] = addresses
            for address in addresses:
                target = target_of(address, self._port, host.exchange)
                if int(target.target, 16) not in planned:
                    planned.add(int(target.target, 16))
                    targets.append(target)

    def read_again(self) -> None:
        """Takes note of all fetches anew: a time in which our own place was cut off took some of them back."""
        self._made.clear()
        windows = VantageWindows.from_events(self._context.directory.read(Event))
        for policy in self._context.directory.read(Policy):
            self._note(policy, counts=policy.outcome not in OUTCOMES_OF_OURS and not windows.holds(policy))

    def queue_due(self) -> int:
        """Queues every policy that was not fetched yet; how many."""
        return sum(self._queue(domain, 1) for domain in self._addresses if not self._state(domain).first)

    def queue_second(self) -> int:
        """Queues every fetch that is to have a second attempt; how many."""
        return sum(self._queue(domain, 2) for domain in self._addresses if self._wants_second(domain))

    def wants_second(self) -> bool:
        """True if a fetch is to have a second attempt."""
        return any(map(self._wants_second, self._addresses))

    async def fetch(self, address: str, policy_host: str, attempt: int, store: SessionStore) -> Policy:
        """Fetches a policy and writes what came of it. Raises DiskFault."""
        domain = policy_host.removeprefix(HOST_PREFIX)
        fetched = await fetch_policy(domain, address, self._port, self._common, attempt)
        store.write_policy(fetched)
        self._note(fetched.record, counts=fetched.record.outcome not in OUTCOMES_OF_OURS)
        return fetched.record

    # What was tried ------------------------------------------------------------------------------------

    def _state(self, domain: str) -> _Fetches:
        return self._made.get(domain, _Fetches())

    def _wants_second(self, domain: str) -> bool:
        state = self._state(domain)
        return state.first and state.wants_second and not state.second

    def _note(self, policy: Policy, *, counts: bool) -> None:
        state = self._state(policy.policy_domain)
        if policy.attempt == 1:
            wants = counts and needs_second_fetch(policy, self._retry_on)
            state = state._replace(first=counts, wants_second=wants)
        else:
            state = state._replace(second=counts)
        self._made[policy.policy_domain] = state
        self.last_ended_at = max(self.last_ended_at, policy.ended_at)

    # Where to ------------------------------------------------------------------------------------------

    def _policy_hosts(self) -> Iterator[Host]:
        for partition in range(self._context.run.partitions):
            merged: dict[str, Host] = {}
            for host in self._context.directory.read(Host, partition):
                if host.purpose is HostPurpose.policy:
                    merged[host.exchange] = merge_hosts(merged.get(host.exchange), host)
            yield from merged.values()

    def _contactable(self, host: Host) -> Iterator[str]:
        for found in select_addresses(host, self._context.settings.dns.max_addresses)[0]:
            is_ipv6 = ":" in found.address and "." not in found.address
            if not (is_ipv6 and self._no_ipv6):
                yield found.address

    def _queue(self, domain: str, attempt: int) -> bool:
        """Queues a fetch; False if its address must not be contacted any more."""
        addresses, policy_host = self._addresses[domain], HOST_PREFIX + domain
        address = addresses[(attempt - 1) % len(addresses)]
        if self._context.policy.flags(parse_address(address), domain):
            return False
        self._pacer.add(address, queue_of(address), policy_host, attempt, Variant.policy)
        return True
