"""What transport security costs: a scan with everything looked up against one with nothing, and against the bound.

`python -m benchmarks.lookups`. The world is the lab's of the shape `secured`: 5 % of the domains have MTA-STS, 5 % a
mail host with DANE. Servers and DNS are a process of their own; what is measured is the scan alone.
"""

import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.usage import ChildError, run_and_measure
from scanner.lab.child import LabChild
from scanner.settings import Limits

DOMAINS = 3000
ROUNDS = 2
GIVE_UP_AFTER_S = 300.0

#: Beside two TXT lookups a domain, everything may cost so much of a scan without it.
MORE_ALLOWED = 0.2

_EVERYTHING = ("dane", "mta_sts", "tls_rpt")

#: What is looked up, by the name of the line.
WAYS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "one TXT a domain (TLS-RPT)": ("tls_rpt",),
    "MTA-STS": ("mta_sts",),
    "DANE": ("dane",),
    "everything": _EVERYTHING,
}

_SETTINGS = """\
[pace]
address_sessions = 1000
address_per_s = 1000000.0
network_sessions = 1000
network_per_s = 1000000.0
group_sessions = 1000
group_per_s = 1000000.0
[probe]
policy_port = {https_port}
[second_attempt]
retry_on = []
[vantage]
preflight = false
[limits]
connect_s = 1.0
greeting_s = 3.0
reply_s = 2.0
tls_s = 2.0
quit_s = 0.5
session_s = 6.0
policy_s = 3.0
[dns]
lookup_s = 3.0
[lookups]
"""


@dataclass(frozen=True)
class Stand:
    """A lab that serves, and a directory for runs."""

    lab: LabChild
    directory: Path
    numbers: "itertools.count[int]"

    def scan(self, looked_up: Sequence[str]) -> float:
        """A scan with these lookups → its CPU seconds. Raises ChildError."""
        number = next(self.numbers)
        settings = self.directory / f"settings-{number}.toml"
        switches = "".join(f"{name} = {str(name in looked_up).lower()}\n" for name in _EVERYTHING)
        settings.write_text(_SETTINGS.format(https_port=self.lab.https_port) + switches, encoding="ascii")
        options = {
            "--ehlo-name": "scanner.lab",
            "--dns": self.lab.dns_server,
            "--port": str(self.lab.smtp_port),
            "--allow-network": "127.64.0.0/10",
            "--ca-file": str(self.lab.roots),
            "--config": str(settings),
            "--seed": "1",
            "--out": str(self.directory / f"run-{number}"),
        }
        given = [word for option in options.items() for word in option]
        command = [sys.executable, "-m", "scanner", "scan", str(self.lab.domain_list), *given, "--quiet"]
        return run_and_measure(command, self.directory / f"log-{number}.txt", GIVE_UP_AFTER_S).cpu_s


@contextmanager
def open_stand(directory: Path, domains: int) -> Iterator[Stand]:
    """The lab, serving, as a context."""
    limits = Limits()
    lab = LabChild.start(directory / "lab", world="", domains=domains, seed=1, limits=limits, shape="secured")
    with lab:
        yield Stand(lab, directory, itertools.count())


def measure(stand: Stand, rounds: int) -> dict[str, float]:
    """CPU seconds of a scan in each way, the median of the rounds; in a round all ways in turn."""
    measured: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way, looked_up in WAYS.items():
            print(f"round {number + 1} of {rounds}, {way}", file=sys.stderr)
            measured[way].append(stand.scan(looked_up))
    return {way: statistics.median(seconds) for way, seconds in measured.items()}


def render(seconds: dict[str, float], domains: int) -> str:
    """A line a way, and whether the bound is held."""
    nothing, one_txt = seconds["nothing"], seconds["one TXT a domain (TLS-RPT)"] - seconds["nothing"]
    lines = [f"{'looked up':28} {'CPU a domain':>14} {'of nothing':>11}"]
    for way, used in seconds.items():
        lines.append(f"{way:28} {used / domains * 1e6:11.0f} µs {used / nothing:10.2f} ×")
    bound = nothing * (1 + MORE_ALLOWED) + 2 * max(one_txt, 0.0)
    held = "held" if seconds["everything"] <= bound else "NOT HELD"
    lines += ["", f"bound: nothing + {MORE_ALLOWED:.0%} + two TXT lookups = {bound / domains * 1e6:.0f} µs: {held}"]
    return "\n".join(lines)


def main() -> int:
    """0, whatever the figures are; 4 when something could not be run."""
    try:
        with tempfile.TemporaryDirectory(prefix="mxscan-bench-") as made, open_stand(Path(made), DOMAINS) as stand:
            print(render(measure(stand, ROUNDS), DOMAINS))
    except ChildError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
