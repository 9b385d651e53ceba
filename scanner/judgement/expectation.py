"""`--expect-mx`: does a domain's mail still go where it should?"""

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_network

from scanner.addresses import Address, Network, parse_address
from scanner.dns.answers import FAILURES
from scanner.judgement.claims import NO, NOT_APPLICABLE, YES, Claim, unknown
from scanner.judgement.verdicts import judge_claims
from scanner.names import parse_domain
from scanner.outcomes import AddressFlag, DnsStatus, NotKnown, RouteKind
from scanner.records import JudgedHost, MailRoute, Metadata, Verdict

_METADATA = "metadata:"
_PATTERN = re.compile(r"[a-z0-9_*?-]+(?:\.[a-z0-9_*?-]+)+|\*")


@dataclass(frozen=True, slots=True)
class ExpectedMx:
    """What was expected: name patterns (`*.mail.example`), networks, and columns of the input."""

    patterns: tuple[str, ...]
    networks: tuple[Network, ...]
    columns: tuple[str, ...]


def parse_expectation(texts: Iterable[str]) -> ExpectedMx | None:
    """The values of `--expect-mx`, each PATTERN, CIDR or metadata:COLUMN; None if there are none.

    Raises ValueError for what is none of them.
    """
    words: list[str] = []
    columns: list[str] = []
    for text in texts:
        column = text.removeprefix(_METADATA).strip()
        if not column:
            raise ValueError(f"expected PATTERN, CIDR or metadata:COLUMN, found {text!r}")
        (columns if text.startswith(_METADATA) else words).append(column)
    if not (words or columns):
        return None
    return ExpectedMx(*_parse_words(words, strict=True), tuple(columns))


def parse_cell(text: str) -> ExpectedMx:
    """What a cell of the input names: patterns and networks, with spaces or commas between them.

    A network may have host bits set there, as people keep their addresses. Raises ValueError if one of them is neither.
    """
    return ExpectedMx(*_parse_words(text.replace(",", " ").split(), strict=False), ())


def cell_of(metadata: Metadata, column: str) -> str | None:
    """The cell of a column, whose name may be written in any case; None if the line has no such column."""
    if column in metadata:
        return metadata[column]
    return next((cell for name, cell in metadata.items() if name.casefold() == column.casefold()), None)


def _parse_words(words: Sequence[str], *, strict: bool) -> tuple[tuple[str, ...], tuple[Network, ...]]:
    networks = tuple(ip_network(word, strict=strict) for word in words if "/" in word)
    return tuple(_parse_pattern(word) for word in words if "/" not in word), networks


def _parse_pattern(text: str) -> str:
    """A pattern of host names as records have them: A-labels in lower case. Raises ValueError."""
    labels = text.lower().removesuffix(".").split(".")
    pattern = ".".join(label if label.isascii() else parse_domain(label) for label in labels)
    if _PATTERN.fullmatch(pattern) is None:
        raise ValueError(f"{text!r} is no name of a mail host, nor a pattern such as *.mail.example.org")
    return pattern


def judge_expectation(
    expected: ExpectedMx, mail_route: MailRoute, hosts: Sequence[JudgedHost], metadata: Metadata
) -> Verdict:
    """Whether the mail hosts are the expected ones; one unit a host: yes if its name or all addresses match.

    A domain that by the DNS has no mail host at all no longer points to the expected one: no.
    """
    expected = _with_columns(expected, metadata)
    if mail_route.kind is RouteKind.invalid_name or not (expected.patterns or expected.networks):
        return judge_claims([NOT_APPLICABLE], [NOT_APPLICABLE])
    claims = [_judge_host(host, expected) for host in hosts] or [_judge_without_host(mail_route)]
    lowest = min((host.preference or 0 for host in hosts), default=0)
    preferred = [claim for claim, host in zip(claims, hosts, strict=False) if (host.preference or 0) == lowest]
    return judge_claims(claims, preferred or claims)


def _with_columns(expected: ExpectedMx, metadata: Metadata) -> ExpectedMx:
    """The expectation of one domain: what its line's columns name counts like what was given for all.

    A cell that names nothing that could be expected says nothing, and so nothing against the domain either.
    """
    patterns, networks = list(expected.patterns), list(expected.networks)
    for column in expected.columns:
        with contextlib.suppress(ValueError):
            cell = parse_cell(cell_of(metadata, column) or "")
            patterns += cell.patterns
            networks += cell.networks
    return ExpectedMx(tuple(patterns), tuple(networks), ())


def _judge_without_host(mail_route: MailRoute) -> Claim:
    match mail_route.kind:
        case RouteKind.skipped:
            return unknown(NotKnown.opted_out)
        case RouteKind.dns_failure if mail_route.dns_status is DnsStatus.not_asked:
            return unknown(NotKnown.not_yet_probed)
        case RouteKind.dns_failure:
            return unknown(mail_route.dns_status)
        case _:
            return NO


def _judge_host(host: JudgedHost, expected: ExpectedMx) -> Claim:
    if any(fnmatchcase(host.exchange, pattern) for pattern in expected.patterns):
        return YES
    # An address that was withdrawn is no place any more to which mail goes.
    published = [one for one in host.addresses if AddressFlag.address_withdrawn not in one.flags]
    addresses = [parse_address(one.address) for one in published]
    if not expected.networks or not all(_is_within(address, expected.networks) for address in addresses):
        return NO
    statuses = (host.a_status, host.aaaa_status)
    if failed := [status for status in statuses if status in FAILURES]:
        return unknown(failed[0])  # an address that nobody saw may lie elsewhere
    if DnsStatus.not_asked in statuses and not host.flags:
        return unknown(NotKnown.not_asked)  # not yet, or because its owner opted out
    return YES if addresses else NO


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
