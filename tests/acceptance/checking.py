"""`mxscan check` of many addresses against one open lab: each in a fork of its own, because they mostly wait."""

import contextlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from scanner.cli import run
from scanner.commands.settings_source import LAB_EHLO_NAME, LAB_LAYER, LAB_NETWORKS
from scanner.lab.child import LabChild

#: So many checks at a time: they wait for servers that are slow on purpose.
AT_A_TIME = 24


class Checked(NamedTuple):
    """What a check came to: its exit code, what it printed, and its JSON object if that was it."""

    exit_code: int
    printed: bytes

    @property
    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.printed)
        return found


def config_of(lab: LabChild, path: Path) -> Path:
    """A settings file that leads a check into an open lab, with the lab's own limits."""
    tables: dict[str, Any] = {name: dict(table) for name, table in LAB_LAYER.items()}
    tables["dns"]["servers"] = [lab.dns_server]
    tables["trust"] = {"ca_file": str(lab.roots)}
    tables["probe"] |= {
        "ehlo_name": LAB_EHLO_NAME,
        "port": lab.smtp_port,
        "policy_port": lab.https_port,
        "allow_networks": list(LAB_NETWORKS),
    }
    lines = [f"[{name}]\n{_keys(table)}" for name, table in tables.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _keys(table: Mapping[str, Any]) -> str:
    # A JSON number, text or list of texts is one of TOML too.
    return "".join(f"{key} = {orjson.dumps(value).decode()}\n" for key, value in table.items())


def check_all(commands: Mapping[str, Iterable[str]], directory: Path) -> dict[str, Checked]:
    """Runs `mxscan check ARGUMENTS` for each name; the results by name."""
    directory.mkdir()
    files = {name: directory / f"{number}.out" for number, name in enumerate(commands)}
    with ProcessPoolExecutor(AT_A_TIME, mp_context=get_context("fork")) as pool:
        jobs = {name: pool.submit(_check, tuple(arguments), files[name]) for name, arguments in commands.items()}
        return {name: Checked(job.result(), files[name].read_bytes()) for name, job in jobs.items()}


def _check(arguments: tuple[str, ...], output: Path) -> int:
    with output.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        return run(["check", *arguments])
