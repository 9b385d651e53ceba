"""The input reader on lists of every kind: one InputLine for each line with data, whatever its octets are."""

import csv
import gzip
import io
import re
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from scanner.names import parse_domain
from scanner.passes.input import InputError, InputReader
from scanner.records import MAX_INPUT_OCTETS, InputLine, InputSource
from scanner.settings import InputSettings
from scanner.wire_text import restore_octets
from tests.grammar import CUTS, DOMAIN, in_pieces, nearly
from tests.passes.lists import Pieces, read_list
from tests.properties import SAME_EVERYWHERE

MARK = b"\xef\xbb\xbf"
BEFORE = st.sampled_from([b"", b" ", b"\xc2\xa0", b"  "])
BEHIND = st.sampled_from([b"", b"\t", b" ", b"\xc2\xa0", b" \t "])
NAMES = [b"a.test", b"B.Test", b"www.example.org", b"xn--mnchen-3ya.test", b"3com.test"]
WRITTEN = st.sampled_from(NAMES)
NEARLY = nearly(WRITTEN | DOMAIN.map(str.encode)).filter(
    lambda octets: not re.search(rb'[\n#",;\t]', octets) and octets.strip() == octets != b""
)
REMARKS = st.sampled_from([b"", b"", b"", b" # mine", b"\t#his", b"  # Smith, Jane; or Miller", b" #\t\t"])


@st.composite
def plain_lists(draw: st.DrawFn, names: st.SearchStrategy[bytes] = WRITTEN | NEARLY) -> tuple[bytes, dict[int, bytes]]:
    """A list of one name a line, and what stands in each line that has data, by its number."""
    octets, entries = draw(st.sampled_from([b"", MARK])), {}
    for line in range(1, draw(st.integers(2, 9))):
        name = draw(names)
        kind = draw(st.sampled_from(["name", "name", "name", "blank", "comment"]))
        if kind == "name":
            entries[line] = name
            name += draw(REMARKS)
        octets += draw(BEFORE) + {"name": name, "blank": b"", "comment": b"# " + name}[kind] + draw(BEHIND)
        octets += draw(st.sampled_from([b"\n", b"\r\n"]))
    return octets.removesuffix(draw(st.sampled_from([b"", b"\n", b"\r\n"]))), entries


@SAME_EVERYWHERE
@given(plain_lists(), CUTS)
def test_every_line_with_data_of_a_plain_list_is_one_entry_in_any_pieces(
    written: tuple[bytes, dict[int, bytes]], cuts: set[int]
) -> None:
    octets, entries = written
    assume(entries)
    lines, summary = read_list(in_pieces(octets, cuts))
    assert {line.line: restore_octets(line.input) for line in lines} == entries
    assert (len(lines), summary.lines) == (len(entries), len(entries))


@SAME_EVERYWHERE
@given(plain_lists(WRITTEN), st.booleans())
def test_what_stands_around_names_makes_no_table_of_a_plain_list(
    written: tuple[bytes, dict[int, bytes]], indented: bool
) -> None:
    octets, entries = written
    assume(entries)
    octets = re.sub(rb"(?m)^(?=[a-zA-Z0-9])", b"\t", octets) if indented else octets
    lines, summary = read_list([octets])
    assert {line.line: line.domain for line in lines} == {at: name.decode().lower() for at, name in entries.items()}
    assert (summary.column, summary.remarks, summary.invalid_lines) == (None, (), 0)
    assert all(line.metadata == {} for line in lines)


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, str, list[str], int, list[list[str]]]:
    """A table: its octets, delimiter, header (or none), the column of the domains, and its rows.

    Below it there may be the row of empty cells that spreadsheets leave.
    """
    delimiter = draw(st.sampled_from(",;\t"))
    width, height = draw(st.integers(2, 5)), draw(st.integers(1, 12))
    column = draw(st.integers(0, width - 1))
    word = st.sampled_from(["1", "42", "Smith", "Smith, Jane", "x;y", 'say "hi"', "a b"]).filter(
        lambda text: delimiter in text or not re.search("[,;\t]", text)
    )
    rows = [draw(st.lists(word, min_size=width, max_size=width)) for _ in range(height)]
    for row in rows:
        row[column] = draw(WRITTEN).decode()
    header = [f"column {at}" for at in range(width)]
    header[column] = draw(st.sampled_from(["domain", "Domain", "HOST"]))
    if draw(st.booleans()):
        header = []
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows(
        [header, *rows] if header else rows
    )
    text.write(draw(st.sampled_from(["", delimiter * (width - 1) + "\n", f"{delimiter} {delimiter}\n"])))
    return text.getvalue().encode(), delimiter, header, column, rows


Table = tuple[bytes, str, list[str], int, list[list[str]]]


@SAME_EVERYWHERE
@given(tables(), CUTS)
def test_the_column_of_the_domains_is_found_in_any_table_and_said(table: Table, cuts: set[int]) -> None:
    octets, delimiter, header, column, rows = table
    lines, summary = read_list(in_pieces(octets, cuts))
    assert [line.domain for line in lines] == [row[column].lower() for row in rows]
    assert summary.column == (header[column] if header else str(column + 1))
    assert {"\t": "tabs", ",": "commas", ";": "semicolons"}[delimiter] in summary.remarks[0]
    names = header or [str(at + 1) for at in range(len(rows[0]))]
    for line, row in zip(lines, rows, strict=True):
        assert line.metadata == {
            name: cell for at, (name, cell) in enumerate(zip(names, row, strict=True)) if at != column
        }


@SAME_EVERYWHERE
@given(tables(), st.integers(0, 4), st.booleans())
def test_a_column_that_is_asked_for_wins(table: Table, other: int, by_name: bool) -> None:
    octets, _, header, _, rows = table
    other %= len(rows[0])
    asked = header[other] if header and by_name else str(other + 1)
    lines, summary = read_list([octets], column=asked)
    assert [restore_octets(line.input).decode() for line in lines] == [row[other] for row in rows]
    assert "as asked" in summary.remarks[0]


#: What lists are made of, right or wrong, and anything else.
SOUP = st.lists(
    st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b",", b",", b";", b"\t", b'"', b"#", b" ", MARK, b"\xc2\xa0", b"\0"])
    | st.sampled_from([b"a.test", b"b.test", b"domain", b"host", b"1", b"name", b"127.0.0.1", b"a@b.test"])
    | st.binary(max_size=6),
    max_size=60,
).map(b"".join)

Read = tuple[list[InputLine], InputSource]


def read_or_refusal(pieces: Sequence[bytes]) -> Read | str:
    try:
        return read_list(pieces)
    except InputError as error:
        return str(error)


@SAME_EVERYWHERE
@given(SOUP, CUTS)
def test_any_octets_are_read_the_same_in_any_pieces_or_refused_with_a_reason(octets: bytes, cuts: set[int]) -> None:
    assert read_or_refusal(in_pieces(octets, cuts)) == read_or_refusal([octets])


@SAME_EVERYWHERE
@given(SOUP)
def test_of_any_octets_each_line_with_data_is_one_entry(octets: bytes) -> None:
    read = read_or_refusal([octets])
    physical = octets.split(b"\n")
    with_data = {number for number, line in enumerate(physical, 1) if has_data(line)}
    if isinstance(read, str):
        assert "UTF-16" in read or len(with_data) <= 1, read
        return
    lines, summary = read
    numbers = [line.line for line in lines]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= with_data
    # What is left out: a header, and the rows of empty cells that spreadsheets leave.
    left_out = sorted(with_data - set(numbers))
    empty = [number for number in left_out if not re.search(rb'[^,;\t" \r]', without_blanks(physical[number - 1]))]
    assert len(left_out) - len(empty) <= 1
    assert (summary.lines, summary.distinct_domains) == (len(lines), len({line.domain for line in lines} - {None}))
    assert summary.invalid_lines == sum(line.domain is None for line in lines)
    for line in lines:
        assert (line.domain is None) is (line.reason is not None)
        assert len(restore_octets(line.input)) <= MAX_INPUT_OCTETS
        assert line.domain is None or parse_domain(line.domain) == line.domain


def without_blanks(line: bytes) -> bytes:
    return re.sub(rb"\xef\xbb\xbf|\xc2\xa0|[ \t\r]", b"", line)


def has_data(line: bytes) -> bool:
    return bool(without_blanks(line)) and not without_blanks(line).startswith(b"#")


@SAME_EVERYWHERE
@given(plain_lists(), st.sampled_from([gzip.compress, zstandard.compress]), CUTS)
def test_a_packed_list_is_the_list(
    written: tuple[bytes, dict[int, bytes]], pack: Callable[[bytes], bytes], cuts: set[int]
) -> None:
    octets = written[0]
    assert read_or_refusal(in_pieces(pack(octets), cuts)) == read_or_refusal([octets])


@SAME_EVERYWHERE
@given(plain_lists(), st.integers(1, 12))
def test_a_limit_takes_the_first_entries_of_any_list(written: tuple[bytes, dict[int, bytes]], limit: int) -> None:
    octets, entries = written
    assume(entries)
    assert read_list([octets], limit=limit)[0] == read_list([octets])[0][:limit]


@pytest.mark.parametrize(
    ("piece", "count"),
    [(b"x" * 50_000, 400), (b"a.test\n" * 500, 60), (b"a.test,x\n" * 500, 60)],
    ids=["one line", "names alike", "a table"],
)
def test_a_list_without_end_is_read_in_bounded_memory(piece: bytes, count: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(Pieces([piece] * count))))
        reader = InputReader("-", InputSettings(), seed=7)
        tracemalloc.start()
        try:
            lines = sum(1 for _ in reader)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert lines in (1, count * 500)
    assert peak < 1_000_000
