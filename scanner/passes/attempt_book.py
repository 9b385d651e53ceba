"""Which attempts at each target were made and which are still to be made: a few bits a target."""

from collections.abc import Set as AbstractSet
from typing import Final

from scanner.judgement.attempts import needs_second_attempt, needs_small_hello
from scanner.outcomes import RetryOn, Variant
from scanner.records import SessionRecord

# What is known of a target, as bits: IntFlag would make objects of them, a million times.
_FIRST, _SECOND = 1, 2  # the survey's attempts that were made
_WANTS_HELLO, _WANTS_SECOND = 4, 8
_HELLO = 16  # the small hello was tried

#: An attempt by its number and variant.
Attempt = tuple[int, Variant]

FIRST_ATTEMPT: Final[Attempt] = (1, Variant.survey)
SECOND_ATTEMPT: Final[Attempt] = (2, Variant.survey)


class AttemptBook:
    """Keeps what was tried. Targets are named by 64 bits of their ids."""

    def __init__(self, retry_on: AbstractSet[RetryOn]) -> None:
        self._retry_on = retry_on
        self._notes: dict[int, int] = {}

    def take(self, session: SessionRecord, *, counts: bool) -> None:
        """Notes a session; one that does not count (a fault of ours) leaves its attempt to be made again."""
        target = int(session.target, 16)
        notes = self._notes.get(target, 0)
        if session.variant is Variant.small_hello:
            notes = notes | _HELLO if counts else notes & ~_HELLO
        else:
            made = _FIRST if session.attempt == 1 else _SECOND
            notes = self._after_survey(notes, made, session) if counts else notes & ~made
        self._notes[target] = notes

    def due(self, target: int) -> Attempt | None:
        """The attempt that is to be made next, before the pause; None if none is."""
        notes = self._notes.get(target, 0)
        if not notes & _FIRST:
            return FIRST_ATTEMPT
        if notes & _WANTS_HELLO and not notes & _HELLO:
            return (2 if notes & _SECOND else 1, Variant.small_hello)
        return None

    def wants_second(self, target: int) -> bool:
        """True if the first attempt ended in a way that a second one is for, and none was made.

        Also if a small hello led to a handshake since: that it was the large one's fault shows when that fails again.
        """
        notes = self._notes.get(target, 0)
        return notes & (_FIRST | _WANTS_SECOND | _SECOND) == _FIRST | _WANTS_SECOND

    def _after_survey(self, notes: int, made: int, session: SessionRecord) -> int:
        notes = (notes | made) & ~_WANTS_HELLO
        if made == _FIRST:
            notes &= ~_WANTS_SECOND
            if needs_second_attempt(session, self._retry_on):
                notes |= _WANTS_SECOND
        return notes | _WANTS_HELLO if needs_small_hello(session) else notes
