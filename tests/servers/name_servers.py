"""NSD with the zone real.test and an unbound that asks it: both as any user, on free ports of 127.0.0.1."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM

import dns.exception
import dns.message
import dns.query

from .programs import free_port, require_programs, running, wait_until

ZONE = Path(__file__).with_name("real.test.zone")

#: 40 labels of 58 octets, none of which compresses: more than a UDP answer holds, so TCP has to follow.
MANY_MX = 40
MANY_EXCHANGES = tuple(
    f"an-exchange-with-a-label-long-enough-to-fill-any-answer-{number:02}.mx.real.test" for number in range(MANY_MX)
)

# rrl: a scan asks faster than a stranger may. minimal-responses, database "": the fewest surprises.
_NSD_CONF = """\
server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
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
  control-enable: no
zone:
  name: "real.test."
  zonefile: "zone"
"""

# lame.test is delegated to a server that knows nothing of it and refuses: SERVFAIL, as from any lame server.
# Nothing but these two is resolved (the local zone "."), and every query leaves from 127.0.0.1: a mistake
# in the zone cannot make this unbound talk to the world's name servers.
_UNBOUND_CONF = """\
server:
  interface: 127.0.0.1@{port}
  port: {port}
  outgoing-interface: 127.0.0.1
  do-ip6: no
  do-daemonize: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "." static
  local-zone: "real.test." transparent
  local-zone: "lame.test." transparent
  module-config: "iterator"
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  use-syslog: no
  logfile: ""
remote-control:
  control-enable: no
stub-zone:
  name: "real.test."
  stub-addr: 127.0.0.1@{authority}
stub-zone:
  name: "lame.test."
  stub-addr: 127.0.0.1@{authority}
"""


@contextlib.contextmanager
def nsd(directory: Path) -> Iterator[int]:
    """NSD with real.test, as a context; gives its port on 127.0.0.1."""
    require_programs("nsd")
    port = free_port(["127.0.0.1"], (SOCK_STREAM, SOCK_DGRAM))
    (directory / "zone").write_text(ZONE.read_text(encoding="utf-8") + _many_mx(), encoding="utf-8")
    configuration = directory / "nsd.conf"
    configuration.write_text(_NSD_CONF.format(port=port, directory=directory), encoding="utf-8")
    log = directory / "nsd.log"
    with running(["nsd", "-d", "-c", str(configuration)], log):
        wait_until(lambda: _answers(port), "NSD", log)
        yield port


@contextlib.contextmanager
def unbound(directory: Path, authority: int) -> Iterator[int]:
    """An unbound that resolves real.test at 127.0.0.1:`authority`, as a context; gives its port."""
    require_programs("unbound")
    port = free_port(["127.0.0.1"], (SOCK_STREAM, SOCK_DGRAM))
    configuration = directory / "unbound.conf"
    configuration.write_text(
        _UNBOUND_CONF.format(port=port, directory=directory, authority=authority), encoding="utf-8"
    )
    log = directory / "unbound.log"
    with running(["unbound", "-d", "-c", str(configuration)], log):
        wait_until(lambda: _answers(port), "unbound", log)
        yield port


def _many_mx() -> str:
    return "".join(
        f"many.real.test. MX {preference} {exchange}.\n{exchange}. A 127.80.9.1\n"
        for preference, exchange in enumerate(MANY_EXCHANGES)
    )


def _answers(port: int) -> bool:
    query = dns.message.make_query("real.test.", "SOA")
    try:
        return bool(dns.query.udp(query, "127.0.0.1", timeout=0.1, port=port).answer)
    except (OSError, dns.exception.DNSException):
        return False
