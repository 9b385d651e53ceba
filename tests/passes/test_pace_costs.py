"""What a target costs the pacer: memory while it waits, CPU when it is given out."""

import gc
import time
import tracemalloc
from collections.abc import Callable

import pytest

from scanner.passes.pace import Pacer
from scanner.settings import PaceSettings
from tests.passes.virtual_time import Simulation, Wanted, group_of, spread

COUNT = 10_000
#: What the pacer may need for each target besides its texts: (target of a number, queued, while it runs).
SHAPES: list[tuple[str, Callable[[int], tuple[str, str, str]], int, int]] = [
    ("an address, network and group of its own", lambda i: (f"a{i}", f"n{i}", f"h.g{i}"), 150, 200),
    ("many names on few addresses", lambda i: (f"a{i % 200}", f"n{i % 20}", f"h.g{i}"), 20, 60),
]


@pytest.mark.parametrize(("shape", "queued", "running"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_target_that_waits_takes_few_octets_and_one_that_is_over_none(
    shape: Callable[[int], tuple[str, str, str]], queued: int, running: int
) -> None:
    targets = [shape(number) for number in range(COUNT)]
    gc.collect()
    tracemalloc.start()
    try:
        pacer = Pacer(PaceSettings(), 500, 1, group_of)
        for target in targets:
            pacer.add(*target)
        assert tracemalloc.get_traced_memory()[0] / COUNT < queued
        run_to_the_end(pacer)
        assert tracemalloc.get_traced_memory()[1] / COUNT < running
        gc.collect()
        # The tables in which the targets stood keep their size; nothing stands in them any more.
        assert tracemalloc.get_traced_memory()[0] / COUNT < 120
    finally:
        tracemalloc.stop()


def run_to_the_end(pacer: Pacer) -> None:
    """All sessions that may be held at one time end a second later."""
    now = 0.0
    while pacer.waiting:
        tickets = []
        while (ticket := pacer.next_target(now)) is not None:
            tickets.append(ticket)
        now += 1.0
        for ticket in tickets:
            pacer.finished(ticket, now)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (spread(10_000, addresses=1000, networks=1000, groups=1000, lasts_s=0.3), "many providers"),
        (spread(10_000, addresses=1000, networks=4, groups=1, lasts_s=0.3), "one group whose networks are full too"),
        (spread(10_000, addresses=1000, networks=4, groups=10_000, lasts_s=0.3), "a group for every name"),
        ([Wanted("a", "n", f"h{number}.g{number}", 0.3) for number in range(10_000)], "one address"),
    ],
)
def test_what_is_given_out_costs_little_however_the_targets_lie(wanted: list[Wanted], why: str) -> None:
    began = time.process_time()
    assert len(Simulation(PaceSettings(), 500, wanted).run()) == len(wanted)
    # About 20 µs each; what looks at all addresses again and again takes a hundred times that.
    assert time.process_time() - began < len(wanted) * 200e-6, why
