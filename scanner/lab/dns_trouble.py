"""A resolver that is gone for a while, and a line that loses: questions that nobody answers. Pure."""

import random
from collections.abc import Callable

from scanner.lab.order import LabFaults


class DnsTrouble:
    """Decides of each question, in the order in which they come, whether it gets lost.

    To who asks, a question that is lost and an answer that is are one; but the world never saw the question.
    `now_s` is any clock that never goes back; `silence_began` is called once.
    """

    def __init__(
        self, faults: LabFaults, seed: int, now_s: Callable[[], float], silence_began: Callable[[], None]
    ) -> None:
        self._faults = faults
        self._rng = random.Random(f"lost answers {seed}")
        self._now_s = now_s
        self._silence_began = silence_began
        self._questions = 0
        self._silent_until_s: float | None = None

    def loses_question(self, *, by_udp: bool) -> bool:
        """True if the question that has just come is not to be answered. TCP loses nothing."""
        self._questions += 1
        is_lost = by_udp and self._rng.random() < self._faults.dns_loss
        return self._is_silent() or is_lost

    def _is_silent(self) -> bool:
        after = self._faults.dns_silent_after
        if not after or self._questions <= after:
            return False
        if self._silent_until_s is None:
            self._silent_until_s = self._now_s() + self._faults.dns_silent_s
            self._silence_began()
        return self._now_s() < self._silent_until_s
