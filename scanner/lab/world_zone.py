"""A world → the zone that its resolver answers from: what stands in records and is known only once a lab is open."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.lab.authority import Authority
from scanner.lab.security import Security
from scanner.lab.tlsa_lines import NamedCertificate, fill_in, named_certificate
from scanner.lab.world import DnsAnswers, World
from scanner.lab.world_file import TOP_LEVEL_SERVERS, security_of, servers_of
from scanner.lab.zone import Zone

#: Who scans the lab: the name in EHLO is his, forth and back. And the root, which everybody can ask for.
_VISITOR = ("scanner.lab. A 127.0.0.1", "1.0.0.127.in-addr.arpa. PTR scanner.lab.")
_ROOT = (". SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60",)

#: The zone of all names that are in no zone of their own.
_TOP_LEVEL = (
    "lab. SOA ns1.lab. hostmaster.lab. 2026112201 3600 600 86400 60",
    *[f"lab. NS ns{number}.lab." for number, _ in enumerate(TOP_LEVEL_SERVERS, 1)],
    *[f"ns{number}.lab. A {server.address}" for number, server in enumerate(TOP_LEVEL_SERVERS, 1)],
)

#: In a world mail servers listen on 25; what it says of that port is true of the one that they have in a lab, too.
_SMTP_PORT = 25
_SMTP_OWNER = f"_{_SMTP_PORT}._tcp."


@dataclass(frozen=True)
class ZoneSource:
    """What is published in a world; the zone needs the port that its mail servers have."""

    lines: tuple[str, ...]
    answers: dict[str, DnsAnswers]
    security: Security

    def zone(self, smtp_port: int) -> Zone:
        """The zone of an open lab (RFC 6698 §3: the port of a service stands in the name of its TLSA records)."""
        answers = dict(self.answers)
        answers |= {_for_port(key, smtp_port): said for key, said in answers.items() if key.startswith(_SMTP_OWNER)}
        return Zone((each for line in self.lines for each in _for_both_ports(line, smtp_port)), answers, self.security)


def zone_source(world: World, authority: Authority) -> ZoneSource:
    """What a world without problems (world_file) publishes."""
    certificates = _Certificates(world, authority)
    return ZoneSource(
        lines=tuple([certificates.fill_in(line) for line in _lines(world)]),
        answers={key: said for entry in world.entries for key, said in entry.dns.items()},
        security=security_of(world),
    )


def _for_both_ports(line: str, smtp_port: int) -> Iterator[str]:
    yield line
    if line.startswith(_SMTP_OWNER) and smtp_port != _SMTP_PORT:
        yield _for_port(line, smtp_port)


def _for_port(text: str, smtp_port: int) -> str:
    return f"_{smtp_port}._tcp.{text.removeprefix(_SMTP_OWNER)}"


def _lines(world: World) -> Iterator[str]:
    yield from (*_VISITOR, *_ROOT, *_TOP_LEVEL, *world.records)
    for entry in world.entries:
        yield from entry.records
    yield from _pointers(world)


def _pointers(world: World) -> Iterator[str]:
    """What leads from the address of a server to its name (RFC 1035 §3.5), unless the world says where else to."""
    told = {line.split(None, 1)[0].removesuffix(".").lower() for entry in world.entries for line in entry.records}
    for server in servers_of(world):
        owner = ipaddress.IPv4Address(server.address).reverse_pointer
        if owner not in told:
            yield f"{owner}. PTR {server.host}."


class _Certificates:
    """The certificates of a world's servers and issuers, as TLSA lines name them."""

    def __init__(self, world: World, authority: Authority) -> None:
        self._kinds = world.certificates
        self._authority = authority
        self._kind_of = {server.host: server.certificate for server in reversed(servers_of(world))}

    def fill_in(self, line: str) -> str:
        """A line without a name in place of data."""
        named = named_certificate(line)
        return line if named is None else fill_in(line, self._find(named))

    def _find(self, named: NamedCertificate) -> bytes:
        if named.issuer is not None:
            return self._authority.issuer_certificate(named.issuer)
        kind = self._kinds[named.kind or self._kind_of[named.host]]
        return self._authority.certificate(kind, named.host).chain[0]
