"""Does the input have what `--expect-mx metadata:COLUMN` refers to? A typing error must not switch an alarm off."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from scanner.judgement.expectation import cell_of, parse_cell, parse_expectation
from scanner.passes.input import InputError
from scanner.records import InputLine, InputSource


class ExpectationCheck:
    """Watches the lines of an input as they are written."""

    def __init__(self, expect_mx: Sequence[str]) -> None:
        expected = parse_expectation(expect_mx)
        self._columns = expected.columns if expected is not None else ()
        self._found: dict[str, None] = {}
        self._unusable = dict.fromkeys(self._columns, 0)

    def watch(self, lines: Iterable[InputLine]) -> Iterator[InputLine]:
        """The lines as they are. Raises InputError after the last one if a column is in none of them."""
        for line in lines:
            if self._columns:
                self._look_at(line)
            yield line
        for column in self._columns:
            if column.casefold() not in self._found:
                names = ", ".join(self._found) or "none besides the domain"
                raise InputError(f"--expect-mx metadata:{column}: the list has no such column; it has: {names}")

    def completed(self, summary: InputSource) -> InputSource:
        """The input's summary with what is to be said about the columns."""
        remarks = [
            f"--expect-mx metadata:{column}: cells that name neither a mail host nor a network: {count}"
            for column, count in self._unusable.items()
            if count
        ]
        return replace(summary, remarks=(*summary.remarks, *remarks))

    def _look_at(self, line: InputLine) -> None:
        self._found.update(dict.fromkeys(name.casefold() for name in line.metadata))
        for column in self._columns:
            try:
                parse_cell(cell_of(line.metadata, column) or "")
            except ValueError:
                self._unusable[column] += 1
