"""Whether it was us: in a night in which no connection came up, servers that should be up are asked.

A scan suspects itself once five networks in a row are silent. A portfolio may have fewer, and `down` says that our
attempts failed while the canaries were well.
"""

import asyncio

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.judgement.claims import came_up
from scanner.net.own_addresses import own_addresses
from scanner.net.resolver import AiodnsResolver
from scanner.outcomes import OUTCOMES_OF_OURS, Outcome
from scanner.passes.events import EventLog
from scanner.passes.opt_out_file import OptOutFile
from scanner.passes.run import Invocation
from scanner.passes.run_directory import RunDirectory
from scanner.passes.way_out import ask_canaries
from scanner.probe.session import ProbedSession
from scanner.records import Run, SessionRecord
from scanner.settings import Settings


def fault_of_this_place(directory: RunDirectory, run: Run, settings: Settings, invocation: Invocation) -> str | None:
    """What keeps a finished run from being believed; None if nothing does. To be called under the run's lock.

    Raises DiskFault, Interrupted.
    """
    outcomes: set[Outcome] = set()
    for session in directory.read(SessionRecord):
        if came_up(session):
            return None
        outcomes.add(session.outcome)
    if outcomes <= OUTCOMES_OF_OURS:
        return None
    with asyncio.Runner(loop_factory=invocation.loop_factory) as runner:
        canaries = _Canaries(directory, run, settings, invocation)
        runner.run(invocation.stop.abortable(canaries.ask()))
    return canaries.fault(is_refused=Outcome.refused in outcomes)


class _Canaries:
    """The servers that should be up, asked once."""

    def __init__(self, directory: RunDirectory, run: Run, settings: Settings, invocation: Invocation) -> None:
        self._directory = directory
        self._run = run
        self._settings = settings
        self._clock = invocation.clock
        self._asked: list[ProbedSession] = []

    async def ask(self) -> None:
        """Asks them; events.jsonl says what came of it."""
        resolver = AiodnsResolver(self._settings.dns, self._clock)
        try:
            policy = self._policy(resolver.servers)
            self._asked = await ask_canaries(self._settings, resolver, policy, self._clock, besides=None)
        finally:
            await resolver.close()
        with EventLog(self._directory, self._clock, len(self._run.starts)) as events:
            for record in (canary.record for canary in self._asked):
                events.append(
                    "canary",
                    address=record.address,
                    came_up=came_up(record),
                    stage=record.stage,
                    outcome=record.outcome,
                )

    def fault(self, *, is_refused: bool) -> str | None:
        """That none was heard. Who refuses was heard, which counts where there was nobody to ask."""
        if any(came_up(canary.record) for canary in self._asked) or (is_refused and not self._asked):
            return None
        if not self._asked:
            return "no connection came up, and there was no canary to ask whether it is us: name one by --canary"
        silent = "the canary was" if len(self._asked) == 1 else f"all {len(self._asked)} canaries were"
        return f"no connection came up, and {silent} silent too"

    def _policy(self, dns_servers: tuple[str, ...]) -> ContactPolicy:
        probe = self._settings.probe
        opt_out = OptOutFile.open(probe.opt_out, self._directory, self._clock, lambda *_: None)
        return ContactPolicy(AddressPolicy(probe.allow_networks), own_addresses(dns_servers), opt_out.current)
