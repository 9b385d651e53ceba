"""The run directory: the only opener of a run's files.

Theory of operation. Every record is one `write` on an append-only descriptor: a process that is killed
leaves whole lines and at most one torn one, a full disk leaves the file cut back to its last whole line.
What is written in one piece (run.json, input.jsonl, domains.jsonl) is written beside and renamed. All
reading goes through `read`, which knows parts, compression and torn ends; nothing depends on offsets.
"""

import contextlib
import errno
import fcntl
import gzip
import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import msgspec
import orjson
import zstandard

from scanner.passes.torn_lines import cut_torn_line, last_line
from scanner.passes.zstd_octets import ZstdOctets
from scanner.records import (
    FORMAT,
    RECORDS,
    Certificate,
    Host,
    Policy,
    Record,
    Route,
    Run,
    SessionRecord,
    Target,
    Transcript,
)

R = TypeVar("R", bound=Record)

#: Files that are sets of parts, one a partition, with the record of their lines.
PARTS: dict[type[Record], str] = {
    Route: "routes",
    Host: "hosts",
    Target: "targets",
    SessionRecord: "sessions",
    Transcript: "transcripts",
    Certificate: "certificates",
    Policy: "policies",
}
_SINGLE = {record: name for name, record in RECORDS.items() if record not in PARTS}

#: Why a file can't be read, where naming another one, or mending this one, helps; None is a decompressor's.
_UNREADABLE = frozenset({None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM})


class RunError(Exception):
    """A run directory that can't be used as asked: the message says what was found and what to do."""


class IncompleteRunError(RunError):
    """A run of which files are missing or are not those that it was made with."""


class RunLockedError(Exception):
    """Another process works on the run directory."""


class DiskFault(Exception):  # noqa: N818 - whose fault it is, is the point
    """The disk did not take a record, or give one back. Everything that was written before is whole."""


def encode_record(record: Record) -> bytes:
    """The record's line, with its LF."""
    return orjson.dumps(record, default=msgspec.to_builtins, option=orjson.OPT_APPEND_NEWLINE)


class Appender:
    """Appends records to one file, each by one write; a write that falls short is taken back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._end = os.fstat(self._descriptor).st_size

    def append(self, record: Record) -> None:
        """Writes a record. Raises DiskFault, and then the file ends with its last whole record."""
        line = encode_record(record)
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            raise DiskFault(f"{self._path}: {error.strerror}") from error
        if written < len(line):
            raise DiskFault(f"{self._path}: no space for a whole record")
        self._end += written

    def close(self) -> None:
        os.close(self._descriptor)


class RunDirectory:
    """A directory of format 1, locked for this process while `locked()` runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # Coming and going ----------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path) -> "RunDirectory":
        """Makes a new directory. Raises RunError if anything is there, DiskFault if it can't be made."""
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise RunError(
                f"{path} exists already, and a run is never overwritten: "
                f"name another with --out, or go on with that run by --resume {path}"
            ) from None
        except OSError as error:
            raise DiskFault(f"{path} can't be made: {error.strerror}") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """An existing run of this format. Raises RunError for anything else."""
        directory = cls(path)
        if not (path / "run.json").is_file() and (path / "lock").exists():
            raise RunError(f"{path} ended before its input was read: remove it and scan again")
        if not (path / "run.json").is_file():
            what = "no run.json in it" if path.is_dir() else "no directory"
            raise RunError(f"{path} is no run directory: {what}. A run is made by `mxscan scan --out DIR`")
        with contextlib.suppress(msgspec.MsgspecError, orjson.JSONDecodeError, AttributeError):
            found = orjson.loads(directory.read_file("run.json")).get("format")
            if found != FORMAT:
                raise RunError(
                    f"{path} has format {found or 'unknown'}, this mxscan reads format {FORMAT}: "
                    "use the version that made it"
                )
        directory.read_run()
        return directory

    def discard(self) -> None:
        """Removes a directory in which no run has begun; one that has a run.json is left alone."""
        if not (self.path / "run.json").exists():
            shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run for this process alone. Raises RunLockedError."""
        with self._opened(self.path / "lock", "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunLockedError(f"another process is working on {self.path}: wait for it or end it") from None
            yield

    # Whole files ---------------------------------------------------------------------------------------

    def read_run(self) -> Run:
        """run.json. Raises RunError."""
        return self._read_single("run.json", Run)

    def write_run(self, run: Run) -> None:
        """Replaces run.json."""
        self.write_file("run.json", orjson.dumps(run, default=msgspec.to_builtins, option=orjson.OPT_INDENT_2) + b"\n")

    def read_file(self, name: str) -> bytes:
        """A whole file of the run, e.g. roots.pem. Raises RunError, DiskFault."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise _unread(self.path / name, error) from error

    def write_file(self, name: str, data: bytes) -> None:
        """Writes a file in one piece: it is there whole or not at all."""
        with self.replacing(name) as file:
            file.write(data)

    def write_records(self, name: str, records: Iterable[Record]) -> None:
        """Writes a file of records in one piece."""
        with self.replacing(name) as file:
            for record in records:
                file.write(encode_record(record))

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        """A file that takes its name when the block ends well, else leaves nothing. Raises DiskFault."""
        beside = self.path / f"{name}.{os.getpid()}.new"
        try:
            with self._opened(beside, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path / name)
        except OSError as error:
            raise DiskFault(f"{self.path / name}: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)

    def scratch(self) -> BinaryIO:
        """A file without a name in the run directory, gone when it is closed. Raises DiskFault."""
        try:
            return cast("BinaryIO", tempfile.TemporaryFile(dir=self.path))
        except OSError as error:
            raise DiskFault(f"{self.path}: {error.strerror}") from error

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    # Files of lines ------------------------------------------------------------------------------------

    def appender(self, record: type[Record], partition: int = 0) -> Appender:
        """Appends to the part of a partition, or to the single file of records that are no set of parts."""
        name = f"{PARTS[record]}-{partition:03d}.jsonl" if record in PARTS else f"{_SINGLE[record]}.jsonl"
        try:
            return Appender(self.path / name)
        except OSError as error:
            raise DiskFault(f"{self.path / name}: {error.strerror}") from error

    def read(self, record: type[R], partition: int | None = None) -> Iterator[R]:
        """All records of a kind (of one partition) in the order written, whole lines only.

        Raises RunError for a line that is no such record, and for a file that can't be read; DiskFault.
        """
        decoder = msgspec.json.Decoder(record)
        for path in self.parts(record, partition):
            for number, line in enumerate(self._lines(path), 1):
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise RunError(f"{path} line {number} is no {record.__name__} record: {error}") from error

    def count(self, record: type[Record]) -> int:
        """How many whole lines there are of a kind of record."""
        return sum(1 for path in self.parts(record) for _ in self._lines(path))

    def parts(self, record: type[Record], partition: int | None = None) -> list[Path]:
        """The files that hold a kind of record, plain or compressed."""
        if record in PARTS:
            number = "[0-9][0-9][0-9]" if partition is None else f"{partition:03d}"
            name = f"{PARTS[record]}-{number}.jsonl"
        else:
            name = f"{_SINGLE[record]}.jsonl"
        return sorted(path for ending in ("", ".gz", ".zst") for path in self.path.glob(name + ending))

    # Repair --------------------------------------------------------------------------------------------

    def repair(self) -> int:
        """Cuts what a killed process left half done; the number of cuts. To be called under the lock.

        Raises RunError, DiskFault.
        """
        try:
            return self._cut()
        except OSError as error:
            raise DiskFault(f"{self.path} can't be repaired: {error.strerror}") from error

    def _cut(self) -> int:
        cuts = 0
        for kind in (*PARTS, *_SINGLE):
            cuts += sum(cut_torn_line(path) for path in self._plain_parts(kind))
        for path in self.path.glob("*.[0-9]*.new"):
            if not _is_alive(int(path.suffixes[-2][1:])):  # a `judge` may be writing beside us
                path.unlink()
                cuts += 1
        return cuts + sum(self._cut_lone_transcript(path) for path in self._plain_parts(Transcript))

    def _plain_parts(self, record: type[Record]) -> list[Path]:
        """The parts that are appended to; compressed ones are finished."""
        return [path for path in self.parts(record) if path.suffix == ".jsonl"]

    def _cut_lone_transcript(self, transcripts: Path) -> int:
        # A transcript is written just before its session's line, which commits it: only the last can be lone.
        sessions = transcripts.with_name(transcripts.name.replace("transcripts-", "sessions-"))
        last = last_line(transcripts)
        committed = last_line(sessions) if sessions.exists() else b""
        if not last or _session_of(transcripts, last) == _session_of(sessions, committed):
            return 0
        with transcripts.open("r+b") as file:
            file.truncate(transcripts.stat().st_size - len(last))
        return 1

    # Opening -------------------------------------------------------------------------------------------

    def _read_single(self, name: str, record: type[R]) -> R:
        try:
            return msgspec.json.decode(self.read_file(name), type=record)
        except msgspec.MsgspecError as error:
            raise RunError(f"{self.path / name} can't be read: {error}") from error

    @contextlib.contextmanager
    def _opened(self, path: Path, mode: str) -> Iterator[Any]:
        try:
            file = path.open(mode)
        except OSError as error:
            raise DiskFault(f"{path}: {error.strerror}") from error
        with file:
            yield file

    def _lines(self, path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                for line in _decompressed(path, file):
                    if line.endswith(b"\n"):
                        yield line
        except OSError as error:
            raise _unread(path, error) from error
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise RunError(f"{path} can't be read: {error}") from error


def _decompressed(path: Path, file: io.BufferedReader) -> Iterable[bytes]:
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    return io.BufferedReader(ZstdOctets(file)) if path.suffix == ".zst" else file


def _unread(path: Path, error: OSError) -> RunError | DiskFault:
    """What it means that a file can't be read: whose fault it is."""
    if error.errno in _UNREADABLE:
        return RunError(f"{path} can't be read: {error.strerror or error}")
    return DiskFault(f"{path} can't be read: {error.strerror}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _session_of(path: Path, line: bytes) -> object:
    try:
        return orjson.loads(line)["session"] if line else None
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise RunError(f"the last line of {path} is no record: {error}") from error
