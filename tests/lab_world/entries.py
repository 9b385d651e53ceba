"""The embedded world, the records that it expects, and a way to hold all of its entries to one sentence."""

from collections.abc import Callable

from scanner.lab.world import Entry
from scanner.lab.world_file import EMBEDDED_WORLD, load_world
from scanner.records import Domain
from tests.expectation import expected_record

WORLD = load_world(EMBEDDED_WORLD)
RECORDS = {entry.domain: expected_record(entry) for entry in WORLD.entries}


def each_entry(test: Callable[[Entry], None]) -> Callable[[], None]:
    """A test of one entry → one of all: it names those that fail. A test for each of them would be thousands."""

    def test_all() -> None:
        failed = {}
        for entry in WORLD.entries:
            try:
                test(entry)
            except AssertionError as error:
                failed[entry.domain] = str(error)
        assert not failed, "\n".join(f"{domain}: {why}" for domain, why in failed.items())

    test_all.__name__ = test.__name__
    test_all.__doc__ = test.__doc__
    return test_all


def record_of(entry: Entry) -> Domain:
    """The record that an entry expects."""
    return RECORDS[entry.domain]
