"""A scan by the command, as a user starts it, and its records told in lines short enough for a table."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scanner.records import Domain, JudgedAddress, JudgedHost, Verdict

# Limits as the lab has them, so that a test of a limit takes seconds; a pace that loopback can take.
_SETTINGS = """\
[limits]
connect_s = 1.0
greeting_s = 3.0
reply_s = 2.0
tls_s = 2.0
quit_s = 0.5
session_s = 6.0
[dns]
lookup_s = 5.0
[pace]
address_per_s = 100.0
network_sessions = 100
network_per_s = 1000.0
group_sessions = 100
group_per_s = 1000.0
[second_attempt]
short_pause_s = 0.0
[vantage]
preflight = false
"""


@dataclass(frozen=True)
class Told:
    """What a record says: its route, its hosts, its verdicts, its findings; times and identities left out."""

    route: str
    hosts: tuple[str, ...]
    verdicts: tuple[str, ...]
    findings: frozenset[str]


def scan(directory: Path, domains: list[str], dns_port: int, port: int, *more: str) -> dict[str, Domain]:
    """Run `mxscan scan` on the domains → its records by domain. AssertionError unless it ends with 0."""
    targets, settings, run = directory / "list.txt", directory / "settings.toml", directory / "run"
    targets.write_text("".join(f"{domain}\n" for domain in domains), encoding="utf-8")
    settings.write_text(_SETTINGS, encoding="utf-8")
    options = {
        "--ehlo-name": "scanner.real.test",
        "--dns": f"127.0.0.1:{dns_port}",
        "--port": str(port),
        "--allow-network": "127.80.0.0/16",
        "--config": str(settings),
        "--out": str(run),
    }
    given = [word for option in options.items() for word in option]
    done = subprocess.run(
        [sys.executable, "-m", "scanner", "scan", str(targets), *given, "--quiet", *more],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr}"
    lines = (run / "domains.jsonl").read_bytes().splitlines()
    records = [msgspec.json.decode(line, type=Domain) for line in lines]
    return {record.domain: record for record in records if record.domain is not None}


def tell(record: Domain) -> Told:
    """The record in lines: `KIND DNS_STATUS MX_TOTAL [+FLAG…]`, `PREFERENCE EXCHANGE A/AAAA [+FLAG…]: ADDRESS
    STAGE OUTCOME, …`, `VERDICT VALUE YES/NO/UNKNOWN [preferred=VALUE] [REASON…]`, `KIND SEVERITY SUBJECT`."""
    route, verdicts = record.mail_route, msgspec.structs.asdict(record.verdicts)
    return Told(
        route=_words(route.kind, route.dns_status, route.mx_total, _flags(route.flags)),
        hosts=tuple(map(_host, record.mail_hosts)),
        verdicts=tuple(_words(name, _verdict(verdict)) for name, verdict in verdicts.items() if verdict),
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
