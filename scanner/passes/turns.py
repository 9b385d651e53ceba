"""What the probe pass asks of whoever gives out its targets: the pacer of a scan, or one who keeps an order."""

from typing import Protocol

from scanner.outcomes import Variant
from scanner.passes.pace import Ticket
from scanner.passes.pace_queues import Errand


class Turns(Protocol):
    """Gives out targets. `now` is monotonic seconds; pace.py says what each of these promises."""

    @property
    def waiting(self) -> int: ...

    @property
    def in_flight(self) -> int: ...

    def add(
        self, address: str, network: str, server_name: str, attempt: int = 1, variant: Variant = Variant.survey
    ) -> None: ...

    def next_target(self, now: float) -> Ticket | None: ...

    def next_time(self) -> float | None: ...

    def finished(self, ticket: Ticket, now: float) -> None: ...

    def accepted(self, ticket: Ticket) -> None: ...

    def back_off(self, ticket: Ticket, now: float) -> bool: ...

    def names_waiting(self, address: str) -> int: ...

    def withdraw(self, address: str) -> list[Errand]: ...
