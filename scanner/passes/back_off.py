"""Who said that it is too much (421, 450, 4.7.x), how often in a row, and how long it is therefore left alone.

A place is an address or a network, as text. The first refusal of a place keeps us away for `back_off_s`, each
further one in a row twice as long as the one before, and after `back_off_times` the place is given up. A network
is asked for less once two of its addresses did. Only places that refuse are remembered.
"""

from dataclasses import dataclass
from math import inf

from scanner.settings import PaceSettings


@dataclass(slots=True)
class _Refusals:
    """Those of a place in a row, and when the last one came (monotonic seconds)."""

    in_a_row: int = 0
    last_at: float = -inf

    def add(self, began: float, now: float) -> None:
        # Sessions that were under way when another was refused hear the same "too much" again, not a further one.
        if began > self.last_at:
            self.in_a_row += 1
        self.last_at = now


class BackOff:
    """Counts the refusals of addresses and networks, until a session is accepted there."""

    def __init__(self, pace: PaceSettings) -> None:
        self._first_s = pace.back_off_s
        self._times = pace.back_off_times
        self._refusals: dict[str, _Refusals] = {}
        #: Network → the first of its addresses that refused since it accepted a session.
        self._first_refusing: dict[str, str] = {}

    def refused(self, address: str, network: str, began: float, now: float) -> None:
        """A session at the address that began then was told now that it is too much."""
        self._add(address, began, now)
        first = self._first_refusing.setdefault(network, address)
        if first != address or network in self._refusals:
            self._add(network, began, now)

    def accepted(self, address: str, network: str) -> None:
        """A session at the address was let in: its refusals and those of its network are forgotten."""
        for place in (address, network):
            self._refusals.pop(place, None)
        self._first_refusing.pop(network, None)

    def wait_s(self, place: str) -> float:
        """How long a place is left alone from its last refusal on; 0 if it did not refuse.

        One that was given up and is asked once more later does not wait longer still: it would hold up the end.
        """
        refusals = self._refusals.get(place)
        return 0.0 if refusals is None else self._first_s * 2.0 ** (min(refusals.in_a_row, self._times) - 1)

    def gives_up(self, place: str) -> bool:
        """True if the place has refused so often in a row that it is not asked any more."""
        refusals = self._refusals.get(place)
        return refusals is not None and refusals.in_a_row >= self._times

    def _add(self, place: str, began: float, now: float) -> None:
        self._refusals.setdefault(place, _Refusals()).add(began, now)
