"""Run directories that were judged, with the records that a test gives them."""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from scanner.passes.run_directory import RunDirectory
from scanner.records import Domain, JudgeInfo, Start

from .examples import TIME
from .examples import run as run_record

START = Start(
    start=1, at=TIME, version="1", host="here", command_line=("mxscan",), loop="asyncio", no_ipv6=False, exit=0
)


def judged_run(
    path: Path, records: Iterable[Domain], *, at: str = TIME, exit_code: int | None = 0, rules: int = 3
) -> RunDirectory:
    """A run that began at a time and ended with this exit code (None: it has not ended)."""
    directory = RunDirectory.create(path)
    directory.write_records("domains.jsonl", held := list(records))
    run = run_record()
    source = replace(run.input, distinct_domains=sum(record.domain is not None for record in held))
    start = replace(START, at=at, exit=exit_code)
    directory.write_run(replace(run, run=path.name, input=source, starts=(start,)))
    directory.write_records("judge.json", [JudgeInfo(rules=rules, version="1", judged_at=TIME)])
    return directory


def named(record: Domain, domain: str) -> Domain:
    """The same record of another domain."""
    return replace(record, domain=domain)
