"""Who is to be told of an alert, by which channel, and what of it: each gets his own domains only."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from hashlib import sha256

from msgspec.json import encode
from msgspec.structs import replace

from scanner.outages.alerts import Alert, AlertKind
from scanner.records import Count, Record, Time


class Channel(StrEnum):
    """How an alert leaves us."""

    mail = "mail"
    command = "command"
    file = "file"


class DeliveryState(StrEnum):
    """How far a delivery is; `started` is all that is known of one during which we ended."""

    queued = "queued"
    started = "started"
    sent = "sent"
    given_up = "given_up"


class Delivery(Record, frozen=True, kw_only=True):
    """An alert on its way to one recipient by one channel; what stands in the outbox.

    `delivery` is its key: alert, sequence, channel and group. `payload` is the alert as JSON, cut down to what this
    recipient may know. `waits_for` is the delivery that must have been sent before.
    """

    delivery: str
    channel: Channel
    group: str
    recipients: tuple[str, ...]
    payload: bytes
    waits_for: str | None
    state: DeliveryState
    queued_at: Time
    started_at: Time | None = None
    ended_at: Time | None = None
    tries: Count = 0
    error: str | None = None


class Routing(Record, frozen=True, kw_only=True):
    """Who gets everything (`operators`), whether owners get what is theirs, and whether a command is told."""

    operators: tuple[str, ...] = ()
    tells_owners: bool = False
    has_command: bool = False


def deliveries_of(alerts: Iterable[Alert], routing: Routing, known: Callable[[str], bool]) -> tuple[Delivery, ...]:
    """What is to be sent, in the order of the alerts. `known`: whether a delivery of this key was ever queued.

    A thread's later alerts wait for its first one, and who never was to get that is not told that all is well again.
    """
    told = (delivery for alert in alerts for delivery in _of(alert, routing))
    seen: dict[str, Delivery] = {}
    for delivery, kind in told:
        first = delivery.waits_for
        is_known = first is None or first in seen or known(first)
        if not is_known and kind is AlertKind.back_online:
            continue
        seen[delivery.delivery] = delivery if is_known else replace(delivery, waits_for=None)
    return tuple(seen.values())


def _of(alert: Alert, routing: Routing) -> Iterator[tuple[Delivery, AlertKind]]:
    yield _delivery(alert, Channel.file, "all", ()), alert.kind
    if routing.has_command:
        yield _delivery(alert, Channel.command, "all", ()), alert.kind
    operators = list(dict.fromkeys(map(_same, routing.operators)))
    for operator in operators:
        yield _mail(alert, operator), alert.kind
    if routing.tells_owners:
        owners = dict.fromkeys(_same(owner) for domain in alert.domains for owner in domain.owners)
        for owner in owners:
            if owner not in operators:
                yield _mail(cut_for(alert, owner), owner), alert.kind


def _mail(alert: Alert, recipient: str) -> Delivery:
    return _delivery(alert, Channel.mail, group_of(recipient), (recipient,))


def _delivery(alert: Alert, channel: Channel, group: str, recipients: tuple[str, ...]) -> Delivery:
    waits_for = _key(alert, 1, channel, group) if alert.sequence > 1 and channel is not Channel.file else None
    return Delivery(
        delivery=_key(alert, alert.sequence, channel, group),
        channel=channel,
        group=group,
        recipients=recipients,
        payload=encode(alert),
        waits_for=waits_for,
        state=DeliveryState.queued,
        queued_at=alert.at,
    )


def _key(alert: Alert, sequence: int, channel: Channel, group: str) -> str:
    return f"{alert.alert}.{sequence}.{channel}.{group}"


def group_of(recipient: str) -> str:
    """A short name for a recipient that tells nobody his address: it stands in message ids."""
    return sha256(recipient.encode()).hexdigest()[:12]


def _same(address: str) -> str:
    """An address written one way: its domain has no upper and lower case (RFC 5321 §2.4), its local part may have."""
    local_part, at, domain = address.strip().rpartition("@")
    return f"{local_part}{at}{domain.lower()}"


def cut_for(alert: Alert, owner: str) -> Alert:
    """The alert as the owner of some of its domains may see it: his domains, and the mail hosts that they have.

    Metadata is the operator's own and stays with him.
    """
    owned = (domain for domain in alert.domains if owner in map(_same, domain.owners))
    domains = tuple(replace(domain, owners=(owner,), metadata={}) for domain in owned)
    exchanges = {mx.exchange for domain in domains for mx in domain.mx}
    # A host that no record names any more is the one that the alert is about.
    hosts = tuple(host for host in alert.hosts if host.exchange in exchanges) or alert.hosts
    still_down = tuple(name for name in alert.still_down if name in exchanges)
    return replace(alert, domains=domains, domains_total=len(domains), hosts=hosts, still_down=still_down)
