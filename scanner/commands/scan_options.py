"""The options of `mxscan scan`, and which setting each one is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

#: Option → the path of its setting. All of them are None when not given.
SETTINGS = {
    "ehlo_name": "probe.ehlo_name",
    "dns": "dns.servers",
    "port": "probe.port",
    "implicit_tls": "probe.implicit_tls",
    "width": "probe.width",
    "source_address": "probe.source_address",
    "ca_file": "trust.ca_file",
    "allow_network": "probe.allow_networks",
    "opt_out": "probe.opt_out",
    "canary": "vantage.canaries",
    "preflight": "vantage.preflight",
    "column": "input.column",
    "header": "input.header",
    "limit": "input.limit",
    "sample": "input.sample",
    "seed": "run.seed",
    "expect_mx": "judge.expect_mx",
    "lab_domains": "lab.domains",
    "lab_world": "lab.world",
    "lab_real_limits": "lab.real_limits",
    "loop": "run.loop",
}

#: What a resumed run may be told anew, because no result depends on it.
MAY_CHANGE = {
    "width": "probe.width",
    "loop": "run.loop",
    "canary": "vantage.canaries",
    "preflight": "vantage.preflight",
}

#: What a scan of the lab gets from the lab.
NOT_WITH_LAB = ("dns", "port", "ca_file", "allow_network", "source_address")

_OPTIONS = [
    click.argument("file", required=False, metavar="[FILE|-]"),
    click.option("--out", type=click.Path(path_type=Path), help="The run directory, a new one  [runs/<UTC time>]"),
    click.option("--resume", type=click.Path(path_type=Path), help="Go on with the run in this directory."),
    click.option("--config", type=click.Path(path_type=Path), help="Settings in TOML; see configs/default.toml."),
    click.option("--ehlo-name", help="Our name in EHLO: a fully qualified domain name that resolves to this host."),
    click.option("--dns", multiple=True, metavar="SERVER[:PORT]", help="DNS server to ask; repeatable  [the system's]"),
    click.option("--port", type=click.IntRange(1, 65535), help="TCP port of the mail servers  [25]"),
    click.option("--implicit-tls", is_flag=True, default=None, help="TLS from the first octet, as on port 465."),
    click.option("--width", type=click.IntRange(min=1), help="Sessions at a time, at most  [500]"),
    click.option("--source-address", multiple=True, metavar="ADDRESS", help="Our address, one of each family."),
    click.option("--ca-file", help="Root certificates in PEM  [the system's]"),
    click.option("--allow-network", multiple=True, metavar="CIDR", help="Contact these though not public; repeatable."),
    click.option("--opt-out", metavar="FILE", help="Domains, MX hosts, addresses and networks to leave alone."),
    click.option("--canary", multiple=True, metavar="ADDRESS", help="A mail server that is up, to check our way out."),
    click.option(
        "--no-preflight", "preflight", flag_value=False, default=None, help="Scan even if this place looks unfit."
    ),
    click.option("--column", metavar="NAME|N", help="The column with the domain, by name or number from 1."),
    click.option("--header", type=click.Choice(["auto", "yes", "no"]), help="Whether the first line names columns."),
    click.option("--limit", type=click.IntRange(min=1), help="Take the first N lines only."),
    click.option("--sample", type=click.IntRange(min=1), help="Take a random sample of N lines."),
    click.option("--seed", type=click.IntRange(min=0), help="Seed of the sample, the order and the lab's world."),
    click.option(
        "--expect-mx",
        multiple=True,
        metavar="PATTERN|CIDR|metadata:COLUMN",
        help="Where mail should go; repeatable. A domain whose MX are others gets the finding moved-away.",
    ),
    click.option("--lab", is_flag=True, help="Scan the embedded mail world on loopback: no network is needed."),
    click.option("--lab-domains", type=click.IntRange(min=1), help="A grown world of N domains instead."),
    click.option("--lab-world", metavar="FILE", help="A world file of your own instead."),
    click.option("--lab-real-limits", is_flag=True, default=None, help="The lab at the default limits and pace."),
    click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), help="The event loop  [auto]"),
    click.option("--quiet", is_flag=True, help="No progress and no summary."),
]


def scan_options(command: C) -> C:
    """Adds the options of `scan` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def setting_values(options: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    """The options that were given, by the path of their setting."""
    given = {path: options[name] for name, path in settings.items()}
    return {path: value for path, value in given.items() if value not in (None, ())}


def given_options(options: dict[str, Any]) -> list[str]:
    """The names of all options that were given, as typed."""
    return [
        name if name.isupper() else f"--{name.replace('_', '-')}"
        for name, value in options.items()
        if value is not None and value is not False and value != ()
    ]
