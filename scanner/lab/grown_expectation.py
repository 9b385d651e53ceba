"""What must be said of a grown world's domains, by the rules of the record format. Pure.

Written apart from the scanner's judgement on purpose: the two must come to the same result on their own.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, TypedDict

from scanner.lab.habits import NO, NOT_APPLICABLE, YES, Habit
from scanner.lab.world import Expectation, ExpectedHost
from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind

#: A unit of each verdict for a host that the DNS shows not to be there.
_NOT_THERE = (NO, *(NOT_APPLICABLE,) * 4)


class _Verdicts(TypedDict):
    reachable: str
    smtp: str
    starttls: str
    certificate_trusted: str
    certificate_name: str


class GrownHost(NamedTuple):
    """A mail host: its addresses as they stand in records, and what the server at each does."""

    exchange: str
    addresses: tuple[tuple[str, Habit], ...]

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.addresses[0][0]


class MissingHost(NamedTuple):
    """A mail host without an address: why (`nxdomain`, `no_data`)."""

    exchange: str
    status: DnsStatus


def expect_mx(
    hosts: Sequence[tuple[int, GrownHost | MissingHost]],
    flags: tuple[RouteFlag, ...] = (),
    more_mx: int = 0,
    findings: tuple[str, ...] = (),
) -> Expectation:
    """For (preference, host) pairs in the record's order.

    `more_mx` counts the MX records that name no other host, `findings` are those about the domain.
    """
    lowest = hosts[0][0]
    units = [(preference == lowest, unit) for preference, host in hosts for unit in _units(host)]
    return Expectation(
        kind=RouteKind.mx,
        flags=flags,
        mx_total=len(hosts) + more_mx,
        hosts=tuple([_expected_host(preference, host) for preference, host in hosts]),
        findings=(*findings, *[finding for _, host in hosts for finding in _findings(host)]),
        delivery=(f"all {_delivery(hosts)}",),
        **_verdicts(units),
    )


def expect_implicit_mx(domain: str, host: GrownHost) -> Expectation:
    """For a domain without MX whose own address is its mail host; the certificate for the one is for the other."""
    units = [(True, unit) for unit in _units(host)]
    return Expectation(
        kind=RouteKind.implicit_mx,
        dns_status=DnsStatus.no_data,
        hosts=(_expected_host(None, host),),
        findings=(f"implicit-mx notice {domain}", *_findings(host)),
        delivery=(f"all {_delivery([(0, host)])}",),
        certificate_domain_name=_verdicts(units)["certificate_name"],
        **_verdicts(units),
    )


def expect_no_host(kind: RouteKind, dns_status: DnsStatus, findings: tuple[str, ...], mx_total: int = 0) -> Expectation:
    """For a domain without mail hosts: one unit, by the kind of its route."""
    unit: tuple[str, ...] = (NOT_APPLICABLE,) * 5
    if kind in (RouteKind.nxdomain, RouteKind.no_mail_host):
        unit = _NOT_THERE
    elif kind is RouteKind.dns_failure:
        unit = (dns_status.value,) * 5
    return Expectation(
        kind=kind, dns_status=dns_status, mx_total=mx_total, findings=findings, **_verdicts([(True, unit)])
    )


def _expected_host(preference: int | None, host: GrownHost | MissingHost) -> ExpectedHost:
    if isinstance(host, MissingHost):
        is_nxdomain = host.status is DnsStatus.nxdomain
        flag = HostFlag.mx_nxdomain if is_nxdomain else HostFlag.mx_has_no_address
        return ExpectedHost(
            exchange=host.exchange, preference=preference, a=host.status, aaaa=host.status, flags=(flag,)
        )
    there, not_there = DnsStatus.ok, DnsStatus.no_data
    return ExpectedHost(
        exchange=host.exchange,
        preference=preference,
        a=not_there if host.is_ipv6 else there,
        aaaa=there if host.is_ipv6 else not_there,
        addresses=tuple([f"{address} {habit.result}" for address, habit in host.addresses]),
    )


def _units(host: GrownHost | MissingHost) -> list[tuple[str, ...]]:
    return [_NOT_THERE] if isinstance(host, MissingHost) else [habit.units for _, habit in host.addresses]


def _findings(host: GrownHost | MissingHost) -> list[str]:
    if isinstance(host, MissingHost):
        kind = "mx-does-not-exist" if host.status is DnsStatus.nxdomain else "mx-has-no-address"
        return [f"{kind} error {host.exchange}"]
    findings = [
        f"{finding} {host.exchange} [{address}]" for address, habit in host.addresses for finding in habit.findings
    ]
    # `reachable` does not count: members that are down are no difference in how the pool is set up.
    said = [set(column) for column in zip(*[habit.units[1:] for _, habit in host.addresses], strict=True)]
    if any({YES, NO} <= column for column in said):
        findings.append(f"pool-members-differ warning {host.exchange}")
    return findings


#: What becomes of a message at a server, the weakest protection first.
_DELIVERED = ("delivers", "delivers_encrypted")


def _delivery(hosts: Sequence[tuple[int, GrownHost | MissingHost]]) -> str:
    """For a sender that insists on nothing: it goes on, by preference, until a server takes its message."""
    incomplete = ""
    for _, equals in groupby(hosts, lambda host: host[0]):
        met = {_delivery_at(unit) for _, host in equals for unit in _units(host)}
        if "unknown" in met:
            incomplete = " incomplete"
        for delivered in _DELIVERED:
            if delivered in met:
                return delivered + incomplete
    return f"unknown{incomplete}" if incomplete else "fails"


def _delivery_at(unit: tuple[str, ...]) -> str:
    reachable, smtp, starttls, *_ = unit
    if NO in (reachable, smtp):
        return "fails"
    if smtp != YES or starttls not in (YES, NO):
        return "unknown"
    return "delivers_encrypted" if starttls == YES else "delivers"


def _verdicts(units: list[tuple[bool, tuple[str, ...]]]) -> _Verdicts:
    texts = [_verdict([(preferred, unit[column]) for preferred, unit in units]) for column in range(5)]
    return _Verdicts(
        reachable=texts[0],
        smtp=texts[1],
        starttls=texts[2],
        certificate_trusted=texts[3],
        certificate_name=texts[4],
    )


def _verdict(units: list[tuple[bool, str]]) -> str:
    said = [unit for _, unit in units]
    value, preferred = _value(said), _value([unit for is_preferred, unit in units if is_preferred])
    unknown = [unit for unit in said if unit not in (YES, NO, NOT_APPLICABLE)]
    words = [value, f"{said.count(YES)}/{said.count(NO)}/{len(unknown)}"]
    if preferred != value:
        words.append(f"preferred={preferred}")
    return " ".join([*words, *sorted(set(unknown))])


def _value(said: list[str]) -> str:
    definite = {unit for unit in said if unit in (YES, NO)}
    if definite:
        return "mixed" if len(definite) == 2 else definite.pop()
    return "unknown" if any(unit != NOT_APPLICABLE for unit in said) else NOT_APPLICABLE
