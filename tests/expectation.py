"""What an entry of the world expects, as the record that must come out, and how a record differs. Pure.

The record is compared completely: every field of it that is not on the closed list `NOT_COMPARED` must be
equal, also one that is added to the format later. Only flags that an entry marks with `?` may be there or not.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from msgspec.structs import replace

from scanner.lab.world import Entry, Expectation
from scanner.names import parse_domain
from scanner.outcomes import RouteKind
from scanner.records import Domain, Finding, JudgedAddress, JudgedCertificate, JudgedHost, MailRoute, Record
from scanner.wire_text import escape_octets
from tests.notation import optional_flags, parse_finding, parse_host, parse_policy, parse_verdicts

#: Where a line stood in the input, what else stood there, the ids of sessions, the wording of evidence and
#: advice, fingerprints and times. Ports and byte counts are in no field of these records.
NOT_COMPARED: dict[type[Record], frozenset[str]] = {
    Domain: frozenset({"line", "lines", "lines_total", "metadata", "metadata_more"}),
    JudgedAddress: frozenset({"sessions"}),
    JudgedCertificate: frozenset({"sha256", "not_after", "days_left"}),
    Finding: frozenset({"session", "evidence", "fix"}),
}

#: Fields of which only the three numbers that a TLSA record begins with are compared, in any order: the rest is
#: a fingerprint.
_TLSA_FIELDS = ("matched", "unmatched", "uncompared")


def differences(entry: Entry, record: Domain) -> list[str]:
    """What in a record is not as its entry says, and what is missing from it: a readable line each.

    Of several records that the entry has for right, it is compared with the one that it comes closest to.
    """
    told = [
        list(_differing("", _expected_record(entry, expect), _without_optional_flags(record, expect)))
        for expect in (entry.expect, *entry.or_expect)
    ]
    return [*min(told, key=len), *_unproven(record)]


def differences_between(entry: Entry, one: Domain, other: Domain) -> list[str]:
    """In what two records of an entry differ, less what is never compared and the flags that chance decides on."""
    expect = entry.expect
    return list(_differing("", _without_optional_flags(one, expect), _without_optional_flags(other, expect)))


def expected_record(entry: Entry) -> Domain:
    """The record that an entry expects; what is not compared has a value that a record may have.

    It is the first of those that are right, and has none of the flags that may be there or not. Raises ValueError
    for an expectation that is not written as world.py says.
    """
    return _expected_record(entry, entry.expect)


def _expected_record(entry: Entry, expect: Expectation) -> Domain:
    is_name = expect.kind is not RouteKind.invalid_name
    return Domain(
        domain=parse_domain(entry.domain) if is_name else None,
        line=None if is_name else 1,
        lines=(1,),
        lines_total=1,
        input=escape_octets(entry.domain.encode()),
        metadata={},
        metadata_more=(),
        mail_route=MailRoute(
            kind=expect.kind, flags=expect.flags, dns_status=expect.dns_status, mx_total=expect.mx_total
        ),
        mail_hosts=tuple(map(parse_host, expect.hosts)),
        verdicts=parse_verdicts(expect),
        findings=tuple(map(parse_finding, expect.findings)),
        policy=parse_policy(expect.policy),
    )


def _without_optional_flags(record: Domain, expect: Expectation) -> Domain:
    """The record without the flags of which its expectation says that they may be there or not."""
    hosts = zip(record.mail_hosts, expect.hosts, strict=False)
    changed = [replace(host, addresses=_without_optional(host.addresses, lines.addresses)) for host, lines in hosts]
    return replace(record, mail_hosts=(*changed, *record.mail_hosts[len(changed) :]))


def _without_optional(addresses: tuple[JudgedAddress, ...], lines: tuple[str, ...]) -> tuple[JudgedAddress, ...]:
    changed = []
    for address, line in zip(addresses, lines, strict=False):
        optional = optional_flags(line)
        changed.append(replace(address, flags=tuple(flag for flag in address.flags if flag not in optional)))
    return (*changed, *addresses[len(changed) :])


def _differing(where: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, Record) and isinstance(found, Record):
        for field in expected.__struct_fields__:
            if field not in NOT_COMPARED.get(type(expected), ()):
                yield from _differing_field(where, field, getattr(expected, field), getattr(found, field))
    elif expected != found:
        yield f"{where}: expected {_shown(expected)}, found {_shown(found)}"


def _differing_field(where: str, field: str, expected: Any, found: Any) -> Iterator[str]:
    where = f"{where}.{field}" if where else field
    match field:
        case "findings":
            yield from _differing_findings(expected, found)
        case _ if field in _TLSA_FIELDS:
            yield from _differing(where, _numbers(expected), _numbers(found))
        case "flags":  # a set that is written as a list
            yield from _differing(where, sorted(expected), sorted(found))
        case "mail_hosts" | "addresses":
            for number, (one, other) in enumerate(zip_longest(expected, found), 1):
                yield from _differing(f"{where}[{number}]", one, other)
        case _:
            yield from _differing(where, expected, found)


def _numbers(records: tuple[str, ...]) -> list[str]:
    return sorted(" ".join(record.split()[:3]) for record in records)


def _differing_findings(expected: tuple[Finding, ...], found: tuple[Finding, ...]) -> Iterator[str]:
    """Findings are compared as a multiset: one that is told twice is one too many."""
    wanted, told = Counter(map(_shown, expected)), Counter(map(_shown, found))
    for finding, times in (wanted - told).items():
        yield f"missing finding: {finding}" + f" ({times} times)" * (times > 1)
    for finding, times in (told - wanted).items():
        yield f"unexpected finding: {finding}" + f" ({times} times)" * (times > 1)


def _shown(value: Any) -> str:
    match value:
        case Finding():
            return f"{value.kind} {value.severity} {value.subject}"
        case JudgedHost():
            return f"{value.preference} {value.exchange}"
        case JudgedAddress():
            return value.address
        case None:
            return "nothing"
        case str():
            return str(value)
        case _:
            return repr(value)


def _unproven(record: Domain) -> Iterator[str]:
    """What must be there, whatever it says: the proof of every finding, the session of every contact."""
    addresses = [address for host in record.mail_hosts for address in host.addresses]
    sessions = {session for address in addresses for session in address.sessions}
    for address in addresses:
        if bool(address.sessions) != (address.stage is not None):
            yield f"{address.address}: sessions {address.sessions}, stage {_shown(address.stage)}"
    for finding in record.findings:
        if not finding.evidence:
            yield f"{_shown(finding)}: without evidence"
        if not finding.fix:
            yield f"{_shown(finding)}: without a word on what to do"
        if finding.session is not None and finding.session not in sessions:
            yield f"{_shown(finding)}: proved by session {finding.session}, which is none of the domain's"
