"""A name server on loopback that answers from a table, in threads of its own, and is ill where the table says so."""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.net.scripted import PATIENCE_S, new_address

#: `NAME TYPE` → lines `OWNER TTL TYPE RDATA` of the answer, or a word: a response code, or `drop` (no answer),
#: `late` (one to the seventh question only), `garbage` (half a record), `truncate` (cut over UDP, well over TCP),
#: `truncate-reset` (cut over UDP, reset over TCP).
Table = dict[str, list[str] | str]


@dataclass(frozen=True)
class Asked:
    """A question, how it came and from which port."""

    question: str
    transport: str
    port: int


class NameServer:
    """Answers on one port over UDP and TCP; what is not in the table does not exist."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.address = new_address()
        self._udp, self._tcp = _bound_to_one_port(self.address)
        self.port: int = self._udp.getsockname()[1]
        self.asked: list[Asked] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)]

    @property
    def server(self) -> str:
        """As the settings take it."""
        return f"{self.address}:{self.port}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for listening in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            packet, client = self._udp.recvfrom(65535)
            if not client:
                return
            self._respond(packet, client)

    def _respond(self, packet: bytes, client: tuple[str, int]) -> None:
        answer = self._answer(packet, "udp", client[1])
        if answer is not None:
            self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connected, client = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connected, client[1]), daemon=True).start()

    def _converse(self, connected: socket.socket, port: int) -> None:
        connected.settimeout(PATIENCE_S)
        with connected, contextlib.suppress(OSError):
            while len(size := connected.recv(2, socket.MSG_WAITALL)) == 2:
                packet = connected.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
                answer = self._answer(packet, "tcp", port)
                if answer is None:
                    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connected.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        """The answer's octets; None for none over UDP and for a reset over TCP."""
        query = dns.message.from_wire(packet)
        asked = query.question[0]
        question = f"{asked.name.to_text(omit_final_dot=True).lower()} {dns.rdatatype.to_text(asked.rdtype)}"
        self.asked.append(Asked(question, transport, port))
        entry = self._table.get(question, "nxdomain")
        response = dns.message.make_response(query, recursion_available=True)
        if isinstance(entry, list):
            response.answer = [_rrset(line) for line in entry]
            return response.to_wire(max_size=65535)
        match entry:
            case "drop":
                return None
            case "late":
                if sum(each.question == question for each in self.asked) < 7:
                    return None
                response.answer = [_rrset(f"{question.split(maxsplit=1)[0]} 60 MX 10 late.test.")]
            case "garbage":
                return response.to_wire()[:6] + b"\0\1" + response.to_wire()[8:] + b"\xc0"
            case "truncate" | "truncate-reset" if transport == "udp":
                response.flags |= dns.flags.TC
            case "truncate":
                response.answer = [_rrset(f"{question.split(maxsplit=1)[0]} 60 MX 10 over-tcp.test.")]
            case "truncate-reset":
                return None
            case _:
                response.set_rcode(dns.rcode.from_text(entry))
        return response.to_wire()


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, rdtype, rdata = line.split(maxsplit=3)
    name = "." if owner == "." else f"{owner}."
    if rdtype == "TLSA":  # dnspython refuses those whose digest has a wrong length
        *numbers, data = rdata.split()
        wire = bytes(map(int, numbers)) + bytes.fromhex(data)
        generic = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.TLSA, wire)
        return dns.rrset.from_rdata(name, int(ttl), generic)
    return dns.rrset.from_text(name, int(ttl), "IN", rdtype, rdata)


def _bound_to_one_port(address: str) -> tuple[socket.socket, socket.socket]:
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, 0))
        try:
            return udp, socket.create_server((address, udp.getsockname()[1]))
        except OSError:
            udp.close()
