"""What `check` and `send` are told alike: the place that they work from, and where nothing may be sent."""

from pathlib import Path

import click

from scanner.commands.scan_options import C

#: Option → the path of its setting.
FOREGROUND_SETTINGS = {
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
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, at the end."),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment does the same."),
    # Not click's own type: it looks at the file, and fails at a NUL before we can tell its place.
    click.option("--config", type=Path, metavar="FILE", help="Settings in TOML; see configs/default.toml."),
    click.option("--ehlo-name", help="Our name in EHLO  [this host's name if it resolves, else its address]"),
    click.option("--port", type=click.IntRange(1, 65535), help="TCP port of the recipients' mail servers  [25]"),
    click.option("--source-address", multiple=True, metavar="ADDRESS", help="Our address, one of each family."),
    click.option("--ca-file", help="Root certificates in PEM  [the system's]"),
    click.option("--allow-network", multiple=True, metavar="CIDR", help="Contact these though not public; repeatable."),
    click.option("--opt-out", metavar="FILE", help="Domains, MX hosts, addresses and networks to leave alone."),
    click.option("--canary", multiple=True, metavar="ADDRESS", help="A mail server that is up, to check our way out."),
    click.option("--lab", is_flag=True, help="Work within the embedded mail world on loopback."),
    click.option("--lab-world", metavar="FILE", help="A world file of your own instead."),
    click.option("--lab-real-limits", is_flag=True, default=None, help="The lab at the default limits."),
    click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), help="The event loop  [auto]"),
]

_DNS = click.option(
    "-d", "--dns", multiple=True, metavar="SERVER[:PORT]", help="DNS server to ask; repeatable  [the system's]"
)


def foreground_options(command: C) -> C:
    """Adds these options to a command."""
    for option in reversed((_DNS, *_OPTIONS)):
        command = option(command)
    return command
