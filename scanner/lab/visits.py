"""Servers that remember who came before: the behaviour that each session at an address meets. Pure."""

from collections.abc import Mapping

from scanner.lab.world import Manners


class Visits:
    """The sessions of one server, counted; `behaviour` is what it is called in the world."""

    def __init__(self, behaviour: str, behaviours: Mapping[str, Manners]) -> None:
        self._name = behaviour
        self._behaviour = behaviours[behaviour]
        self._count = 0
        self._window_ends_s = 0.0

    def next_behaviour(self, now_s: float) -> str:
        """What the session that begins now meets; `now_s` never goes back."""
        behaviour = self._behaviour
        if behaviour.visits:
            self._count += 1
            return behaviour.visits[min(self._count, len(behaviour.visits)) - 1]
        if behaviour.allows and not self._is_allowed(now_s):
            return behaviour.otherwise
        return self._name

    def _is_allowed(self, now_s: float) -> bool:
        """True for the first sessions of a window, which begins with the first after the one before it."""
        if now_s >= self._window_ends_s:
            self._window_ends_s = now_s + self._behaviour.window_s
            self._count = 0
        self._count += 1
        return self._count <= self._behaviour.allows
