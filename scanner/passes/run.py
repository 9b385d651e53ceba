"""A run as a whole: begun, gone on with, brought through its passes, and ended."""

import asyncio
import dataclasses
import gc
import platform
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version

import msgspec

from scanner import __version__
from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.judgement.targets import server_name_of
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.net.clock import Clock
from scanner.net.machine import usable_families
from scanner.net.own_addresses import own_addresses
from scanner.net.resolver import AiodnsResolver
from scanner.net.validated import ValidatedResolver, find_validating_resolver
from scanner.outcomes import OUTCOMES_OF_OURS
from scanner.passes.context import RunContext
from scanner.passes.events import EventLog
from scanner.passes.expectation_check import ExpectationCheck
from scanner.passes.in_order import InOrder
from scanner.passes.input import InputReader
from scanner.passes.judge import JudgePass
from scanner.passes.opt_out_file import OptOutFile, copy_opt_out
from scanner.passes.partitions import hash64, partitions_for
from scanner.passes.place_checks import PlaceChecks
from scanner.passes.probe import ProbePass
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.resolve import ResolvePass, discovery_of, is_host_ours, is_ours
from scanner.passes.roots import read_roots
from scanner.passes.run_directory import RunDirectory, RunError
from scanner.probe.session import SessionObserver, Survey
from scanner.records import FORMAT, RECORDS, Host, Policy, Route, Run, SessionRecord, Start
from scanner.report.summary import Summary
from scanner.settings import Settings
from scanner.smtp.envelope import Envelope
from scanner.times import utc_text


@dataclass(frozen=True, slots=True)
class Foreground:
    """Somebody looks on: what is found is told as it happens, and mail hosts are asked in a sender's order.

    `show_resolved` is called when all lookups are made, `observer` hears every session. With an `envelope`,
    sessions go on to MAIL and RCPT, and nothing after it.
    """

    show_resolved: Callable[[], None]
    observer: SessionObserver
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this process was started: its command line, its event loop, and whom it tells.

    `show_results` is called with what is known before second attempts are waited for, `warn` with what is
    worth knowing of the place that the run is made from. With a `foreground` the run is made for somebody who waits.
    """

    command_line: tuple[str, ...]
    loop: str
    loop_factory: Callable[[], asyncio.AbstractEventLoop]
    clock: Clock
    progress: Progress
    stop: StopRequest
    show_results: Callable[[Summary], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None
    foreground: Foreground | None = None


def begin_run(directory: RunDirectory, source: str, settings: Settings, invocation: Invocation, *, lab: bool) -> Run:
    """Writes input.jsonl whole, roots.pem and run.json.

    Raises InputError, RootsError, OptOutFileError, DiskFault.
    """
    seed = settings.run.seed if settings.run.seed is not None else secrets.randbits(32)
    roots_source, roots = read_roots(settings.trust.ca_file)
    copy_opt_out(settings.probe.opt_out, directory)
    reader = InputReader(source, settings.input, seed)
    invocation.progress.begin("read input", None)
    expectations = ExpectationCheck(settings.judge.expect_mx)
    directory.write_records("input.jsonl", expectations.watch(reader))
    directory.write_file("roots.pem", roots)
    summary = expectations.completed(reader.summary())
    run = Run(
        format=FORMAT,
        run=f"{utc_text(invocation.clock.now_utc())}-{secrets.token_hex(4)}",
        version=__version__,
        settings=msgspec.to_builtins(settings),
        input=summary,
        resolver=settings.dns.servers or ("system",),
        ehlo_name=settings.probe.ehlo_name,
        seed=seed,
        partitions=settings.run.partitions or partitions_for(summary.distinct_domains),
        roots_sha256=sha256(roots).hexdigest(),
        roots_source=roots_source,
        public_suffix_version=_public_suffix_version(),
        lab=lab,
        starts=(_start(1, invocation),),
        counters={},
    )
    directory.write_run(run)
    return run


def go_on_with(directory: RunDirectory, run: Run, changed: tuple[str, ...], invocation: Invocation) -> Run:
    """Repairs the directory of an unfinished run and notes another start. To be called under the lock."""
    directory.repair()
    start = _start(len(run.starts) + 1, invocation, changed)
    run = msgspec.structs.replace(run, starts=(*run.starts, start))
    directory.write_run(run)
    return run


def is_finished(directory: RunDirectory, run: Run) -> bool:
    """True if a start of the run came to its end and left nothing that a fault of ours kept from being known."""
    if run.starts[-1].exit != 0:
        return False
    routes = {hash64(route.domain): is_ours(route) for route in directory.read(Route)}
    hosts = {hash64(f"{host.purpose} {host.exchange}"): is_host_ours(host) for host in directory.read(Host)}
    sessions = {session.session: session.outcome in OUTCOMES_OF_OURS for session in directory.read(SessionRecord)}
    policies = {
        (policy.policy_domain, policy.attempt): policy.outcome in OUTCOMES_OF_OURS for policy in directory.read(Policy)
    }
    return not any(any(ours.values()) for ours in (routes, hosts, sessions, policies))


def settings_of(run: Run) -> Settings:
    """The settings that a run was begun with. Raises RunError if they are not this version's."""
    try:
        return msgspec.convert(run.settings, Settings)
    except msgspec.ValidationError as error:
        raise RunError(f"the settings in run.json are of another version: {error}") from error


class RunExecution:
    """One start of a run, from its first lookup to its summary."""

    def __init__(self, directory: RunDirectory, run: Run, settings: Settings, invocation: Invocation) -> None:
        self._directory = directory
        self._run = run
        self._invocation = invocation
        self._context = RunContext(
            directory,
            run,
            settings,
            invocation.clock,
            invocation.progress,
            invocation.stop,
            tells_us_apart=invocation.foreground is None,
        )
        self.bugs = 0

    def scan(self) -> Summary:
        """All passes. Raises OurFault, DiskFault, Interrupted, RunError, OptOutFileError."""
        invocation = self._invocation
        number = len(self._run.starts)
        with EventLog(self._directory, invocation.clock, number) as events:
            events.append("started" if number == 1 else "resumed")
            _calm_the_collector()
            with asyncio.Runner(loop_factory=invocation.loop_factory) as runner:
                runner.run(invocation.stop.abortable(self._resolve_and_probe(events)))
            summary = JudgePass(self._context).run()
            events.append("finished")
        return summary

    def end(self, exit_code: int, reason: str | None) -> None:
        """Notes in run.json how this start ended. Raises DiskFault."""
        start = msgspec.structs.replace(
            self._run.starts[-1], end=utc_text(self._invocation.clock.now_utc()), exit=exit_code, reason=reason
        )
        self._run = msgspec.structs.replace(
            self._run, starts=(*self._run.starts[:-1], start), counters=count_records(self._directory)
        )
        self._directory.write_run(self._run)

    async def _resolve_and_probe(self, events: EventLog) -> None:
        resolver, validated = self._new_resolver(), None
        try:
            policy = self._contact_policy(events, resolver.servers)
            context = dataclasses.replace(self._context, policy=policy)
            place = self._place_checks(context, resolver.servers, events)
            if place is not None:
                await place.before_the_run()
            if context.settings.lookups.dane and context.run.input.distinct_domains:
                validated = await self._find_validating_resolver(resolver.servers)
            await ResolvePass(context, resolver, self._new_resolver, validated).run()
            if self._invocation.foreground is not None:
                self._invocation.foreground.show_resolved()
            await self._probe(context, events, place, discovery_of(context, validated))
        finally:
            if validated is not None:
                validated.close()
            await resolver.close()

    async def _probe(
        self, context: RunContext, events: EventLog, place: PlaceChecks | None, discovery: TlsDiscovery | None
    ) -> None:
        run = self._run
        survey, turns = Survey.of(context.settings, run=run.run, start=len(run.starts), clock=context.clock), None
        if (foreground := self._invocation.foreground) is not None:
            survey = dataclasses.replace(survey, observer=foreground.observer, envelope=foreground.envelope)
            turns = InOrder(context.settings.pace, _rank_in(context.directory))
        probe = ProbePass(context, survey, self._new_resolver, events, place=place, discovery=discovery, turns=turns)
        probe.show_results = self._judge_so_far
        try:
            await probe.run()
        finally:
            self.bugs = probe.bugs

    async def _find_validating_resolver(self, servers: Sequence[str]) -> ValidatedResolver | None:
        """The resolver for DANE, if there is one; run.json says whether."""
        validated = await find_validating_resolver(servers, self._context.settings, self._context.clock)
        start = msgspec.structs.replace(self._run.starts[-1], resolver_validates=validated is not None)
        self._run = msgspec.structs.replace(self._run, starts=(*self._run.starts[:-1], start))
        self._context = dataclasses.replace(self._context, run=self._run)
        self._directory.write_run(self._run)
        return validated

    def _place_checks(self, context: RunContext, servers: tuple[str, ...], events: EventLog) -> PlaceChecks | None:
        """None if the settings want none."""
        if not context.settings.vantage.preflight:
            return None
        # What a scan of the lab lacks (IPv6, validated answers) is nothing that its user could or should change.
        warn = _tell_nobody if self._run.lab else self._invocation.warn
        return PlaceChecks(context, servers, events, warn)

    def _contact_policy(self, events: EventLog, dns_servers: Iterable[str]) -> ContactPolicy:
        probe = self._context.settings.probe

        def tell(event: str, reason: str) -> None:
            events.append(event, reason=reason)
            self._invocation.warn(reason)

        opt_out = OptOutFile.open(probe.opt_out, self._directory, self._context.clock, tell)
        return ContactPolicy(AddressPolicy(probe.allow_networks), own_addresses(dns_servers), opt_out.current)

    def _new_resolver(self) -> AiodnsResolver:
        return AiodnsResolver(self._context.settings.dns, self._context.clock)

    def _judge_so_far(self) -> None:
        """Judges what there is, and has it shown: what comes later only makes it better known."""
        self._invocation.show_results(JudgePass(self._context).run())


def _tell_nobody(_: str) -> None:
    """For warnings that are none here."""


def _rank_in(directory: RunDirectory) -> Callable[[str], int]:
    """The place of a mail host in the order of preference (RFC 5321 §5.1), by its server name; others are last."""
    places: dict[str, int] = {}
    for route in directory.read(Route):
        places |= {mx.exchange: place for place, mx in enumerate(route.mx)}
    ranks = {server_name_of(host): places.get(host.exchange, len(places)) for host in directory.read(Host)}
    return lambda server_name: ranks.get(server_name, len(places))


_COUNTED = ("routes", "hosts", "targets", "sessions", "certificates", "policies")


def count_records(directory: RunDirectory) -> dict[str, int]:
    """How many lines the files of a run have; counted anew, never carried on."""
    return {name: directory.count(RECORDS[name]) for name in _COUNTED}


def _calm_the_collector() -> None:
    """Leaves what is loaded for good out of the garbage collector's rounds, and has it go round less often.

    A run makes many short-lived objects and few cycles; the default thresholds cost it 3 % of its CPU.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _start(number: int, invocation: Invocation, changed: tuple[str, ...] = ()) -> Start:
    return Start(
        start=number,
        at=utc_text(invocation.clock.now_utc()),
        version=__version__,
        host=platform.node(),
        command_line=invocation.command_line,
        changed_settings=changed,
        loop=invocation.loop,
        no_ipv6=not usable_families().ipv6,
    )


def _public_suffix_version() -> str:
    try:
        return version("publicsuffixlist")
    except PackageNotFoundError:
        return "unknown"
