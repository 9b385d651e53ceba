"""How near its end a certificate is."""

import pytest

from scanner.outages.certificate_steps import step_of

DAYS = (30, 14, 7, 1)


@pytest.mark.parametrize(
    ("days_left", "lifetime_days", "step", "why"),
    [
        (31, 365.0, None, "nothing was passed yet"),
        (30, 365.0, 30, "the first threshold"),
        (15, 365.0, 30, "still the first"),
        (14, 365.0, 14, "the second"),
        (7, 365.0, 7, "the third"),
        (1, 365.0, 1, "the last"),
        (0, 365.0, 1, "its last day"),
        (-1, 365.0, 0, "expired"),
        (-1, 6.0, 0, "expired, however short its life was"),
        (30, 90.0, None, "a third of 90 days: whoever renews in time has not done so yet"),
        (14, 90.0, 14, "nor had he, then"),
        (29, 89.99, None, "90 days, less a second"),
        (13, 45.0, 14, "a certificate for 45 days is renewed with 15 left"),
        (2, 6.0, None, "and one for six days with two"),
        (1, 6.0, 1, "so one left is told"),
        (30, None, 30, "if its life is not known, the days are told"),
    ],
)
def test_a_step_is_the_smallest_threshold_that_was_passed(
    days_left: int, lifetime_days: float | None, step: int | None, why: str
) -> None:
    assert step_of(days_left, DAYS, lifetime_days) == step, why


def test_without_thresholds_only_the_end_is_told() -> None:
    assert step_of(0, (), 365.0) is None
    assert step_of(-1, (), 365.0) == 0
