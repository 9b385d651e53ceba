"""Is it us? A missing network or resolver fails everything, and nothing of that is about anybody else."""

from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")

#: So many results in a row that are faults of ours, to different places, and the pass stops.
FAULTS_IN_A_ROW = 20


class OurFault(Exception):  # noqa: N818 - whose fault it is, is the point
    """This machine, its network or its resolver is the problem; the message says what was seen."""


class Vigil(Generic[R]):
    """Holds back what may be our own fault until something else is heard.

    Results of ours are kept, not written: if the first 20 are all so (or all there are), or 20 in a row
    later, the pass stops and nothing is said about them. Any other result shows that we do hear the world;
    what was held back is then written as it is, and made again when the run is resumed. `heard` says that
    an earlier start of the run did: a few that still fail are then theirs, not a missing network.
    """

    def __init__(self, what: str, write: Callable[[R], None], *, heard: bool = False) -> None:
        self._what = what
        self._write = write
        self._held: list[R] = []
        self._in_a_row: set[str] = set()
        self._heard = heard
        self._last_error = ""

    def take(self, record: R, *, place: str, our_fault: str | None, again: bool = False) -> None:
        """A result from `place` (a name, a network); `our_fault` says what went wrong if that was ours.

        One that failed so in an earlier start too, `again`, says nothing about this one. Raises OurFault
        when there were too many.
        """
        if our_fault is None:
            self._in_a_row.clear()
            self._heard = True
            self._release()
            self._write(record)
            return
        self._held.append(record)
        if again:
            return
        self._in_a_row.add(place)
        self._last_error = our_fault
        if len(self._in_a_row) >= FAULTS_IN_A_ROW:
            raise self._fault()

    def finish(self) -> None:
        """The pass is over. Raises OurFault if nothing but faults of ours was seen."""
        if self._in_a_row and not self._heard:
            raise self._fault()
        self._release()

    def _release(self) -> None:
        for record in self._held:
            self._write(record)
        self._held.clear()

    def _fault(self) -> OurFault:
        return OurFault(
            f"nothing but faults on our side: {self._what} that failed in a row: {len(self._in_a_row)} "
            f"({self._last_error}); nothing is recorded about them"
        )
