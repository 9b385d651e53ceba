"""Whether the way to mail hosts with TLSA records is secure: of whom that is asked, and what is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.dns.answers import Answer
from scanner.net.clock import SystemClock
from scanner.outcomes import DnsStatus, RouteKind
from scanner.passes.context import RunContext
from scanner.passes.mx_security import MxSecurityPass
from scanner.passes.partitions import partition_of
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.passes.vigil import OurFault
from scanner.records import Host, Mx, Route
from scanner.settings import SecondAttemptSettings, Settings
from tests.conftest import Run
from tests.judgement.found import host as host_record
from tests.judgement.found import route as route_record
from tests.lookup.fakes import INSECURE, SECURE, FakeValidated, Question
from tests.passes.examples import run as run_record

QUICKLY = Settings(second_attempt=SecondAttemptSettings(lookups_per_s=100_000.0))
PARTITIONS = 3

TIMED_OUT: Answer[Any] = Answer(DnsStatus.timed_out)
ABSENT: Answer[Any] = Answer(DnsStatus.no_data, ad=True)
BOGUS: Answer[Any] = Answer(DnsStatus.bogus)
FAULT: Answer[Any] = Answer(DnsStatus.local_fault)


def to(domain: str, *exchanges: str, attempt: int = 1, ad: bool | None = None) -> Route:
    hosts = [Mx(preference=10, exchange=exchange) for exchange in exchanges]
    return replace(route_record(RouteKind.mx, *hosts), domain=domain, attempt=attempt, ad=ad)


def failing(domain: str, status: DnsStatus = DnsStatus.servfail) -> Route:
    return replace(route_record(RouteKind.dns_failure, dns_status=status), domain=domain)


def mail_host(exchange: str, base_domain: str | None) -> Host:
    return replace(host_record(exchange=exchange), tlsa_base_domain=base_domain)


class Securing:
    """A run directory with routes and two mail hosts, of which `tlsa.test` has usable records, start after start."""

    def __init__(self, path: Path, routes: Sequence[Route]) -> None:
        self.directory = RunDirectory.create(path / "run")
        self.before = list(routes)
        with PartsWriter(self.directory, Route, PARTITIONS, lambda route: route.domain) as writer:
            for route in routes:
                writer.append(route)
        with PartsWriter(self.directory, Host, PARTITIONS, lambda host: host.exchange) as hosts:
            hosts.append(mail_host("tlsa.test", "tlsa.test"))
            hosts.append(mail_host("plain.test", None))

    async def start(self, answers: Mapping[Question, Any] | None = None, settings: Settings = QUICKLY) -> list[str]:
        """The domains that were asked about."""
        validated = FakeValidated(answers)
        run = replace(run_record(), partitions=PARTITIONS)
        context = RunContext(self.directory, run, settings, SystemClock(), Progress(), StopRequest())
        await MxSecurityPass(context, validated).run()
        assert {record_type for _, record_type in validated.asked} <= {"MX"}
        return sorted(domain for domain, _ in validated.asked)

    @property
    def written(self) -> list[Route]:
        """Lines that were not there before, though they may say the same."""
        before = list(self.before)
        lines = []
        for route in self.directory.read(Route):
            if route in before:
                before.remove(route)
            else:
                lines.append(route)
        return lines


@pytest.mark.parametrize(
    ("route", "is_asked", "why"),
    [
        (to("a.test", "tlsa.test"), True, "its host has TLSA records"),
        (to("a.test", "plain.test", "tlsa.test"), True, "one of its hosts has"),
        (to("a.test", "plain.test"), False, "none has: nothing depends on it"),
        (to("a.test", "tlsa.test", ad=False), False, "it is known"),
        (replace(to("a.test", "tlsa.test"), kind=RouteKind.implicit_mx), True, "there is no MX: securely so?"),
        (replace(to("a.test"), kind=RouteKind.null_mx), False, "it takes no mail"),
        (failing("a.test"), True, "is it the signatures?"),
        (failing("a.test", DnsStatus.timed_out), False, "a timeout is none of the signatures'"),
        (failing("a.test", DnsStatus.bogus), False, "that is known"),
    ],
)
def test_it_is_asked_where_something_depends_on_it(
    tmp_path: Path, run: Run, route: Route, is_asked: bool, why: str
) -> None:
    assert run(Securing(tmp_path, [route]).start({("a.test", "MX"): SECURE})) == (["a.test"] if is_asked else []), why


@pytest.mark.parametrize(
    ("answer", "ad"), [(SECURE, True), (INSECURE, False), (ABSENT, True), (Answer(DnsStatus.nxdomain, ad=False), False)]
)
def test_the_line_of_the_route_is_written_once_more(tmp_path: Path, run: Run, answer: Answer[Any], ad: bool) -> None:
    route = to("a.test", "tlsa.test", attempt=2)
    securing = Securing(tmp_path, [route])
    run(securing.start({("a.test", "MX"): answer}))
    assert securing.written == [replace(route, ad=ad)]
    assert run(securing.start()) == []


def test_a_servfail_that_is_one_of_validation_is_called_so(tmp_path: Path, run: Run) -> None:
    securing = Securing(tmp_path, [failing("a.test"), failing("b.test")])
    asked = run(securing.start({("a.test", "MX"): BOGUS, ("b.test", "MX"): Answer(DnsStatus.servfail)}))
    assert asked == ["a.test", "b.test"]
    assert securing.written == [replace(failing("a.test"), dns_status=DnsStatus.bogus, ad=False)]
    assert run(securing.start()) == ["b.test"]


def test_a_servfail_that_is_over_does_not_make_a_route(tmp_path: Path, run: Run) -> None:
    securing = Securing(tmp_path, [failing("a.test")])
    run(securing.start({("a.test", "MX"): SECURE}))
    assert securing.written == []


def test_what_failed_is_asked_again_and_what_fails_again_stays_open(tmp_path: Path, run: Run) -> None:
    routes = [to(domain, "tlsa.test") for domain in ("a.test", "b.test", "c.test")]
    securing = Securing(tmp_path, routes)
    answers = {("a.test", "MX"): [TIMED_OUT, SECURE], ("b.test", "MX"): TIMED_OUT, ("c.test", "MX"): BOGUS}
    assert run(securing.start(answers)) == ["a.test", "a.test", "b.test", "b.test", "c.test", "c.test"]
    assert securing.written == [replace(routes[0], ad=True)]


def test_a_fault_of_ours_is_asked_for_again_and_not_written(tmp_path: Path, run: Run) -> None:
    routes = [to(domain, "tlsa.test") for domain in ("a.test", "b.test", "c.test")]
    securing = Securing(tmp_path, routes)
    answers = {("a.test", "MX"): FAULT, ("b.test", "MX"): [FAULT, SECURE], ("c.test", "MX"): SECURE}
    assert run(securing.start(answers)) == ["a.test", "a.test", "b.test", "b.test", "c.test"]
    assert sorted(route.domain for route in securing.written) == ["b.test", "c.test"]


def test_without_second_attempts_nothing_is_asked_again(tmp_path: Path, run: Run) -> None:
    securing = Securing(tmp_path, [to("a.test", "tlsa.test")])
    once = Settings(second_attempt=SecondAttemptSettings(retry_on=()))
    assert run(securing.start({("a.test", "MX"): TIMED_OUT}, once)) == ["a.test"]


def test_what_several_lookups_say_together_is_written(tmp_path: Path, run: Run) -> None:
    first = replace(to("a.test", "tlsa.test"), ttl_s=1)
    later = replace(failing("a.test"), attempt=2)
    securing = Securing(tmp_path, [first, later, failing("b.test"), to("b.test", "plain.test", attempt=2)])
    assert run(securing.start({("a.test", "MX"): SECURE})) == ["a.test"]
    assert securing.written == [replace(first, ad=True)]


def test_all_partitions_are_gone_through(tmp_path: Path, run: Run) -> None:
    domains = sorted(f"d{number}.test" for number in range(40))
    securing = Securing(tmp_path, [to(domain, "tlsa.test") for domain in domains])
    assert run(securing.start()) == domains
    assert sorted(route.domain for route in securing.written) == domains
    assert {partition_of(domain, PARTITIONS) for domain in domains} == set(range(PARTITIONS))


def test_when_nothing_but_our_own_faults_is_seen_the_pass_stops_and_nothing_is_written(
    tmp_path: Path, run: Run
) -> None:
    domains = [f"d{number}.test" for number in range(30)]
    securing = Securing(tmp_path, [to(domain, "tlsa.test") for domain in domains])
    with pytest.raises(OurFault, match="nothing is recorded"):
        run(securing.start({(domain, "MX"): FAULT for domain in domains}))
    assert securing.written == []
