"""The DNS answers behind an alert: what was asked for, when, and what came."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from scanner.outages.alerts import AlertedDomain, AlertedHost
from scanner.outcomes import DnsStatus
from scanner.records import AddressLookup, Host, Mx
from scanner.report.moments import Moments
from scanner.report.plain_text import named, paragraph, rows

T = TypeVar("T")


def dns_lines(hosts: Iterable[AlertedHost], domains: Iterable[AlertedDomain], moments: Moments) -> list[str]:
    """A paragraph for the MX records of the domains that have the same, and one for the addresses of each mail host."""
    lines: list[str] = []
    for found in _alike(domains, lambda domain: (domain.mx, domain.dns_status)):
        lines += _mx_lines(found, moments)
    for host in hosts:
        for lookups in _alike(host.lookups, _essence):
            lines += _address_lines(lookups, moments)
    return lines


def _alike(things: Iterable[T], essence: Callable[[T], Hashable]) -> Iterable[list[T]]:
    """Those with the same essence together, in the order of the first of each."""
    found: dict[Hashable, list[T]] = {}
    for thing in things:
        found.setdefault(essence(thing), []).append(thing)
    return found.values()


def _essence(lookup: Host) -> Hashable:
    """What two lookups of a host have in common if nothing changed between them."""
    return tuple(_addresses(answer) for answer in (lookup.a, lookup.aaaa))


def _mx_lines(domains: Sequence[AlertedDomain], moments: Moments) -> list[str]:
    first = domains[0]
    records = ", ".join(map(mx_text, first.mx)) or _nothing(first.dns_status)
    asked = _asked([domain.asked_at for domain in domains], moments, each_once=len(domains) > 1)
    names = named([domain.domain for domain in domains])
    return [*paragraph(f"{names}  MX", indent=2), *rows([("answer", records), asked], indent=4)]


def mx_text(record: Mx) -> str:
    """`10 mx1.example.org`; an implicit MX (RFC 5321 §5.1) has no preference."""
    return record.exchange if record.preference is None else f"{record.preference} {record.exchange or '.'}"


def _address_lines(lookups: Sequence[Host], moments: Moments) -> list[str]:
    first = lookups[0]
    told = [("A", _addresses(first.a)), ("AAAA", _addresses(first.aaaa))]
    asked = _asked([lookup.a.asked_at or lookup.aaaa.asked_at for lookup in lookups], moments)
    return [*paragraph(f"{first.exchange}  A, AAAA", indent=2), *rows([*told, asked], indent=4)]


def _addresses(answer: AddressLookup) -> str:
    if answer.dns_status is not DnsStatus.ok:
        return _nothing(answer.dns_status)
    found = ", ".join(address.address for address in answer.addresses) or "no address"
    alias = f" (by way of {', '.join(answer.cname_chain)})" if answer.cname_chain else ""
    return f"{found}{alias}" + (f" (TTL {answer.ttl_s} s)" if answer.ttl_s is not None else "")


def _nothing(status: DnsStatus) -> str:
    return f"none ({status})"


def _asked(times: Iterable[str | None], moments: Moments, *, each_once: bool = False) -> tuple[str, str]:
    """When, from the first time to the last; `each_once` if these are times of questions that are not the same."""
    known = sorted({time for time in times if time})
    if len(known) > 1 and moments.text(known[0]) != moments.text(known[-1]):
        local = moments.local_span(known[0], known[-1])
        said = f"{moments.span(known[0], known[-1])}" + (f" ({local})" if local else "")
        return "asked", said if each_once else f"{len(known)} times, {said}"
    return "asked", moments.text(known[0]) if known else ""
