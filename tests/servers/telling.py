"""What a record says, in lines short enough for a table; and the verdicts that come again and again."""

from dataclasses import dataclass

from scanner.records import Domain, JudgedAddress, JudgedHost, Verdict

#: The verdicts on a domain's servers. Those on what its owner publishes are other tests' subject.
_VERDICTS = ("reachable", "smtp", "starttls", "certificate_trusted", "certificate_name")


@dataclass(frozen=True)
class Told:
    """What a record says: its route, its hosts, its verdicts, its findings; times and identities left out."""

    route: str
    hosts: tuple[str, ...]
    verdicts: tuple[str, ...]
    findings: frozenset[str]


def tell(record: Domain) -> Told:
    """The record in lines: `KIND DNS_STATUS MX_TOTAL [+FLAG…]`, `PREFERENCE EXCHANGE A/AAAA [+FLAG…]: ADDRESS
    STAGE OUTCOME, …`, `VERDICT VALUE YES/NO/UNKNOWN [preferred=VALUE] [REASON…]`, `KIND SEVERITY SUBJECT`."""
    route = record.mail_route
    return Told(
        route=_words(route.kind, route.dns_status, route.mx_total, _flags(route.flags)),
        hosts=tuple(map(_host, record.mail_hosts)),
        verdicts=tuple(_words(name, _verdict(getattr(record.verdicts, name))) for name in _VERDICTS),
        findings=frozenset(_words(found.kind, found.severity, found.subject) for found in record.findings),
    )


def _host(host: JudgedHost) -> str:
    preference = "-" if host.preference is None else host.preference
    head = _words(preference, host.exchange, f"{host.a_status}/{host.aaaa_status}", _flags(host.flags))
    return f"{head}: {', '.join(map(_address, host.addresses))}".removesuffix(": ")


def _address(address: JudgedAddress) -> str:
    ended = (address.stage, address.outcome, address.limit) if address.outcome else ("-", address.reason)
    return _words(address.address, *ended, _flags(address.flags))


def _verdict(verdict: Verdict) -> str:
    assert verdict.complete == (verdict.unknown == 0)
    preferred = "" if verdict.preferred == verdict.value else f"preferred={verdict.preferred}"
    counts = f"{verdict.yes}/{verdict.no}/{verdict.unknown}"
    return _words(verdict.value, counts, preferred, *verdict.reasons)


def _flags(flags: tuple[str, ...]) -> str:
    return " ".join(f"+{flag}" for flag in flags)


def _words(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part not in {None, ""})


# Verdicts of one unit ---------------------------------------------------------------------------------

WITHOUT_TLS = (
    "reachable yes 1/0/0",
    "smtp yes 1/0/0",
    "starttls no 0/1/0",
    "certificate_trusted not_applicable 0/0/0",
    "certificate_name not_applicable 0/0/0",
)

UNREACHABLE = (
    "reachable no 0/1/0",
    "smtp not_applicable 0/0/0",
    "starttls not_applicable 0/0/0",
    "certificate_trusted not_applicable 0/0/0",
    "certificate_name not_applicable 0/0/0",
)


def certificate(trusted: str, name: str) -> tuple[str, ...]:
    """The verdicts of a session with STARTTLS whose certificate is `trusted` and has the right `name`."""
    counts = {"yes": "1/0/0", "no": "0/1/0"}
    return (
        "reachable yes 1/0/0",
        "smtp yes 1/0/0",
        "starttls yes 1/0/0",
        f"certificate_trusted {trusted} {counts[trusted]}",
        f"certificate_name {name} {counts[name]}",
    )


def unknown(reason: str, *, known: int = 0) -> tuple[str, ...]:
    """The verdicts of which the first are a yes, and the others not known for one reason."""
    return (
        *(f"{name} yes 1/0/0" for name in _VERDICTS[:known]),
        *(f"{name} unknown 0/0/1 {reason}" for name in _VERDICTS[known:]),
    )
