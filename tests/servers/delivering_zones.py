"""The zones of the Postfix that takes mail, forth and back, and three zones that are served ill."""

from .delivering_services import SERVICES

#: Where they are served. They share one port, as name servers share port 53; at NOBODY nobody listens.
PRIMARY, SECONDARY, WITHOUT_TCP, NOBODY = "127.81.2.1", "127.81.2.2", "127.81.2.3", "127.81.2.9"

_HEAD = """\
$ORIGIN {zone}
$TTL 300
@        SOA   ns.real.test. hostmaster.real.test. {serial} 3600 600 86400 60
@        NS    ns.real.test.
"""

_REAL = f"""\
ns          A   {PRIMARY}
second.ns   A   {SECONDARY}
scanner     A   127.0.0.1
backup      MX  10 nothing.mx
            MX  20 taken.mx
nothing.mx  A   127.80.59.1
down        MX  10 nothing.mx
null-mx     MX  0 .
"""


def _served() -> str:
    lines = []
    for service in SERVICES:
        lines += [f"{service.name} MX 10 {service.name}.mx", f"{service.name}.mx A {service.address}"]
    return "\n".join(lines) + "\n"


def _named() -> str:
    names = [(service.address.split(".")[2:], service.name) for service in SERVICES if service.name != "no-tls"]
    lines = [f"{fourth}.{third} PTR {name}.mx.real.test." for (third, fourth), name in names]
    return "\n".join(lines) + "\n"


def _zone(zone: str, lines: str, serial: int = 7) -> str:
    return _HEAD.format(zone=zone, serial=serial) + lines


NO_TCP = "no-tcp.test."
_NO_TCP_LINES = f"@ NS udp\nudp A {WITHOUT_TCP}\n@ MX 10 taken.mx.real.test.\n"
_OLD = "@ NS second.ns.real.test.\n@ MX 10 taken.mx.real.test.\n"

#: Zone → its text.
ZONES = {
    "real.test.": _zone("real.test.", _REAL + _served()),
    "old.test.": _zone("old.test.", _OLD),
    "dead.test.": _zone("dead.test.", f"@ NS ns\nns A {NOBODY}\n@ MX 10 taken.mx.real.test.\n"),
    NO_TCP: _zone(NO_TCP, _NO_TCP_LINES),
    "80.127.in-addr.arpa.": _zone("80.127.in-addr.arpa.", _named()),
    "0.0.127.in-addr.arpa.": _zone("0.0.127.in-addr.arpa.", "1 PTR scanner.real.test.\n"),
}

#: What the secondary has: not the last change.
OLD_ZONES = {"old.test.": _zone("old.test.", _OLD, serial=5)}
