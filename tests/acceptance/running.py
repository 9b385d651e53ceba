"""Running the command as a user does, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from scanner.records import RECORDS, Domain, Record

R = TypeVar("R", bound=Record)

ROOT = Path(__file__).parent.parent.parent
MXSCAN = [sys.executable, "-m", "scanner"]

#: A user's environment, without what pytest and a terminal put into it.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"}


def mxscan(
    *arguments: str | Path, stdin: bytes = b"", prefix: Iterable[str] = (), timeout: float = 120
) -> "subprocess.CompletedProcess[bytes]":
    """Runs `mxscan ARGUMENTS` to its end; the result has returncode, stdout and stderr."""
    return subprocess.run(
        [*prefix, *MXSCAN, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=timeout,
        env=ENVIRONMENT,
        check=False,
    )


def start_mxscan(*arguments: str | Path) -> "subprocess.Popen[bytes]":
    """Starts `mxscan ARGUMENTS` and does not wait."""
    return subprocess.Popen(
        [*MXSCAN, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )


def domains_of(run: Path) -> list[Domain]:
    """The records of a run, strictly decoded."""
    return [msgspec.json.decode(line, type=Domain) for line in (run / "domains.jsonl").read_bytes().splitlines()]


def lines_of(run: Path, name: str) -> list[bytes]:
    """Every line of a kind of record in a run; the files that are one document are one line."""
    if name in ("run", "judge"):
        return [(run / f"{name}.json").read_bytes()]
    pattern = f"{name}.jsonl" if (run / f"{name}.jsonl").exists() else f"{name}-*.jsonl"
    return [line for path in sorted(run.glob(pattern)) for line in path.read_bytes().splitlines()]


def records_of(run: Path, kind: type[R]) -> list[R]:
    """Every record of a kind in a run."""
    name = next(name for name, record in RECORDS.items() if record is kind)
    return [msgspec.json.decode(line, type=kind) for line in lines_of(run, name)]
