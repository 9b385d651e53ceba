"""Domains that stand in the input more than once: their lines and metadata, bounded."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scanner.judgement.domains import InputLines
from scanner.passes.partitions import hash64
from scanner.records import MAX_LINES_LISTED, InputLine, Metadata


@dataclass(slots=True)
class Duplicates:
    """The lines of a domain after its first."""

    lines: list[int] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    count: int = 0

    def add(self, line: InputLine) -> None:
        self.count += 1
        if len(self.lines) < MAX_LINES_LISTED - 1:
            self.lines.append(line.line)
            if line.metadata:
                self.metadata.append(line.metadata)


class InputIndex:
    """Which lines of an input are the first of their domain, and what the others say; 64 bits a domain."""

    def __init__(self, lines: Iterable[InputLine]) -> None:
        first: dict[int, None] = {}
        self._duplicates: dict[int, Duplicates] = {}
        self.invalid_lines = 0
        for line in lines:
            if line.domain is None:
                self.invalid_lines += 1
                continue
            key = hash64(line.domain)
            if key in first:
                self._duplicates.setdefault(key, Duplicates()).add(line)
            else:
                first[key] = None
        self.distinct_domains = len(first)

    def lines_of(self, first: InputLine) -> InputLines:
        """All lines of the domain whose first line this is."""
        more = self._duplicates.get(hash64(first.domain or ""))
        if more is None:
            return InputLines(first)
        return InputLines(first, tuple(more.lines), tuple(more.metadata), 1 + more.count)
