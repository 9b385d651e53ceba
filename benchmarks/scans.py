"""Whole scans by the command, each in a process of its own, against a sink and with the lab as DNS."""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.usage import Usage, run_and_measure

GIVE_UP_AFTER_S = 600.0

# Pace is politeness, and would be all that is measured. Everything else is as it comes.
_SETTINGS = """\
[pace]
address_sessions = 1000
address_per_s = 1000000.0
network_sessions = 1000
network_per_s = 1000000.0
group_sessions = 1000
group_per_s = 1000000.0
[second_attempt]
pause_s = 0.0
short_pause_s = 0.0
[vantage]
preflight = false
"""


@dataclass(frozen=True)
class Scanner:
    """How to scan: the lab's `dns_server`, the root to trust, and where runs, lists and settings go."""

    directory: Path
    dns_server: str
    ca_file: Path
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def scan(self, domains: Sequence[str], port: int) -> Usage:
        """Scan the domains, whose servers listen on `port` → what the process used. Raises ChildError."""
        number = next(self._numbers)
        targets, settings = self.directory / f"list-{number}.txt", self.directory / "settings.toml"
        targets.write_text("".join(f"{domain}\n" for domain in domains), encoding="ascii")
        settings.write_text(_SETTINGS, encoding="ascii")
        options = {
            "--ehlo-name": "scanner.bench.lab",
            "--dns": self.dns_server,
            "--port": str(port),
            "--allow-network": "127.66.0.0/16",
            "--ca-file": str(self.ca_file),
            "--config": str(settings),
            "--out": str(self.directory / f"run-{number}"),
        }
        given = [word for option in options.items() for word in option]
        command = [sys.executable, "-m", "scanner", "scan", str(targets), *given, "--quiet"]
        return run_and_measure(command, self.directory / f"log-{number}.txt", GIVE_UP_AFTER_S)
