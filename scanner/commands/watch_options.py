"""The options of `mxscan watch`, and which setting each one is; those that say who is told are alert_options.py's."""

from pathlib import Path

import click

from scanner.commands import scan
from scanner.commands.alert_options import ALERT_SETTINGS
from scanner.commands.scan_options import SETTINGS

#: What of a scan is not for a watch: a part of the list, or another one, would tell all other domains as gone.
_NOT_HERE = frozenset({"limit", "sample", "seed"})

_OF_A_SCAN = {name: path for name, path in SETTINGS.items() if name not in _NOT_HERE}

#: Option → the path of its setting.
WATCH_SETTINGS = {**_OF_A_SCAN, **ALERT_SETTINGS, "owner_column": "watch.owner_column"}

#: Options of a scan that are no settings.
_MORE_OF_A_SCAN = ("config", "lab", "quiet")

_DIRECTORY = click.Path(path_type=Path)


def watch_parameters() -> list[click.Parameter]:
    """Those of its own, and what it has in common with a scan."""
    return [
        click.Argument(["file"], required=False, metavar="[FILE|-]"),
        click.Option(["--state"], required=True, type=_DIRECTORY, metavar="DIR", help="What is kept between runs."),
        click.Option(["--status"], is_flag=True, help="Show what is not up, since when, and the last alert. No scan."),
        click.Option(["--history"], metavar="DOMAIN", help="Show what happened to a domain. No scan."),
        click.Option(["--dry-run"], is_flag=True, help="Scan and say what would be sent; nothing is sent or changed."),
        click.Option(["--owner-column"], metavar="NAME", help="The column with the mail addresses of the owners."),
        *(each for each in scan.command.params if each.name in (*_OF_A_SCAN, *_MORE_OF_A_SCAN)),
    ]
