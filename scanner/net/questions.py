"""DNS questions that aiodns can't ask: of any type, to servers in turn, with the AD bit of the answer.

dnspython needs five times the CPU of c-ares for a lookup: this is for a few questions, not for lists.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from scanner.dns.messages import status_of
from scanner.net.deadline import Deadline
from scanner.outcomes import DnsStatus

DNS_PORT = 53

#: How often every server is asked, in turn, each time for an equal share of the limit.
ROUNDS = 3

#: As settings and c-ares write it: ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT.
_SERVER = re.compile(r"\[(?P<v6>[^\]]+)\]:(?P<v6_port>\d+)|(?P<v4>[\d.]+):(?P<v4_port>\d+)|\[?(?P<bare>[^\]]+)\]?")

#: Statuses after which another server, or another try, may know more.
_NO_ANSWER = frozenset({DnsStatus.timed_out, DnsStatus.local_fault, DnsStatus.malformed})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: records of the type asked for, as text; `is_authenticated` is AD (RFC 4035 §3.2.3)."""

    status: DnsStatus
    is_authenticated: bool = False
    records: tuple[str, ...] = ()


class Questions:
    """Asks DNS servers, each as `ADDRESS` or `ADDRESS:PORT`, one question within `limit_s` seconds."""

    def __init__(self, servers: Sequence[str], limit_s: float) -> None:
        self._servers = [server_address(server) for server in servers]
        self._limit_s = limit_s

    async def ask(self, name: str, record_type: str) -> Reply:
        """The answer to a question about a name. Never raises for what the DNS says, or does not say."""
        query = dns.message.make_query(name, record_type, use_edns=0, payload=1232)
        # RFC 6840 §5.7: AD in a query asks for AD in the answer, without the signatures that DO would bring.
        query.flags |= dns.flags.AD
        reply = Reply(DnsStatus.local_fault)
        try:
            with Deadline(self._limit_s):
                for server in self._servers * ROUNDS:
                    reply = await self._ask_server(query, *server)
                    if reply.status not in _NO_ANSWER:
                        break
        except TimeoutError:
            return Reply(DnsStatus.timed_out)
        return reply

    async def _ask_server(self, query: dns.message.Message, address: str, port: int) -> Reply:
        try_s = self._limit_s / (ROUNDS * len(self._servers))
        try:
            response, _ = await dns.asyncquery.udp_with_fallback(
                query, address, timeout=try_s, port=port, backend=dns.asyncbackend.get_backend("asyncio")
            )
        except dns.exception.Timeout:
            return Reply(DnsStatus.timed_out)
        except (dns.exception.DNSException, EOFError):  # EOFError: TCP, after a truncated answer
            return Reply(DnsStatus.malformed)
        except OSError:
            return Reply(DnsStatus.local_fault)
        return _reply(response, query.question[0].rdtype)


def _reply(response: dns.message.Message, record_type: dns.rdatatype.RdataType) -> Reply:
    # Not by owner: after an alias, the records stand under another name.
    records = tuple(record.to_text() for found in response.answer if found.rdtype == record_type for record in found)
    status = status_of(response.rcode(), has_records=bool(records))
    if response.rcode() is not dns.rcode.NOERROR:
        return Reply(status)
    return Reply(status, bool(response.flags & dns.flags.AD), records)


def server_address(server: str) -> tuple[str, int]:
    """A server's address and port. Raises ValueError for what is none."""
    found = _SERVER.fullmatch(server)
    if found is None:
        raise ValueError(f"no address of a DNS server: {server!r}")
    address = found["v6"] or found["v4"] or found["bare"]
    return address, int(found["v6_port"] or found["v4_port"] or DNS_PORT)
