"""The second pass as a whole, among servers that a function plays: who is asked, how often, and who is left over."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer, MxData
from scanner.net.clock import SystemClock
from scanner.outcomes import Cause, DnsStatus, Outcome, RouteKind, Stage, Variant
from scanner.passes import sessions
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.judge import JudgePass
from scanner.passes.probe import ProbePass
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.passes.vigil import OurFault
from scanner.probe.session import ProbedSession, Survey
from scanner.records import Domain, Host, InputLine, Route, SessionRecord, Start, Starttls, Target, Transcript
from scanner.settings import PaceSettings, ProbeSettings, SecondAttemptSettings, Settings, VantageSettings
from scanner.times import utc_text
from tests.conftest import Run
from tests.judgement.found import ROOTS, host, looked_up, mx, route
from tests.judgement.sessions import ended, session
from tests.lookup.fakes import FakeResolver, Question
from tests.passes.examples import TIME
from tests.passes.examples import run as run_record

PACE = PaceSettings(
    address_per_s=1e6, network_sessions=1000, network_per_s=1e6, group_per_s=1e6, back_off_s=0.001, back_off_times=2
)
AT_ONCE = SecondAttemptSettings(pause_s=0.0, short_pause_s=0.0)
ONCE = SecondAttemptSettings(retry_on=())
NO_PAUSES = VantageSettings(pauses=0, networks_in_a_row=5)

GOOD = session()
TOO_MUCH = ended(Stage.greeting, Outcome.transient_negative, cause=Cause.rate_limited, about_us=True)
REFUSED = ended(Stage.connect, Outcome.refused)
UNREACHABLE = ended(Stage.connect, Outcome.unreachable)


@dataclass(frozen=True)
class Asked:
    """A session to be played; `number` counts from 1 those with the address."""

    address: str
    server_name: str
    attempt: int
    variant: Variant
    number: int


Server = Callable[[Asked], SessionRecord]


@dataclass
class World:
    """A run over domains d0.test, d1.test, …, of which each has one mail host with these addresses."""

    path: Path
    hosts: Sequence[Sequence[str]]
    server: Server
    settings: Settings
    #: The first sessions end only when so many were begun.
    together: int = 1
    held: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory = RunDirectory.create(self.path / "run")
        source = replace(run_record().input, distinct_domains=len(self.hosts))
        start = Start(start=1, at=TIME, version="0", host="", command_line=(), loop="", no_ipv6=False)
        run = replace(run_record(), input=source, partitions=1, roots_sha256=sha256(ROOTS).hexdigest(), starts=(start,))
        policy = ContactPolicy(AddressPolicy(("192.0.2.0/24", "198.18.0.0/15", "2001:db8::/32")))
        self.context = RunContext(self.directory, run, self.settings, SystemClock(), Progress(), StopRequest(), policy)
        self._are_begun = asyncio.Event()
        self._write()

    async def probe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One start of the pass. Raises what it raises."""
        monkeypatch.setattr(sessions, "probe_target", self._play)
        survey: Any = Survey.of(self.settings, run="r", start=1, clock=self.context.clock)
        with EventLog(self.directory, self.context.clock, 1) as events:
            await ProbePass(
                self.context, survey, lambda: FakeResolver(self._answers()), events, place=None, discovery=None
            ).run()

    def judged(self) -> list[Domain]:
        JudgePass(self.context).run()
        return list(self.directory.read(Domain))

    def reasons(self) -> list[tuple[str, ...]]:
        """Why `smtp` is not known, a domain at a time."""
        return [record.verdicts.smtp.reasons for record in self.judged()]

    def _write(self) -> None:
        now = utc_text(self.context.clock.now_utc())
        self.directory.write_file("roots.pem", ROOTS)
        names = [f"d{number}.test" for number in range(len(self.hosts))]
        lines = [InputLine(line=number, input=name, domain=name) for number, name in enumerate(names, 1)]
        self.directory.write_records("input.jsonl", lines)
        for name, addresses in zip(names, self.hosts, strict=True):
            found = [replace(looked_up(*part), asked_at=now) for part in _by_family(addresses)]
            self._append(replace(route(RouteKind.mx, mx(f"mx.{name}")), domain=name))
            self._append(host(found[0], found[1], exchange=f"mx.{name}"))

    def _append(self, record: Route | Host) -> None:
        appender = self.directory.appender(type(record))
        appender.append(record)
        appender.close()

    def _answers(self) -> dict[Question, Answer[MxData] | Answer[str]]:
        now = self.context.clock.now_utc()
        return {
            (f"mx.d{number}.test", kind): Answer(DnsStatus.ok, tuple(part), asked_at=now)
            if part
            else Answer(DnsStatus.no_data, asked_at=now)
            for number, addresses in enumerate(self.hosts)
            for kind, part in zip(("A", "AAAA"), _by_family(addresses), strict=True)
        }

    async def _play(
        self, target: Target, _: Survey, attempt: int, asked_at: str | None, variant: Variant = Variant.survey
    ) -> ProbedSession:
        number = 1 + sum(asked.address == target.address for asked in self.held)
        asked = Asked(target.address, target.server_name, attempt, variant, number)
        self.held.append(asked)
        if len(self.held) == self.together:
            self._are_begun.set()
        await self._are_begun.wait()
        began = self.context.clock.now_utc()
        record = replace(
            self.server(asked),
            session=f"{target.target}.{attempt}.{variant}",
            target=target.target,
            address=target.address,
            port=target.port,
            server_name=target.server_name,
            attempt=attempt,
            variant=variant,
            host_asked_at=asked_at,
            started_at=utc_text(began),
            ended_at=utc_text(began),
        )
        return ProbedSession(record, Transcript(session=record.session, lines=()), ())


def _by_family(addresses: Sequence[str]) -> tuple[list[str], list[str]]:
    return [one for one in addresses if ":" not in one], [one for one in addresses if ":" in one]


def settings(second: SecondAttemptSettings = AT_ONCE, vantage: VantageSettings | None = None) -> Settings:
    return Settings(pace=PACE, second_attempt=second, vantage=vantage or VantageSettings())


# Who is left over -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lets_in", range(1, 8))
def test_every_name_at_a_server_that_lets_few_in_has_a_session_or_the_reason_why_not(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, lets_in: int
) -> None:
    """Two refusals in a row and the address is given up, whatever it says to second attempts."""

    def server(asked: Asked) -> SessionRecord:
        return TOO_MUCH if asked.number % (lets_in + 2) >= lets_in else _differing(asked)

    world = World(tmp_path, [["192.0.2.1"]] * 30, server, settings())
    run(world.probe(monkeypatch))
    assert {reason for reasons in world.reasons() for reason in reasons} <= {"rate_limited"}


def _differing(asked: Asked) -> SessionRecord:
    """A server that is good for every other name, so that no name speaks for others."""
    if int(asked.server_name.split(".")[1][1:]) % 2:
        return GOOD
    return replace(GOOD, starttls=Starttls(offered=True, masked=True, result=GOOD.starttls.result))


def test_names_that_others_spoke_for_in_error_are_asked_also_if_nothing_is_tried_again(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The third session ends first, then the first, then the second: the others agree before it contradicts them.
    def server(asked: Asked) -> SessionRecord:
        return GOOD if asked.number == 2 else REFUSED

    pace = replace(PACE, address_sessions=3)
    world = World(tmp_path, [["192.0.2.1"]] * 12, server, replace(settings(ONCE), pace=pace), together=3)
    run(world.probe(monkeypatch))
    assert len(world.held) == 12


@pytest.mark.parametrize("most", [1, 3, 5])
def test_no_more_names_are_asked_than_may_be_although_the_server_asked_for_less_at_the_last(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    def server(asked: Asked) -> SessionRecord:
        return TOO_MUCH if asked.number == most else _differing(asked)

    probe = ProbeSettings(names_per_address=most)
    world = World(tmp_path, [["192.0.2.1"]] * 40, server, replace(settings(ONCE), probe=probe))
    run(world.probe(monkeypatch))
    assert len(world.held) == most + 1  # who was refused said nothing of what depends on the name


# What is lost at the end ------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [AT_ONCE, ONCE], ids=["second attempts", "none"])
def test_a_family_that_was_given_up_is_told_also_if_nothing_is_to_be_tried_again(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, second: SecondAttemptSettings
) -> None:
    def server(asked: Asked) -> SessionRecord:
        return UNREACHABLE if ":" in asked.address else GOOD

    hosts = [[f"198.18.{number}.1", f"2001:db8:{number}::1"] for number in range(12)]
    world = World(tmp_path, hosts, server, settings(second, NO_PAUSES))
    with pytest.raises(OurFault, match="IPv6 network is the problem"):
        run(world.probe(monkeypatch))


def test_names_at_an_address_that_cannot_be_reached_from_here_any_more_are_not_waited_for(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def server(asked: Asked) -> SessionRecord:
        return UNREACHABLE if ":" in asked.address else GOOD

    hosts = [[f"198.18.{number}.1", f"2001:db8:{number}::1"] for number in range(12)]
    hosts += [["2001:db8:ffff::1"]] * 200  # at two a second, more than a minute
    slowly = replace(settings(ONCE, NO_PAUSES), pace=replace(PACE, address_per_s=2.0))
    world = World(tmp_path, hosts, server, slowly)
    with pytest.raises(OurFault, match="IPv6 network is the problem"):
        run(world.probe(monkeypatch))
