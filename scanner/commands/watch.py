"""`mxscan watch`: a portfolio compared with what was known of it, and alerts about what changed."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from scanner.commands.alert_channels import open_channels, routing_of, second_zone
from scanner.commands.alert_options import alert_options
from scanner.commands.descriptors import width_within_descriptors
from scanner.commands.display import Display
from scanner.commands.event_loop import chosen_loop
from scanner.commands.failures import say, tells_failures
from scanner.commands.lab_scan import open_lab
from scanner.commands.scan_options import NOT_WITH_LAB, given_options, setting_values
from scanner.commands.settings_source import LAB_EHLO_NAME, SettingsError, load_settings
from scanner.commands.signals import stopping
from scanner.commands.watch_options import WATCH_SETTINGS, watch_parameters
from scanner.commands.watch_tables import show_history, show_status
from scanner.exit_codes import BUG, OK, OURS, PROBLEM
from scanner.net.clock import SystemClock
from scanner.outages.alerts import Alert
from scanner.outages.deliveries import Channel, Delivery
from scanner.passes.progress import Interrupted, Progress, StopRequest
from scanner.passes.run import Invocation
from scanner.passes.run_directory import RunDirectory
from scanner.report.alert_subject import subject_of
from scanner.settings import Settings
from scanner.times import parse_utc
from scanner.watch.metrics import NightFigures, write_metrics
from scanner.watch.night import Deliver, Night, rehearse_night, run_night
from scanner.watch.night_scan import ScanOrder
from scanner.watch.outbox import DeliveryReport, HandsOver, deliver
from scanner.watch.queue import DeliveryQueue
from scanner.watch.state_directory import StateDirectory

_DAY_S = 86400.0

_NO_EHLO_NAME = (
    "a watch needs our name for EHLO: --ehlo-name mx.example.org, a fully qualified domain name that resolves to "
    "this host's address and back (RFC 5321 §4.1.1.1); or probe.ehlo_name in --config"
)


@click.command("watch", short_help="Watch a portfolio and tell what changed.", params=watch_parameters())
@alert_options
@tells_failures
def command(*, file: str | None, state: Path, status: bool, history: str | None, **options: Any) -> int:
    """Scan the domains of FILE, compare with what was known, and send alerts about what changed.

    To be run every night or every hour: what is known is in the state directory. A mail host is down when two
    attempts failed, a pause apart; one alert tells it with every word that was said.
    """
    if status or history is not None:
        _show(StateDirectory.open(state), history, load_settings(options["config"], _settings_of(options), lab=False))
        return OK
    request = _Request(file, state, options)
    with contextlib.ExitStack() as stack:
        return request.rehearse(stack) if options["dry_run"] else request.run(stack)


def _show(state: StateDirectory, history: str | None, settings: Settings) -> None:
    zone = second_zone(settings.alerts)
    if history is None:
        show_status(state, zone)
    else:
        show_history(state, history, zone)


def _settings_of(options: dict[str, Any]) -> dict[str, Any]:
    return setting_values(options, WATCH_SETTINGS)


@dataclass(frozen=True, slots=True)
class _Request:
    """What was typed."""

    file: str | None
    state: Path
    options: dict[str, Any]

    def run(self, stack: contextlib.ExitStack) -> int:
        """A night; the exit code."""
        settings = self._load()
        routing, channels = routing_of(settings), self._channels(settings)
        state = StateDirectory.create(self.state)
        stack.enter_context(state.locked())
        order = self._order(settings, state.path, stack)
        try:
            with self._shown(order):
                night = run_night(state, order, routing, _sender(order, channels))
        except Interrupted:
            say("the next start goes on with this run, if it comes soon")
            raise
        return self._tell(night, settings)

    def _tell(self, night: Night, settings: Settings) -> int:
        """Says what came of a night, the figures last: they may find no place. The exit code; raises DiskFault."""
        code = exit_code_of(night)
        for complaint in night.report.complaints:
            say(complaint)
        if not self.options["quiet"]:
            _show_night(night)
        if settings.alerts.metrics:
            write_metrics(Path(settings.alerts.metrics), _figures(night, code))
        return code

    def rehearse(self, stack: contextlib.ExitStack) -> int:
        """Says what a night would send."""
        settings = self._load()
        routing, _ = routing_of(settings), self._channels(settings)
        state = StateDirectory(self.state)
        if state.database.exists():
            stack.enter_context(state.locked())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mxscan-")))
        order = self._order(settings, scratch, stack)
        with self._shown(order):
            deliveries = rehearse_night(state, order, routing)
        for delivery in deliveries:
            alert = msgspec.json.decode(delivery.payload, type=Alert)
            click.echo(f"would be sent {_way(delivery)}: {subject_of(alert)}")
        if not deliveries:
            click.echo("nothing would be sent")
        return OK

    @property
    def _wants_lab(self) -> bool:
        return any(self.options[name] for name in ("lab", "lab_domains", "lab_world", "lab_real_limits"))

    def _load(self) -> Settings:
        refused = given_options({name: self.options[name] for name in NOT_WITH_LAB})
        if self._wants_lab and refused:
            raise click.UsageError(f"the lab has its own: leave out {', '.join(refused)}")
        if self.file is None and not self._wants_lab:
            raise click.UsageError("name a FILE with domains, `-` for standard input, or use --lab")
        settings = load_settings(self.options["config"], _settings_of(self.options), lab=self._wants_lab)
        if not self._wants_lab and not settings.probe.ehlo_name:
            raise SettingsError(_NO_EHLO_NAME)
        return settings

    def _channels(self, settings: Settings) -> Mapping[Channel, HandsOver]:
        """The ways by which alerts leave. Raises SettingsError, before anything is made."""
        second_zone(settings.alerts)  # also where no mail is sent: a zone that is none is a mistake
        return open_channels(settings, StateDirectory(self.state).alerts, settings.probe.ehlo_name or LAB_EHLO_NAME)

    def _order(self, settings: Settings, lab_home: Path, stack: contextlib.ExitStack) -> ScanOrder:
        """What is to be scanned; the lab, if it is wanted, is open until `stack` ends."""
        source = self.file
        if self._wants_lab:
            settings, lab_list = open_lab(RunDirectory(lab_home), settings, stack)
            source = source or lab_list
        loop, factory = chosen_loop(settings)
        invocation = Invocation(tuple(sys.argv), loop, factory, SystemClock(), Progress(), StopRequest())
        return ScanOrder(source or "-", settings, invocation, self._wants_lab, width_within_descriptors)

    @contextlib.contextmanager
    def _shown(self, order: ScanOrder) -> Iterator[None]:
        """Signals stop the night while the block runs, and its progress is shown."""
        invocation = order.invocation
        with stopping(invocation.stop), Display(invocation.progress, quiet=self.options["quiet"]):
            yield


def _sender(order: ScanOrder, channels: Mapping[Channel, HandsOver]) -> Deliver:
    """Sends what is queued by these ways."""
    give_up_s = order.settings.alerts.give_up_days * _DAY_S

    async def send(queue: DeliveryQueue) -> DeliveryReport:
        return await deliver(queue, channels, order.invocation.clock, give_up_s)

    return send


def exit_code_of(night: Night) -> int:
    """What a night's exit code says (README): of several the most serious."""
    if night.bugs:
        return BUG
    if night.compared.gate is not None or night.report.left or night.report.given_up:
        return OURS
    return PROBLEM if night.compared.has_problem else OK


def _way(delivery: Delivery) -> str:
    if delivery.channel is Channel.mail:
        return f"to {', '.join(delivery.recipients)}"
    return "to the command" if delivery.channel is Channel.command else "into alerts.jsonl"


def _figures(night: Night, code: int) -> NightFigures:
    return NightFigures(
        began_at=parse_utc(night.began_at).timestamp(),
        ended_at=parse_utc(night.ended_at).timestamp(),
        hosts=night.compared.host_states,
        domains=night.compared.domain_states,
        alerts=len(night.compared.alerts),
        deliveries_left=night.report.left,
        gated=night.compared.gate is not None,
        exit_code=code,
    )


def _show_night(night: Night) -> None:
    """What the night came to, for whoever looks."""
    if night.listed.invalid_lines:
        click.echo(f"list       {night.listed.lines} lines, of which {night.listed.invalid_lines} are no domains")
    for what, states in (("mail hosts", night.compared.host_states), ("domains", night.compared.domain_states)):
        counts = ", ".join(f"{state.replace('_', ' ')} {count}" for state, count in sorted(states.items()))
        click.echo(f"{what:<11}{counts or 'none'}")
    for alert in night.compared.alerts:
        click.echo(f"alert      {subject_of(alert)}")
    click.echo(f"run        {night.directory}")
