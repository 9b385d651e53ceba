"""Which policies are fetched in a run, and which fetches are made again."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from msgspec.structs import replace

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.net.clock import SystemClock
from scanner.outcomes import Outcome, PolicyStage
from scanner.passes.context import RunContext
from scanner.passes.pace import Pacer
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.policies import PolicyFetches
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.probe.session import Survey
from scanner.records import Event, Host, Policy, Start, Target
from scanner.settings import Settings
from tests.judgement.transport import broken_fetch, policy_host
from tests.passes.examples import run as run_record

SILENT = broken_fetch(PolicyStage.connect, Outcome.timed_out)


def fetches_after(path: Path, policy: Policy) -> tuple[PolicyFetches, RunDirectory]:
    """The fetches of a run in which one policy host was looked up, and one fetch was made."""
    directory = RunDirectory.create(path / "run")
    start = Start(start=1, at=SILENT.started_at, version="0", host="", command_line=(), loop="", no_ipv6=False)
    run = replace(run_record(), partitions=1, starts=(start,))
    with PartsWriter(directory, Host, 1, lambda host: host.exchange) as hosts:
        hosts.append(policy_host())
    with PartsWriter(directory, Policy, 1, lambda policy: policy.policy_domain) as policies:
        policies.append(policy)
    allowed = ContactPolicy(AddressPolicy(["192.0.2.0/24"]))
    context = RunContext(directory, run, Settings(), SystemClock(), Progress(), StopRequest(), policy=allowed)
    pacer = cast("Pacer", SimpleNamespace(add=lambda *_: None))
    fetches = PolicyFetches(context, cast("Survey", None), pacer)
    fetches.make(cast("PartsWriter[Target]", SimpleNamespace(append=lambda _: None)), set())
    return fetches, directory


def test_a_fetch_that_failed_waits_for_its_second_attempt(tmp_path: Path) -> None:
    fetches, _ = fetches_after(tmp_path, SILENT)
    assert fetches.queue_due() == 0
    assert fetches.wants_second()
    assert fetches.last_ended_at == SILENT.ended_at


def test_a_fetch_in_a_time_in_which_we_were_cut_off_is_made_again_in_the_same_start(tmp_path: Path) -> None:
    fetches, directory = fetches_after(tmp_path, SILENT)
    lost = {"from": SILENT.started_at, "to": SILENT.ended_at, "family": "both"}
    events = directory.appender(Event)
    events.append(Event(at=SILENT.ended_at, start=1, event="vantage_lost", detail={**lost}))
    events.close()
    fetches.read_again()
    assert not fetches.wants_second()
    assert fetches.queue_due() == 1
