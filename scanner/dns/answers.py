"""An answer of the DNS as a value: a status, records and the way to them, whoever asked."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from scanner.outcomes import DnsStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MxData:
    """An MX record (RFC 1035 §3.3.9); `exchange` is lower case without the trailing dot, "" for the root."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The answer to one question.

    `ttl_s` is the least of the records used, `cname_chain` the names that aliases led to, in order.
    `asked_at` is seconds since the epoch, `ms` how long it took; `ad` is None where nobody asked for it.
    """

    status: DnsStatus
    records: tuple[T, ...] = ()
    ttl_s: int | None = None
    cname_chain: tuple[str, ...] = ()
    ad: bool | None = None
    asked_at: float | None = None
    ms: float = 0.0


#: The name does not exist, or has nothing of this type: the DNS has answered.
ANSWERS_NO = frozenset({DnsStatus.no_data, DnsStatus.nxdomain})

#: The DNS has not answered: nothing follows from it about the name.
FAILURES = frozenset(
    {
        DnsStatus.servfail,
        DnsStatus.refused,
        DnsStatus.bogus,
        DnsStatus.timed_out,
        DnsStatus.malformed,
        DnsStatus.cname_loop,
        DnsStatus.local_fault,
    }
)


def follow_cnames(name: str, aliases: dict[str, str], max_length: int) -> tuple[tuple[str, ...], bool]:
    """The chain from `name` through `aliases` (owner → target, lower case), and whether it ends.

    A chain that comes back to itself or is longer than `max_length` does not end: that is an error of the
    zone, whatever stands at its end (RFC 1034 §3.6.2 wants no more than one alias).
    """
    chain: list[str] = []
    while name in aliases:
        name = aliases[name]
        if name in chain or len(chain) >= max_length:
            return tuple(chain), False
        chain.append(name)
    return tuple(chain), True
