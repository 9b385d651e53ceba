"""DNS messages on the wire, as much as bulk questions need: a query, the header of a response, data without names.

RFC 1035 §4.1, RFC 6891 (EDNS), RFC 4035 §3.2 (AD and CD). By hand, because of most answers only the header is
read, and because dnspython refuses a whole message for one TLSA record whose digest has a wrong length: such a
record is only of no use (RFC 6698 §4.1).
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from scanner.names import MAX_LABEL, MAX_NAME
from scanner.outcomes import DnsStatus

#: What resolvers offer since the DNS flag day 2020: it is never fragmented. More comes over TCP.
MAX_UDP_BYTES = 1232

HEADER_BYTES = 12

ROOT = "."

_IN = 1
_QR, _TC, _RD, _AD, _CD = 0x8000, 0x0200, 0x0100, 0x0020, 0x0010
_RCODE = 0x000F
_HEADER = struct.Struct("!HHHHHH")
#: RFC 1035 §4.1.3: type, class, TTL, length of the data.
_RECORD = struct.Struct("!HHIH")
#: RFC 1035 §4.1.4: a label's length is below the first, a pointer of two octets begins with the second.
_NO_LABEL, _POINTER = 0x40, 0xC0
#: RFC 6891 §6.1.2: the root, type OPT, how much we take, no extended flags, no data.
_OPT = b"\0" + struct.pack("!HHIH", 41, MAX_UDP_BYTES, 0, 0)

_NO_ERROR = 0
#: Response codes → statuses (RFC 1035 §4.1.1); any other is a server that has no answer, as SERVFAIL is.
_STATUSES = {
    1: DnsStatus.malformed,
    2: DnsStatus.servfail,
    3: DnsStatus.nxdomain,
    4: DnsStatus.refused,
    5: DnsStatus.refused,
}


class RecordType(IntEnum):
    """Types of records (RFC 1035 §3.2.2, RFC 3596, RFC 6698 §7.1)."""

    A = 1
    CNAME = 5
    SOA = 6
    MX = 15
    AAAA = 28
    TLSA = 52


class Header(NamedTuple):
    """The header of a message. `status` is `ok` if the answer section has anything, be it only an alias."""

    is_response: bool
    is_truncated: bool
    is_authenticated: bool
    status: DnsStatus
    questions: int


def encode_question(name: str, record_type: RecordType) -> bytes:
    """The question for a name, without the trailing dot (RFC 1035 §4.1.2). Raises ValueError for what is no name."""
    labels = [] if name == ROOT else name.encode("ascii").split(b".")
    if len(name) > MAX_NAME or not all(0 < len(label) <= MAX_LABEL for label in labels):
        raise ValueError(f"not a name: {name!r}")
    wire = b"".join([bytes((len(label),)) + label for label in labels])
    return wire + b"\0" + struct.pack("!HH", record_type, _IN)


def encode_query(message_id: int, question: bytes, *, checking_disabled: bool = False) -> bytes:
    """A query that wants recursion and, in the answer, AD; with CD the resolver gives bogus data too.

    RFC 6840 §5.7: AD in a query asks for AD in the response, without the signatures that DO would bring.
    """
    flags = _RD | _AD | (_CD if checking_disabled else 0)
    return _HEADER.pack(message_id, flags, 1, 0, 0, 1) + question + _OPT


def status_of(response_code: int, *, has_records: bool) -> DnsStatus:
    """What a response says by its code, and by having records or not."""
    if response_code == _NO_ERROR:
        return DnsStatus.ok if has_records else DnsStatus.no_data
    return _STATUSES.get(response_code, DnsStatus.servfail)


def parse_header(message: bytes) -> Header:
    """The header of a message. Raises ValueError for one that has none."""
    if len(message) < HEADER_BYTES:
        raise ValueError(f"a message of {len(message)} octets")
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    status = status_of(flags & _RCODE, has_records=bool(answers))
    return Header(bool(flags & _QR), bool(flags & _TC), bool(flags & _AD), status, questions)


def is_answer_to(question: bytes, message: bytes, header: Header) -> bool:
    """Whether a message is a response to a question (in lower case): it repeats it, in whatever case (§7.3)."""
    if not header.is_response:
        return False
    if header.questions == 0:
        return header.status is DnsStatus.malformed  # who could not read the question can't repeat it
    return message[HEADER_BYTES : HEADER_BYTES + len(question)].lower() == question


def parse_answers(message: bytes) -> list[tuple[int, bytes]]:
    """Type and data of each record in the answer section, whoever owns it.

    Raises ValueError for a message that is cut, wherever it is.
    """
    try:
        _, _, questions, *counts = _HEADER.unpack_from(message)
        position = HEADER_BYTES
        for _ in range(questions):
            position = _end_of_name(message, position) + 4
        return list(_records(message, position, sum(counts)))[: counts[0]]
    except (IndexError, struct.error) as error:
        raise ValueError(f"a message that is cut: {error}") from error


def _records(message: bytes, position: int, count: int) -> Iterator[tuple[int, bytes]]:
    for _ in range(count):
        position = _end_of_name(message, position)
        record_type, _, _, data_bytes = _RECORD.unpack_from(message, position)
        position += _RECORD.size + data_bytes
        if position > len(message):
            raise ValueError("a record that is cut")
        yield record_type, message[position - data_bytes : position]


def _end_of_name(message: bytes, position: int) -> int:
    """Where a name ends that begins at a position (§4.1.4)."""
    while 0 < (length := message[position]) < _NO_LABEL:
        position += 1 + length
    if _NO_LABEL <= length < _POINTER:
        raise ValueError(f"a label that is none: {length:#x}")
    return position + (2 if length >= _POINTER else 1)
