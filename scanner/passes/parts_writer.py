"""Writing sets of parts: each record to the part of its key's partition."""

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from scanner.passes.partitions import partition_of
from scanner.passes.run_directory import RunDirectory
from scanner.records import Record

R = TypeVar("R", bound=Record)


class PartsWriter(Generic[R]):
    """The parts of a kind of record, open for appending while the block runs; `key` says whose part it is."""

    def __init__(self, directory: RunDirectory, record: type[R], partitions: int, key: Callable[[R], str]) -> None:
        self._appenders = [directory.appender(record, number) for number in range(partitions)]
        self._key = key

    def append(self, record: R) -> None:
        """Writes a record. Raises DiskFault."""
        self._appenders[partition_of(self._key(record), len(self._appenders))].append(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for appender in self._appenders:
            appender.close()
