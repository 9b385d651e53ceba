"""`mxscan schema`: what a line of each file looks like, as JSON Schema."""

from typing import Any

import click
import msgspec
import orjson

from scanner.exit_codes import OK
from scanner.outages.alerts import Alert
from scanner.records import RECORDS, Record
from scanner.settings import Settings

#: The records of a run's files, and the line of `alerts.jsonl`, which an alert command gets too.
_KINDS: dict[str, type[Record]] = {**RECORDS, "alerts": Alert}


@click.command("schema", short_help="Print the JSON Schema of a record.")
@click.argument("record", type=click.Choice(list(_KINDS)), required=False, metavar="[RECORD]")
def command(record: str | None) -> int:
    """Print the JSON Schema (2020-12) of RECORD, the name of a file without its ending; without it, the names."""
    if record is None:
        for name, kind in _KINDS.items():
            click.echo(f"{name:<14}{(kind.__doc__ or '').splitlines()[0]}")
        return OK
    click.echo(orjson.dumps(record_schema(record), option=orjson.OPT_INDENT_2))
    return OK


def record_schema(name: str) -> dict[str, Any]:
    """The schema of a line of a file. Unknown fields are forbidden, and closed lists list every word."""
    (reference,), definitions = msgspec.json.schema_components((_KINDS[name],), ref_template="#/$defs/{name}")
    if name == "run":
        (settings,), more = msgspec.json.schema_components((Settings,), ref_template="#/$defs/{name}")
        definitions = {**definitions, **more}
        definitions["Run"]["properties"]["settings"] = settings
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **reference, "$defs": definitions}
