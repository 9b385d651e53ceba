"""What `mxscan diff --json` writes: one object, a change at a time, however many there are."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import msgspec

from scanner.passes.change_table import ChangedDomain
from scanner.records import SharedChange
from scanner.report.differences import DifferenceCounts, Side

_encode = msgspec.json.Encoder().encode


def write_differences(
    file: BinaryIO,
    sides: Sequence[Side],
    remarks: Sequence[str],
    counts: DifferenceCounts,
    changes: Iterable[tuple[SharedChange, int, Iterable[ChangedDomain]]],
) -> None:
    """`{before, after, remarks, counts, changes}`; each change with the domains that have it."""
    head = {"before": sides[0], "after": sides[1], "remarks": list(remarks), "counts": counts}
    file.write(_without_end(head) + b',"changes":[')
    for number, (shared, total, domains) in enumerate(changes):
        file.write(b",\n" if number else b"\n")
        file.write(_without_end(shared) + b',"domains_total":%d,"domains":[' % total)
        file.writelines((b"," if place else b"") + _encode(domain) for place, domain in enumerate(domains))
        file.write(b"]}")
    file.write(b"\n]}\n")


def _without_end(value: object) -> bytes:
    """An object in JSON, without the brace that ends it: more members follow."""
    return _encode(value).removesuffix(b"}")
