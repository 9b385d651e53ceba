"""How many files this process may have open, and so how many sessions at a time it can hold."""

import resource
import sys

from scanner.commands.failures import say
from scanner.commands.settings_source import SettingsError
from scanner.judgement.fitness import Check, CheckResult, judge_descriptors

#: Descriptors that a run needs besides one a session: DNS, the loop, the lab; and its files in each partition.
BESIDES = 64
FILES_OF_A_PARTITION = 6


def width_within_descriptors(width: int, partitions: int) -> int:
    """Raises the limit of open files as far as `width` sessions need; a lower width, said, if it must be."""
    width, check = fit_width(width, partitions)
    if check.result is not CheckResult.ok:
        say(f"{check.said}: {check.what_to_do}")
    return width


def fit_width(width: int, partitions: int) -> tuple[int, Check]:
    """The same, with what there is to be said. Raises SettingsError if not even one session has room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    besides = BESIDES + FILES_OF_A_PARTITION * partitions
    wanted = width + besides
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), hard))
    if most <= besides:
        raise SettingsError(f"only {most} open files are allowed (ulimit -n), at least {besides + 1} are needed")
    fitting = min(width, most - besides)
    return fitting, judge_descriptors(width, fitting, most)
