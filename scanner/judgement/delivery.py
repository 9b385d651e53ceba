"""The verdict that a person reads first: what becomes of a message from each of three kinds of sender."""

from collections.abc import Callable, Sequence
from itertools import groupby

from scanner.judgement.verdicts import LAST, Unit
from scanner.policy.senders import (
    Delivery,
    PlaceDelivery,
    PlaceFacts,
    StsFacts,
    dane,
    deliver,
    mta_sts,
    opportunistic,
)
from scanner.policy.tls_discovery import MxSecurity
from scanner.records import DeliveryVerdicts, SenderVerdict


def for_every_sender(value: Delivery) -> DeliveryVerdicts:
    """The same for all: a domain that shows no place at all, or of which nothing is known."""
    verdict = SenderVerdict(value=value, complete=value is not Delivery.unknown)
    return DeliveryVerdicts(opportunistic=verdict, dane=verdict, mta_sts=verdict)


FAILS = for_every_sender(Delivery.fails)
UNKNOWN = for_every_sender(Delivery.unknown)


class Ways:
    """The places of a domain in the order in which senders try them."""

    def __init__(self, units: Sequence[Unit]) -> None:
        in_order = sorted((unit for unit in units if unit.place is not None), key=_preference)
        grouped = groupby(in_order, _preference)
        self._places = [[unit.place.facts for unit in group if unit.place is not None] for _, group in grouped]
        #: Places that were not looked up stand behind all others.
        self._has_more = any(unit.preference == LAST for unit in units)

    def deliver(self, mx: MxSecurity, sts: StsFacts) -> DeliveryVerdicts:
        """What becomes of a message, for the MX records and the policy of a domain."""
        return DeliveryVerdicts(
            opportunistic=self._by(opportunistic),
            dane=self._by(lambda place: dane(place, mx)),
            mta_sts=self._by(lambda place: mta_sts(place, sts)),
        )

    def _by(self, sender: Callable[[PlaceFacts], PlaceDelivery]) -> SenderVerdict:
        met = [[sender(place) for place in places] for places in self._places]
        if self._has_more:
            met.append([PlaceDelivery(Delivery.unknown)])
        delivered = deliver(met)
        return SenderVerdict(value=delivered.delivery, complete=delivered.complete, failures=delivered.failures)


def _preference(unit: Unit) -> int:
    return unit.preference or 0
