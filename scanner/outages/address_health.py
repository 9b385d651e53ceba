"""How one address of a mail host is tonight, by all attempts that speak for it.

Theory of operation. `down` needs two attempts, a pause apart, that all failed before the server had greeted. One good
session makes an address up. Everything between is `unknown`, or `blocked_us` if the server said that it is about us.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from scanner.outages.alerts import State
from scanner.outages.attempt_ends import Attempt, Ending
from scanner.outcomes import AddressFlag, NotKnown
from scanner.records import JudgedAddress
from scanner.times import parse_utc

#: A pause may end a moment early: clocks are set, and times are written in milliseconds.
TOLERANCE_S = 1.0

#: Who is left alone on purpose is not judged by what others met at his address either.
LEFT_ALONE = frozenset({NotKnown.opted_out, NotKnown.own_address})


@dataclass(frozen=True, slots=True)
class AddressHealth:
    """One address: its state, the attempts that show it, and why in words."""

    address: str
    state: State
    attempts: tuple[Attempt, ...]
    why: str

    @property
    def tls_failed(self) -> bool:
        return self.offers_tls is False and any(attempt.tls_failed for attempt in self.attempts)

    @property
    def offers_tls(self) -> bool | None:
        """Of several attempts a yes outweighs: it shows that the server can. None if none of them shows it."""
        said = {attempt.offers_tls for attempt in self.attempts} - {None}
        return None if not said else True in said


def judge_address_health(address: JudgedAddress, attempts: Sequence[Attempt], pause_s: float) -> AddressHealth:
    """An address by the attempts that were made there, under whatever name."""
    name = address.address
    if AddressFlag.not_public in address.flags:
        return AddressHealth(name, State.no_mail, (), f"{name} is not a public address")
    counted = () if address.reason in LEFT_ALONE else _of_the_same_names(address, attempts)
    if not counted:
        return AddressHealth(name, State.unknown, (), f"{name}: {address.reason or 'no attempt counts'}")
    return AddressHealth(name, _state_by(counted, pause_s), counted, f"{name}: {_in_words(counted)}")


def _of_the_same_names(address: JudgedAddress, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """All attempts under the names whose sessions speak for the address: its own, its witnesses', or everybody's."""
    names = {attempt.server_name for attempt in attempts if attempt.session in address.sessions}
    return tuple(attempt for attempt in attempts if not names or attempt.server_name in names)


def _state_by(attempts: Sequence[Attempt], pause_s: float) -> State:
    endings = {attempt.ending for attempt in attempts}
    if Ending.good in endings:
        return State.up
    if Ending.blocked_us in endings:
        return State.blocked_us
    is_down = endings == {Ending.down_like} and _were_apart(attempts, pause_s)
    return State.down if is_down else State.unknown


def _were_apart(attempts: Sequence[Attempt], pause_s: float) -> bool:
    """True if a second attempt began at least a pause after a first one had ended."""
    surveys = [attempt for attempt in attempts if attempt.is_survey]
    pause = timedelta(seconds=max(pause_s - TOLERANCE_S, 0.0))
    return any(
        earlier.number < later.number and parse_utc(later.started_at) - parse_utc(earlier.ended_at) >= pause
        for earlier in surveys
        for later in surveys
    )


def _in_words(attempts: Sequence[Attempt]) -> str:
    """How the attempts ended, alike ones once: `refused at connect (2 attempts)`."""
    ends = Counter(attempt.why for attempt in attempts)
    return ", then ".join(f"{why} ({count} attempts)" if count > 1 else why for why, count in ends.items())
