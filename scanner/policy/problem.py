"""Why something that was published cannot be used: the value that all parsers of this package give for it."""

from dataclasses import dataclass

from scanner.wire_text import escape_octets

#: How much of the wire a reason quotes.
MAX_QUOTED_OCTETS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """`what` is wrong, in words for the publisher; `line`, from 1, where what was published has lines."""

    what: str
    line: int | None = None


class ProblemFound(Exception):  # noqa: N818 (it never leaves its parser; the Problem does)
    """Carries a problem out of the depths of a parser."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.problem = Problem(what, line)


def quote(octets: bytes) -> str:
    """Octets from the wire as a reason may name them: inert, in quotation marks, and not too many."""
    cut = "…" if len(octets) > MAX_QUOTED_OCTETS else ""
    return f'"{escape_octets(octets[:MAX_QUOTED_OCTETS])}{cut}"'
