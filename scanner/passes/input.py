"""The input list: a file or stdin, one domain a line, or columns → one InputLine for each entry.

An entry is a line that is neither blank nor a comment nor the header. Nothing of the list is held but a
64-bit hash of each distinct domain, and the lines of a sample.
"""

import os
from collections.abc import Iterator
from itertools import chain, islice
from random import Random

from scanner.names import InvalidName, parse_domain
from scanner.passes.input_layout import BLANKS, ROWS_LOOKED_AT, Layout, recognize_layout, split_cells, without_comment
from scanner.passes.input_octets import MAX_LINE_OCTETS, InputError, OctetSource, RawLine
from scanner.records import MAX_INPUT_OCTETS, InputLine, InputSource
from scanner.settings import InputSettings
from scanner.wire_text import escape_octets

__all__ = ["InputError", "InputReader"]


class InputReader:
    """One reading of a list: iterate over it once, in input order; then `summary()` tells what was read.

    `source` is a path, or `-` for standard input. `settings.limit` takes the first entries only;
    `settings.sample` takes a random sample of so many distinct entries (of those, if both are given): each
    distinct domain at the first line that names it, each line that names none, all as likely. It follows
    from the seed and the list.
    """

    def __init__(self, source: str, settings: InputSettings, seed: int) -> None:
        self._source = OctetSource(source)
        self._settings = settings
        self._seed = seed
        self._column: str | None = None
        self._remarks: list[str] = []
        self._seen: set[int] = set()
        self._lines = self._invalid_lines = self._open_quotes = 0

    def __iter__(self) -> Iterator[InputLine]:
        """Raises InputError if there is nothing to read, or the settings do not fit the list."""
        for line in self._chosen():
            self._lines += 1
            if line.domain is None:
                self._invalid_lines += 1
            else:
                self._seen.add(hash(line.domain))
            yield line
        if not self._lines:
            raise InputError(f"{self._source.name} names no domain: it is empty, or has only comments and a header")
        if self._open_quotes:
            self._remarks.append(
                f"lines with a quote that is not closed: {self._open_quotes} (a cell ends with its line)"
            )

    def summary(self) -> InputSource:
        """What was read, counted over the lines that were yielded. To be asked for after the last one."""
        return InputSource(
            source=os.fsencode(self._source.source).decode("utf-8", "backslashreplace"),
            sha256=self._source.sha256,
            lines=self._lines,
            distinct_domains=len(self._seen),
            invalid_lines=self._invalid_lines,
            column=self._column,
            remarks=tuple(self._remarks),
        )

    def _chosen(self) -> Iterator[InputLine]:
        entries = self._entries()
        if self._settings.limit:
            entries = self._first(entries, self._settings.limit)
        if self._settings.sample:
            entries = self._sample(entries, self._settings.sample)
        return entries

    def _first(self, entries: Iterator[InputLine], limit: int) -> Iterator[InputLine]:
        yield from islice(entries, limit)
        self._remarks.append(f"took the first {limit} entries at the most")

    def _sample(self, entries: Iterator[InputLine], size: int) -> Iterator[InputLine]:
        """Reservoir sampling (Vitter 1985, algorithm R), then in input order."""
        random = Random(f"input sample {self._seed}")
        reservoir: list[InputLine] = []
        total = 0
        for entry in self._distinct(entries):
            total += 1
            if len(reservoir) < size:
                reservoir.append(entry)
            elif (place := random.randrange(total)) < size:
                reservoir[place] = entry
        self._remarks.append(f"a random sample of {len(reservoir)} of {total} distinct entries, seed {self._seed}")
        yield from sorted(reservoir, key=lambda entry: entry.line)

    def _distinct(self, entries: Iterator[InputLine]) -> Iterator[InputLine]:
        seen: set[int] = set()
        for entry in entries:
            if entry.domain is None:
                yield entry
            elif (key := hash(entry.domain)) not in seen:
                seen.add(key)
                yield entry

    def _entries(self) -> Iterator[InputLine]:
        lines = filter(_is_content, self._source.lines())
        head = list(islice(lines, ROWS_LOOKED_AT))
        whole = [line for line in head if line.size_bytes <= MAX_LINE_OCTETS]
        layout = recognize_layout([_text(line.octets) for line in whole], self._settings)
        header = whole[0] if layout.has_header else None
        self._column = layout.column_name
        if layout.remark:
            self._remarks.append(layout.remark)
        for line in chain(head, lines):
            if line is not header and (entry := self._entry(line, layout)):
                yield entry

    def _entry(self, line: RawLine, layout: Layout) -> InputLine | None:
        """The entry of a line; None for a row of empty cells, as spreadsheets leave them below a table."""
        if line.size_bytes > MAX_LINE_OCTETS:
            reason = f"the line has {line.size_bytes} octets, at most {MAX_LINE_OCTETS} are read"
            return _input_line(line.number, line.octets, reason=reason)
        text = _text(line.octets)
        cells = split_cells(text, layout.delimiter)
        if not any(cells):
            return None
        if layout.delimiter and text.count('"') % 2:
            self._open_quotes += 1
        metadata = layout.metadata(cells)
        if layout.column >= len(cells):
            return _input_line(line.number, line.octets, metadata, reason=f"no column {layout.column + 1} here")
        return _parsed(line.number, without_comment(cells[layout.column]), metadata)


def _is_content(line: RawLine) -> bool:
    text = _text(line.octets).strip(BLANKS)
    return bool(text) and not text.startswith("#")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape").lstrip("\ufeff")


def _parsed(number: int, cell: str, metadata: dict[str, str]) -> InputLine:
    octets = cell.encode("utf-8", "surrogateescape")
    try:
        return _input_line(number, octets, metadata, domain=parse_domain(cell))
    except InvalidName as error:
        return _input_line(number, octets, metadata, reason=error.reason, meant=error.meant)


def _input_line(
    number: int,
    octets: bytes,
    metadata: dict[str, str] | None = None,
    *,
    domain: str | None = None,
    reason: str | None = None,
    meant: str | None = None,
) -> InputLine:
    return InputLine(
        line=number,
        input=escape_octets(octets[:MAX_INPUT_OCTETS]),
        domain=domain,
        reason=reason,
        meant=meant,
        metadata=metadata or {},
    )
