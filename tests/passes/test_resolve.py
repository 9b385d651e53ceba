"""The resolve pass: what is looked up, what is looked up again, by whom, and what is never asked."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.net.clock import SystemClock
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus, RouteKind
from scanner.passes.context import RunContext
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.resolve import ResolvePass
from scanner.passes.run_directory import RunDirectory
from scanner.passes.vigil import OurFault
from scanner.records import Host, InputLine, Route
from scanner.settings import SecondAttemptSettings, Settings
from tests.conftest import Run
from tests.lookup.fakes import FakeResolver, Question
from tests.passes.examples import run as run_record

QUICKLY = Settings(second_attempt=SecondAttemptSettings(lookups_per_s=100_000.0))
ONCE = Settings(second_attempt=SecondAttemptSettings(retry_on=()))

MX: Answer[MxData] = Answer(DnsStatus.ok, (MxData(10, "mx.test"),))
ADDRESS: Answer[str] = Answer(DnsStatus.ok, ("192.0.2.1",))
NO_DATA: Answer[str] = Answer(DnsStatus.no_data)
GOOD: dict[Question, Answer[MxData] | Answer[str]] = {
    ("one.test", "MX"): MX,
    ("two.test", "MX"): MX,
    ("mx.test", "A"): ADDRESS,
    ("mx.test", "AAAA"): NO_DATA,
}


class Resolving:
    """A run directory with a list of domains, resolved start after start."""

    def __init__(self, path: Path, domains: Sequence[str], settings: Settings = QUICKLY, opt_out: OptOut | None = None):
        self.directory = RunDirectory.create(path / "run")
        lines = [InputLine(line=number, input=domain, domain=domain) for number, domain in enumerate(domains, 1)]
        self.directory.write_records("input.jsonl", lines)
        self.settings = settings
        self.opt_out = opt_out or OptOut()
        self.fresh: list[FakeResolver] = []

    async def start(self, first: FakeResolver, *fresh: FakeResolver) -> None:
        """One start: `first` is asked, and of `fresh` a new one for each second attempt of a half."""
        self.fresh = list(fresh)
        context = RunContext(
            self.directory,
            replace(run_record(), partitions=1),
            self.settings,
            SystemClock(),
            Progress(),
            StopRequest(),
            ContactPolicy(AddressPolicy(), opt_out=lambda: self.opt_out),
        )
        await ResolvePass(context, first, lambda: self.fresh.pop(0)).run()

    @property
    def routes(self) -> list[tuple[str, int, DnsStatus]]:
        return [(route.domain, route.attempt, route.dns_status) for route in self.directory.read(Route)]

    @property
    def hosts(self) -> list[tuple[str, int, DnsStatus, DnsStatus]]:
        return [
            (host.exchange, host.attempt, host.a.dns_status, host.aaaa.dns_status) for host in self.directory.read(Host)
        ]


def failing(question: Question, status: DnsStatus) -> FakeResolver:
    return FakeResolver(GOOD | {question: Answer(status)})


@pytest.mark.parametrize(
    "status",
    [DnsStatus.servfail, DnsStatus.refused, DnsStatus.timed_out, DnsStatus.malformed, DnsStatus.local_fault],
)
def test_a_domain_whose_lookup_failed_is_asked_again_by_a_resolver_that_knows_nothing(
    tmp_path: Path, run: Run, status: DnsStatus
) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"])
    fresh = FakeResolver(GOOD)
    run(resolving.start(failing(("one.test", "MX"), status), fresh))
    assert fresh.asked == [("one.test", "MX")]
    assert sorted(resolving.routes) == [
        ("one.test", 1, status),
        ("one.test", 2, DnsStatus.ok),
        ("two.test", 1, DnsStatus.ok),
    ]


def test_a_mail_host_is_asked_again_also_if_only_one_family_failed(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    fresh = FakeResolver(GOOD)
    run(resolving.start(failing(("mx.test", "AAAA"), DnsStatus.servfail), fresh))
    assert resolving.hosts == [
        ("mx.test", 1, DnsStatus.ok, DnsStatus.servfail),
        ("mx.test", 2, DnsStatus.ok, DnsStatus.no_data),
    ]


def test_an_answer_is_not_asked_for_again(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "gone.test"])
    run(resolving.start(FakeResolver(GOOD)))  # a fresh resolver would fail the test: there is none
    assert {domain for domain, _, _ in resolving.routes} == {"one.test", "gone.test"}


def test_without_retry_on_nothing_is_asked_again(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"], ONCE)
    run(resolving.start(failing(("one.test", "MX"), DnsStatus.servfail)))
    assert sorted(attempt for _, attempt, _ in resolving.routes) == [1, 1]


def test_a_second_attempt_is_made_once_in_a_run_however_often_it_starts(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"])
    first, fresh = failing(("one.test", "MX"), DnsStatus.servfail), failing(("one.test", "MX"), DnsStatus.servfail)
    run(resolving.start(first, fresh))
    again = FakeResolver(GOOD)
    run(resolving.start(again))
    assert ("one.test", "MX") not in again.asked


def test_a_second_attempt_that_was_not_made_is_made_when_the_run_goes_on(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"], ONCE)
    run(resolving.start(failing(("one.test", "MX"), DnsStatus.servfail)))
    resolving.settings = QUICKLY
    first, fresh = FakeResolver(GOOD), FakeResolver(GOOD)
    run(resolving.start(first, fresh))
    assert ("one.test", "MX") not in first.asked
    assert fresh.asked == [("one.test", "MX")]


def test_nothing_is_recorded_about_anybody_when_nothing_but_our_own_faults_is_seen(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"])
    deaf = FakeResolver({(name, "MX"): Answer(DnsStatus.local_fault) for name in ("one.test", "two.test")})
    with pytest.raises(OurFault, match="nothing is recorded"):
        run(resolving.start(deaf))
    assert resolving.routes == []


def test_a_domain_that_opted_out_is_skipped_without_a_question(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "sub.two.test"], opt_out=OptOut(["two.test", "mx.test"]))
    resolver = FakeResolver(GOOD)
    run(resolving.start(resolver))
    assert resolver.asked == [("one.test", "MX")]
    kinds = {route.domain: route.kind for route in resolving.directory.read(Route)}
    assert kinds == {"one.test": RouteKind.mx, "sub.two.test": RouteKind.skipped}
    assert resolving.hosts == [("mx.test", 1, DnsStatus.not_asked, DnsStatus.not_asked)]
