"""Whether something changes too often to be told of each time."""

from scanner.outages.alerts import State, StateStep
from scanner.outages.known import Known, RunFacts, RunStep, WatchRules


def add_step(
    steps: tuple[RunStep, ...], run: RunFacts, rules: WatchRules, state: State, why: str
) -> tuple[RunStep, ...]:
    """The changes of the last runs with another one, which this run found."""
    step = RunStep(run=run.number, step=StateStep(at=run.at, state=state, why=why))
    return (*(step for step in steps if _is_recent(step, run, rules)), step)


def is_flapping(known: Known, run: RunFacts, rules: WatchRules) -> bool:
    """True if this run found another change, and there were too many in the last ones."""
    counted = [step for step in known.steps if _is_recent(step, run, rules) and step.run > known.quiet_since]
    return bool(counted) and counted[-1].run == run.number and len(counted) >= rules.unstable_changes


def is_quiet(known: Known, run: RunFacts, rules: WatchRules) -> bool:
    """True if nothing changed for half the runs that changes are counted over."""
    last = known.steps[-1].run if known.steps else 0
    return run.number - last >= rules.unstable_runs // 2


def _is_recent(step: RunStep, run: RunFacts, rules: WatchRules) -> bool:
    return run.number - step.run < rules.unstable_runs
