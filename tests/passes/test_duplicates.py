"""Domains that stand in the input more than once; partitions and the hash that both rest on."""

import pytest

from scanner.passes.duplicates import InputIndex
from scanner.passes.partitions import hash64, partition_of, partitions_for
from scanner.records import MAX_LINES_LISTED, InputLine


def line(number: int, domain: str | None, **metadata: str) -> InputLine:
    return InputLine(line=number, input=domain or "?", domain=domain, metadata=metadata)


def test_a_domain_that_stands_there_once_has_its_line_alone() -> None:
    first = line(1, "a.test", customer="7")
    index = InputIndex([first, line(2, "b.test")])
    found = index.lines_of(first)
    assert (found.first, found.more, found.metadata_more, found.total) == (first, (), (), 1)
    assert index.distinct_domains == 2


def test_lines_of_a_domain_are_counted_and_listed_in_order_with_their_metadata() -> None:
    lines = [
        line(1, "a.test", customer="1"),
        line(2, "b.test"),
        line(3, "a.test", customer="2"),
        line(4, None),
        line(5, "a.test"),
        line(6, None),
        line(9, "a.test", customer="3"),
    ]
    index = InputIndex(lines)
    found = index.lines_of(lines[0])
    assert found.more == (3, 5, 9)
    assert found.metadata_more == ({"customer": "2"}, {"customer": "3"})
    assert found.total == 4
    assert index.lines_of(lines[1]).total == 1
    assert index.distinct_domains == 2


@pytest.mark.parametrize(("count", "listed"), [(1, 1), (99, 99), (100, 100), (101, 100), (5000, 100)])
def test_no_more_than_a_hundred_lines_are_listed_and_all_are_counted(count: int, listed: int) -> None:
    lines = [line(number, "a.test", customer=str(number)) for number in range(1, count + 1)]
    found = InputIndex(lines).lines_of(lines[0])
    assert 1 + len(found.more) == listed <= MAX_LINES_LISTED
    assert found.more == tuple(range(2, listed + 1))
    assert len(found.metadata_more) == listed - 1
    assert found.total == count


def test_lines_that_are_no_domain_are_no_duplicates_of_each_other() -> None:
    lines = [line(1, None), line(2, None)]
    index = InputIndex(lines)
    assert index.distinct_domains == 0
    assert index.lines_of(lines[0]).total == 1


def test_a_hash_is_the_same_in_every_run_and_on_every_machine() -> None:
    # Resuming a run on another machine must find every domain in the part where it was.
    assert hash64("example.org") == 0x24DAB28D73E82DB5


def test_a_name_with_a_lone_surrogate_has_a_hash_too() -> None:
    assert hash64("a\udcff.test") != hash64("a\udcfe.test")


@pytest.mark.parametrize("partitions", [1, 2, 7, 1000])
def test_every_key_has_one_partition_and_all_are_used(partitions: int) -> None:
    found = {partition_of(f"d{number}.test", partitions) for number in range(20 * partitions)}
    assert found <= set(range(partitions))
    assert len(found) > partitions * 0.9


@pytest.mark.parametrize(
    ("domains", "partitions"),
    [(0, 1), (1, 1), (74_999, 1), (75_001, 2), (1_000_000, 20), (50_000_000, 1000), (10**9, 1000)],
)
def test_a_small_run_has_one_part_and_none_more_than_a_thousand(domains: int, partitions: int) -> None:
    assert partitions_for(domains) == partitions
