"""What is queued goes out, once: by mail, by a command, into a file; what cannot, stays for the next run.

Theory of operation. A delivery is marked as started, handed over, and marked as sent, each on disk before the next.
Whoever ends in between leaves it started: the next run cannot know whether it arrived and hands it over again, the
same octets under the same Message-ID. So a crash gives one mail twice at most, and never none. A later alert of a
thread waits until its first one was sent: nobody hears that a host is back of whose outage he never heard.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from scanner.net.clock import Clock
from scanner.outages.deliveries import Channel, Delivery, DeliveryState
from scanner.times import parse_utc, utc_text


class Outbox(Protocol):
    """Where deliveries are kept; each call is on disk when it returns."""

    def queued(self) -> Sequence[Delivery]:
        """Those that are queued or started, in the order in which they were queued."""

    def begin(self, delivery: Delivery, at: str) -> None:
        """One is being tried from now on."""

    def settle(
        self, delivery: Delivery, state: DeliveryState, at: str, *, error: str | None, recipients: Iterable[str]
    ) -> None:
        """What came of it, and who is still to be reached."""

    def delivery(self, key: str) -> Delivery | None:
        """The delivery of a key, whatever its state."""


class DeliveryError(Exception):
    """A delivery did not succeed; `str()` says why, in a line.

    `is_permanent`: it will not, whoever tries again. `closes_channel`: nothing else will go this way now.
    `may_have_arrived`: what is missing is only that somebody said so.
    """

    def __init__(
        self, said: str, *, is_permanent: bool = False, closes_channel: bool = False, may_have_arrived: bool = False
    ) -> None:
        super().__init__(said)
        self.is_permanent = is_permanent
        self.closes_channel = closes_channel
        self.may_have_arrived = may_have_arrived


class HandsOver(Protocol):
    """A way out: to a relay, a command, a file."""

    async def hand_over(self, delivery: Delivery) -> None:
        """Gives the alert to whom it is for. Raises DeliveryError."""

    async def close(self) -> None:
        """No more for now."""


@dataclass(frozen=True)
class DeliveryReport:
    """What a round did: how many were sent, are left and were given up, and what to say about them on stderr.

    `losses` are those of the complaints that are about what was given up.
    """

    sent: int = 0
    left: int = 0
    given_up: int = 0
    complaints: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()

    def then(self, later: "DeliveryReport") -> "DeliveryReport":
        """Two rounds of one queue: what the first left the later one tried again; what it gave up is lost."""
        return DeliveryReport(
            sent=self.sent + later.sent,
            left=later.left,
            given_up=self.given_up + later.given_up,
            complaints=(*self.losses, *later.complaints),
            losses=(*self.losses, *later.losses),
        )


async def deliver(
    outbox: Outbox, channels: Mapping[Channel, HandsOver], clock: Clock, give_up_s: float
) -> DeliveryReport:
    """Hands over whatever is queued, each once, in order.

    What is refused for good is tried until it has been queued for `give_up_s` seconds, all else for ever.
    """
    round_ = _Round(outbox, channels, clock, timedelta(seconds=give_up_s))
    try:
        for delivery in outbox.queued():
            await round_.take(delivery)
    finally:
        for channel in channels.values():
            await channel.close()
    return round_.report()


#: What a complaint calls a channel.
_NAMES = {Channel.mail: "by mail", Channel.command: "by --alert-command", Channel.file: "into alerts.jsonl"}


class _Round:
    def __init__(self, outbox: Outbox, channels: Mapping[Channel, HandsOver], clock: Clock, give_up: timedelta) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._give_up = give_up
        self._closed: dict[Channel, str] = {
            channel: "no such way is set up now" for channel in Channel if channel not in channels
        }
        self._counts: Counter[DeliveryState] = Counter()
        self._faults: Counter[tuple[Channel, str, DeliveryState]] = Counter()

    async def take(self, delivery: Delivery) -> None:
        """Hands one over, unless it has to wait."""
        first = self._outbox.delivery(delivery.waits_for) if delivery.waits_for else None
        if first is not None and first.state is DeliveryState.given_up:
            self._give_up_with_its_thread(delivery)
        elif first is not None and first.state is not DeliveryState.sent:
            self._counts[DeliveryState.queued] += 1  # what it waits for is complained of
        elif (reason := self._closed.get(delivery.channel)) is not None:
            self._leave(delivery, DeliveryState.queued, reason)
        else:
            await self._try(delivery)

    async def _try(self, delivery: Delivery) -> None:
        self._outbox.begin(delivery, self._now())
        try:
            await self._channels[delivery.channel].hand_over(delivery)
        except DeliveryError as error:
            if error.closes_channel:
                self._closed[delivery.channel] = str(error)
            self._keep(delivery, error)
        else:
            self._settle(delivery, DeliveryState.sent, None)

    def _keep(self, delivery: Delivery, error: DeliveryError) -> None:
        """It stays queued, unless it was refused for good for long enough."""
        waited = parse_utc(self._now()) - parse_utc(delivery.queued_at)
        is_over = error.is_permanent and waited >= self._give_up
        # Who may have it is not told to wait: `started` says that nobody knows.
        left = DeliveryState.started if error.may_have_arrived else DeliveryState.queued
        state = DeliveryState.given_up if is_over else left
        self._outbox.settle(delivery, state, self._now(), error=str(error), recipients=delivery.recipients)
        self._leave(delivery, state, str(error))

    def _give_up_with_its_thread(self, delivery: Delivery) -> None:
        reason = "the first alert of its thread was given up"
        self._settle(delivery, DeliveryState.given_up, reason)
        self._faults[delivery.channel, reason, DeliveryState.given_up] += 1

    def _settle(self, delivery: Delivery, state: DeliveryState, error: str | None) -> None:
        left = () if state is DeliveryState.sent else delivery.recipients
        self._outbox.settle(delivery, state, self._now(), error=error, recipients=left)
        self._counts[state] += 1

    def _leave(self, delivery: Delivery, state: DeliveryState, reason: str) -> None:
        self._counts[state] += 1
        self._faults[delivery.channel, reason, state] += 1

    def _now(self) -> str:
        return utc_text(self._clock.now_utc())

    def report(self) -> DeliveryReport:
        return DeliveryReport(
            sent=self._counts[DeliveryState.sent],
            left=self._counts[DeliveryState.queued] + self._counts[DeliveryState.started],
            given_up=self._counts[DeliveryState.given_up],
            complaints=self._complaints(DeliveryState),
            losses=self._complaints((DeliveryState.given_up,)),
        )

    def _complaints(self, states: Iterable[DeliveryState]) -> tuple[str, ...]:
        wanted = frozenset(states)
        return tuple(_complaint(*fault, count) for fault, count in self._faults.items() if fault[-1] in wanted)


#: What becomes of what could not be sent.
_WHAT_THEN = {
    DeliveryState.queued: "queued for the next run",
    DeliveryState.started: "may have arrived; sent again by the next run, under the same message id",
    DeliveryState.given_up: "given up, and not tried again",
}


def _complaint(channel: Channel, reason: str, state: DeliveryState, count: int) -> str:
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    return f"{alerts} could not be told {_NAMES[channel]}: {reason} ({_WHAT_THEN[state]})"
