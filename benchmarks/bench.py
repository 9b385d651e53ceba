"""What is measured against: names from the lab, SMTP from the sink, the floor beside them; and one round."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import Programs, build, floor_session_s, sink
from benchmarks.scans import Scanner
from benchmarks.world import Size, addresses, domains, write_world
from scanner.lab.child import LabChild
from scanner.settings import Limits


@dataclass(frozen=True)
class Stand:
    """Servers of one kind: `mode` is `plain` or `starttls`, all of them listen on `port`."""

    mode: str
    port: int


@dataclass(frozen=True)
class Bench:
    """All that a round needs. `programs` is None without a C compiler: then there is no floor."""

    size: Size
    scanner: Scanner
    stands: tuple[Stand, ...]
    programs: Programs | None
    addresses: Path


@dataclass(frozen=True)
class Measured:
    """One round at one stand: CPU seconds of a session of the floor and of the scan, and of a domain of a
    whole run; memory at its highest in octets, of a run of one domain and of the whole run.
    """

    floor_session_s: float | None
    session_s: float
    domain_s: float
    smallest_peak_bytes: int
    whole_peak_bytes: int


@contextlib.contextmanager
def open_bench(directory: Path, size: Size) -> Iterator[Bench]:
    """The bench, its servers running, as a context. They end with it, or with this process in any way."""
    programs = build(directory)
    address_file = directory / "addresses.txt"
    address_file.write_text("".join(f"{address}\n" for address in addresses()), encoding="ascii")
    write_world(directory / "world.toml", size, with_servers=programs is None)
    with contextlib.ExitStack() as running:
        lab = running.enter_context(
            LabChild.start(
                directory / "lab",
                world=str(directory / "world.toml"),
                domains=0,
                seed=0,
                limits=Limits(),
            )
        )
        if programs is None:
            stands: tuple[Stand, ...] = (Stand("starttls", lab.smtp_port),)
            ca_file = lab.roots
        else:
            ca_file, served = _write_certificates(directory)
            stands = (Stand("plain", running.enter_context(sink(programs, address_file, None)).port),)
            if programs.with_tls:
                port = running.enter_context(sink(programs, address_file, served)).port
                stands = (*stands, Stand("starttls", port))
        scanner = Scanner(directory, lab.dns_server, ca_file)
        yield Bench(size, scanner, stands, programs, address_file)


def measure_round(bench: Bench, stand: Stand) -> Measured:
    """The floor, then the scans, one right after the other: what is compared is of the same minute.

    A scan's start, its lookups and its end are no part of a session: a session costs what a scan of `many`
    needs more than one of `few` (world.py), by the sessions that it has more. A domain of a whole run costs
    what that run needs more than a run of one domain.
    """
    size, port, scan = bench.size, stand.port, bench.scanner.scan
    floor = None
    if bench.programs is not None:
        floor = floor_session_s(bench.programs, stand.mode, size.floor_sessions, port, bench.addresses)
    few, many = (scan(domains(group, size.session_hosts), port) for group in ("few", "many"))
    smallest, whole = (scan(domains("whole", count), port) for count in (1, size.domains))
    return Measured(
        floor_session_s=floor,
        session_s=(many.cpu_s - few.cpu_s) / size.extra_sessions,
        domain_s=(whole.cpu_s - smallest.cpu_s) / (size.domains - 1),
        smallest_peak_bytes=smallest.peak_bytes,
        whole_peak_bytes=whole.peak_bytes,
    )


def _write_certificates(directory: Path) -> tuple[Path, Path]:
    """The root to trust and what the sink serves, made by another process (see certificates.py)."""
    subprocess.run([sys.executable, "-m", "benchmarks.certificates", str(directory)], check=True)
    return directory / "root.pem", directory / "served.pem"
