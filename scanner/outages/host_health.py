"""How a mail host is tonight: its addresses' attempts → a state, and why.

A host is down when all its addresses are, as far as we ask any, and degraded when some are, or its TLS is broken.
What can't be told is held against nobody: what was known before stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from scanner.addresses import network_of, parse_address
from scanner.dns.answers import FAILURES
from scanner.outages.address_health import LEFT_ALONE, AddressHealth, judge_address_health
from scanner.outages.alerts import State
from scanner.outages.attempt_ends import Attempt, Ending
from scanner.outages.certificate_steps import SeenCertificate, expiring_certificates
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, NotKnown
from scanner.records import JudgedHost

#: Why an address was not looked at, where that is a decision of ours: it says nothing if there are others.
_LEFT_OUT = frozenset({*LEFT_ALONE, NotKnown.no_ipv6, NotKnown.over_limit})


class Trouble(StrEnum):
    """What makes a host that takes mail `degraded`."""

    addresses_down = "addresses_down"
    tls_broken = "tls_broken"
    starttls_lost = "starttls_lost"
    certificate_expired = "certificate_expired"
    certificate_expires_soon = "certificate_expires_soon"


@dataclass(frozen=True, slots=True)
class Reason:
    """What is wrong, as a word and in words; `trouble` is None for what explains a state other than degraded."""

    trouble: Trouble | None
    said: str


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A mail host as one run saw it.

    `since` is when the first failing attempt began, `good_at` when the last good one did. `networks` are those of
    its addresses, each up, down or unknown; `sessions` the attempts that show it. `offers_tls` is None if that
    is not known. Of a host that is left alone on purpose nothing could be told.
    """

    exchange: str
    pace_group: str
    state: State
    reasons: tuple[Reason, ...] = ()
    since: str | None = None
    good_at: str | None = None
    offers_tls: bool | None = None
    certificates: tuple[SeenCertificate, ...] = ()
    networks: Mapping[str, State] = field(default_factory=dict)
    down_addresses: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    is_left_alone: bool = False

    def with_trouble(self, reason: Reason) -> "HostSeen":
        """The same, degraded for one more reason."""
        reasons = tuple(known for known in self.reasons if known.trouble is not None)
        return replace(self, state=State.degraded, reasons=(*reasons, reason))

    @property
    def networks_up(self) -> tuple[str, ...]:
        return tuple(network for network, state in self.networks.items() if state is State.up)


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How far apart two attempts must be, and how many days before its end a certificate is told of.

    `lifetimes` are in days, of certificates that are near their end, by SHA-256.
    """

    pause_s: float
    certificate_days: tuple[int, ...]
    lifetimes: Mapping[str, float]


def judge_host_health(
    host: JudgedHost, pace_group: str, attempts_at: Callable[[str], Sequence[Attempt]], rules: HealthRules
) -> HostSeen:
    """A mail host as a run's record and its attempts (by address, in the order made) show it."""
    addresses = _looked_at(host, attempts_at, rules)
    state, reason = _state_of(host, addresses)
    certificates = expiring_certificates(host.addresses, rules.certificate_days, rules.lifetimes)
    troubles = _troubles(addresses, certificates) if state is State.up else ()
    attempts = [attempt for address in addresses for attempt in address.attempts]
    good = [attempt.started_at for attempt in attempts if attempt.ending is Ending.good]
    failed = [attempt.started_at for attempt in attempts if attempt.ending is not Ending.good]
    return HostSeen(
        exchange=host.exchange,
        pace_group=pace_group,
        state=State.degraded if troubles else state,
        reasons=troubles or ((Reason(None, reason),) if reason else ()),
        since=min(failed, default=None),
        good_at=max(good, default=None),
        offers_tls=_offers_tls(addresses),
        certificates=certificates,
        networks=_networks(addresses),
        down_addresses=tuple(address.address for address in addresses if address.state is State.down),
        sessions=tuple(dict.fromkeys(attempt.session for attempt in attempts)),
        is_left_alone=bool(host.addresses) and all(address.reason in LEFT_ALONE for address in host.addresses),
    )


def _looked_at(
    host: JudgedHost, attempts_at: Callable[[str], Sequence[Attempt]], rules: HealthRules
) -> list[AddressHealth]:
    """The addresses that say something about the host, or if there is none, all that it has."""
    published = [address for address in host.addresses if AddressFlag.address_withdrawn not in address.flags]
    judged = [
        (address, judge_address_health(address, attempts_at(address.address), rules.pause_s)) for address in published
    ]
    telling = [health for address, health in judged if health.attempts or address.reason not in _LEFT_OUT]
    return telling or [health for _, health in judged]


# The state ------------------------------------------------------------------------------------------

_NO_NAMES = frozenset({HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost})
_NO_ANSWER = FAILURES | {DnsStatus.not_asked, DnsStatus.local_fault}


def _state_of(host: JudgedHost, addresses: Sequence[AddressHealth]) -> tuple[State, str]:
    """The state of a host by those of its addresses, and why if it is none that was hoped for."""
    states = {address.state for address in addresses}
    if State.up in states:
        return State.up, ""
    if not _NO_NAMES.isdisjoint(host.flags):
        return State.no_mail, "it is no name of a mail host"
    why = "; ".join(address.why for address in addresses)
    if State.blocked_us in states:
        return State.blocked_us, why
    missing = next((status for status in (host.a_status, host.aaaa_status) if status in _NO_ANSWER), None)
    if missing is not None:  # it may have addresses that nobody knows of
        return State.unknown, "; ".join(filter(None, (why, f"not all of its addresses could be looked up: {missing}")))
    if not addresses:
        return State.no_mail, f"it has no address ({host.a_status})"
    if states == {State.no_mail}:
        return State.no_mail, why
    return (State.down if states <= {State.down, State.no_mail} else State.unknown), why


def _troubles(addresses: Sequence[AddressHealth], certificates: Sequence[SeenCertificate]) -> tuple[Reason, ...]:
    """What is wrong with a host that takes mail."""
    found = []
    bad = [address for address in addresses if address.state in (State.down, State.no_mail)]
    if bad:
        found.append(Reason(Trouble.addresses_down, "; ".join(address.why for address in bad)))
    broken = [address.address for address in addresses if address.tls_failed]
    if broken:
        found.append(Reason(Trouble.tls_broken, f"STARTTLS is offered and fails at {', '.join(broken)}"))
    for certificate in certificates:
        if certificate.is_expired:
            found.append(Reason(Trouble.certificate_expired, f"its certificate ended at {certificate.not_after}"))
        elif certificate.is_soon:
            found.append(Reason(Trouble.certificate_expires_soon, f"its certificate ends at {certificate.not_after}"))
    return tuple(found)


# What else was seen ---------------------------------------------------------------------------------


def _offers_tls(addresses: Sequence[AddressHealth]) -> bool | None:
    """False if any address that is up shows none: a message may come to that one."""
    said = {address.offers_tls for address in addresses if address.state is State.up}
    if False in said:
        return False
    return True if said == {True} else None


def _networks(addresses: Sequence[AddressHealth]) -> dict[str, State]:
    """The networks of the addresses: up if one of them is, else down if one of them is."""
    networks: dict[str, State] = {}
    for address in addresses:
        network = network_of(parse_address(address.address))
        state = address.state if address.state in (State.up, State.down) else State.unknown
        if networks.get(network) is not State.up and (state is not State.unknown or network not in networks):
            networks[network] = state
    return networks
