"""What is kept between runs comes back as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.outages.alerts import Alert, AlertedDomain, AlertedHost, AlertKind, State
from scanner.outages.known import KnownDomain, KnownHost, Thread
from scanner.outages.threads import Threads
from scanner.outcomes import DnsStatus, RouteKind
from scanner.watch.database import Database
from scanner.watch.store import PastAlert, PastRun, PastStep, Store
from tests.outages.test_domain_watching import domain
from tests.outages.watching import moment, night

HOST = KnownHost(
    name="mx1.example.org", pace_group="example.org", state=State.down, since=moment(1), outage="0123abcd-1"
)
DOMAIN = KnownDomain(name="example.org", state=State.down, record=domain())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Database.open(tmp_path / "watch.sqlite") as database:
        yield Store(database)


def test_hosts_and_domains_come_back_as_they_were(store: Store) -> None:
    store.put_host(HOST)
    store.put_domain(DOMAIN)
    store.put_host(HOST)
    assert list(store.hosts()) == [HOST]
    assert list(store.domains()) == [DOMAIN]
    assert store.domain("example.org") == DOMAIN
    assert store.domain("example.net") is None


def test_who_is_not_watched_any_more_is_forgotten(store: Store) -> None:
    store.put_host(HOST)
    store.put_domain(DOMAIN)
    store.forget_hosts({HOST.name})
    store.forget_domains({DOMAIN.name})
    assert (len(list(store.hosts())), len(list(store.domains()))) == (1, 1)
    store.forget_hosts(set())
    store.forget_domains(set())
    assert (list(store.hosts()), list(store.domains())) == ([], [])


def test_runs_have_numbers_and_directories(store: Store) -> None:
    assert store.last_run() is None
    store.add_run(night(1), None)
    store.add_run(night(2), "too many networks failed at once")
    assert store.last_run() == PastRun(2, "run 2", "directory-2", moment(2), "too many networks failed at once")
    assert store.knows_run("directory-1")
    assert not store.knows_run("directory-3")


def test_threads_are_open_until_they_are_left_out(store: Store) -> None:
    threads = Threads((), night(1))
    first, second = threads.begin(AlertKind.down), threads.begin(AlertKind.unstable)
    store.set_open_threads([first, second], moment(1))
    later: Thread = Threads((first,), night(2)).go_on(first.alert)
    store.set_open_threads([later], moment(2))
    assert store.open_threads() == [later]
    store.set_open_threads([], moment(3))
    assert store.open_threads() == []


def alert(sequence: int, kind: AlertKind) -> Alert:
    return Alert(
        alert="0123abcd-1",
        sequence=sequence,
        kind=kind,
        at=moment(sequence),
        run="run",
        run_directory="runs/1",
        ehlo_name="scanner.example.org",
        cause=HOST.name,
        hosts=(AlertedHost(exchange=HOST.name, port=25, state=State.down, before=State.up),),
        domains=(
            AlertedDomain(
                domain="example.org",
                state=State.down,
                before=State.up,
                metadata={},
                kind=RouteKind.mx,
                dns_status=DnsStatus.ok,
            ),
        ),
    )


def test_alerts_are_found_by_whom_they_touch(store: Store) -> None:
    for sequence, kind in ((1, AlertKind.down), (2, AlertKind.back_online)):
        store.add_alert(alert(sequence, kind))
    last = PastAlert("0123abcd-1", 2, AlertKind.back_online, moment(2), "run", HOST.name)
    assert store.last_alert("domain", "example.org") == last
    assert store.last_alert("host", HOST.name) == last
    assert store.last_alert("domain", HOST.name) is None
    both = [("domain", "example.org"), ("host", HOST.name)]
    assert [each.sequence for each in store.alerts_of(both, newest=5)] == [2, 1]
    assert [each.sequence for each in store.alerts_of(both, newest=1)] == [2]


def test_what_happened_is_kept_in_order(store: Store) -> None:
    store.add_step(night(1), "host", State.unknown, HOST)
    store.add_step(night(2), "host", State.up, HOST)
    store.add_step(night(2), "domain", State.up, DOMAIN)
    assert store.steps_of("host", HOST.name) == [
        PastStep(1, moment(1), "host", HOST.name, State.unknown, State.down, ""),
        PastStep(2, moment(2), "host", HOST.name, State.up, State.down, ""),
    ]
