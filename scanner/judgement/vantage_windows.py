"""When our own place was cut off: what ended badly then says nothing about anybody."""

from collections.abc import Iterable
from dataclasses import dataclass

from scanner.outcomes import Outcome
from scanner.records import Event, Policy, SessionRecord

#: The word of events.jsonl for a window; its detail has `from`, `to` (times) and `family`.
VANTAGE_LOST = "vantage_lost"

#: A window's `family` that stands for both.
BOTH_FAMILIES = "both"


@dataclass(frozen=True, slots=True)
class _Window:
    begin: str
    end: str
    family: str


class VantageWindows:
    """The times in which a run was cut off, by address family: `ipv4`, `ipv6` or `both`."""

    def __init__(self, windows: Iterable[_Window] = ()) -> None:
        self._windows = tuple(windows)

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> "VantageWindows":
        """The windows of a run; one that was never closed ends when its event was written."""
        return cls(_window(event) for event in events if event.event == VANTAGE_LOST)

    def holds(self, session: SessionRecord | Policy) -> bool:
        """True if nothing follows from a session or a fetch, because it overlaps a window of its family.

        One that ended `ok` keeps its say: it shows that for it the place was good.
        """
        if not self._windows or session.outcome is Outcome.ok:
            return False
        family = family_of(session.address)
        return any(
            window.family in (family, BOTH_FAMILIES)
            # Times are texts of one length, so they sort as the moments do.
            and session.started_at < window.end
            and session.ended_at > window.begin
            for window in self._windows
        )


def family_of(address: str) -> str:
    """`ipv4` or `ipv6`, by how the address is dialled: a mapped one (::ffff:192.0.2.1) as IPv4."""
    return "ipv6" if ":" in address and "." not in address else "ipv4"


def _window(event: Event) -> _Window:
    begin, end, family = (event.detail.get(key) for key in ("from", "to", "family"))
    return _Window(str(begin or event.at), str(end or event.at), str(family or BOTH_FAMILIES))
