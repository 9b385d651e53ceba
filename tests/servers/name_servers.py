"""NSD with zones of ours, and unbounds that ask it: all as any user, on free ports of loopback addresses."""

import contextlib
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM

import dns.exception
import dns.message
import dns.query

from .programs import find_program, free_port, require_programs, running, wait_until

# rrl: a scan asks faster than a stranger may. minimal-responses, database "": the fewest surprises.
_NSD_CONF = """\
server:
  server-count: 1
  ip-address: {address}@{port}
  do-ip6: no
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  zonelistfile: "{directory}/zone.list"
  xfrdir: "{directory}"
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: yes
  control-interface: "{directory}/nsd.ctl"
"""

_NSD_ZONE = """\
zone:
  name: "{zone}"
  zonefile: "{zone}zone"
  zonestats: "{zone}"
"""

# Nothing is resolved but the given zones (the local zone "."), and every query leaves from 127.0.0.1: a mistake
# in a zone cannot make this unbound talk to the world's name servers. Every question to it stands in its log.
_UNBOUND_CONF = """\
server:
  interface: {address}@{port}
  port: {port}
  outgoing-interface: 127.0.0.1
  do-ip6: no
  do-daemonize: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "." {rest}
{zones}\
  module-config: "{modules}"
  log-queries: yes
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  use-syslog: no
  logfile: ""
{more}\
remote-control:
  control-enable: no
{stubs}"""


@dataclass(frozen=True)
class Nsd:
    """A running NSD: its port and address, and its zones, which may change while it runs."""

    port: int
    directory: Path
    address: str = "127.0.0.1"

    def publish(self, zone: str, text: str) -> None:
        """Another content of a zone, whose SOA has another serial; it is served when this returns."""
        before = _serial(self.address, self.port, zone)
        (self.directory / f"{zone}zone").write_text(text, encoding="utf-8")
        self._control("reload", zone)
        wait_until(
            lambda: _serial(self.address, self.port, zone) not in {None, before},
            f"{zone} anew",
            self.directory / "nsd.log",
        )

    def questions(self, zone: str) -> int:
        """How many questions came so far for names in a zone."""
        counters = dict(line.split("=") for line in self._control("stats_noreset").splitlines())
        return int(counters[f"{zone}.num.queries"])

    def _control(self, *words: str) -> str:
        program = find_program("nsd-control")
        assert program is not None
        command = [program, "-c", str(self.directory / "nsd.conf"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


@dataclass(frozen=True)
class Unbound:
    """A running unbound: its port on 127.0.0.1, its log with every question, its process."""

    port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def asked_names(self) -> set[str]:
        """The names that somebody asked for so far: `[…] info: 127.0.0.1 NAME. TYPE IN`."""
        fields = [line.rpartition("info: 127.0.0.1 ")[2].split() for line in self.log.read_text().splitlines()]
        return {each[0].lower().removesuffix(".") for each in fields if len(each) == 3 and each[2] == "IN"}


@contextlib.contextmanager
def nsd(
    directory: Path, zones: Mapping[str, str], *, address: str = "127.0.0.1", port: int | None = None
) -> Iterator[Nsd]:
    """NSD with zones, by name with the final dot, as a context."""
    require_programs("nsd", "nsd-control")
    port = port or free_port([address], (SOCK_STREAM, SOCK_DGRAM))
    configuration = directory / "nsd.conf"
    text = _NSD_CONF.format(address=address, port=port, directory=directory)
    for zone, content in zones.items():
        (directory / f"{zone}zone").write_text(content, encoding="utf-8")
        text += _NSD_ZONE.format(zone=zone)
    configuration.write_text(text, encoding="utf-8")
    log = directory / "nsd.log"
    with running(["nsd", "-d", "-c", str(configuration)], log):
        wait_until(lambda: all(_serial(address, port, zone) for zone in zones), "NSD", log)
        yield Nsd(port, directory, address)


@contextlib.contextmanager
def unbound(
    directory: Path,
    authority: int,
    zones: Iterable[str],
    *,
    authority_address: str = "127.0.0.1",
    address: str = "127.0.0.1",
    port: int | None = None,
    modules: str = "iterator",
    more: Iterable[str] = (),
) -> Iterator[Unbound]:
    """An unbound that resolves these zones (with the final dot) at `authority_address`:`authority`, and nothing else.

    `more` are lines of its `server:` clause, or of clauses that they open; the first zone must have a SOA.
    """
    require_programs("unbound")
    port = port or free_port([address], (SOCK_STREAM, SOCK_DGRAM))
    first, *_ = zones = tuple(zones)
    where = f"{authority_address}@{authority}"
    configuration = directory / "unbound.conf"
    configuration.write_text(
        _UNBOUND_CONF.format(
            address=address,
            port=port,
            directory=directory,
            rest="transparent" if "." in zones else "static",
            zones="".join(f'  local-zone: "{zone}" transparent\n' for zone in zones if zone != "."),
            modules=modules,
            more="".join(f"  {line}\n" for line in more),
            stubs="".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {where}\n' for zone in zones),
        ),
        encoding="utf-8",
    )
    log = directory / "unbound.log"
    with running(["unbound", "-d", "-c", str(configuration)], log) as process:
        wait_until(lambda: _serial(address, port, first) is not None, "unbound", log)
        yield Unbound(port, log, process)


def _serial(address: str, port: int, zone: str) -> int | None:
    """The serial of a zone's SOA as a server says it; None if it says none."""
    try:
        answer = dns.query.udp(dns.message.make_query(zone, "SOA"), address, timeout=0.1, port=port).answer
    except (OSError, dns.exception.DNSException):
        return None
    return next((found[0].serial for found in answer), None)
