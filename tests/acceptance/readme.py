"""README's examples: what stands there, and what commands say now. `python -m tests.acceptance.readme` renews them."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import orjson

from tests.acceptance import picture
from tests.acceptance.running import ENVIRONMENT, MXSCAN, ROOT
from tests.acceptance.two_days import scan_two_days

README = ROOT / "README.md"

_EXAMPLE = re.compile(
    r"(?P<head><!-- example(?:: exit (?P<exit>\d+))? -->\n```console\n\$ (?P<command>[^\n]*)\n)(?P<output>.*?)```",
    re.DOTALL,
)


class Example(NamedTuple):
    """A command, how it ends, and what it prints."""

    command: str
    exit_code: int
    output: str


def examples(text: str) -> list[Example]:
    """The examples in their order: each works with what those before it left."""
    return [Example(found["command"], int(found["exit"] or 0), found["output"]) for found in _EXAMPLE.finditer(text)]


def blocks(text: str, marker: str) -> Iterator[str]:
    """What stands in the fenced blocks after a marker."""
    for match in re.finditer(rf"<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```", text, re.DOTALL):
        yield match[1]


class Desk:
    """A directory to work in: `mxscan` on the path, and the runs `monday` and `tuesday`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        shim = place / "bin" / "mxscan"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec {" ".join(MXSCAN)} "$@"\n')
        shim.chmod(0o755)
        scan_two_days(place)

    def run(self, command: str, exit_code: int = 0) -> str:
        """What the command prints on stdout."""
        environment = {**ENVIRONMENT, "PATH": f"{self.place / 'bin'}:{ENVIRONMENT['PATH']}"}
        result = subprocess.run(
            ["bash", "-c", command], cwd=self.place, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == exit_code, (result.returncode, result.stderr)
        return result.stdout

    def query(self, text: str) -> list[str]:
        """The rows that duckdb gives, as README shows them."""
        rows = duckdb.connect().execute(text.replace("'run1/", f"'{self.place}/run1/")).fetchall()
        return [" ".join(f"{value:<15}" for value in map(str, row)).rstrip() for row in rows]


def renewed(text: str, desk: Desk) -> str:
    """README's text with everything that a command prints as it is printed now."""

    def anew(found: "re.Match[str]") -> str:
        output = desk.run(found["command"], int(found["exit"] or 0))
        return f"{found['head']}{_trimmed(output)}```"

    text = _EXAMPLE.sub(anew, text)
    lines = (desk.place / "run1" / "domains.jsonl").read_bytes().splitlines()
    record = next(line for line in lines if b'"expired.lab"' in line)
    shown = orjson.dumps(orjson.loads(record), option=orjson.OPT_INDENT_2).decode()
    text = _replaced(text, "record: expired.lab", shown + "\n")
    (jq,) = blocks(text, "example: jq")
    command = jq.partition("\n")[0]
    said = desk.run(command.removeprefix("$ ").replace(" | head", " 2>/dev/null | head"))
    text = _replaced(text, "example: jq", f"{command}\n{_trimmed(said)}")
    (query,), (result,) = blocks(text, "example: duckdb"), blocks(text, "result: duckdb")
    return _replaced(text, "result: duckdb", "\n".join([result.partition("\n")[0], *desk.query(query), ""]))


def _replaced(text: str, marker: str, content: str) -> str:
    """The text with other content in the fenced block after a marker."""
    pattern = re.compile(rf"(<!-- {re.escape(marker)} -->\n```\w*\n).*?```", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{content}```", text, count=1)


def _trimmed(output: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())


def main() -> None:
    """Renews README.md and the picture in it."""
    with tempfile.TemporaryDirectory() as place:
        README.write_text(renewed(README.read_text(), Desk(Path(place))))
    picture.PICTURE.write_text(picture.draw(picture.seen_on_terminal()), encoding="utf-8")


if __name__ == "__main__":
    main()
