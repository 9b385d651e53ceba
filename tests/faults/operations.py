"""Every operation of a command on files, sockets and the resolver, numbered by kind, and one of them failed.

To be used in a fork (command.py): what is patched here is never put back.
"""

import errno
import mmap
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import aiodns
import pycares

from scanner.net import streams
from scanner.passes import run_directory


class Kind(StrEnum):
    """What can fail: of a file, of a connection, of the resolver."""

    open = "open"
    read = "read"
    write = "write"
    short_write = "short write"
    rename = "rename"
    socket = "socket"
    connect = "connect"
    receive = "receive"
    send = "send"
    query = "query"


class Operations:
    """Counts the operations of a kind in a fork, for whoever forked it; `fails` is the number of the one to fail."""

    def __init__(self, kind: Kind, fails: int = 0) -> None:
        self.kind = kind
        self.fails = fails
        self._shared = mmap.mmap(-1, 8)

    @property
    def count(self) -> int:
        """How many there were."""
        return int(struct.unpack("q", self._shared[:])[0])

    def next_fails(self) -> bool:
        """Counts one more; True if it is the one."""
        number = self.count + 1
        self._shared[:] = struct.pack("q", number)
        return number == self.fails

    def number_in(self, run: Path) -> Callable[[], None]:
        """A preparation of the fork whose operations on this run directory are counted."""
        return lambda: _NUMBERINGS[self.kind](self, run)


def _failing(original: Callable[..., Any], operations: Operations, error: int) -> Callable[..., Any]:
    """The same function, whose n-th call raises an OSError instead."""

    def call(*arguments: Any, **options: Any) -> Any:
        if operations.next_fails():
            raise OSError(error, os.strerror(error))
        return original(*arguments, **options)

    return call


#: Numbers nothing, fails nothing.
NONE = Operations(Kind.rename)


# Files -------------------------------------------------------------------------------------------------


def _is_of(run: Path, path: Path) -> bool:
    return path.is_relative_to(run) and "lab" not in path.relative_to(run).parts


def _number_opens(operations: Operations, run: Path) -> None:
    _own_os(open=_failing(os.open, operations, errno.EMFILE))
    _wrap_path("open", run, _failing(Path.open, operations, errno.EMFILE))
    _wrap_path("mkdir", run, _failing(Path.mkdir, operations, errno.EACCES))


def _number_renames(operations: Operations, run: Path) -> None:
    _wrap_path("replace", run, _failing(Path.replace, operations, errno.EIO))


def _number_writes(operations: Operations, run: Path) -> None:
    _own_os(
        write=_failing(os.write, operations, errno.ENOSPC),
        ftruncate=_failing(os.ftruncate, operations, errno.EIO),
        fsync=_failing(os.fsync, operations, errno.EIO),
    )
    _wrap_path("open", run, _open_as(_WrittenFile, operations))


def _number_short_writes(operations: Operations, run: Path) -> None:
    def write(descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data[: len(data) // 2] if operations.next_fails() else data)

    _own_os(write=write)


def _number_reads(operations: Operations, run: Path) -> None:
    _wrap_path("open", run, _open_as(_ReadFile, operations))


def _own_os(**functions: Callable[..., Any]) -> None:
    """Gives run_directory.py an `os` of its own, with other functions; everybody else keeps theirs."""
    run_directory.os = SimpleNamespace(**{**vars(os), **vars(run_directory.os), **functions})  # type: ignore[assignment,attr-defined]


def _wrap_path(name: str, run: Path, numbered: Callable[..., Any]) -> None:
    original = getattr(Path, name)

    def call(path: Path, *arguments: Any, **options: Any) -> Any:
        return (numbered if _is_of(run, path) else original)(path, *arguments, **options)

    setattr(Path, name, call)


def _open_as(file_type: "type[_File]", operations: Operations) -> Callable[..., Any]:
    original = Path.open
    return lambda path, *arguments, **options: file_type(original(path, *arguments, **options), operations)


class _File:
    """A file whose operations of one kind are numbered; of all others it is the file itself."""

    def __init__(self, file: Any, operations: Operations) -> None:
        self._file = file
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Any:
        return iter(self._file)

    def _next(self, error: int) -> None:
        if self._operations.next_fails():
            raise OSError(error, os.strerror(error))


class _ReadFile(_File):
    def __iter__(self) -> Any:
        self._next(errno.EIO)
        return iter(self._file)

    def read(self, *arguments: int) -> Any:
        self._next(errno.EIO)
        return self._file.read(*arguments)


class _WrittenFile(_File):
    def write(self, data: bytes) -> int:
        # Buffered: that the disk is full is noticed here or when it is flushed.
        self._next(errno.ENOSPC)
        return int(self._file.write(data))

    def flush(self) -> None:
        self._next(errno.ENOSPC)
        self._file.flush()

    def truncate(self, *arguments: int) -> Any:
        self._next(errno.EIO)
        return self._file.truncate(*arguments)


# Connections -------------------------------------------------------------------------------------------


def _number_sockets(operations: Operations, run: Path) -> None:
    _own_socket(_failing(socket.socket, operations, errno.EMFILE))


def _number_connects(operations: Operations, run: Path) -> None:
    class Socket(socket.socket):
        def connect_ex(self, address: Any) -> int:
            return errno.ENETUNREACH if operations.next_fails() else super().connect_ex(address)

    _own_socket(Socket)


def _own_socket(maker: Callable[..., socket.socket]) -> None:
    """Gives streams.py a `socket` of its own, that makes its sockets so; the event loop keeps the other one."""
    streams.socket = SimpleNamespace(**{**vars(socket), "socket": maker})  # type: ignore[assignment,attr-defined]


def _number_receipts(operations: Operations, run: Path) -> None:
    feed = streams._Reader.feed_data

    def feed_data(reader: Any, data: bytes) -> None:
        if operations.next_fails():
            reader.set_exception(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
        elif reader.ended_by is None:
            feed(reader, data)

    streams._Reader.feed_data = feed_data  # type: ignore[assignment,method-assign]


def _number_sends(operations: Operations, run: Path) -> None:
    write = streams.TcpStream.write

    def write_or_break(stream: Any, data: bytes) -> None:
        if not operations.next_fails():
            write(stream, data)
            return
        stream._reader.set_exception(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)))
        stream.abort()

    streams.TcpStream.write = write_or_break  # type: ignore[assignment,method-assign]


def _number_queries(operations: Operations, run: Path) -> None:
    query: Callable[..., Awaitable[Any]] = aiodns.DNSResolver.query_dns

    async def query_dns(resolver: Any, *arguments: Any) -> Any:
        if operations.next_fails():
            raise aiodns.error.DNSError(pycares.errno.ARES_ECONNREFUSED, "could not contact DNS servers")
        return await query(resolver, *arguments)

    aiodns.DNSResolver.query_dns = query_dns  # type: ignore[assignment,method-assign]


_NUMBERINGS: dict[Kind, Callable[[Operations, Path], None]] = {
    Kind.open: _number_opens,
    Kind.read: _number_reads,
    Kind.write: _number_writes,
    Kind.short_write: _number_short_writes,
    Kind.rename: _number_renames,
    Kind.socket: _number_sockets,
    Kind.connect: _number_connects,
    Kind.receive: _number_receipts,
    Kind.send: _number_sends,
    Kind.query: _number_queries,
}
