"""How an input list is laid out: a plain list or columns, with a header or not, and which column it is.

A list is plain unless more than half of its first rows have the same delimiter. A cell ends with its line,
also a quoted one (RFC 4180 would let it go on): one stray quote must not swallow the domains after it.
"""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from scanner.names import InvalidName, parse_domain
from scanner.passes.input_octets import InputError
from scanner.settings import InputSettings

#: So many rows are looked at to tell the layout.
ROWS_LOOKED_AT = 20

#: What may stand around a name: blanks, the no-break space of web pages, the byte order mark of joined files.
BLANKS = " \t\xa0\ufeff"

#: What a domain's column is called, the best word first: `name` may well be a customer's.
_HEADER_WORDS = ("domain", "host", "name")

_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons"}
_COMMENT_AFTER_NAME = re.compile(r"[ \t]#")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a row has its domain. `column` counts from 0; `names` are the header's cells, if it has one."""

    delimiter: str | None
    column: int
    names: tuple[str, ...]
    remark: str | None = None

    @property
    def has_header(self) -> bool:
        return bool(self.names)

    @property
    def column_name(self) -> str | None:
        """The domain's column: its name in the header, else its number from 1; None in a plain list."""
        if self.delimiter is None:
            return None
        return self.name_of(self.column)

    def name_of(self, column: int) -> str:
        return self.names[column] if column < len(self.names) else str(column + 1)

    def metadata(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells beside the domain's, by the names of their columns."""
        return {self.name_of(at): proper_text(cell) for at, cell in enumerate(cells) if at != self.column}


def recognize_layout(lines: Sequence[str], settings: InputSettings) -> Layout:
    """The layout of a list that begins with these lines (no blanks, no comments).

    Raises InputError if the column that the settings name is not there.
    """
    delimiter = _recognize_delimiter(lines)
    rows = [split_cells(line, delimiter) for line in lines]
    names = _column_names(rows[0]) if rows and _first_is_header(rows[0], settings) else ()
    asked = _column_asked_for(rows, names, settings)
    if asked is not None:
        column, why = asked, "as asked"
    else:
        column, why = _find_column(rows[1:] if names else rows, names)
    return Layout(delimiter, column, names, _remark(delimiter, column, names, why))


def split_cells(line: str, delimiter: str | None) -> list[str]:
    """The cells of a line, without blanks around and quotes; a plain list has one, without its comment."""
    if delimiter is None:
        name = without_comment(line)
        return [name[1:-1].strip(BLANKS) if len(name) > 1 and name[0] == name[-1] == '"' else name]
    cells = line.split(delimiter)
    if '"' in line:
        with suppress(csv.Error):  # for a lone CR, which it takes for the end of a row: split without quotes
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    return [cell.strip(BLANKS) for cell in cells]


def without_comment(name: str) -> str:
    """What stands before the comment behind a name (no name has a blank in it), without blanks around."""
    if "#" in name:
        name = _COMMENT_AFTER_NAME.split(name, 1)[0]
    return name.strip(BLANKS)


def proper_text(cell: str) -> str:
    r"""A cell as text that can be written: octets that are no UTF-8 stand as `\xnn`."""
    if cell.isascii():
        return cell
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _recognize_delimiter(lines: Sequence[str]) -> str | None:
    """The delimiter that most rows agree about (in the number of cells), if more than half of them do."""
    agreeing: dict[str, int] = {}
    for delimiter in _DELIMITERS:
        if all(_is_name_alone(line) for line in lines if delimiter in line):
            continue  # tabs around names, and "a.test # Smith, Jane", make no columns
        widths = [len(split_cells(line, delimiter)) for line in lines]
        if sum(width > 1 for width in widths) * 2 > len(lines):
            agreeing[delimiter] = max(widths.count(width) for width in set(widths) if width > 1)
    if not agreeing:
        return None
    # Of two that agree as well, as in "a.test;1,5", the one that comes first separates the first cell.
    return max(agreeing, key=lambda delimiter: (agreeing[delimiter], -lines[0].find(delimiter)))


def _is_name_alone(line: str) -> bool:
    """True for a name with nothing but blanks around it and a comment behind it, whatever stands in that."""
    return _is_domain(without_comment(line))


def _first_is_header(cells: Sequence[str], settings: InputSettings) -> bool:
    if settings.header != "auto":
        return settings.header == "yes"
    if settings.column and not _is_number(settings.column):
        return True
    return any(cell.lower() in _HEADER_WORDS for cell in cells) and not any(map(_is_domain, cells))


def _column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """The header's cells, each made a name of its own: an empty one is its number, a second one gets it."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = proper_text(cell) or str(number)
        names.append(f"{name} ({number})" if name in names else name)
    return tuple(names)


def _column_asked_for(rows: Sequence[Sequence[str]], names: Sequence[str], settings: InputSettings) -> int | None:
    asked = settings.column
    if not asked:
        return None
    if _is_number(asked):
        width = max(map(len, rows), default=1)
        if not 1 <= int(asked) <= width:
            raise InputError(f"there is no column {asked}: the columns are 1 to {width}")
        return int(asked) - 1
    if not names:
        raise InputError(f"a column can't be called {asked!r} without a header: give its number")
    lowered = [name.lower() for name in names]
    if asked.lower() not in lowered:
        raise InputError(f"no column is called {asked!r}: the header has {', '.join(map(repr, names))}")
    return lowered.index(asked.lower())


def _find_column(rows: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[int, str]:
    """The column that its header calls so; else the first that mostly holds domains; else the first."""
    lowered = [name.lower() for name in names]
    for word in _HEADER_WORDS:
        if word in lowered:
            return lowered.index(word), "the header says so"
    hits = [
        sum(_is_domain(row[column]) for row in rows if column < len(row))
        for column in range(max(map(len, rows), default=1))
    ]
    column = next((at for at, count in enumerate(hits) if count and count * 2 >= len(rows)), 0)
    if column and all(_is_number(row[0]) for row in rows):
        return column, "the first is a rank"
    return column, "it is the first that holds domains" if hits[column] else "none holds domains"


def _remark(delimiter: str | None, column: int, names: Sequence[str], why: str) -> str | None:
    if delimiter is None:
        return f"the first line is a header ({names[0]!r})" if names else None
    number = column + 1
    which = {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
    called = f" ({names[column]!r})" if column < len(names) else ""
    return f"columns are separated by {_DELIMITERS[delimiter]}; took the {which} column{called}: {why}"


def _is_domain(cell: str) -> bool:
    """True for a name with a dot: a cell such as `com` or `name` is more likely something else."""
    try:
        return "." in parse_domain(cell)
    except InvalidName:
        return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
