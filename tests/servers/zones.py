"""The zones that all tests share: one from a file, what there are many of, and those of whoever opted out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .smtpds import RATE_LIMIT

_FILE = Path(__file__).with_name("real.test.zone")

#: 40 labels of 58 octets, none of which compresses: more than a UDP answer holds, so TCP has to follow. None of
#: them shares its address, or one would speak for the others.
MANY_EXCHANGES = tuple(
    (f"an-exchange-with-a-label-long-enough-to-fill-any-answer-{number:02}.mx.real.test", f"127.80.9.{100 + number}")
    for number in range(40)
)


class Customers(NamedTuple):
    """Domains `NAME-NN.real.test` whose mail hosts, a name each, are all at one address."""

    name: str
    number: int
    address: str
    #: Below which the mail hosts are: the good certificate covers what is below mx.real.test.
    parent: str = "mx.real.test"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each domain with its mail host."""
        labels = [f"{self.name}-{number:02}" for number in range(self.number)]
        return [(f"{label}.real.test", f"{label}.{self.parent}") for label in labels]

    @property
    def domains(self) -> list[str]:
        return [domain for domain, _ in self.pairs]


#: More than twice as many as are let in at a time, and few enough that the last ones are let in together.
RATE = Customers("rate", 2 * RATE_LIMIT + 2, "127.80.1.1")
TLS_RATE = Customers("tls-rate", 2 * RATE_LIMIT + 2, "127.80.2.1")
ONE_AT_A_TIME = Customers("one-at-a-time", 6, "127.80.3.1")
COVERED = Customers("covered", 20, "127.80.5.1")
NOT_COVERED = Customers("not-covered", 3, "127.80.5.1", "elsewhere.real.test")
IN_THE_CLEAR = Customers("in-the-clear", 20, "127.80.5.2")
A_NAME_EACH = Customers("a-name-each", 9, "127.80.5.3")

_CUSTOMERS = (RATE, TLS_RATE, ONE_AT_A_TIME, COVERED, NOT_COVERED, IN_THE_CLEAR, A_NAME_EACH)

_OF_ITS_OWN = """\
$ORIGIN {zone}
$TTL 300
@     SOA   ns.real.test. hostmaster.real.test. 1 3600 600 86400 60
@     NS    ns.real.test.
@     MX    10 {exchange}
mx    A     {address}
"""


def _many_mx() -> Iterator[str]:
    for preference, (exchange, address) in enumerate(MANY_EXCHANGES):
        yield f"many.real.test. MX {preference} {exchange}.\n"
        yield f"{exchange}. A {address}\n"


def _customers(all_customers: Iterable[Customers]) -> Iterator[str]:
    for customers in all_customers:
        for domain, exchange in customers.pairs:
            yield f"{domain}. MX 10 {exchange}.\n"
            yield f"{exchange}. A {customers.address}\n"


def _zone(zone: str, exchange: str, address: str) -> str:
    return _OF_ITS_OWN.format(zone=zone, exchange=exchange, address=address)


#: Zone → its text.
ZONES = {
    "real.test.": "".join((_FILE.read_text(encoding="utf-8"), *_many_mx(), *_customers(_CUSTOMERS))),
    "left-alone.test.": _zone("left-alone.test.", "left-alone.mx.real.test.", "127.80.7.1"),
    "quiet.test.": _zone("quiet.test.", "mx", "127.80.7.2"),
}
