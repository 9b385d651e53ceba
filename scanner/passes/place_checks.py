"""The checks of this place within a run: noted as events, warnings told, and a run that would go wrong refused."""

from collections.abc import Callable, Iterable, Sequence

from scanner.judgement.fitness import Check, CheckResult
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.preflight import Preflight, refuse_unfit
from scanner.probe.session import ProbedSession


class PlaceChecks:
    """What `mxscan preflight` shows, made by a run; `tell` hears the warnings, each once."""

    def __init__(
        self, context: RunContext, servers: Sequence[str], events: EventLog, tell: Callable[[str], None]
    ) -> None:
        self._preflight = Preflight(context.settings, servers)
        self._domains = context.run.input.distinct_domains
        self._progress = context.progress
        self._events = events
        self._tell = tell
        self._told: set[str] = set()

    async def before_the_run(self) -> None:
        """What shows before any session. Raises OurFault if this place is not fit to scan from."""
        self._progress.begin("preflight", None)
        self._take(await self._preflight.check_place(self._domains))

    async def with_canaries(self, sessions: Sequence[ProbedSession]) -> None:
        """What the first sessions show. Raises OurFault if the port is blocked, or somebody else answers."""
        self._take(await self._preflight.check_port(sessions))

    def _take(self, checks: Iterable[Check]) -> None:
        checks = tuple(checks)
        for check in checks:
            self._events.append("preflight", check=check.name, result=check.result, said=check.said)
            if check.result is CheckResult.warning and check.said not in self._told:
                self._told.add(check.said)
                self._tell(f"{check.said} ({check.what_to_do})" if check.what_to_do else check.said)
        refuse_unfit(checks)
