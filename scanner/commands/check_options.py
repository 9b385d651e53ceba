"""The options of `mxscan check`, and which setting each one is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

#: Option → the path of its setting.
CHECK_SETTINGS = {
    "dns": "dns.servers",
    "ehlo_name": "probe.ehlo_name",
    "port": "probe.port",
    "source_address": "probe.source_address",
    "ca_file": "trust.ca_file",
    "allow_network": "probe.allow_networks",
    "opt_out": "probe.opt_out",
    "canary": "vantage.canaries",
    "lab_world": "lab.world",
    "lab_real_limits": "lab.real_limits",
    "loop": "run.loop",
}

_OPTIONS = [
    click.option("--from", "sender", metavar="SENDER", help="The sender's address; '<>' is the null reverse path."),
    click.option(
        "-d", "--dns", multiple=True, metavar="SERVER[:PORT]", help="DNS server to ask; repeatable  [the system's]"
    ),
    click.option("-v", "/v", "--verbose", "verbose", is_flag=True, help="Show every word of the dialogues."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, at the end."),
    click.option("--save", type=Path, metavar="DIR", help="Keep all of it as a run directory, a new one."),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment does the same."),
    click.option("--config", type=Path, metavar="FILE", help="Settings in TOML; see configs/default.toml."),
    click.option("--ehlo-name", help="Our name in EHLO  [this host's name if it resolves, else its address]"),
    click.option("--port", type=click.IntRange(1, 65535), help="TCP port of the mail servers  [25]"),
    click.option("--source-address", multiple=True, metavar="ADDRESS", help="Our address, one of each family."),
    click.option("--ca-file", help="Root certificates in PEM  [the system's]"),
    click.option("--allow-network", multiple=True, metavar="CIDR", help="Contact these though not public; repeatable."),
    click.option("--opt-out", metavar="FILE", help="Domains, MX hosts, addresses and networks to leave alone."),
    click.option("--canary", multiple=True, metavar="ADDRESS", help="A mail server that is up, to check our way out."),
    click.option("--lab", is_flag=True, help="Check an address of the embedded mail world on loopback."),
    click.option("--lab-world", metavar="FILE", help="A world file of your own instead."),
    click.option("--lab-real-limits", is_flag=True, default=None, help="The lab at the default limits."),
    click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), help="The event loop  [auto]"),
]


def check_options(command: C) -> C:
    """Adds the options of `check` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
