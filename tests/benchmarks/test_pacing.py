"""The table of the pacer's runs: nobody waits for another, and who would is named."""

from dataclasses import replace

import pytest

from benchmarks.pacing import Case, Paced, cases, pace, render

SMALL = 3600


@pytest.mark.parametrize("case", cases(SMALL), ids=lambda case: case.name)
def test_a_run_lasts_as_long_as_without_these_servers_or_as_they_do_alone(case: Case) -> None:
    line = pace(case)
    assert line.is_held, render([line])
    assert 0 < line.sessions <= line.targets == SMALL


def test_what_is_withdrawn_is_not_asked_for() -> None:
    sessions = {case.name: pace(case).sessions for case in cases(SMALL)[2:]}
    assert sessions == {
        "a third at a blackhole": SMALL * 2 // 3 + 2 * 24,
        "a third where 20 are too much": SMALL,
        "half at one address, 200 asked": SMALL // 2 + 200,
    }


def test_a_line_that_is_not_held_is_named() -> None:
    line = Paced("a tarpit", targets=20_000, sessions=15_000, alone_s=1800.0, without_s=100.0, together_s=1980.0)
    assert render([line]).splitlines()[1].split() == (
        ["a", "tarpit", "20,000", "15,000", "1,800", "s", "100", "s", "1,980", "s", "1.10", "≤", "1.1", "held"]
    )
    assert render([replace(line, together_s=2000.0)]).splitlines()[1].endswith("NOT HELD")
