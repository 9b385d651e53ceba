"""The run directory: whole lines whatever happens, repaired where it was torn, never another's."""

import contextlib
import gzip
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import zstandard

from scanner.passes.partitions import partition_of
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.run_directory import (
    DiskFault,
    RunDirectory,
    RunError,
    RunLockedError,
    encode_record,
)
from scanner.records import Event, SessionRecord, Target, Transcript
from tests.passes.examples import event, run, session, target, transcript


def start(program: str, directory: RunDirectory, *arguments: str) -> subprocess.Popen[bytes]:
    """Runs a program in a process of its own, on a run directory."""
    command = [sys.executable, "-c", program, str(directory.path), *arguments]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A new run directory with a run.json."""
    made = RunDirectory.create(tmp_path / "run")
    made.write_run(run())
    return made


# Coming and going -----------------------------------------------------------------------------------------


def test_a_run_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    made = RunDirectory.create(tmp_path / "a" / "b" / "run")
    assert made.path.is_dir()


@pytest.mark.parametrize("what", ["an empty directory", "a run", "a file"])
def test_what_exists_is_never_overwritten(tmp_path: Path, what: str) -> None:
    path = tmp_path / "run"
    if what == "a file":
        path.write_bytes(b"mine")
    else:
        RunDirectory.create(path)
    with pytest.raises(RunError, match=f"exists already.*--out.*--resume {path}"):
        RunDirectory.create(path)
    assert what != "a file" or path.read_bytes() == b"mine"


def test_a_directory_that_cannot_be_made_is_the_disks_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskFault, match=r"can't be made"):
        RunDirectory.create(tmp_path / "file" / "run")


def test_a_run_is_opened_as_it_was_written(directory: RunDirectory) -> None:
    assert RunDirectory.open(directory.path).read_run() == run()


NO_RUNS: list[tuple[str, bytes | None, str]] = [
    ("no directory", None, r"no run directory: no directory.*mxscan scan --out"),
    ("nothing in it", b"", r"no run directory: no run.json in it"),
    ("a later format", b'{"format":2,"new":true}', r"has format 2.*reads format 1: use the version that made it"),
    ("a format that is no number", b'{"format":"1"}', r"has format 1"),
    ("no format", b"{}", r"has format unknown"),
    ("no object", b"[1]", r"can't be read"),
    ("no JSON", b"{half", r"can't be read"),
    ("a field that no run has", encode_record(run())[:-2] + b',"x":1}', r"can't be read.*x"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "why"), [row[1:] for row in NO_RUNS], ids=[row[0] for row in NO_RUNS])
def test_what_is_no_run_of_this_format_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "run"
    if content is not None:
        path.mkdir()
    if content:
        (path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=why):
        RunDirectory.open(path)


HOLD = """
import sys
from pathlib import Path
from scanner.passes.run_directory import RunDirectory
with RunDirectory.open(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_lets_go(directory: RunDirectory) -> None:
    holder = start(HOLD, directory)
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunLockedError, match="another process"), directory.locked():
            pytest.fail("two processes held the run")
        holder.stdin.close()
        assert holder.wait(10) == 0
    with directory.locked():
        pass


def test_a_process_that_was_killed_holds_nothing(directory: RunDirectory) -> None:
    holder = start(HOLD, directory)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.wait(10)
    with directory.locked():
        pass


# Appending ------------------------------------------------------------------------------------------------


def test_a_record_is_one_whole_line_at_once(directory: RunDirectory) -> None:
    path = directory.path / "events.jsonl"
    appender = directory.appender(Event)
    for number in range(3):
        appender.append(event("lines\nof\r\ntext", number=str(number)))
        assert path.read_bytes().count(b"\n") == number + 1
    appender.close()
    assert [orjson.loads(line)["event"] for line in path.read_bytes().splitlines()] == ["lines\nof\r\ntext"] * 3


def test_appending_goes_on_where_it_ended(directory: RunDirectory) -> None:
    for number in range(3):
        appender = directory.appender(Event)
        appender.append(event(f"start {number}"))
        appender.close()
    assert [record.event for record in directory.read(Event)] == ["start 0", "start 1", "start 2"]


def test_records_go_to_the_part_of_their_key(directory: RunDirectory) -> None:
    with PartsWriter(directory, Target, 3, lambda record: record.server_name + record.target) as writer:
        for number in range(30):
            writer.append(target(number))
    for part in range(3):
        for record in directory.read(Target, part):
            assert partition_of(record.server_name + record.target, 3) == part
    assert sorted(record.target for record in directory.read(Target)) == [f"{number:016x}" for number in range(30)]
    assert directory.count(Target) == 30


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from scanner.passes.run_directory import DiskFault, RunDirectory
from scanner.records import Event
from tests.passes.examples import event
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
directory = RunDirectory(Path(sys.argv[1]))
appender = directory.appender(Event)
appender.append(event("first"))
size = (directory.path / "events.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(sys.argv[2]), resource.RLIM_INFINITY))
for word in ("second", "third"):
    try:
        appender.append(event(word))
    except DiskFault as fault:
        print(fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
appender.append(event("fourth"))
"""


@pytest.mark.parametrize(
    ("room", "message"), [(0, "File too large"), (1, "no space for a whole record"), (70, "no space for a whole")]
)
def test_a_write_that_falls_short_is_taken_back_and_told(directory: RunDirectory, room: int, message: str) -> None:
    child = start(FULL_DISK, directory, str(room))
    faults = child.communicate(timeout=10)[0].decode().splitlines()
    assert child.returncode == 0
    assert len(faults) == 2
    assert all(str(directory.path / "events.jsonl") in fault and message in fault for fault in faults)
    assert [record.event for record in directory.read(Event)] == ["first", "fourth"]
    assert (directory.path / "events.jsonl").read_bytes().count(b"\n") == 2


def test_a_part_that_cannot_be_opened_is_the_disks_fault(directory: RunDirectory) -> None:
    (directory.path / "events.jsonl").mkdir()
    with pytest.raises(DiskFault, match=r"events\.jsonl"):
        directory.appender(Event)


# Whole files ----------------------------------------------------------------------------------------------


def test_a_file_is_there_whole_or_not_at_all(directory: RunDirectory) -> None:
    directory.write_file("roots.pem", b"old")
    with contextlib.suppress(KeyError), directory.replacing("roots.pem") as file:
        file.write(b"half of the new")
        raise KeyError
    assert directory.read_file("roots.pem") == b"old"
    directory.write_file("roots.pem", b"new")
    assert directory.read_file("roots.pem") == b"new"
    assert sorted(path.name for path in directory.path.iterdir()) == ["roots.pem", "run.json"]


def test_a_file_that_is_not_there_is_named(directory: RunDirectory) -> None:
    assert not directory.has("roots.pem")
    with pytest.raises(RunError, match=r"roots\.pem can't be read: No such file"):
        directory.read_file("roots.pem")


def test_records_are_written_in_one_piece(directory: RunDirectory) -> None:
    directory.write_records("events.jsonl", (event(word) for word in "abc"))
    assert [record.event for record in directory.read(Event)] == ["a", "b", "c"]


def test_a_scratch_file_has_no_name(directory: RunDirectory) -> None:
    before = sorted(directory.path.iterdir())
    with directory.scratch() as file:
        file.write(b"x")
        assert sorted(directory.path.iterdir()) == before


def test_a_directory_that_is_gone_is_the_disks_fault(tmp_path: Path) -> None:
    gone = RunDirectory(tmp_path / "gone")
    with pytest.raises(DiskFault):
        gone.write_file("roots.pem", b"")
    with pytest.raises(DiskFault):
        gone.scratch()
    with pytest.raises(DiskFault), gone.locked():
        pass


# Reading --------------------------------------------------------------------------------------------------


def lines_of(*numbers: int) -> bytes:
    return b"".join(encode_record(target(number)) for number in numbers)


def frames_of(*numbers: int) -> bytes:
    """Each line a frame of its own, as they are when parts are put together."""
    return b"".join(zstandard.compress(lines_of(number)) for number in numbers)


COMPRESSED: list[tuple[str, Callable[[bytes], bytes]]] = [
    (".gz", gzip.compress),
    (".zst", zstandard.compress),
]


def numbers_in(directory: RunDirectory, partition: int | None = None) -> list[int]:
    return [int(record.target, 16) for record in directory.read(Target, partition)]


def test_parts_are_read_in_order_plain_or_compressed(directory: RunDirectory) -> None:
    (directory.path / "targets-000.jsonl").write_bytes(lines_of(1, 2))
    (directory.path / "targets-001.jsonl.gz").write_bytes(gzip.compress(lines_of(3)) + gzip.compress(lines_of(4)))
    (directory.path / "targets-002.jsonl.zst").write_bytes(zstandard.compress(lines_of(5, 6)))
    (directory.path / "targets-010.jsonl.zst").write_bytes(frames_of(7, 8))
    assert numbers_in(directory) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert numbers_in(directory, 1) == [3, 4]
    assert directory.count(Target) == 8


def test_a_torn_end_is_not_read(directory: RunDirectory) -> None:
    (directory.path / "targets-000.jsonl").write_bytes(lines_of(1, 2)[:-5])
    (directory.path / "targets-001.jsonl.gz").write_bytes(gzip.compress(lines_of(3) + b'{"target":'))
    assert numbers_in(directory) == [1, 3]
    assert directory.count(Target) == 2


@pytest.mark.parametrize(
    "name",
    [
        "targets.jsonl",
        "targets-.jsonl",
        "targets-old.jsonl",
        "targets-000.jsonl.bak",
        "targets-000.jsonl.bak.gz",
        "targets-0000.jsonl",
        "my-targets-000.jsonl",
        "targets-000.txt",
    ],
)
def test_foreign_files_are_not_read(directory: RunDirectory, name: str) -> None:
    (directory.path / "targets-000.jsonl").write_bytes(lines_of(1))
    (directory.path / name).write_bytes(b"something else\n")
    assert numbers_in(directory) == [1]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{}\n", "missing required field"),
        (lines_of(9).replace(b'"port":25', b'"port":0'), r"port"),
        (lines_of(9).replace(b'"port":25', b'"port":25,"x":1'), "unknown field `x`"),
        (b"not JSON\n", "malformed"),
        (b"\n", "truncated"),
    ],
)
def test_a_line_that_is_no_record_is_named_with_its_file_and_number(
    directory: RunDirectory, line: bytes, why: str
) -> None:
    (directory.path / "targets-000.jsonl").write_bytes(lines_of(1, 2) + line + lines_of(3))
    found = directory.read(Target)
    assert [int(next(found).target, 16) for _ in range(2)] == [1, 2]
    with pytest.raises(RunError, match=rf"targets-000\.jsonl line 3 is no Target record: .*{why}"):
        next(found)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut", "not compressed at all"])
def test_a_compressed_part_that_is_damaged_is_named(directory: RunDirectory, ending: str, damage: str) -> None:
    compress = dict(COMPRESSED)[ending]
    octets = compress(lines_of(*range(1, 100)))[:-20] if damage == "cut" else lines_of(1)
    (directory.path / f"targets-000.jsonl{ending}").write_bytes(octets)
    with pytest.raises(RunError, match=rf"targets-000\.jsonl\{ending} can't be read"):
        numbers_in(directory)


# Repair ---------------------------------------------------------------------------------------------------

WHOLE = lines_of(1, 2)

TORN: list[tuple[str, bytes, bytes, int]] = [
    ("nothing torn", WHOLE, WHOLE, 0),
    ("empty", b"", b"", 0),
    ("one octet of a line", WHOLE + b"{", WHOLE, 1),
    ("a line without its LF", WHOLE + lines_of(3)[:-1], WHOLE, 1),
    ("nothing but a torn line", b'{"target"', b"", 1),
    ("a torn line longer than what is looked at in one go", WHOLE + b"x" * 200_000, WHOLE, 1),
    ("zeros, as a crashed file system leaves them", WHOLE + b"\0" * 70_000, WHOLE, 1),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "cuts"), [row[1:] for row in TORN], ids=[row[0] for row in TORN])
def test_torn_tails_are_cut(directory: RunDirectory, before: bytes, after: bytes, cuts: int) -> None:
    path = directory.path / "targets-001.jsonl"
    path.write_bytes(before)
    assert directory.repair() == cuts
    assert path.read_bytes() == after
    assert directory.repair() == 0


def test_every_cut_of_a_file_is_repaired_to_whole_lines(directory: RunDirectory) -> None:
    path = directory.path / "events.jsonl"
    octets = encode_record(event("a")) + encode_record(event("b"))
    for size in range(len(octets) + 1):
        path.write_bytes(octets[:size])
        directory.repair()
        assert path.read_bytes() == octets[: octets.rfind(b"\n", 0, size) + 1]


LONE: list[tuple[str, list[int], list[int], list[int]]] = [
    ("both are there", [1, 2], [1, 2], [1, 2]),
    ("the last has no session", [1, 2, 3], [1, 2], [1, 2]),
    ("the only one has no session", [1], [], []),
    ("none", [], [], []),
]  # fmt: skip


@pytest.mark.parametrize(("transcripts", "sessions", "left"), [row[1:] for row in LONE], ids=[row[0] for row in LONE])
@pytest.mark.parametrize("torn", [b"", b'{"session":"'])
def test_a_transcript_without_its_session_is_cut(
    directory: RunDirectory, transcripts: list[int], sessions: list[int], left: list[int], torn: bytes
) -> None:
    for part in (0, 1):
        written = b"".join(encode_record(transcript(number)) for number in transcripts)
        (directory.path / f"transcripts-{part:03d}.jsonl").write_bytes(written)
        committed = b"".join(encode_record(session(number)) for number in sessions)
        (directory.path / f"sessions-{part:03d}.jsonl").write_bytes(committed + torn)
    directory.repair()
    for part in (0, 1):
        assert list(directory.read(Transcript, part)) == [transcript(number) for number in left]
        assert list(directory.read(SessionRecord, part)) == [session(number) for number in sessions]


def test_a_transcript_whose_part_of_sessions_is_missing_is_cut(directory: RunDirectory) -> None:
    (directory.path / "transcripts-000.jsonl").write_bytes(encode_record(transcript(1)))
    assert directory.repair() == 1
    assert directory.count(Transcript) == 0


def test_compressed_parts_are_finished_and_left_as_they_are(directory: RunDirectory) -> None:
    octets = gzip.compress(encode_record(transcript(1)))
    (directory.path / "transcripts-000.jsonl.gz").write_bytes(octets)
    assert directory.repair() == 0
    assert (directory.path / "transcripts-000.jsonl.gz").read_bytes() == octets


def test_a_last_line_that_is_no_record_is_not_cut_but_named(directory: RunDirectory) -> None:
    path = directory.path / "transcripts-000.jsonl"
    path.write_bytes(b"not JSON\n")
    with pytest.raises(RunError, match=r"last line of .*transcripts-000\.jsonl is no record"):
        directory.repair()
    assert path.read_bytes() == b"not JSON\n"


KILL_IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from scanner.passes.run_directory import RunDirectory
with RunDirectory(Path(sys.argv[1])).replacing("domains.jsonl") as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_that_was_half_written_when_its_process_was_killed_is_removed(directory: RunDirectory) -> None:
    with start(KILL_IN_THE_MIDDLE, directory) as child:
        assert child.wait(10) == -signal.SIGKILL
    assert not directory.has("domains.jsonl")
    assert len(list(directory.path.glob("domains.jsonl.*"))) == 1
    assert directory.repair() == 1
    assert sorted(path.name for path in directory.path.iterdir()) == ["run.json"]


@pytest.mark.parametrize("name", ["notes.txt", "notes.new", "x.jsonl", "targets-000.jsonl.bak", "sessions-old.jsonl"])
def test_foreign_files_are_left_alone(directory: RunDirectory, name: str) -> None:
    (directory.path / name).write_bytes(b"mine, without an end of line")
    assert directory.repair() == 0
    assert (directory.path / name).read_bytes() == b"mine, without an end of line"
