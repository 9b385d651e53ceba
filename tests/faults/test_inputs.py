"""Inputs, the fourth table: one line of the list here, one result there."""

import gzip
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard

from scanner import cli
from scanner.exit_codes import OK, USAGE
from scanner.lab.child import LabChild
from scanner.lab.log import DnsLine, read_log
from scanner.outcomes import FindingKind
from scanner.passes.input import InputReader
from scanner.passes.input_octets import MAX_LINE_OCTETS
from scanner.records import MAX_INPUT_OCTETS, MAX_LINES_LISTED, Domain, Route
from scanner.settings import InputSettings
from tests.faults.command import Ended, Fork, mxscan, sharing
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant, read_run, records_of

acceptance = pytest.mark.acceptance

#: One says that it takes no mail, one does not exist: they are read, asked about, and no server is busy.
MEANT = ["null-mx.lab", "nowhere.lab"]


# Read as meant --------------------------------------------------------------------------------------------

READ: dict[str, bytes] = {
    "BOM": b"\xef\xbb\xbfnull-mx.lab\nnowhere.lab\n",
    "CRLF": b"null-mx.lab\r\nnowhere.lab\r\n",
    "blanks": b"\n\nnull-mx.lab\n \t\nnowhere.lab\n\n",
    "comments": b"# mine\nnull-mx.lab # Smith, Jane; or Miller\nnowhere.lab\t# his, once\n",
    "spaces around": b"  null-mx.lab \n\xc2\xa0nowhere.lab\t\n",
    "tabs around": b"\tnull-mx.lab\nnowhere.lab\t\n",
    "one trailing dot": b"null-mx.lab.\nnowhere.lab.\n",
    "upper case": b"NULL-MX.LAB\nNowhere.Lab\n",
    "no final newline": b"null-mx.lab\nnowhere.lab",
    ".gz": gzip.compress(b"null-mx.lab\nnowhere.lab\n", mtime=0),
    ".zst": zstandard.compress(b"null-mx.lab\nnowhere.lab\n"),
}


@pytest.mark.parametrize("octets", READ.values(), ids=READ)
def test_a_list_is_read_as_meant(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "list").write_bytes(octets)
    assert domains_in(tmp_path / "list") == MEANT


def test_a_fifo_is_read_as_meant(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(b"null-mx.lab\nnowhere.lab\n",))
    writer.start()
    assert domains_in(tmp_path / "fifo") == MEANT
    writer.join()


def domains_in(path: Path) -> list[str | None]:
    return [line.domain for line in InputReader(str(path), InputSettings(), seed=0)]


_MAJESTIC = b"GlobalRank,TldRank,Domain,TLD,RefSubNets,RefIPs,IDN_Domain,IDN_TLD\n"
_MAJESTIC_ROWS = b"1,1,null-mx.lab,lab,9,9,null-mx.lab,lab\n2,2,nowhere.lab,lab,8,8,nowhere.lab,lab\n"

TABLES: dict[str, tuple[bytes, list[str], str]] = {
    "a Tranco list": (b"1,null-mx.lab\r\n2,nowhere.lab\r\n", [], "took the second column: the first is a rank"),
    "a Majestic list": (_MAJESTIC + _MAJESTIC_ROWS, [], "took the third column ('Domain'): the header says so"),
    "a Majestic list without its header": (_MAJESTIC_ROWS, [], "took the third column: the first is a rank"),
    "CSV with a header": (b"customer,domain\n1,null-mx.lab\n2,nowhere.lab\n", [], "second column ('domain')"),
    "CSV without a header": (b"null-mx.lab,x\nnowhere.lab,y\n", [], "separated by commas; took the first column"),
    "TSV with a header": (b"host\tnote\nnull-mx.lab\tx\nnowhere.lab\ty\n", [], "tabs; took the first column ('host')"),
    "TSV without a header": (b"x\tnull-mx.lab\ny\tnowhere.lab\n", [], "separated by tabs; took the second column"),
    "--column by number wins": (
        b"a.lab,null-mx.lab\nb.lab,nowhere.lab\n",
        ["--column", "2"],
        "took the second column: as asked",
    ),
    "--column by name wins": (
        b"domain,MX\na.lab,null-mx.lab\nb.lab,nowhere.lab\n",
        ["--column", "mx"],
        "took the second column ('MX'): as asked",
    ),
}


@acceptance
@pytest.mark.parametrize(("octets", "options", "said"), TABLES.values(), ids=TABLES)
def test_the_column_of_the_domains_is_recognised_and_said(
    tmp_path: Path, lab: LabChild, octets: bytes, options: list[str], said: str
) -> None:
    ended, run = scan(tmp_path, octets, *options, lab=lab)
    assert ended.exit_code == OK, ended.said
    assert said in ended.said
    assert [record.domain for record in records_of(run, Domain)] == MEANT


# Not read -------------------------------------------------------------------------------------------------

UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "UTF-16 with its mark": (
        lambda path: path.write_bytes("null-mx.lab\n".encode("utf-16")),
        "is UTF-16, it begins with FF FE: save it as UTF-8",
    ),
    "UTF-16 without its mark": (
        lambda path: path.write_bytes("null-mx.lab\n".encode("utf-16-be")),
        "is UTF-16, every other octet is NUL: save it as UTF-8",
    ),
    "a directory": (Path.mkdir, "is a directory: give the file that holds the domains, one a line"),
    "a missing file": (lambda path: None, "does not exist: give a file of domains, one a line, or - for stdin"),
}


@acceptance
@pytest.mark.parametrize(("make", "found"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_list_ends_with_2_and_what_was_found(
    tmp_path: Path, lab: LabChild, make: Callable[[Path], object], found: str
) -> None:
    make(tmp_path / "list")
    ended, run = scan(tmp_path, None, lab=lab)
    assert ended.exit_code == USAGE
    assert f"{tmp_path / 'list'} {found}" in ended.said
    assert not any(run.parent.iterdir())


# Lines that are no domain ---------------------------------------------------------------------------------

NO_DOMAIN: dict[str, tuple[bytes, str, str | None]] = {
    "HTTP://x.test/": (b"HTTP://x.test/", "a URL is not a domain", "x.test"),
    "a@b.test": (b"a@b.test", "a mail address is not a domain", "b.test"),
    "a NUL in a name": (b"a\0b.test", "control character 0x00 at position 2", None),
    "a..b": (b"a..b", "empty label", None),
    "the root": (b".", "the root is not a mail domain", None),
    "64-octet label": (b"x" * 64 + b".test", "a label has at most 63 octets", None),
    "254-octet name": (b"x." * 125 + b"test", "a name has at most 253 characters, this one 254", None),
    "-x.test": (b"-x.test", "begins or ends with a hyphen", None),
    "_x.test": (b"_x.test", "contains '_': only letters, digits and hyphens may", None),
    "127.0.0.1": (b"127.0.0.1", "an address is not a domain", None),
    "::1 in brackets": (b"[::1]", "an address is not a domain", None),
    "../../etc/x": (b"../../etc/x", "a path is not a domain", None),
    "one line of 10 MB": (b"x" * 10_000_000, f"10000000 octets, at most {MAX_LINE_OCTETS} are read", None),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over all of them and nothing else, with a lab of its own, which counts the questions that come."""
    octets = b"".join(line + b"\n" for line, _, _ in NO_DOMAIN.values())
    ended, run = scan(tmp_path_factory.mktemp("refused"), octets, "--no-preflight")
    assert ended.exit_code == OK, ended.said
    return run


@acceptance
@pytest.mark.parametrize("line", NO_DOMAIN)
def test_what_is_no_domain_is_told_with_the_reason(refused: Path, line: str) -> None:
    octets, reason, meant = NO_DOMAIN[line]
    number = list(NO_DOMAIN).index(line)
    record = records_of(refused, Domain)[number]
    assert (record.domain, record.line, record.mail_route.kind) == (None, number + 1, "invalid_name")
    assert record.input == octets[:MAX_INPUT_OCTETS].replace(b"\0", b"\\x00").decode()
    (finding,) = record.findings
    assert finding.kind is FindingKind.invalid_name
    assert reason in finding.evidence
    assert meant is None or meant in finding.fix


@acceptance
def test_what_is_no_domain_is_told_before_any_packet_and_nothing_is_written_outside_the_run(refused: Path) -> None:
    (line,) = read_log(refused / "lab" / "log.jsonl")  # no session, and of the questions:
    assert line == DnsLine(queries={})
    assert len(records_of(refused, Domain)) == len(NO_DOMAIN)
    assert_invariant(refused)


@acceptance
def test_a_million_duplicates_are_one_record_counted_in_flat_memory(tmp_path: Path, lab: LabChild) -> None:
    grown = []
    for lines in (10_000, 1_000_000):
        home = tmp_path / str(lines)
        (tmp_path / "list").write_bytes(b"null-mx.lab\n" * lines)
        arguments = ["scan", str(tmp_path / "list"), "--lab", "--quiet", "--out", str(home / "run")]
        ended = Fork(home, lambda arguments=arguments: measured(lab, arguments)).ended(patience_s=300)  # type: ignore[misc]
        assert ended.exit_code == OK, ended.said
        grown.append(int(ended.said.split()[-1]))
        (record,) = records_of(home / "run", Domain)
        assert (record.domain, record.lines_total) == ("null-mx.lab", lines)
        assert record.lines == tuple(range(1, MAX_LINES_LISTED + 1))
        assert_invariant(home / "run")
    few, many = grown
    assert many < few + 10_000  # in KiB; a hundred octets for each would be 100,000


def measured(lab: LabChild, arguments: list[str]) -> int:
    """Runs the command in this process, and says by how many KiB it grew at the most."""
    sharing(lab)()
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): from here on VmHWM is counted anew
    before = resident_kib("VmHWM")
    code = cli.run(arguments)
    print(resident_kib("VmHWM") - before)  # noqa: T201 - this is the fork's way to tell
    return code


def resident_kib(field: str) -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[field].split()[0])


# Names that are mapped ------------------------------------------------------------------------------------

NAMES: dict[str, tuple[str, str]] = {
    "xn--a.test passes as it is": ("xn--a.test", "xn--a.test"),
    "the ligature becomes ff.test": ("ﬀ.test", "ff.test"),
    "the ideographic full stop makes a.b.test": ("a。b.test", "a.b.test"),
    "muenchen with umlaut becomes an A-label": ("münchen.test", "xn--mnchen-3ya.test"),
}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, lab: LabChild) -> Path:
    octets = "".join(f"{name}\n" for name, _ in NAMES.values()).encode()
    ended, run = scan(tmp_path_factory.mktemp("mapped"), octets, lab=lab)
    assert ended.exit_code == OK, ended.said
    assert_invariant(run)
    return run


@acceptance
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_asked_about_in_the_form_that_the_dns_has(mapped: Path, name: str) -> None:
    number = list(NAMES).index(name)
    record = records_of(mapped, Domain)[number]
    assert (record.lines, record.domain) == ((number + 1,), NAMES[name][1])
    assert NAMES[name][1] in {route.domain for route in records_of(mapped, Route)}


# Settings -------------------------------------------------------------------------------------------------

SETTINGS: dict[str, tuple[str, str, str]] = {
    "an unknown key": ("[limits]\nconect_s = 1\n", "limits", "unknown field `conect_s`"),
    "a wrong type": ('[limits]\nconnect_s = "soon"\n', "limits.connect_s", "Expected `float`, got `str`"),
    "a negative limit": ("[limits]\nconnect_s = -1.0\n", "limits.connect_s", "Expected `float` > 0"),
}


@acceptance
@pytest.mark.parametrize(("text", "path", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_a_wrong_setting_ends_with_2_its_path_and_what_was_expected(
    tmp_path: Path, text: str, path: str, expected: str
) -> None:
    (tmp_path / "own.toml").write_text(text)
    ended, run = scan(tmp_path, b"null-mx.lab\n", "--config", tmp_path / "own.toml")
    assert ended.exit_code == USAGE
    assert "own.toml" in ended.said
    assert path in ended.said
    assert expected in ended.said
    assert not any(run.parent.iterdir())


# Run directories ------------------------------------------------------------------------------------------


@acceptance
@pytest.mark.parametrize("command", [["scan", "--resume"], ["judge"], ["show"]], ids=lambda command: command[-1])
def test_a_run_directory_of_another_format_ends_with_2_and_what_to_do(tmp_path: Path, command: list[str]) -> None:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    (home / "run" / "run.json").write_text('{"format": 2, "somebody": "elses"}')
    arguments = [*command, str(home / "run"), *(["null-mx.lab"] if command == ["show"] else [])]
    ended = mxscan(home, *arguments)
    assert ended.exit_code == USAGE
    assert "has format 2, this mxscan reads format 1: use the version that made it" in ended.said
    assert [path.name for path in (home / "run").iterdir() if path.name != "lock"] == ["run.json"]


#: What a run has when it is killed while it writes its last line of the first of these.
WRITTEN_AFTER = {
    "routes": ("hosts", "targets", "sessions", "transcripts", "certificates"),
    "hosts": ("targets", "sessions", "transcripts", "certificates"),
    "sessions": (),
}


@acceptance
@pytest.mark.parametrize("torn", WRITTEN_AFTER)
def test_a_torn_last_line_of_a_run_is_repaired(tmp_path: Path, lab: LabChild, whole: Path, torn: str) -> None:
    run = unfinished(whole, tmp_path / "home")
    for name in WRITTEN_AFTER[torn]:
        for path in run.glob(f"{name}-*.jsonl"):
            path.unlink()
    (part,) = run.glob(f"{torn}-*.jsonl")
    *before, last = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(before) + last[: len(last) // 2])
    ended = mxscan(run.parent, "scan", "--resume", run, "--quiet", preparations=[sharing(lab)])
    assert ended.exit_code == OK, ended.said
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)


@acceptance
def test_foreign_files_in_a_run_are_left_alone(tmp_path: Path, lab: LabChild, whole: Path) -> None:
    run = unfinished(whole, tmp_path / "home")
    foreign = {"notes.txt": b"mine", "sessions-000.jsonl.bak": b"{torn", "sessions-old.jsonl": b"{}\n", ".hidden": b""}
    for name, octets in foreign.items():
        (run / name).write_bytes(octets)
    (run / "routes-000").mkdir()
    for command in (["scan", "--quiet", "--resume"], ["judge"]):
        ended = mxscan(run.parent, *command, run, preparations=[sharing(lab)])
        assert ended.exit_code == OK, ended.said
        assert {name: (run / name).read_bytes() for name in foreign} == foreign
        assert (run / "routes-000").is_dir()
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)


def unfinished(whole: Path, home: Path) -> Path:
    """A copy of a run that was interrupted at its end."""
    run = home / "run"
    shutil.copytree(whole, run)
    made = read_run(run)
    start = msgspec.structs.replace(made.starts[-1], exit=143, end=None)
    made = msgspec.structs.replace(made, starts=(*made.starts[:-1], start))
    (run / "run.json").write_bytes(msgspec.json.encode(made))
    (run / "domains.jsonl").unlink()
    return run


def scan(tmp_path: Path, octets: bytes | None, *options: str | Path, lab: LabChild | None = None) -> tuple[Ended, Path]:
    """`mxscan scan` of a list in a home of its own, with a lab of its own or the open one; and its run."""
    if octets is not None:
        (tmp_path / "list").write_bytes(octets)
    home = tmp_path / "home"
    preparations = [] if lab is None else [sharing(lab)]
    arguments = ("scan", tmp_path / "list", "--lab", *options, "--out", home / "run")
    return mxscan(home, *arguments, preparations=preparations), home / "run"
