"""What a run of fuzzing comes back with."""

from typing import NamedTuple


class Findings(NamedTuple):
    """Inputs that showed something new, and those for which something did not hold."""

    interesting: list[bytes]
    failed: list[bytes]
