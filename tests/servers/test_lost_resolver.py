"""An unbound that is gone for a while in the midst of a run: not one name is given up for it."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.outcomes import DnsStatus
from scanner.records import Domain, Route
from tests.acceptance.running import records_of

from . import name_servers
from .name_servers import Nsd, Unbound
from .programs import free_port
from .scans import Scan, resuming, scanning
from .telling import UNREACHABLE, Told, tell

#: More than are looked up before anybody can look.
DOMAINS = 1000
#: Where all mail hosts are, and nobody listens.
HOSTS = tuple((f"mx-{number}.lost.test", f"127.80.9.{10 + number}") for number in range(5))

NAMES = [f"d{number:04}.lost.test" for number in range(DOMAINS)]

ZONE = "".join(
    (
        "$ORIGIN lost.test.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n",
        *(f"{host}. A {address}\n" for host, address in HOSTS),
        *(f"{name}. MX 10 {HOSTS[number % len(HOSTS)][0]}.\n" for number, name in enumerate(NAMES)),
    )
)

#: Few at a time, so that it is the midst of the run when unbound stops; one that does not answer is soon given up.
SLOWLY: dict[str, object] = {"width": 4, "slow_width": 4, "lookup_s": 1.0}


@pytest.fixture(scope="module")
def its_nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    with name_servers.nsd(tmp_path_factory.mktemp("its_nsd"), {"lost.test.": ZONE}) as server:
        yield server


@pytest.fixture
def lost_unbound(tmp_path: Path, its_nsd: Nsd) -> Iterator[Unbound]:
    with name_servers.unbound(tmp_path, its_nsd.port, ["lost.test."]) as server:
        yield server


def told(records: dict[str, Domain]) -> Counter[Told]:
    """What is told, and of how many domains: their own names are not in it."""
    return Counter(tell(record) for record in records.values())


EXPECTED = {
    Told(
        "mx ok 1",
        (f"10 {host} ok/no_data: {address} connect refused",),
        UNREACHABLE,
        frozenset({f"connection-refused error {host} [{address}]"}),
    ): DOMAINS // len(HOSTS)
    for host, address in HOSTS
}


def is_in_the_midst(scan: Scan) -> bool:
    return 20 <= scan.count("routes", '"kind":"mx"') < DOMAINS


def test_what_was_asked_while_unbound_stood_still_is_found_by_second_lookups(
    lost_unbound: Unbound, tmp_path: Path
) -> None:
    with scanning(tmp_path, NAMES, lost_unbound.port, free_port([HOSTS[0][1]]), dns=SLOWLY) as scan:
        scan.wait_until(lambda: is_in_the_midst(scan))
        lost_unbound.process.send_signal(signal.SIGSTOP)
        try:
            scan.wait_until(lambda: scan.count("routes", '"timed_out"') >= 4)
        finally:
            lost_unbound.process.send_signal(signal.SIGCONT)
        scan.ended()
    assert told(scan.records) == EXPECTED
    routes = records_of(scan.run, Route)
    # SERVFAIL is what unbound makes of its own questions that nobody heard the answers of.
    failed = {route.domain: route.dns_status for route in routes if route.dns_status is not DnsStatus.ok}
    assert set(failed.values()) <= {DnsStatus.timed_out, DnsStatus.servfail}
    again = {route.domain: route.dns_status for route in routes if route.attempt == 2}
    assert failed.keys() <= again.keys()
    assert set(again.values()) == {DnsStatus.ok}


def test_a_run_whose_unbound_died_stops_and_goes_on_with_the_next_one(
    lost_unbound: Unbound, its_nsd: Nsd, tmp_path: Path
) -> None:
    port = lost_unbound.port
    with scanning(tmp_path, NAMES, port, free_port([HOSTS[0][1]]), dns=SLOWLY) as scan:
        scan.wait_until(lambda: is_in_the_midst(scan))
        lost_unbound.process.kill()
        lost_unbound.process.wait()
        scan.ended(exit_code=4)
    assert "nothing but faults on our side" in scan.said
    with name_servers.unbound(tmp_path, its_nsd.port, ["lost.test."], port=port), resuming(scan) as resumed:
        resumed.ended()
    assert told(resumed.records) == EXPECTED
    assert {route.dns_status for route in records_of(resumed.run, Route)} == {DnsStatus.ok}
