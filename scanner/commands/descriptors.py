"""How many files this process may have open, and so how many sessions at a time it can hold."""

import resource
import sys

from scanner.commands.failures import say
from scanner.commands.settings_source import SettingsError

#: Descriptors that a run needs besides one a session: DNS, the loop, the lab; and its files in each partition.
BESIDES = 64
FILES_OF_A_PARTITION = 5


def width_within_descriptors(width: int, partitions: int) -> int:
    """Raises the limit of open files as far as `width` sessions need; a lower width, said, if it must be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    besides = BESIDES + FILES_OF_A_PARTITION * partitions
    wanted = width + besides
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), hard))
    if wanted <= most:
        return width
    if most <= besides:
        raise SettingsError(f"only {most} open files are allowed (ulimit -n), at least {besides + 1} are needed")
    say(f"width lowered to {most - besides}: only {most} open files are allowed (ulimit -n)")
    return most - besides
