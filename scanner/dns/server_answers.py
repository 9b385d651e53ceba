"""What one DNS server said to one question over one transport, as a value; nothing in it is harmful to show."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scanner.addresses import Address
from scanner.dns.answers import ANSWERS_NO, MxData
from scanner.outcomes import DnsStatus, Outcome


class Transport(StrEnum):
    """How a question goes to a server (RFC 1035 §4.2)."""

    udp = "UDP"
    tcp = "TCP"


@dataclass(frozen=True, slots=True)
class Soa:
    """What a SOA record says of its zone (RFC 1035 §3.3.13), as much as checks need."""

    primary: str
    serial: int
    refresh_s: int


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record: names are in lower case, without the trailing dot, "." for the root, escaped (wire_text).

    `data` is a Soa, an MxData, an address's or a name's text.
    """

    owner: str
    record_type: str
    ttl_s: int
    data: Soa | MxData | str


_NOT_HEARD = {Outcome.timed_out: DnsStatus.timed_out, Outcome.malformed: DnsStatus.malformed}


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """The answer of a server, given as `ADDRESS` or `ADDRESS:PORT`, to a question for a name and a type.

    `outcome` is how the exchange ended, and only if that is `ok` there is more: `status` is what was said,
    `response_code` its word. `waited_s` is how long an answer was waited for, at most.
    """

    server: str
    name: str
    record_type: str
    transport: Transport
    outcome: Outcome
    waited_s: float = 0.0
    status: DnsStatus = DnsStatus.not_asked
    response_code: str = ""
    is_authoritative: bool = False
    is_truncated: bool = False
    answer: tuple[ZoneRecord, ...] = ()
    authority: tuple[ZoneRecord, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether the server said anything that is an answer, be it a refusal."""
        return self.outcome is Outcome.ok

    @property
    def is_usable(self) -> bool:
        """Whether it tells what there is, or that there is nothing; all of it."""
        return self.dns_status in {DnsStatus.ok, *ANSWERS_NO}

    @property
    def dns_status(self) -> DnsStatus:
        """How the lookup ended, in the words of one that a resolver made."""
        if not self.is_heard:
            return _NOT_HEARD.get(self.outcome, DnsStatus.local_fault)
        return DnsStatus.timed_out if self.is_truncated else self.status  # what was cut off never came

    @property
    def records(self) -> tuple[ZoneRecord, ...]:
        """The records of the type asked for, whoever owns them: after an alias, that is another name."""
        return tuple(record for record in self.answer if record.record_type == self.record_type)

    @property
    def texts(self) -> tuple[str, ...]:
        """The data of these records where it is text: names, addresses."""
        return tuple(record.data for record in self.records if isinstance(record.data, str))

    @property
    def exchanges(self) -> tuple[MxData, ...]:
        """The data of these records where it is an exchange."""
        return tuple(record.data for record in self.records if isinstance(record.data, MxData))

    @property
    def soa(self) -> Soa | None:
        """The data of the SOA in the answer section, if that was asked for."""
        return next((record.data for record in self.records if isinstance(record.data, Soa)), None)

    @property
    def is_alias(self) -> bool:
        """Whether the name asked for is an alias of another one."""
        return any(record.record_type == "CNAME" and record.owner == self.name for record in self.answer)


@dataclass(frozen=True, slots=True)
class BothWays:
    """The same question to the same server over both transports; `label` is what a person calls the server."""

    label: str
    address: Address
    udp: ServerAnswer
    tcp: ServerAnswer

    def __iter__(self) -> Iterator[ServerAnswer]:
        return iter((self.udp, self.tcp))

    @property
    def heard(self) -> tuple[ServerAnswer, ...]:
        """What was said, over whichever transport."""
        return tuple(answer for answer in self if answer.is_heard)

    @property
    def is_our_fault(self) -> bool:
        """Whether something kept us from asking: then silence says nothing about the server."""
        return any(answer.outcome is Outcome.local_fault for answer in self)

    @property
    def best(self) -> ServerAnswer:
        """The answer that tells more."""
        return self.udp if self.udp.is_usable or not self.tcp.is_heard else self.tcp


def enclosing_zone(answer: ServerAnswer) -> str | None:
    """The zone that encloses the name whose SOA was asked for; None if the answer does not say.

    RFC 2308 §2: a negative answer has the SOA of the zone in its authority section. Behind an alias it is that
    of another name's zone, and an alias is never at the top of a zone (RFC 1034 §3.6.2).
    """
    if answer.is_alias:
        return None
    owners = [record.owner for record in (*answer.answer, *answer.authority) if record.record_type == "SOA"]
    return next((owner for owner in owners if _is_within(answer.name, owner)), None)


def _is_within(name: str, zone: str) -> bool:
    return zone == "." or f".{name}".endswith(f".{zone}")
