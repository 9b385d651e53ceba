"""`mxscan preflight`: is this place fit to scan from? The checks that a scan makes before it begins, as a list."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson
from msgspec import to_builtins

from scanner.addresses import AddressPolicy
from scanner.commands.descriptors import fit_width
from scanner.commands.event_loop import chosen_loop
from scanner.commands.failures import tells_failures
from scanner.commands.lab_scan import open_lab
from scanner.commands.output import show
from scanner.commands.scan_options import NOT_WITH_LAB, SETTINGS, given_options, scan_options, setting_values
from scanner.commands.settings_source import load_settings
from scanner.contact_policy import ContactPolicy
from scanner.exit_codes import OK, OURS
from scanner.judgement.fitness import Check, CheckResult
from scanner.net.clock import SystemClock
from scanner.net.own_addresses import own_addresses
from scanner.net.resolver import AiodnsResolver
from scanner.passes.canaries import configured_canaries
from scanner.passes.opt_out_file import OptOutFile, copy_opt_out
from scanner.passes.partitions import partitions_for
from scanner.passes.preflight import Preflight
from scanner.passes.preflight_sample import find_canaries, sample_domains
from scanner.passes.progress import StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.probe.session import ProbedSession, Survey, probe_target
from scanner.records import Target
from scanner.report.preflight_text import render_checks
from scanner.settings import Settings

#: Options of a scan that say where its results go: a preflight has none.
_OF_A_RUN = ("out", "resume")


@click.command("preflight", short_help="Check whether this place is fit to scan from.")
@scan_options
@click.option("--json", "as_json", is_flag=True, help="The checks as JSON.")
@tells_failures
def command(*, file: str | None, config: Path | None, as_json: bool, **options: Any) -> int:
    """Check whether this place is fit to scan from, as a scan with the same options does before it begins.

    With FILE, some servers that many of its domains share are talked to; --canary names others. Nothing is
    recorded. Exit code 4 if a check failed.
    """
    if refused := given_options({name: options.pop(name) for name in _OF_A_RUN}):
        raise click.UsageError(f"preflight makes no run: leave out {', '.join(refused)}")
    lab = any(options[name] for name in ("lab", "lab_domains", "lab_world", "lab_real_limits"))
    if lab and (refused := given_options({name: options[name] for name in NOT_WITH_LAB})):
        raise click.UsageError(f"the lab has its own: leave out {', '.join(refused)}")
    settings = load_settings(config, setting_values(options, SETTINGS), lab=lab)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="mxscan-preflight-"))
        directory = RunDirectory(Path(place))
        if lab:
            settings, lab_list = open_lab(directory, settings, stack)
            file = file or lab_list
        checks = _checks(file, settings, directory)
    _show(checks, as_json=as_json)
    return OURS if any(check.result is CheckResult.failed for check in checks) else OK


def _checks(source: str | None, settings: Settings, directory: RunDirectory) -> tuple[Check, ...]:
    domains, sample = sample_domains(source, settings) if source is not None else (0, [])
    partitions = settings.run.partitions or partitions_for(domains)
    _, descriptors = fit_width(settings.probe.width, partitions)
    copy_opt_out(settings.probe.opt_out, directory)
    _, factory = chosen_loop(settings)
    with asyncio.Runner(loop_factory=factory) as runner:
        return descriptors, *runner.run(_look_around(domains, sample, settings, directory))


async def _look_around(
    domains: int, sample: list[str], settings: Settings, directory: RunDirectory
) -> tuple[Check, ...]:
    clock = SystemClock()
    resolver = AiodnsResolver(settings.dns, clock)
    try:
        preflight = Preflight(settings, resolver.servers)
        at_this_place = await preflight.check_place(domains)
        if not (settings.probe.ehlo_name and _can_be_asked(at_this_place)):
            return at_this_place
        opt_out = OptOutFile.open(settings.probe.opt_out, directory, clock, lambda *_: None)
        public = AddressPolicy(settings.probe.allow_networks)
        policy = ContactPolicy(public, own_addresses(resolver.servers), opt_out.current)
        canaries = configured_canaries(settings.vantage.canaries, settings.probe.port, policy)
        canaries = canaries or await find_canaries(sample, resolver, settings, policy, StopRequest())
        on_the_way = await preflight.check_port(await _talk_to(canaries, settings, clock))
    finally:
        await resolver.close()
    # Our name is judged again when the sessions have shown our address: that counts.
    return tuple({check.name: check for check in (*at_this_place, *on_the_way)}.values())


def _can_be_asked(checks: Iterable[Check]) -> bool:
    """False if the resolver does not answer, or invents answers: its canaries would be none."""
    return all(check.result is not CheckResult.failed for check in checks if check.name.startswith("resolver"))


async def _talk_to(canaries: Iterable[Target], settings: Settings, clock: SystemClock) -> list[ProbedSession]:
    survey = Survey.of(settings, run="preflight", start=1, clock=clock)
    return await asyncio.gather(*(probe_target(canary, survey, 1, None) for canary in canaries))


def _show(checks: Iterable[Check], *, as_json: bool) -> None:
    if as_json:
        is_fit = all(check.result is not CheckResult.failed for check in checks)
        said = {"fit": is_fit, "checks": [to_builtins(check) for check in checks]}
        click.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    else:
        show(render_checks(checks))
