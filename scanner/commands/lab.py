"""`mxscan lab`: the embedded mail world in the foreground, to be tried with anything that speaks DNS, SMTP or HTTPS."""

import contextlib
import signal
import tempfile
from pathlib import Path
from typing import Any

import click

from scanner.commands.failures import tells_failures
from scanner.commands.settings_source import LAB_EHLO_NAME, LAB_NETWORKS, load_settings
from scanner.exit_codes import OK, USAGE
from scanner.lab.child import LabChild
from scanner.lab.order import LabError, faults_of, ports_of

#: How often a lab in the foreground looks whether its process still runs, in seconds.
LOOK_EVERY_S = 1.0

_ENDING = {signal.SIGINT, signal.SIGTERM}


@click.command("lab", short_help="Serve the embedded mail world on loopback.")
@click.option("--domains", type=click.IntRange(min=1), help="A grown world of N domains instead.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the grown world.")
@click.option("--world", metavar="FILE", help="A world file of your own instead.")
@click.option("--real-limits", is_flag=True, default=None, help="Servers that are slow by the default limits.")
@click.option("--dns-port", type=click.IntRange(1, 65535), help="DNS port  [a free one]")
@click.option("--smtp-port", type=click.IntRange(1, 65535), help="SMTP port  [a free one]")
@click.option("--https-port", type=click.IntRange(1, 65535), help="HTTPS port  [a free one]")
@click.option("--directory", type=click.Path(path_type=Path), help="Where it keeps its files  [a temporary one]")
@tells_failures
def command(domains: int | None, seed: int, world: str | None, directory: Path | None, **options: Any) -> int:
    """Serve the embedded mail world on loopback until Ctrl-C, and print how to scan it."""
    settings = load_settings(
        None,
        {
            "lab.domains": domains,
            "lab.world": world,
            "lab.real_limits": options["real_limits"],
            "lab.dns_port": options["dns_port"],
            "lab.smtp_port": options["smtp_port"],
            "lab.https_port": options["https_port"],
        },
        lab=True,
    )
    if directory is not None:
        _refuse_what_is_no_labs(directory)
    with contextlib.ExitStack() as stack:
        place = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mxscan-lab-")))
        lab = stack.enter_context(
            LabChild.start(
                place,
                world=settings.lab.world,
                domains=settings.lab.domains,
                seed=seed,
                limits=settings.limits,
                shape=settings.lab.shape,
                faults=faults_of(settings.lab),
                ports=ports_of(settings.lab),
            )
        )
        # Blocked only now: the lab's process must not inherit it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        _tell(lab)
        _wait(lab)
    return OK


def _refuse_what_is_no_labs(directory: Path) -> None:
    """A lab writes into its own directory or a new one, never over a run or anything else."""
    if directory.is_dir() and any(directory.iterdir()) and not (directory / "lab.json").exists():
        raise LabError(f"{directory} is neither empty nor a lab's: name another with --directory", USAGE)


def _wait(lab: LabChild) -> None:
    """Waits for a signal to end. Raises LabError if the lab ends before that."""
    while signal.sigtimedwait(_ENDING, LOOK_EVERY_S) is None:
        if not lab.is_running:
            raise LabError("the lab's process has ended by itself")


def _tell(lab: LabChild) -> None:
    allowed = " ".join(f"--allow-network {network}" for network in LAB_NETWORKS)
    click.echo(
        f"{lab.ready.domains} domains, {lab.ready.servers} servers; DNS {lab.dns_server}, SMTP port {lab.smtp_port}, "
        f"HTTPS port {lab.https_port}"
    )
    click.echo(f"domains  {lab.domain_list}")
    click.echo(f"roots    {lab.roots}")
    click.echo(
        f"scan it: mxscan scan {lab.domain_list} --ehlo-name {LAB_EHLO_NAME} --dns {lab.dns_server} "
        f"--port {lab.smtp_port} --ca-file {lab.roots} {allowed}"
    )
    click.echo("Ctrl-C ends it")
