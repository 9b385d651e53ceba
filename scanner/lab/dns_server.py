"""A DNS server of the lab: one UDP and one TCP socket that answer from a zone (RFC 1035 §4, RFC 6891).

The UDP side reads and writes its socket itself, so that an answer costs a few microseconds on every loop.
"""

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol

from scanner.lab.listening import open_blackhole
from scanner.lab.zone import FORMERR, IN, NOTIMP, REFUSED, SERVFAIL, Answer

MIN_UDP_BYTES = 512  # RFC 1035 §4.2.1
MAX_UDP_BYTES = 1232  # what resolvers have offered since the DNS flag day 2020: it is never fragmented
MAX_MESSAGE_BYTES = 65535
RECEIVE_BUFFER_BYTES = 4 << 20
#: Datagrams read before the loop gets its turn again.
_DATAGRAMS_A_TURN = 64

_QR, _AA, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_OPCODE = 0x7800
#: The bit of the extended flags that asks for DNSSEC (RFC 3225 §3); "MUST be copied into the response".
_DO = 0x8000


class Answers(Protocol):
    """What a server says: as a resolver, or with authority; and whether it looks at signatures."""

    @property
    def is_authority(self) -> bool: ...

    @property
    def validates(self) -> bool: ...

    def answer(self, question: bytes) -> Answer:
        """The answer to a question: its name on the wire in lower case, its type, class IN."""
        ...


class Trouble(Protocol):
    """What happens to questions on their way."""

    def loses_question(self, *, by_udp: bool) -> bool:
        """True if the question that has just come is not to be answered."""
        ...


def encode_response(query: bytes, zone: Answers, max_bytes: int | None = None) -> tuple[bytes, str | None]:
    """The response to a query, and the fault that its transport still has to show.

    `max_bytes` None is UDP: what the client says that it takes. Raises ValueError for what is no query.
    """
    if len(query) < 17 or query[2] & 0x80:
        raise ValueError("not a query")
    name_end = query.find(b"\0", 12) + 1
    question = query[12:name_end].lower() + query[name_end : name_end + 4]
    flags = int.from_bytes(query[2:4], "big")
    answer, question_bytes = _answer(question, flags, query, zone), len(question)
    edns = _edns(query, 12 + question_bytes)
    limit = edns.client_bytes if max_bytes is None else max_bytes
    cut = 12 + question_bytes + len(answer.sections) + len(edns.opt) > limit
    if cut or (max_bytes is None and answer.fault in {"truncate", "tcp_refused"}):
        answer, flags = Answer(answer.rcode, fault=answer.fault), flags | _TC
    ad = _AD if answer.is_secure and _asks_for_security(flags, edns) else 0
    flags = flags & (_OPCODE | _TC | _RD | _CD) | _QR | _standing(zone, answer) | ad | answer.rcode
    header = struct.pack("!HHHHH", flags, 1, answer.answers, answer.authorities, 1 if edns.opt else 0)
    response = query[:2] + header + query[12 : 12 + question_bytes] + answer.sections + edns.opt
    return response, answer.fault


def _standing(zone: Answers, answer: Answer) -> int:
    """RFC 1035 §4.1.1: who recurses says so, and who has the authority; of what it refuses nobody has it."""
    if not zone.is_authority:
        return _RA
    return 0 if answer.rcode == REFUSED else _AA


def _asks_for_security(flags: int, edns: "_Edns") -> bool:
    """RFC 6840 §5.7: AD in a query is "a signal indicating that the requester understands" it, and so is DO (§5.8).

    Who checks for himself (CD) is told nothing.
    """
    return (bool(flags & _AD) or edns.asks_for_dnssec) and not flags & _CD


def _answer(question: bytes, flags: int, query: bytes, zone: Answers) -> Answer:
    if flags & _OPCODE:
        return Answer(NOTIMP)
    if query[4:6] != b"\0\1" or len(question) < 5 or not _is_name(question[:-4]):
        return Answer(FORMERR)
    if int.from_bytes(question[-2:], "big") != IN:
        return Answer(REFUSED)
    return _as_validated(zone.answer(question), checking_disabled=bool(flags & _CD), zone=zone)


def _as_validated(answer: Answer, *, checking_disabled: bool, zone: Answers) -> Answer:
    """RFC 4035 §5.5: bogus data is withheld by SERVFAIL, unless the query sets CD (§3.2.2)."""
    if answer.fault != "bogus":
        return answer
    if zone.validates and not checking_disabled:
        return Answer(SERVFAIL)
    return answer._replace(fault=None)


def _is_name(name: bytes) -> bool:
    """False for a compressed name, one with a NUL inside a label, and one that is cut."""
    position = 0
    while name[position] != 0:
        position += 1 + name[position]
        if position >= len(name):
            return False
    return position == len(name) - 1


class _Edns(NamedTuple):
    """Our OPT record if the client sent one (RFC 6891 §7), how many octets it takes over UDP, its DO bit."""

    opt: bytes = b""
    client_bytes: int = MIN_UDP_BYTES
    asks_for_dnssec: bool = False


def _edns(query: bytes, position: int) -> _Edns:
    if query[position : position + 3] != b"\0\0\x29":
        return _Edns()
    client_bytes = int.from_bytes(query[position + 3 : position + 5], "big")
    dnssec = int.from_bytes(query[position + 7 : position + 9], "big") & _DO
    # RFC 6891 §6.1.2: root, type OPT, our size, the extended flags, no data.
    opt = b"\0" + struct.pack("!HHIH", 41, MAX_UDP_BYTES, dnssec, 0)
    return _Edns(opt, min(max(client_bytes, MIN_UDP_BYTES), MAX_UDP_BYTES), bool(dnssec))


class DnsServer:
    """Answers on one address and port over UDP and, as `tcp` has it, over TCP; silent: no connect is answered.

    `counters` has the queries by transport.
    """

    def __init__(
        self, zone: Answers, trouble: Trouble, tcp: Literal["answers", "refused", "silent"] = "answers"
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._zone = zone
        self._trouble = trouble
        self._tcp_manner = tcp
        self._udp: socket.socket | None = None
        self._tcp: asyncio.Server | None = None
        self._blackhole: list[socket.socket] = []
        self._connections: set[asyncio.Transport] = set()

    async def open(self, address: str, port: int) -> None:
        """Raises OSError if the port is not free in both transports; then nothing stays open."""
        loop = asyncio.get_running_loop()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            udp.bind((address, port))
            await self._open_tcp(address, port)
        except OSError as error:
            udp.close()
            raise OSError(error.errno, f"{address}:{port}: {error.strerror}") from error
        self._udp = udp
        loop.add_reader(udp, self._read_datagrams, udp)

    async def _open_tcp(self, address: str, port: int) -> None:
        if self._tcp_manner == "answers":
            loop = asyncio.get_running_loop()
            self._tcp = await loop.create_server(lambda: _TcpConnection(self), address, port)
        elif self._tcp_manner == "silent":
            self._blackhole = open_blackhole(address, port)

    async def close(self) -> None:
        """Closes all sockets and all connections, if it is open."""
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp)
            self._udp.close()
            self._udp = None
        for waiting in self._blackhole:
            waiting.close()
        for transport in self._connections:
            transport.abort()
        if self._tcp is not None:
            self._tcp.close()
            await self._tcp.wait_closed()
            self._tcp = None

    def _read_datagrams(self, udp: socket.socket) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                query, client = udp.recvfrom(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            self.counters["udp"] += 1
            if self._trouble.loses_question(by_udp=True):
                continue
            try:
                response, fault = encode_response(query, self._zone)
            except ValueError:
                continue
            if fault != "drop":
                # A full socket buffer loses the datagram, as networks do.
                with suppress(OSError):
                    udp.sendto(response, client)

    def opened(self, transport: asyncio.Transport) -> None:
        self._connections.add(transport)

    def closed(self, transport: asyncio.Transport) -> None:
        self._connections.discard(transport)

    def respond_over_tcp(self, query: bytes, transport: asyncio.Transport) -> None:
        self.counters["tcp"] += 1
        if self._trouble.loses_question(by_udp=False):
            return
        try:
            response, fault = encode_response(query, self._zone, MAX_MESSAGE_BYTES)
        except ValueError:
            transport.abort()
            return
        if fault in {"tcp_refused", "udp_only"}:
            # One port serves all names, so a connect can't be refused for one of them: a reset comes closest.
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif fault != "drop":
            transport.write(len(response).to_bytes(2, "big") + response)


class _TcpConnection(asyncio.Protocol):
    """One client over TCP: messages with their length before them (RFC 1035 §4.2.2, RFC 7766)."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a server's transports are duplex
        self._server.opened(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2:
            end = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < end:
                return
            self._server.respond_over_tcp(bytes(self._received[2:end]), self._transport)
            del self._received[:end]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._server.closed(self._transport)
