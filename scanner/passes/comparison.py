"""Two runs side by side: each domain with its record in either, whatever the size and order of the runs.

Theory of operation. Two runs over about the same list have their domains in about the same order, so both files
are read in step, and a record waits until the other run's comes. If too many wait, all of them are put aside in
a file of this side, with their places by a hash of the domain; what is left in the end is joined part by part.
So every record is read once, or, if the orders differ, twice, and the memory is that of those that wait.
"""

import tempfile
from array import array
from collections.abc import Iterator
from itertools import zip_longest
from types import TracebackType
from typing import BinaryIO, Self, cast

import msgspec

from scanner.passes.partitions import partition_of
from scanner.passes.run_directory import DiskFault, RunDirectory, encode_record
from scanner.records import Domain

#: Records that may wait for their counterpart: about 5 KB each.
MAX_WAITING = 8192

#: Parts in which those put aside are joined: of a million domains 4,000 are held at a time.
_PARTS = 256

Pair = tuple[Domain | None, Domain | None]


def pairs(before: RunDirectory, after: RunDirectory, max_waiting: int = MAX_WAITING) -> Iterator[Pair]:
    """Every domain of the two runs once, with its records; None in the run that does not have it.

    Lines of the input that were no domain are left out. Raises RunError, DiskFault.
    """
    with _Side() as earlier, _Side() as later:
        for record, other in zip_longest(_domains(before), _domains(after)):
            if record is not None and other is not None and record.domain == other.domain:
                yield record, other
                continue
            if record is not None and (found := _meet(record, earlier, later)):
                yield record, found
            if other is not None and (found := _meet(other, later, earlier)):
                yield found, other
            if len(earlier) + len(later) > max_waiting:
                earlier.put_aside()
                later.put_aside()
        yield from _join(earlier, later)


def _domains(directory: RunDirectory) -> Iterator[Domain]:
    return (record for record in directory.read(Domain) if record.domain is not None)


def _meet(record: Domain, own: "_Side", other: "_Side") -> Domain | None:
    """The counterpart of a record, if it waits on the other side; else the record waits on its own."""
    found = other.waiting.pop(record.domain or "", None)
    if found is None:
        own.waiting[record.domain or ""] = record
    return found


def _join(earlier: "_Side", later: "_Side") -> Iterator[Pair]:
    """Those that have not met, and those that never will."""
    if earlier.is_empty:  # then so is the other, and who still waits is in one run only
        yield from ((record, None) for record in earlier.waiting.values())
        yield from ((None, record) for record in later.waiting.values())
        return
    earlier.put_aside()
    later.put_aside()
    for part in range(_PARTS):
        alone = {record.domain: record for record in earlier.part(part)}
        for record in later.part(part):
            yield alone.pop(record.domain, None), record
        yield from ((record, None) for record in alone.values())


class _Side:
    """One run's records that wait for the other's, in memory or put aside in a file without a name."""

    def __init__(self) -> None:
        self.waiting: dict[str, Domain] = {}
        self._file: BinaryIO | None = None
        self._end = 0
        self._places = [array("Q") for _ in range(_PARTS)]

    def __len__(self) -> int:
        return len(self.waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def is_empty(self) -> bool:
        """True if nothing was put aside."""
        return self._file is None

    def put_aside(self) -> None:
        """Writes down whatever waits. Raises DiskFault."""
        try:
            if self._file is None:
                self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed with the side
            for domain, record in self.waiting.items():
                self._places[partition_of(domain, _PARTS)].append(self._end)
                self._end += self._file.write(encode_record(record))
        except OSError as error:
            raise _fault(error) from error
        self.waiting.clear()

    def part(self, number: int) -> Iterator[Domain]:
        """The records of a part that were put aside. Raises DiskFault."""
        if self._file is None:
            return
        decoder = msgspec.json.Decoder(Domain)
        for place in self._places[number]:
            try:
                self._file.seek(place)
                line = self._file.readline()
            except OSError as error:
                raise _fault(error) from error
            yield decoder.decode(line)


def _fault(error: OSError) -> DiskFault:
    return DiskFault(f"{tempfile.gettempdir()}, where two runs are joined: {error.strerror}")
