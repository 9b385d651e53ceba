"""What to know before two runs are compared: where they were not made, or not judged, alike."""

from collections.abc import Iterator
from typing import Any

from scanner.records import JudgeInfo, Run

#: No result depends on these sections; nor, between two runs of the lab, on where it happened to lie.
_WITHOUT_EFFECT = frozenset({"run", "vantage", "lab"})
_OF_THE_LAB = frozenset({"dns.servers", "probe.port", "probe.policy_port", "trust.ca_file"})

#: So many settings are named.
MAX_NAMED = 8


def find_remarks(before: Run, after: Run, judged_before: JudgeInfo, judged_after: JudgeInfo) -> list[str]:
    """Each a sentence, for a person; none if what differs between the runs comes from the world."""
    return [*_on_times(before, after), *_on_rules(judged_before, judged_after), *_on_settings(before, after)]


def _on_times(before: Run, after: Run) -> Iterator[str]:
    if began_at(before) > began_at(after):
        yield "the first run began after the second: what is called new here is older"
    families = [run.starts[-1].no_ipv6 for run in (before, after)]
    if families[0] is not families[1]:
        which = "first" if families[0] else "second"
        yield f"the {which} run was made from a place without IPv6"


def began_at(run: Run) -> str:
    """When the run was started first."""
    return run.starts[0].at


def _on_rules(before: JudgeInfo, after: JudgeInfo) -> Iterator[str]:
    if before.rules != after.rules:
        yield (
            f"the runs were judged by different rules ({before.rules} and {after.rules}), which alone may change "
            "verdicts and findings: judge both again with `mxscan judge`"
        )


def _on_settings(before: Run, after: Run) -> Iterator[str]:
    if before.lab is not after.lab:
        yield "one of the runs is of the lab, the other is not"
    differing = sorted(_differing(before.settings, after.settings))
    if before.lab and after.lab:
        differing = [name for name in differing if name not in _OF_THE_LAB]
    if differing:
        more = f" and {len(differing) - MAX_NAMED} more" if len(differing) > MAX_NAMED else ""
        yield f"settings that differ: {', '.join(differing[:MAX_NAMED])}{more}"


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """`section.setting` of each that is not the same in both."""
    for section in (before.keys() | after.keys()) - _WITHOUT_EFFECT:
        earlier, later = before.get(section, {}), after.get(section, {})
        for name in earlier.keys() | later.keys():
            if earlier.get(name) != later.get(name):
                yield f"{section}.{name}"
