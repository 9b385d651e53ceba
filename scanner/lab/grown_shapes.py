"""Providers that try a scan's patience: a grown world of such a shape has one, with a good part of all domains. Pure.

Each of a provider's customers has a mail host under a name of its own; many of them share an address. Which of the
names are asked there, and which are told by those, is up to the scanner's order and pace: an expectation says what
may come out of it, and never that the customer is at fault for what it has nothing to do with.
"""

from collections.abc import Callable
from typing import NamedTuple

from scanner.lab.grown_expectation import GrownHost, expect_mx
from scanner.lab.grown_hosts import Provider, address_records, lab_address
from scanner.lab.grown_secured import SECURED_CERTIFICATES, grow_secured
from scanner.lab.habits import YES, Habit
from scanner.lab.world import Behaviour, CertificateKind, Entry, Server

#: Beyond the networks of a mixed world's providers and of those that are their own mail hosts.
_FIRST_NETWORK = 4100
#: Fewer than the 200 names that are asked for at one address.
_NAMES_AN_ADDRESS = 150
_ADDRESSES_A_NETWORK = 150
_BLACKHOLES, _BLACKHOLES_A_NETWORK = 8, 2
#: At the one address, one name in so many has a certificate of its own; the others share a wildcard.
_OWN_CERTIFICATE_EVERY = 10
_CUSTOMER = "customer-{}.lab"
_WILDCARD_DOMAIN = "one-address.lab"

SHAPE_BEHAVIOURS = {
    "twenty_a_second": Behaviour(about="421 after 20 sessions", allows=20, window_s=1.0, otherwise="limits_our_rate"),
    "limits_our_rate": Behaviour(
        about="the 421 of a large provider",
        greeting=(
            r"send 421-4.7.0 Our system has detected an unusual rate of\r\n",
            r"send 421 4.7.0 connections from your network. Try again later.\r\n",
            "close",
        ),
    ),
    "tarpit": Behaviour(about="an octet of its greeting now and then", greeting=(r"drip 0.9 220 {host} ESMTP\r\n",)),
}
SHAPE_CERTIFICATES = {
    "wildcard": CertificateKind(names=(f"*.{_WILDCARD_DOMAIN}",), common_name=f"*.{_WILDCARD_DOMAIN}"),
    **SECURED_CERTIFICATES,
}

_WELL = Habit("twenty_a_second", "good", "done ok", (YES,) * 5)
_TOO_FAST = Habit(
    "limits_our_rate",
    "good",
    "greeting transient_negative +shared_across_names?",
    (YES, *("rate_limited",) * 4),
    ("refused-us warning",),
)
_SWALLOWED = Habit(
    "blackhole",
    "good",
    "connect timed_out limits.connect_s +shared_across_names?",
    ("timed_out",) * 5,
    ("timed-out warning",),
)
_DRIPPED = Habit(
    "tarpit",
    "good",
    "greeting timed_out limits.greeting_s +shared_across_names?",
    (YES, *("timed_out",) * 4),
    ("timed-out warning",),
)
_COVERED = Habit("good", "wildcard", "done ok +server_name_inferred?", (YES,) * 5)
_ASKED = Habit("good", "good", "done ok", (YES,) * 5)
_ONE_NAME_TOO_MANY = Habit(
    "good",
    "good",
    "- certificate_differs_by_name",
    (YES, YES, YES, *("certificate_differs_by_name",) * 2),
    ("certificate-differs-by-name notice",),
)


class Shape(NamedTuple):
    """Which share of the domains are customers of the provider, and how so many of them are grown."""

    share: float
    grow: Callable[[int], Provider]


def _rate_limited(customers: int) -> Provider:
    addresses = [_address(number) for number in range(-(-customers // _NAMES_AN_ADDRESS))]
    return Provider(
        tuple(
            [
                _customer(number, (addresses[number // _NAMES_AN_ADDRESS],), _WELL, _TOO_FAST)
                for number in range(customers)
            ]
        ),
        tuple([_server(address, _WELL, {"*": "good"}) for address in addresses]),
    )


def _blackholed(customers: int) -> Provider:
    addresses = [
        lab_address(_FIRST_NETWORK + number // _BLACKHOLES_A_NETWORK, number % _BLACKHOLES_A_NETWORK)
        for number in range(_BLACKHOLES)
    ]
    pairs = [tuple(sorted((address, addresses[number - 3]))) for number, address in enumerate(addresses)]
    return Provider(
        tuple([_customer(number, pairs[number % _BLACKHOLES], _SWALLOWED) for number in range(customers)]),
        tuple([_server(address, _SWALLOWED) for address in addresses]),
    )


def _tarpit(customers: int) -> Provider:
    address = _address(0)
    return Provider(
        tuple([_customer(number, (address,), _DRIPPED) for number in range(customers)]), (_server(address, _DRIPPED),)
    )


def _one_address(customers: int) -> Provider:
    address = _address(0)
    entries = [
        _customer(number, (address,), _ASKED, _ONE_NAME_TOO_MANY)
        if number % _OWN_CERTIFICATE_EVERY == 0
        else _customer(number, (address,), _COVERED, exchange=f"mx-{number:06d}.{_WILDCARD_DOMAIN}")
        for number in range(customers)
    ]
    return Provider(tuple(entries), (_server(address, _COVERED, {f"mx.{_CUSTOMER.format('*')}": "good"}),))


#: By the word of the setting `lab.shape`; "mixed" has no such provider. A twentieth of all domains has MTA-STS in a
#: secured world, and another one DANE.
SHAPES = {
    "secured": Shape(0.1, grow_secured),
    "rate_limited": Shape(0.3, _rate_limited),
    "blackholed": Shape(1 / 3, _blackholed),
    "tarpit": Shape(1 / 3, _tarpit),
    "one_address": Shape(1.0, _one_address),
}


def _address(number: int) -> str:
    network, position = divmod(number, _ADDRESSES_A_NETWORK)
    return lab_address(_FIRST_NETWORK + network, position)


def _server(address: str, habit: Habit, by_server_name: dict[str, str] | None = None) -> Server:
    return Server(
        address=address,
        host="mx.large-provider.lab",
        behaviour=habit.behaviour,
        certificate=habit.certificate,
        by_server_name=by_server_name or {},
    )


def _customer(number: int, addresses: tuple[str, ...], *habits: Habit, exchange: str = "") -> Entry:
    """A customer with a mail host at these addresses; `habits` are what a session may come to, the best first."""
    domain = _CUSTOMER.format(f"{number:06d}")
    exchange = exchange or f"mx.{domain}"
    hosts = [GrownHost(exchange, tuple([(address, habit) for address in addresses])) for habit in habits]
    expect, *or_expect = [expect_mx([(10, host)]) for host in hosts]
    return Entry(
        domain=domain,
        why="a customer of the large provider",
        records=(f"{domain} MX 10 {exchange}", *address_records(hosts[0])),
        expect=expect,
        or_expect=tuple(or_expect),
    )
