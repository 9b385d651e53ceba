"""All DNS servers of a world on one port: the resolver, and name servers that have the authority for some zones."""

from collections.abc import Mapping, Sequence

from scanner.lab.dns_server import DnsServer
from scanner.lab.world import NameServer
from scanner.lab.zone import REFUSED, Answer, Zone
from scanner.lab.zone_lines import encode_name, parse_owner, parse_record


class AuthorityZone:
    """What a name server says (dns_server.Answers); all of it stands in the world's zone or in its own records."""

    is_authority = True
    validates = False

    def __init__(self, server: NameServer, zone: Zone) -> None:
        """Raises ZoneError."""
        self._zone = zone
        self._apexes = {encode_name(apex).lower() for apex in server.zones}
        self._own_zone = Zone(server.records, {})
        self._own = {(parse_owner(line), parse_record(line).type) for line in server.records}

    def answer(self, question: bytes) -> Answer:
        """REFUSED for what belongs to somebody else, as a server says that was made authority without its knowledge."""
        name, record_type = question[:-4], int.from_bytes(question[-4:-2], "big")
        if not any(_is_within(name, apex) for apex in self._apexes):
            return Answer(REFUSED)
        zone = self._own_zone if (name, record_type) in self._own else self._zone
        return zone.published(question)._replace(is_secure=False)


class _Silence:
    """What becomes of the questions to a name server (dns_server.Trouble)."""

    def __init__(self, server: NameServer) -> None:
        self._by_udp = server.udp == "silent"

    def loses_question(self, *, by_udp: bool) -> bool:
        return by_udp and self._by_udp


class DnsServers:
    """The resolver at an address of its own, and the name servers at theirs."""

    def __init__(self, address: str, resolver: DnsServer, name_servers: Sequence[NameServer], zone: Zone) -> None:
        self._servers = {address: resolver}
        for server in name_servers:
            self._servers[server.address] = DnsServer(AuthorityZone(server, zone), _Silence(server), server.tcp)

    async def open(self, port: int) -> None:
        """Raises OSError if the port is not free at each of them; then nothing stays open."""
        try:
            for address, server in self._servers.items():
                await server.open(address, port)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes all sockets and all connections."""
        for server in self._servers.values():
            await server.close()

    @property
    def queries(self) -> Mapping[str, Mapping[str, int]]:
        """How many queries came to each address, by transport."""
        return {address: dict(server.counters) for address, server in self._servers.items()}


def _is_within(name: bytes, apex: bytes) -> bool:
    """On the wire: whether the labels of the one end with all labels of the other."""
    while len(name) > len(apex):
        name = name[name[0] + 1 :]
    return name == apex
