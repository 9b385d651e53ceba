"""A check from its first question to its answer: the DNS looked at, a run of one domain, and what is asked after it.

Theory of operation. What is found out about the recipient's domain is a run like any other, in a directory of its
own that is thrown away unless it is wanted: the same lookups, sessions and judging, so the same record. Only the
order and the dialogue differ (passes.run.Foreground). What a person wants to know beside that is asked before and
after it.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from pathlib import Path

from scanner.addresses import Address, AddressPolicy, address_text, parse_address
from scanner.commands.check_request import CheckRequest
from scanner.commands.check_screen import CheckScreen
from scanner.commands.event_loop import chosen_loop
from scanner.commands.foreground import settle_ehlo_name
from scanner.commands.lab_scan import open_lab
from scanner.commands.send_errors import RequestError
from scanner.commands.settings_source import change_settings
from scanner.commands.signals import stopping
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.answer import Answer, Canaries, answer, answer_for_literal, answer_for_our_fault
from scanner.diagnosis.answer_words import Question, Talk
from scanner.diagnosis.route_steps import policy_steps, route_steps
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.diagnosis.talks import select_talks
from scanner.judgement.claims import came_up
from scanner.judgement.lookups import merge_hosts, merge_routes
from scanner.judgement.targets import server_name_of
from scanner.lookup.dns_checks import DnsChecks
from scanner.net.clock import SystemClock
from scanner.net.own_addresses import own_addresses
from scanner.net.questions import DNS_PORT, server_address
from scanner.net.resolver import AiodnsResolver
from scanner.net.server_questions import ServerQuestions
from scanner.outcomes import HostPurpose
from scanner.passes.opt_out_file import OptOutFile
from scanner.passes.plan import target_of
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run import Foreground, Invocation, RunExecution, begin_run
from scanner.passes.run_directory import RunDirectory, RunError
from scanner.passes.vigil import OurFault
from scanner.passes.way_out import ask_canaries
from scanner.probe.session import Survey, probe_target
from scanner.records import Domain, Host, Route, Run
from scanner.report.shown_text import shown
from scanner.settings import Settings
from scanner.smtp.mailboxes import Mailbox
from scanner.times import utc_text

#: So many of a domain's addresses are looked up by their reverse names.
MAX_REVERSE = 16

_OURS_IN_THE_LAB = "127.0.0.1/32"


class CheckRun:
    """One check; what it finds is told to the screen as it happens."""

    def __init__(self, request: CheckRequest, settings: Settings, screen: CheckScreen, *, lab: bool) -> None:
        self._request = request
        self._settings = change_settings(settings, {"vantage.preflight": False})
        self._screen = screen
        self._lab = lab
        self._clock = SystemClock()
        self._stop = StopRequest()
        self.record: Domain | None = None
        self.canaries = Canaries.not_asked
        self._dns_servers: tuple[str, ...] = ()
        #: When the check began and ended.
        self.times = ("", "")

    def run(self, save: Path | None) -> Answer:
        """Checks, and answers. Raises what commands.failures knows, and BrokenPipeError."""
        began = utc_text(self._clock.now_utc())
        with contextlib.ExitStack() as stack:
            stack.enter_context(stopping(self._stop))
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mxscan-check-")))
            with self._stop.at_once():  # and what was made for the check is tidied up in peace
                found = self._checked_in(scratch, stack, save)
        self.times = began, utc_text(self._clock.now_utc())
        self._screen.begin(Section.answer)
        return found

    def _checked_in(self, scratch: Path, stack: contextlib.ExitStack, save: Path | None) -> Answer:
        """The check, with a directory and a lab that last as long as the stack."""
        directory = _directory_to_keep(save) if save else RunDirectory.create(scratch / "run")
        stack.callback(directory.discard)
        stack.enter_context(directory.locked())
        if self._lab:
            self._settings, _ = open_lab(directory, self._settings, stack)
        for step in self._request.steps():
            self._screen.tell(step)
        self._wait_for(self._introduce_ourselves())
        return self._checked(directory, scratch / "domain.txt")

    @property
    def question(self) -> Question:
        """What is asked, with the port that it turned out to be about."""
        return self._request.question(self._settings.probe.port)

    @property
    def settings(self) -> Settings:
        """The settings as they were settled: our name, the lab's servers."""
        return self._settings

    def _wait_for(self, work: Coroutine[object, object, None]) -> None:
        with asyncio.Runner(loop_factory=chosen_loop(self._settings)[1]) as runner:
            runner.run(self._stop.abortable(work))

    def _checked(self, directory: RunDirectory, domain_list: Path) -> Answer:
        domain, mailbox = self._request.domain, self._request.recipient
        if domain is None:
            assert mailbox is not None
            return self._checked_literal(directory, mailbox)
        domain_list.write_text(f"{self._request.typed_domain}\n", encoding="utf-8")
        name, factory = chosen_loop(self._settings)
        foreground = Foreground(lambda: self._show_route(directory), self._screen, self._request.envelope)
        invocation = Invocation(
            tuple(sys.argv), name, factory, self._clock, Progress(), self._stop, foreground=foreground
        )
        run = begin_run(directory, str(domain_list), self._settings, invocation, lab=self._lab)
        self._wait_for(self._look_around(directory, domain))
        try:
            self._scan(directory, run, invocation)
        except OurFault as fault:
            return answer_for_our_fault(domain, str(fault))
        return self._answered(directory)

    def _scan(self, directory: RunDirectory, run: Run, invocation: Invocation) -> None:
        execution = RunExecution(directory, run, self._settings, invocation)
        execution.scan()
        execution.end(0, None)
        self.record = next(iter(directory.read(Domain)))

    # Before --------------------------------------------------------------------------------------------

    async def _introduce_ourselves(self) -> None:
        """Settles by which name, and notes which DNS servers are asked: the system's, unless others are named."""
        resolver = AiodnsResolver(self._settings.dns, self._clock)
        try:
            self._dns_servers = resolver.servers
            self._settings = await settle_ehlo_name(self._settings, resolver.servers)
        finally:
            await resolver.close()

    async def _look_around(self, directory: RunDirectory, domain: str) -> None:
        """The zone, the sender's domain, and the recipient's, each over UDP and TCP."""
        policy = self._policy(directory)
        checks = self._dns_checks(policy)
        if policy.is_opted_out(domain):
            return
        await checks.check_zone(domain)
        sender = self._request.sender_domain
        if sender is not None and not policy.is_opted_out(sender):
            await checks.check_sender(sender)
        await checks.check_recipient(domain)

    def _policy(self, directory: RunDirectory, own: Iterable[Address] | None = None) -> ContactPolicy:
        """Whom we contact; `own` are the addresses that count as ours, if not all that this machine has."""
        probe = self._settings.probe
        opt_out = OptOutFile.open(probe.opt_out, directory, self._clock, lambda *_: None)
        ours = own_addresses(self._dns_servers) if own is None else own
        return ContactPolicy(AddressPolicy(probe.allow_networks), ours, opt_out.current)

    def _dns_checks(self, policy: ContactPolicy) -> DnsChecks:
        servers = self._dns_servers
        # The lab's name servers, and those of a test, have no port 53: they are where the resolver is.
        on_loopback = [server_address(each) for each in servers]
        # A link-local address has its zone behind it (fe80::1%eth0).
        port = next((port for host, port in on_loopback if parse_address(host.partition("%")[0]).is_loopback), DNS_PORT)
        asker = ServerQuestions(self._settings.dns.lookup_s, self._clock)
        return DnsChecks(asker, servers, policy, self._screen.tell, port=port)

    # While ---------------------------------------------------------------------------------------------

    def _show_route(self, directory: RunDirectory) -> None:
        """The route of the run, now that it is known, and by which name we go to its servers."""
        route: Route | None = None
        for lookup in directory.read(Route):
            route = merge_routes(route, lookup)
        hosts: dict[str, Host] = {}
        for host in directory.read(Host):
            if host.purpose is HostPurpose.mail:
                hosts[host.exchange] = merge_hosts(hosts.get(host.exchange), host)
        self._screen.exchanges = {server_name_of(host): host.exchange for host in hosts.values()}
        if route is not None:
            for step in route_steps(route, hosts):
                self._screen.tell(step)
        if any(host.a.addresses or host.aaaa.addresses for host in hosts.values()):
            self._tell_our_name()

    def _tell_our_name(self) -> None:
        name = self._settings.probe.ehlo_name
        if name:
            self._screen.tell(Step(Section.servers, StepResult.information, f"our name in EHLO: {name}"))
            return
        said = "this host has no name that resolves, so EHLO says its address; some servers refuse that"
        what_to_do = "Name it: --ehlo-name mx.example.org, a name that resolves to this host's address and back."
        self._screen.tell(Step(Section.servers, StepResult.unknown, said, what_to_do))

    # After ---------------------------------------------------------------------------------------------

    def _answered(self, directory: RunDirectory) -> Answer:
        assert self.record is not None
        seen = self._screen.seen
        talks = select_talks(self.record, seen.sessions, seen.transactions)
        found = self._answer_to(talks, self._policy(directory), self.record)
        for step in policy_steps(self.record):
            self._screen.tell(step)
        return found

    def _answer_to(self, talks: tuple[Talk, ...], policy: ContactPolicy, record: Domain | None) -> Answer:
        if talks and not any(came_up(talk.session) for talk in talks):
            self._wait_for(self._ask_canaries(policy))
        self._wait_for(self._reverse(policy, talks))
        return answer(self.question, record, talks, self.canaries, steps=self._screen.seen.steps)

    async def _ask_canaries(self, policy: ContactPolicy) -> None:
        said = "no connection came up: asking servers that should be up, to tell whether it is us"
        self._screen.tell(Step(Section.servers, StepResult.action, said))
        resolver = AiodnsResolver(self._settings.dns, self._clock)
        try:
            probed = await ask_canaries(self._settings, resolver, policy, self._clock, besides=self._request.domain)
        finally:
            await resolver.close()
        for each in probed:
            is_up = came_up(each.record)
            said = f"{each.record.server_name} [{each.record.address}]: {'answers' if is_up else each.record.outcome}"
            self._screen.tell(Step(Section.servers, StepResult.passed if is_up else StepResult.unknown, said))
        if not probed:
            self.canaries = Canaries.none_known
        else:
            heard = any(came_up(each.record) for each in probed)
            self.canaries = Canaries.heard if heard else Canaries.silent

    async def _reverse(self, policy: ContactPolicy, talks: tuple[Talk, ...]) -> None:
        """The names of our addresses and of theirs, of those that a connection came up to."""
        if self._lab:  # its resolver knows the name of the address that we have there
            policy = ContactPolicy(AddressPolicy((*self._settings.probe.allow_networks, _OURS_IN_THE_LAB)))
        checks = self._dns_checks(policy)
        connected = [talk.session for talk in talks if came_up(talk.session)]
        for address in dict.fromkeys(session.source_address for session in connected):
            if address is not None:
                await checks.check_reverse(address, is_ours=True)
        for address in [*dict.fromkeys(session.address for session in connected)][:MAX_REVERSE]:
            await checks.check_reverse(address, is_ours=False)

    # An address literal --------------------------------------------------------------------------------

    def _checked_literal(self, directory: RunDirectory, mailbox: Mailbox) -> Answer:
        """A session with the address itself: there is no domain, so neither a route nor a record."""
        assert mailbox.address is not None
        # An address of ours is no reason against a server that somebody named.
        policy = self._policy(directory, own=())
        if flags := policy.flags(mailbox.address):
            return answer_for_literal(self.question, flags)
        self._tell_our_name()
        self._screen.exchanges = {mailbox.address.reverse_pointer: mailbox.domain}
        self._wait_for(self._probe_literal(mailbox.address))
        seen = self._screen.seen
        talks = tuple(Talk(mailbox.domain, each, seen.transactions.get(each.session)) for each in seen.sessions)
        return self._answer_to(talks, policy, None)

    async def _probe_literal(self, address: Address) -> None:
        # RFC 6066 §3: an address is no name for SNI, its reverse name is one.
        target = target_of(address_text(address), self._settings.probe.port, address.reverse_pointer)
        survey = Survey.of(self._settings, run="check", start=1, clock=self._clock)
        common = replace(survey, observer=self._screen, envelope=self._request.envelope)
        await probe_target(target, common, 1, None)


def _directory_to_keep(save: Path) -> RunDirectory:
    """The directory that was asked for, a new one. Raises RequestError, DiskFault."""
    try:
        return RunDirectory.create(save)
    except RunError as error:
        raise RequestError(
            f"--save {shown(str(save))} exists already, and nothing is overwritten: name a new directory"
        ) from error
