"""The month is played once, for all tests that look at it."""

from dataclasses import dataclass

import pytest

from tests.acceptance.month.nights import NIGHTS
from tests.acceptance.month.playing import Arrived, Month, Played, Rehearsed

#: The night that is rehearsed on the evening before.
REHEARSED = 8


@dataclass(frozen=True)
class Watched:
    """A month that was played: what is to be asked of its state, its nights, and a rehearsal of one of them."""

    month: Month
    nights: tuple[Played, ...]
    rehearsed: Rehearsed

    def night(self, number: int) -> Played:
        return self.nights[number - 1]

    @property
    def mails(self) -> list[Arrived]:
        return [mail for night in self.nights for mail in night.mails]


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    month = Month(tmp_path_factory.mktemp("month"))
    nights = [month.play(number, night) for number, night in enumerate(NIGHTS[: REHEARSED - 1], 1)]
    world = NIGHTS[REHEARSED - 1].world
    assert world is not None
    rehearsed = month.rehearse(REHEARSED, world)
    nights += [month.play(number, night) for number, night in enumerate(NIGHTS[REHEARSED - 1 :], REHEARSED)]
    return Watched(month, tuple(nights), rehearsed)
