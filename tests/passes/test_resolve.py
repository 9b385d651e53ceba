"""The resolve pass: what is looked up, what is looked up again, by whom, and what is never asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.net.clock import SystemClock
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus, HostPurpose, RouteKind
from scanner.passes.context import RunContext
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.resolve import ResolvePass
from scanner.passes.run_directory import RunDirectory
from scanner.passes.vigil import OurFault
from scanner.records import Host, InputLine, Route
from scanner.settings import LookupsSettings, ProbeSettings, SecondAttemptSettings, Settings
from tests.conftest import Run
from tests.lookup.fakes import SECURE, FakeResolver, FakeValidated, Question
from tests.passes.examples import run as run_record

ROUTES_ALONE = LookupsSettings(dane=False, mta_sts=False, tls_rpt=False)
QUICKLY = Settings(second_attempt=SecondAttemptSettings(lookups_per_s=100_000.0), lookups=ROUTES_ALONE)
ONCE = Settings(second_attempt=SecondAttemptSettings(retry_on=()), lookups=ROUTES_ALONE)

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

    async def start(self, first: FakeResolver, *fresh: FakeResolver, validated: FakeValidated | None = None) -> None:
        """One start: `first` is asked, and of `fresh` a new one for each second attempt of a part."""
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
        await ResolvePass(context, first, lambda: self.fresh.pop(0), validated).run()

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


# Texts and policy hosts -----------------------------------------------------------------------------------

EVERYTHING = Settings(second_attempt=QUICKLY.second_attempt)
STS: Answer[Any] = Answer(DnsStatus.ok, ((b"v=STSv1; id=1;",),))
BROKEN_STS: Answer[Any] = Answer(DnsStatus.ok, ((b"v=STSv1; id=;",),))
FAILED: Answer[Any] = Answer(DnsStatus.servfail)


def test_texts_that_could_not_be_found_are_asked_for_again(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"], EVERYTHING)
    first = FakeResolver(GOOD, {"_smtp._tls.one.test": FAILED})
    fresh = FakeResolver(GOOD)
    run(resolving.start(first, fresh))
    assert {name for name, _ in fresh.asked} == {"one.test", "_mta-sts.one.test", "_smtp._tls.one.test"}
    statuses = [
        (route.attempt, route.tls_rpt.dns_status)
        for route in resolving.directory.read(Route)
        if route.domain == "one.test" and route.tls_rpt is not None
    ]
    assert statuses == [(1, DnsStatus.servfail), (2, DnsStatus.nxdomain)]


def test_a_domain_of_which_a_text_was_our_fault_is_looked_up_again_on_resume(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"], Settings(second_attempt=ONCE.second_attempt))
    run(resolving.start(FakeResolver(GOOD, {"_mta-sts.one.test": Answer(DnsStatus.local_fault)})))
    again = FakeResolver(GOOD)
    run(resolving.start(again))
    assert {name for name, _ in again.asked} == {"one.test", "_mta-sts.one.test", "_smtp._tls.one.test"}


def test_the_host_of_a_policy_is_looked_up_where_a_record_promises_one(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test", "two.test"], EVERYTHING)
    texts = {"_mta-sts.one.test": STS, "_mta-sts.two.test": BROKEN_STS}
    answers = GOOD | {("mta-sts.one.test", "A"): ADDRESS}
    run(resolving.start(FakeResolver(answers, texts)))
    assert [(host.exchange, host.purpose) for host in resolving.directory.read(Host)] == [
        ("mx.test", HostPurpose.mail),
        ("mta-sts.one.test", HostPurpose.policy),
    ]
    again = FakeResolver({})
    run(resolving.start(again))
    assert again.asked == []


def test_the_host_of_a_policy_has_its_second_attempt_too_and_nothing_is_asked_for_dane(
    tmp_path: Path, run: Run
) -> None:
    resolving = Resolving(tmp_path, ["one.test"], EVERYTHING)
    validated = FakeValidated({("mta-sts.one.test", "A"): SECURE})
    first = FakeResolver(GOOD | {("mta-sts.one.test", "A"): Answer(DnsStatus.timed_out)}, {"_mta-sts.one.test": STS})
    fresh = FakeResolver(GOOD | {("mta-sts.one.test", "A"): ADDRESS})
    run(resolving.start(first, fresh, validated=validated))
    assert resolving.hosts[1:] == [
        ("mta-sts.one.test", 1, DnsStatus.timed_out, DnsStatus.nxdomain),
        ("mta-sts.one.test", 2, DnsStatus.ok, DnsStatus.nxdomain),
    ]
    assert validated.asked == [("mx.test", "A")]


def test_a_name_may_be_a_mail_host_and_the_host_of_a_policy(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test"], EVERYTHING)
    answers: dict[Question, Answer[MxData] | Answer[str]] = {
        ("one.test", "MX"): Answer(DnsStatus.ok, (MxData(10, "mta-sts.one.test"),)),
        ("mta-sts.one.test", "A"): ADDRESS,
    }
    run(resolving.start(FakeResolver(answers, {"_mta-sts.one.test": STS})))
    purposes = [(host.exchange, host.purpose) for host in resolving.directory.read(Host)]
    assert purposes == [("mta-sts.one.test", HostPurpose.mail), ("mta-sts.one.test", HostPurpose.policy)]


def test_without_mta_sts_nothing_of_it_is_looked_up(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    resolver = FakeResolver(GOOD, {"_mta-sts.one.test": STS})
    run(resolving.start(resolver))
    assert {record_type for _, record_type in resolver.asked} == {"MX", "A", "AAAA"}


# Security -------------------------------------------------------------------------------------------------

SECURE_HOST: dict[Question, Any] = {("mx.test", "A"): SECURE}


def test_a_mail_host_of_which_the_security_is_not_known_is_asked_about_again(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    validated = FakeValidated({("mx.test", "A"): [Answer(DnsStatus.timed_out), SECURE]})
    run(resolving.start(FakeResolver(GOOD), FakeResolver(GOOD), validated=validated))
    bits = [(host.attempt, host.a.ad) for host in resolving.directory.read(Host)]
    assert bits == [(1, None), (2, True)]


@pytest.mark.parametrize("status", [DnsStatus.servfail, DnsStatus.timed_out])
def test_a_tlsa_lookup_that_failed_is_made_again(tmp_path: Path, run: Run, status: DnsStatus) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    absent: Answer[Any] = Answer(DnsStatus.nxdomain, ad=True)
    validated = FakeValidated(SECURE_HOST | {("_25._tcp.mx.test", "TLSA"): [Answer(status), absent]})
    run(resolving.start(FakeResolver(GOOD), FakeResolver(GOOD), validated=validated))
    statuses = [lookup.dns_status for host in resolving.directory.read(Host) for lookup in host.tlsa or ()]
    assert statuses == [status, DnsStatus.nxdomain]


def test_what_was_not_asked_for_want_of_a_validating_resolver_is_no_failure(tmp_path: Path, run: Run) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    run(resolving.start(FakeResolver(GOOD)))  # a fresh resolver would fail the test: there is none


def test_what_was_not_asked_for_want_of_a_validating_resolver_is_asked_once_there_is_one(
    tmp_path: Path, run: Run
) -> None:
    resolving = Resolving(tmp_path, ["one.test"])
    run(resolving.start(FakeResolver(GOOD)))
    run(resolving.start(FakeResolver(GOOD), FakeResolver(GOOD), validated=FakeValidated(SECURE_HOST)))
    assert [(host.attempt, host.a.ad) for host in resolving.directory.read(Host)] == [(1, None), (2, True)]


@pytest.mark.parametrize("port", [25, 2525])
def test_tlsa_is_asked_for_the_port_that_is_scanned(tmp_path: Path, run: Run, port: int) -> None:
    settings = Settings(lookups=ROUTES_ALONE, probe=ProbeSettings(port=port))
    resolving = Resolving(tmp_path, ["one.test"], settings)
    validated = FakeValidated(SECURE_HOST)
    run(resolving.start(FakeResolver(GOOD), validated=validated))
    assert (f"_{port}._tcp.mx.test", "TLSA") in validated.asked  # RFC 7672 §2.2.3
