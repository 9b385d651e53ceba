"""The input list: whatever form it has, it is read as meant, or refused with what was found."""

import gzip
import hashlib
import io
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from scanner.passes.input import InputError, InputReader
from scanner.passes.input_layout import recognize_layout, split_cells
from scanner.passes.input_octets import MAX_LINE_OCTETS
from scanner.records import MAX_INPUT_OCTETS, InputLine, InputSource
from scanner.settings import InputSettings
from scanner.wire_text import restore_octets

Read = Callable[..., "Reading"]


class Reading:
    """A list that was read to its end."""

    def __init__(self, source: str, *, seed: int = 7, **settings: object) -> None:
        reader = InputReader(source, msgspec.convert(settings, InputSettings), seed)
        self.lines: list[InputLine] = list(reader)
        self.summary: InputSource = reader.summary()

    @property
    def domains(self) -> list[str | None]:
        return [line.domain for line in self.lines]

    @property
    def remarks(self) -> str:
        return "; ".join(self.summary.remarks)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(octets: bytes, *, seed: int = 7, **settings: object) -> Reading:
        path = tmp_path / "list"
        path.write_bytes(octets)
        return Reading(str(path), seed=seed, **settings)

    return read


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"a.test\nb.test\n", "as it should be"),
        (b"a.test\nb.test", "no final newline"),
        (b"a.test\r\nb.test\r\n", "CRLF"),
        (b"\xef\xbb\xbfa.test\nb.test\n", "a byte order mark"),
        (b"\xef\xbb\xbfa.test\n\xef\xbb\xbfb.test\n", "two files joined, each with its mark"),
        (b"\n\na.test\n  \t\nb.test\n\n", "blank lines"),
        (b"# mine\na.test\n  # his\nb.test\n#", "comments"),
        (b"\xef\xbb\xbf# mine\na.test\nb.test", "a comment after the mark"),
        (b"a.test # the first\nb.test\t#the second\n", "comments behind names"),
        (b"  a.test\t\n\xc2\xa0b.test \n", "blanks around, also those of web pages"),
        (b"a.test.\nb.test.\n", "one trailing dot"),
        (b"A.TEST\nb.Test\n", "upper case"),
        (b'"a.test"\n"b.test"\n', "quotes around, as a table of one column is exported"),
        (b"domain\na.test\nb.test\n", "a header over one column"),
        (b"DOMAIN,customer\na.test,1\nb.test,2\n", "commas with a header"),
        (b"customer;Host\n1;a.test\n2;b.test\n", "semicolons with a header"),
        (b"name\tdomain\nSmith\ta.test\nMiller\tb.test\n", "tabs; of two header words the better one"),
        (b"a.test,1\nb.test,2\n", "commas without a header"),
        (b"a.test,\nb.test,\n", "empty cells"),
        (b"1,a.test\n2,b.test\n", "rank first, as Tranco's list"),
        (b"1,1,a.test,test\n2,2,b.test,test\n", "two ranks first, as Majestic's without its header"),
        (b"GlobalRank,TldRank,Domain,TLD\n1,1,a.test,test\n2,2,b.test,test\n", "Majestic's with its header"),
        (b"Smith & Sons,a.test\nMiller,b.test\n", "the first column that holds domains"),
        (b'"Smith, Jane",a.test\n"O""Neill, Ed",b.test\n', "quoted delimiters and quotes (RFC 4180 §2)"),
        (b'"Smith, Jane";a.test\n"O\'Neill, Ed";b.test\n', "a delimiter in quotes is none"),
        (b"a.test;1,5;x\nb.test;2,5;y\n", "decimal commas between semicolons"),
        (b"a.test,x;y\nb.test,z\n", "semicolons within a column"),
        (b"Smith, J;a.test\nO, P, Q;b.test\n", "commas first, but semicolons agree"),
        (b'\xef\xbb\xbf"domain","x, y"\n"a.test","1"\n"b.test","2"\n', "a mark before a quoted header"),
        (b"a.test,1\nb.test,2\n,\n,,\n", "the empty rows below a spreadsheet's table"),
        (b" a.test , 1\n b.test , 2\n", "blanks around cells"),
        (gzip.compress(b"a.test\nb.test\n", mtime=0), "gzip"),
        (gzip.compress(b"a.test\n", mtime=0) + gzip.compress(b"b.test\n", mtime=0), "two gzip members (RFC 1952 §2.2)"),
        (zstandard.compress(b"a.test\nb.test\n"), "Zstandard"),
        (zstandard.compress(b"a.test\n") + zstandard.compress(b"b.test\n"), "two Zstandard frames"),
        (
            b"\x50\x2a\x4d\x18\x02\0\0\0xx" + zstandard.compress(b"a.test\nb.test\n"),
            "a skippable frame first",
        ),
    ],
)
def test_a_list_is_read_as_meant(read: Read, octets: bytes, why: str) -> None:
    reading = read(octets)
    assert reading.domains == ["a.test", "b.test"]
    assert reading.summary.lines == reading.summary.distinct_domains == 2
    assert reading.summary.invalid_lines == 0


@pytest.mark.parametrize(
    ("octets", "column", "remark"),
    [
        (b"a.test\nb.test\n", None, ""),
        (b"domain\na.test\n", None, "the first line is a header ('domain')"),
        (b"1,a.test\n2,b.test\n", "2", "took the second column: the first is a rank"),
        (b"1,1,a.test,test\n", "3", "took the third column: the first is a rank"),
        (b"rank,Domain\n1,a.test\n", "Domain", "took the second column ('Domain'): the header says so"),
        (b"a.test\tx\n", "1", "separated by tabs; took the first column"),
        (b"x;a.test\n", "2", "separated by semicolons; took the second column"),
        (b"x,y\nz,\n", "1", "took the first column: none holds domains"),
    ],
)
def test_what_the_list_was_taken_for_is_said(read: Read, octets: bytes, column: str | None, remark: str) -> None:
    summary = read(octets)
    assert summary.summary.column == column
    assert remark in summary.remarks
    assert bool(summary.remarks) is bool(remark)


@pytest.mark.parametrize(
    ("octets", "domains", "why"),
    [
        (
            b"a.test\nb.test,c.test\nd.test\n",
            ["a.test", None, "d.test"],
            "one line with a comma makes no table",
        ),
        (b"a.test\n1;2\n", ["a.test", None], "nor one of two"),
        (b"host.test\nname.test\n", ["host.test", "name.test"], "names that begin as header words do"),
        (b"a.test,host\nb.test,name\n", ["a.test", "b.test"], "header words beside a domain are no header"),
        (b"1.test\n2.test\n", ["1.test", "2.test"], "digits first are no rank"),
        (b"com\nnet\n", ["com", "net"], "names without dots"),
        (
            b"a.test,mx.test\nx..y,mx.test\nb.test,mx.test\n",
            ["a.test", None, "b.test"],
            "a better second column",
        ),
    ],
)
def test_a_list_is_not_taken_for_what_it_is_not(read: Read, octets: bytes, domains: list[str | None], why: str) -> None:
    assert read(octets).domains == domains


@pytest.mark.parametrize(
    ("settings", "domains"),
    [
        ({"column": "1"}, ["first", "a.test", "c.test"]),
        ({"column": "1", "header": "yes"}, ["a.test", "c.test"]),
        ({"column": "second"}, ["b.test", "d.test"]),
        ({"column": "First", "header": "auto"}, ["a.test", "c.test"]),
        ({"column": "2", "header": "yes"}, ["b.test", "d.test"]),
        ({"header": "yes"}, ["a.test", "c.test"]),
        ({"column": "2", "header": "no"}, ["second", "b.test", "d.test"]),
    ],
)
def test_settings_win(read: Read, settings: dict[str, str], domains: list[str]) -> None:
    assert read(b"first,second\na.test,b.test\nc.test,d.test\n", **settings).domains == domains


def test_a_recognised_header_is_skipped_whatever_column_is_asked_for(read: Read) -> None:
    assert read(b"rank,domain,mx\n1,a.test,b.test\n", column="3").domains == ["b.test"]


def test_a_header_that_is_none_is_a_line_if_told_so(read: Read) -> None:
    assert read(b"domain\na.test\n", header="no").domains == ["domain", "a.test"]


@pytest.mark.parametrize(
    ("octets", "settings", "message"),
    [
        (b"a.test,x\n", {"column": "3"}, "there is no column 3: the columns are 1 to 2"),
        (b"a.test,x\n", {"column": "0"}, "there is no column 0"),
        (b"a.test\n", {"column": "2"}, "there is no column 2: the columns are 1 to 1"),
        (
            b"who,site\nx,a.test\n",
            {"column": "domain"},
            "no column is called 'domain': the header has 'who', 'site'",
        ),
        (b"x,a.test\n", {"column": "site", "header": "no"}, "can't be called 'site' without a header"),
        (b"", {}, "names no domain"),
        (b"\n# nothing\n\n", {}, "names no domain"),
        (b"domain\n", {}, "names no domain"),
        (b"\xef\xbb\xbf", {}, "names no domain"),
        (gzip.compress(b"", mtime=0), {}, "names no domain"),
        ("a.test\n".encode("utf-16"), {}, "is UTF-16, it begins with FF FE: save it as UTF-8"),
        (b"\xfe\xff" + "a.test\n".encode("utf-16-be"), {}, "is UTF-16, it begins with FE FF"),
        ("a.test\n".encode("utf-16-le"), {}, "is UTF-16, every other octet is NUL"),
        ("a.test\n".encode("utf-16-be"), {}, "is UTF-16, every other octet is NUL"),
        (gzip.compress("a.test\n".encode("utf-16"), mtime=0), {}, "is UTF-16"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", {}, "is a ZIP archive or a spreadsheet"),
        (b"BZh91AY&SY....", {}, "is packed by bzip2"),
        (b"\xfd7zXZ\x00\0\0", {}, "is packed by xz"),
        (gzip.compress(b"a.test\n" * 999, mtime=0)[:-9], {}, "is damaged or not complete"),
        (gzip.compress(b"a.test\n", mtime=0)[:7], {}, "is damaged or not complete"),
        (gzip.compress(b"a.test\n", mtime=0) + b"rubbish", {}, "is damaged or not complete"),
        (zstandard.compress(b"a.test\n" * 999)[:-1], {}, "is damaged or not complete"),
        (zstandard.compress(b"a.test\n")[:5], {}, "is damaged or not complete"),
        (zstandard.compress(b"a.test\n") + b"rubbish", {}, "is damaged or not complete"),
    ],
)
def test_what_can_not_be_read_is_refused_with_what_was_found(
    read: Read, octets: bytes, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(octets, **settings)
    assert message in str(refused.value)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory: give the file"):
        Reading(str(tmp_path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.txt does not exist"):
        Reading(str(tmp_path / "missing.txt"))


def test_a_file_that_only_a_loop_leads_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match=r"loop can't be read: Too many levels"):
        Reading(str(tmp_path / "loop"))


def test_what_the_file_is_called_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(b"a.test\n")
    (tmp_path / "packed.txt").write_bytes(gzip.compress(b"a.test\n"))
    for name in ("plain.gz", "packed.txt"):
        assert Reading(str(tmp_path / name)).domains == ["a.test"]


def slowly(octets: bytes, descriptor: int) -> threading.Thread:
    """Writes octet by octet, so that a reader never finds two at once if it is quick."""

    def write() -> None:
        with os.fdopen(descriptor, "wb", buffering=0) as pipe:
            for octet in octets:
                pipe.write(bytes([octet]))

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_stdin_is_read_however_its_octets_arrive(
    monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    reading_end, writing_end = os.pipe()
    writer = slowly(pack(b"a.test\nb.test\n"), writing_end)
    with os.fdopen(reading_end, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
        reading = Reading("-")
        assert not pipe.closed
    writer.join()
    assert reading.domains == ["a.test", "b.test"]
    assert reading.summary.source == "-"


def test_a_fifo_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"a.test\nb.test\n"))
    writer.start()
    assert Reading(str(fifo)).domains == ["a.test", "b.test"]
    writer.join()


def test_a_closed_stdin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        Reading("-")


def test_an_empty_stdin_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(InputError, match="standard input names no domain"):
        Reading("-")


@pytest.mark.parametrize(
    ("line", "reason", "meant"),
    [
        (b"HTTP://x.test/", "a URL is not a domain", "x.test"),
        (b"a@b.test", "a mail address is not a domain", "b.test"),
        (b"a\0b.test", "control character 0x00", None),
        (b"a\rb.test", "control character 0x0D", None),
        (b"exam\xffple.test", "not valid UTF-8", None),
        (b"m\xfcnchen.test", "not valid UTF-8", None),
        (b"example..test", "empty label", None),
        (b".", "the root", None),
        (b"x" * 64 + b".test", "at most 63 octets", None),
        (b"-x.test", "begins or ends with a hyphen", None),
        (b"_x.test", "contains '_'", None),
        (b"127.0.0.1", "an address is not a domain", None),
        (b"[::1]", "an address is not a domain", None),
        (b"../../etc/x", "a path is not a domain", None),
        (b"a b.test", "white space", None),
    ],
)
@pytest.mark.parametrize("tail", [b"", b",4711"], ids=["plain", "column"])
def test_a_line_that_is_no_domain_keeps_its_octets_and_has_a_reason(
    read: Read, line: bytes, reason: str, meant: str | None, tail: bytes
) -> None:
    reading = read(b"good.test" + tail + b"\n" + line + tail + b"\nmore.test" + tail + b"\n")
    assert reading.domains == ["good.test", None, "more.test"]
    bad = reading.lines[1]
    assert (bad.line, restore_octets(bad.input), bad.meant) == (2, line, meant)
    assert bad.reason is not None
    assert reason in bad.reason
    assert reading.summary.invalid_lines == 1


def test_lines_are_counted_as_an_editor_counts_them(read: Read) -> None:
    reading = read(b"# comment\n\ndomain\na.test\r\n\n..\nb.test")
    assert [(line.line, line.domain) for line in reading.lines] == [(4, "a.test"), (6, None), (7, "b.test")]


def test_the_header_is_no_row_that_tells_what_a_column_holds(read: Read) -> None:
    reading = read(b"nr,x.test,site\n1,x,a.test\n", header="yes")
    assert reading.domains == ["a.test"]
    assert "took the third column ('site'): the first is a rank" in reading.remarks


def test_the_other_columns_are_metadata(read: Read) -> None:
    octets = b'customer,Domain,note,,note\nM\xfcller,a.test,"say ""hi""",x,y,z\n\xc3\xbc,B.test\n'
    first, second = read(octets).lines
    assert first.metadata == {
        "customer": "M\\xfcller",
        "note": 'say "hi"',
        "4": "x",
        "note (5)": "y",
        "6": "z",
    }
    assert (second.metadata, second.input, second.domain) == ({"customer": "ü"}, "B.test", "b.test")


def test_columns_without_a_header_are_called_by_their_numbers(read: Read) -> None:
    assert read(b"1,a.test,x\n").lines[0].metadata == {"1": "1", "3": "x"}


def test_a_row_that_ends_before_the_domain_is_a_line_of_its_own(read: Read) -> None:
    reading = read(b"x,a.test\ny\nz,b.test\n")
    assert reading.domains == ["a.test", None, "b.test"]
    assert (reading.lines[1].input, reading.lines[1].reason) == ("y", "no column 2 here")


def test_a_quote_that_is_not_closed_swallows_its_own_line_only(read: Read) -> None:
    reading = read(b'a.test,"a note\nwith two lines",x\nb.test,y\nc.test,z\n')
    assert reading.domains[0] == "a.test"
    assert reading.domains[2:] == ["b.test", "c.test"]
    assert "lines with a quote that is not closed: 2" in reading.remarks


def test_a_carriage_return_within_a_quoted_row_is_a_control_as_any_other(read: Read) -> None:
    reading = read(b'a.test,"x"\n"b\r.test",y\r"z"\nc.test,x\n')
    assert reading.domains == ["a.test", None, "c.test"]


@pytest.mark.parametrize("delimiter", [b"", b",x"])
@pytest.mark.parametrize(
    ("size", "is_read"),
    [(MAX_LINE_OCTETS, True), (MAX_LINE_OCTETS + 1, False), (10_000_000, False)],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_without_end_is_one_record_with_its_beginning(
    read: Read, size: int, is_read: bool, delimiter: bytes, end: bytes
) -> None:
    long = b"\xff" * (size - len(delimiter)) + delimiter
    reading = read(b"a.test" + delimiter + end + long + end + b"b.test" + delimiter + end)
    assert reading.domains == ["a.test", None, "b.test"]
    assert reading.lines[1].input == r"\xFF" * MAX_INPUT_OCTETS
    told = f"the line has {size} octets, at most {MAX_LINE_OCTETS} are read"
    assert (reading.lines[1].reason == told) is not is_read


def test_an_endless_line_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "list.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for _ in range(100):
            packed.write(b"x" * 1_000_000)
        packed.write(b"\na.test\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert Reading(str(path)).domains == [None, "a.test"]
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < 20_000_000


def test_duplicates_are_counted_once_and_all_yielded(read: Read) -> None:
    reading = read(b"a.test\nA.test.\nb.test\n" * 1000)
    assert len(reading.lines) == reading.summary.lines == 3000
    assert reading.summary.distinct_domains == 2


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_what_packing_can_not_shrink_comes_out_whole(read: Read, pack: Callable[[bytes], bytes]) -> None:
    names = [f"{hashlib.sha224(bytes([number])).hexdigest()}.test" for number in range(200)]
    assert read(pack("\n".join(names).encode())).domains == names


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_the_digest_is_that_of_the_unpacked_list(read: Read, pack: Callable[[bytes], bytes]) -> None:
    octets = b"\xef\xbb\xbfdomain\r\na.test # x\r\n" + b"y" * 200_000
    assert read(pack(octets)).summary.sha256 == hashlib.sha256(octets).hexdigest()


def numbered(count: int) -> bytes:
    return b"".join(b"d%d.test\n" % number for number in range(count))


def test_a_limit_takes_the_first_entries(read: Read) -> None:
    reading = read(b"domain\n# comment\na.test\n..\nb.test\nc.test\n", limit=3)
    assert reading.domains == ["a.test", None, "b.test"]
    assert reading.summary.lines == 3
    assert "took the first 3 entries" in reading.remarks


def test_a_limit_above_the_number_of_entries_takes_all(read: Read) -> None:
    assert len(read(numbered(100), limit=1000).lines) == 100


def test_a_limit_ends_the_reading_of_an_endless_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
            buffer[:7] = b"a.test\n"
            return 7

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(Endless())))
    assert Reading("-", limit=50).domains == ["a.test"] * 50


def test_a_sample_keeps_the_order_and_follows_from_the_seed(read: Read) -> None:
    octets = numbered(1000)
    first, again, other = (read(octets, sample=50, seed=seed) for seed in (1, 1, 2))
    assert first.lines == again.lines != other.lines
    assert len(first.lines) == len(set(first.domains)) == 50
    assert [line.line for line in first.lines] == sorted(line.line for line in first.lines)
    assert "a random sample of 50 of 1000 distinct entries, seed 1" in first.remarks


def test_a_sample_is_drawn_from_distinct_entries(read: Read) -> None:
    reading = read(b"a.test\n" * 500 + b"b.test\n..\n" + b"A.test\n" * 500, sample=3)
    assert [(line.line, line.domain) for line in reading.lines] == [
        (1, "a.test"),
        (501, "b.test"),
        (502, None),
    ]


def test_a_sample_of_more_than_there_is_takes_all(read: Read) -> None:
    assert len(read(numbered(10), sample=100).lines) == 10


def test_a_sample_is_drawn_from_the_limit(read: Read) -> None:
    reading = read(numbered(1000), limit=20, sample=10)
    assert len(reading.lines) == 10
    assert max(line.line for line in reading.lines) <= 20


def test_every_entry_is_as_likely_in_a_sample(read: Read) -> None:
    octets = numbered(10)
    drawn = [domain for seed in range(600) for domain in read(octets, sample=3, seed=seed).domains]
    counts = [drawn.count(f"d{number}.test") for number in range(10)]
    # 180 each on average, with a standard deviation of 11: six of them are never seen by chance.
    assert all(114 < count < 246 for count in counts)


ROWS = st.lists(st.text(alphabet='ab.,;\t" #é\r', max_size=12), min_size=1, max_size=6)


@given(ROWS, st.sampled_from(["auto", "yes", "no"]))
def test_any_rows_have_a_layout_and_cells(rows: list[str], header: Literal["auto", "yes", "no"]) -> None:
    layout = recognize_layout(rows, InputSettings(header=header))
    for row in rows:
        cells = split_cells(row, layout.delimiter)
        assert cells
        assert len(layout.metadata(cells)) == len(cells) - (layout.column < len(cells))


@given(st.lists(st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){1,3}", fullmatch=True), min_size=1, max_size=40))
def test_a_plain_list_is_never_taken_for_columns(names: Iterable[str]) -> None:
    layout = recognize_layout(list(names), InputSettings())
    assert (layout.delimiter, layout.column, layout.has_header) == (None, 0, False)
