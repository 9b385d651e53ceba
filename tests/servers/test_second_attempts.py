"""Between two attempts the world changes: a Postfix starts, a zone has other addresses. A record is of both."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from scanner.records import Domain, SessionRecord

from . import name_servers
from .name_servers import Nsd, Unbound
from .postfix import Postfix, configured_postfix
from .scans import scanning
from .smtpds import Smtpd
from .telling import UNREACHABLE, Told, certificate, tell

#: Long enough for what unbound has kept to become too old (the zone's TTL is a second).
PAUSE_S = 2.5

#: Where Postfix listens after the pause, and where nobody ever does.
LATE, MOVED_TO, ADDED = "127.80.8.1", "127.80.8.2", "127.80.8.3"
NOBODY, MOVED_FROM, GONE, FIRST = "127.80.8.11", "127.80.8.12", "127.80.8.13", "127.80.8.14"

SERVICES = tuple(
    Smtpd(f"late-{number}", address, "good", ("smtpd_tls_security_level=may",))
    for number, address in enumerate((LATE, MOVED_TO, ADDED))
)

ZONE = """\
$ORIGIN real.test.
$TTL 1
@  SOA ns hostmaster {serial} 3600 600 86400 1
@  NS  ns
ns A   127.0.0.1
"""

#: The mail hosts' addresses before the pause and after it.
BEFORE = {"late": [LATE], "nobody": [NOBODY], "moved": [MOVED_FROM], "gone": [GONE], "more": [FIRST]}
AFTER = {"late": [LATE], "nobody": [NOBODY], "moved": [MOVED_TO], "gone": [], "more": [FIRST, ADDED]}


@dataclass(frozen=True)
class Case:
    """A domain with one MX `NAME.mx.real.test`: what its record says before the pause, and after it."""

    name: str
    why: str
    after: str
    verdicts: tuple[str, ...]
    findings: tuple[str, ...] = ()
    #: The address of each of its sessions, and the number of the attempt.
    sessions: tuple[str, ...] = field(default=())

    @property
    def host(self) -> str:
        return f"{self.name}.mx.real.test"

    @property
    def told_before(self) -> Told:
        (address,) = BEFORE[self.name]
        refused = f"connection-refused error {self.host} [{address}]"
        line = f"10 {self.host} ok/no_data: {address} connect refused"
        return Told("mx ok 1", (line,), UNREACHABLE, frozenset({refused}))

    @property
    def told_after(self) -> Told:
        found = frozenset(finding.format(host=self.host) for finding in self.findings)
        return Told("mx ok 1", (f"10 {self.host} {self.after}",), self.verdicts, found)


CASES = (
    Case(
        "late",
        "Postfix was restarted, say: its better answer counts, and that it was not always there is told",
        f"ok/no_data: {LATE} done ok +attempts_differ",
        certificate("yes", "yes"),
        (f"attempts-differ notice {{host}} [{LATE}]",),
        (f"{LATE} 1", f"{LATE} 2"),
    ),
    Case(
        "nobody",
        "still nobody there: now that is sure",
        f"ok/no_data: {NOBODY} connect refused",
        UNREACHABLE,
        (f"connection-refused error {{host}} [{NOBODY}]",),
        (f"{NOBODY} 1", f"{NOBODY} 2"),
    ),
    Case(
        "moved",
        "the zone has another address: the old one has no vote any more, and is not asked again",
        f"ok/no_data: {MOVED_TO} done ok, {MOVED_FROM} connect refused +address_withdrawn",
        certificate("yes", "yes"),
        sessions=(f"{MOVED_FROM} 1", f"{MOVED_TO} 1"),
    ),
    Case(
        "gone",
        "the mail host was taken out of the zone: what is wrong is that it does not exist, and not its old address",
        f"nxdomain/nxdomain +mx_nxdomain: {GONE} connect refused +address_withdrawn",
        UNREACHABLE,
        ("mx-does-not-exist error {host}",),
        (f"{GONE} 1",),
    ),
    Case(
        "more",
        "the zone has one address more, which answers: the other is asked again, and does not",
        f"ok/no_data: {ADDED} done ok, {FIRST} connect refused",
        ("reachable mixed 1/1/0", *certificate("yes", "yes")[1:]),
        (f"connection-refused error {{host}} [{FIRST}]",),
        (f"{FIRST} 1", f"{ADDED} 1", f"{FIRST} 2"),
    ),
)


def zone(serial: int, hosts: dict[str, list[str]]) -> str:
    domains = "".join(f"{case.name} MX 10 {case.host}.\n" for case in CASES)
    addresses = "".join(f"{name}.mx A {address}\n" for name, found in hosts.items() for address in found)
    return ZONE.format(serial=serial) + domains + addresses


@pytest.fixture(scope="module")
def changing_nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    with name_servers.nsd(tmp_path_factory.mktemp("changing_nsd"), {"real.test.": zone(1, BEFORE)}) as server:
        yield server


@pytest.fixture(scope="module")
def its_unbound(tmp_path_factory: pytest.TempPathFactory, changing_nsd: Nsd) -> Iterator[Unbound]:
    directory = tmp_path_factory.mktemp("its_unbound")
    with name_servers.unbound(directory, changing_nsd.port, ["real.test."]) as server:
        yield server


@pytest.fixture(scope="module")
def late_postfix() -> Iterator[Postfix]:
    """It is started when it is too late for the first attempts."""
    with configured_postfix(SERVICES) as server:
        yield server


@dataclass(frozen=True)
class Scanned:
    """The records before the pause and at the end, and all sessions."""

    before: dict[str, Domain]
    after: dict[str, Domain]
    sessions: list[SessionRecord]


@pytest.fixture(scope="module")
def scanned(
    changing_nsd: Nsd, its_unbound: Unbound, late_postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> Scanned:
    """A scan, in whose pause Postfix starts and the zone changes."""
    domains = [f"{case.name}.real.test" for case in CASES]
    directory, trusted = tmp_path_factory.mktemp("changing"), ("--ca-file", late_postfix.ca_file)
    pause: dict[str, object] = {"short_pause_s": PAUSE_S}
    with scanning(directory, domains, its_unbound.port, late_postfix.port, *trusted, second_attempt=pause) as scan:
        scan.wait_until(lambda: scan.count("events", '"paused"') > 0)
        before = scan.records
        with scan.frozen():
            changing_nsd.publish("real.test.", zone(2, AFTER))
            late_postfix.start()
        scan.ended()
        return Scanned(before, scan.records, scan.sessions)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_before_the_pause_the_records_say_what_the_first_attempts_found(case: Case, scanned: Scanned) -> None:
    assert tell(scanned.before[f"{case.name}.real.test"]) == case.told_before, case.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_at_the_end_a_record_is_of_all_attempts_and_of_what_is_published_now(case: Case, scanned: Scanned) -> None:
    assert tell(scanned.after[f"{case.name}.real.test"]) == case.told_after, case.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_address_is_asked_as_often_as_it_is_worth(case: Case, scanned: Scanned) -> None:
    held = [session for session in scanned.sessions if session.server_name == case.host]
    assert sorted(f"{session.address} {session.attempt}" for session in held) == sorted(case.sessions)
