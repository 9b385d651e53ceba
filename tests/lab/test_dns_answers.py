"""The lab's resolver: what it answers, read by dnspython, over UDP and TCP."""

import socket
import struct

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from scanner.lab.dns_server import encode_response
from scanner.lab.world import World
from scanner.lab.world_file import DNS_ADDRESS
from scanner.lab.zone import Zone
from scanner.lab.zone_lines import ZoneError, encode_name, parse_record

from .conftest import OpenLab
from .running import RunningLab, entry, world_of

MANY = [f"many.lab. MX {number} mx{number}.a-long-enough-name-for-an-exchange.lab." for number in range(300)]

SOA = "lab. SOA ns1.lab. hostmaster.lab. 7 3600 600 86400 60"


def a_world() -> World:
    return world_of(
        records=("mx.provider.lab 60 IN A 127.64.9.1", "Mx.Provider.lab. AAAA ::ffff:127.64.9.1"),
        entries=(
            entry("here.lab", "here.lab. MX 10 MX.Here.lab.", "here.lab MX 20 mx.provider.lab"),
            entry("text.lab", 'text.lab. 99 TXT "v=spf1 -all" "more"', "a.b.text.lab. A 127.64.9.9"),
            entry("alias.lab", "alias.lab. CNAME here.lab.", "lost.alias.lab. CNAME nowhere.lab."),
            entry("round.lab", "round.lab. CNAME a.round.lab.", "a.round.lab. CNAME Round.lab."),
            entry("null.lab", "null.lab. MX 0 ."),
            entry("many.lab", *MANY),
            entry(
                "ill.lab",
                "ill.lab. MX 10 mx.here.lab.",
                "to-ill.lab. CNAME ill.lab.",
                dns={
                    "ill.lab A": "servfail",
                    "ill.lab AAAA": "refused",
                    "ill.lab. MX": "truncate",
                    "ill.lab txt": "nxdomain",
                    "ill.lab NS": "drop",
                    "ill.lab SOA": "malformed",
                    "ill.lab SRV": "cname_loop",
                    "ill.lab PTR": "tcp_refused",
                },
            ),
        ),
    )


def a_zone() -> Zone:
    world = a_world()
    lines = [*world.records, *[line for each in world.entries for line in each.records]]
    return Zone([SOA, *lines], {key: fault for each in world.entries for key, fault in each.dns.items()})


def ask(name: str, record_type: str, zone: Zone | None = None) -> dns.message.Message:
    """Over UDP as far as the message goes, without a socket."""
    query = dns.message.make_query(name, record_type)
    response, _ = encode_response(query.to_wire(), zone or a_zone())
    answer = dns.message.from_wire(response)
    assert query.is_response(answer)
    return answer


ANSWERS = [
    (
        "here.lab",
        "MX",
        ["here.lab. 300 IN MX 10 MX.Here.lab.", "here.lab. 300 IN MX 20 mx.provider.lab."],
        "names",
    ),
    ("mx.provider.lab", "A", ["mx.provider.lab. 60 IN A 127.64.9.1"], "a TTL"),
    ("mx.provider.lab", "AAAA", ["mx.provider.lab. 300 IN AAAA ::ffff:127.64.9.1"], "owners in any case"),
    ("text.lab", "TXT", ['text.lab. 99 IN TXT "v=spf1 -all" "more"'], "a type left to dnspython"),
    ("null.lab", "MX", ["null.lab. 300 IN MX 0 ."], "the root as exchange"),
    (
        "alias.lab",
        "MX",
        [
            "alias.lab. 300 IN CNAME here.lab.",
            "here.lab. 300 IN MX 10 MX.Here.lab.",
            "here.lab. 300 IN MX 20 mx.provider.lab.",
        ],
        "a CNAME is followed",
    ),
    ("alias.lab", "CNAME", ["alias.lab. 300 IN CNAME here.lab."], "unless it is asked for"),
    (
        "round.lab",
        "A",
        ["round.lab. 300 IN CNAME a.round.lab.", "a.round.lab. 300 IN CNAME Round.lab."],
        "a loop is the chain",
    ),
    (
        "ill.lab",
        "SRV",
        ["ill.lab. 60 IN CNAME loop.ill.lab.", "loop.ill.lab. 60 IN CNAME ill.lab."],
        "a loop made",
    ),
]


@pytest.mark.parametrize(("name", "record_type", "records", "why"), ANSWERS, ids=[row[-1] for row in ANSWERS])
def test_an_answer_has_these_records(name: str, record_type: str, records: list[str], why: str) -> None:
    answer = ask(name, record_type)
    assert answer.rcode() == dns.rcode.NOERROR
    assert [line for rrset in answer.answer for line in rrset.to_text().splitlines()] == records
    assert answer.flags & dns.flags.RA
    assert answer.flags & dns.flags.RD
    assert not answer.flags & dns.flags.AD


NEGATIVE = [
    ("here.lab", "A", "NOERROR", "lab.", "no data"),
    ("b.text.lab", "A", "NOERROR", "lab.", "an empty non-terminal exists"),
    ("nowhere.lab", "MX", "NXDOMAIN", "lab.", "no such name"),
    ("lab", "MX", "NOERROR", "lab.", "the top"),
    ("example.org", "MX", "NXDOMAIN", ".", "not of this world"),
    (".", "NS", "NOERROR", ".", "the root"),
    ("lost.alias.lab", "A", "NXDOMAIN", "lab.", "RFC 6604: the code of the last name"),
    ("ill.lab", "TXT", "NXDOMAIN", None, "a fault of one type"),
    ("ill.lab", "A", "SERVFAIL", None, "a fault"),
    ("ill.lab", "AAAA", "REFUSED", None, "another"),
    ("to-ill.lab", "A", "SERVFAIL", None, "a fault at the end of a CNAME"),
]


@pytest.mark.parametrize(("name", "record_type", "rcode", "soa", "why"), NEGATIVE, ids=[row[-1] for row in NEGATIVE])
def test_an_answer_without_records_says_why(name: str, record_type: str, rcode: str, soa: str | None, why: str) -> None:
    answer = ask(name, record_type)
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert [(rrset.name.to_text(), rrset.rdtype) for rrset in answer.authority] == (
        [] if soa is None else [(soa, dns.rdatatype.SOA)]
    )
    assert [rrset.rdtype for rrset in answer.answer] == ([dns.rdatatype.CNAME] if name.startswith("lost") else [])


def test_a_question_comes_back_in_the_case_it_was_asked() -> None:
    zone = a_zone()
    for name in ("HERE.lab", "here.LAB", "hErE.lAb"):
        query = dns.message.make_query(name, "MX")
        response, _ = encode_response(query.to_wire(), zone)
        assert encode_name(name) in response
        assert len(dns.message.from_wire(response).answer[0]) == 2


def test_edns_is_answered_only_to_who_speaks_it() -> None:
    zone = a_zone()
    with_edns = dns.message.make_query("here.lab", "MX", use_edns=0, payload=4096)
    without = dns.message.make_query("here.lab", "MX", use_edns=False)
    assert dns.message.from_wire(encode_response(with_edns.to_wire(), zone)[0]).edns == 0
    assert dns.message.from_wire(encode_response(without.to_wire(), zone)[0]).edns == -1


def test_an_answer_too_large_for_the_client_is_cut_whole() -> None:
    zone = Zone(MANY[:10], {})
    small = dns.message.make_query("many.lab", "MX", use_edns=False)
    large = dns.message.make_query("many.lab", "MX", use_edns=0, payload=1232)
    cut = dns.message.from_wire(encode_response(small.to_wire(), zone)[0])
    whole = dns.message.from_wire(encode_response(large.to_wire(), zone)[0])
    assert (bool(cut.flags & dns.flags.TC), cut.answer) == (True, [])
    assert (bool(whole.flags & dns.flags.TC), len(whole.answer[0])) == (False, 10)


STRANGE = [
    (b"", "empty"),
    (b"\0" * 16, "too short"),
    (b"\0\1\x81\0\0\1" + b"\0" * 20, "an answer"),
]


@pytest.mark.parametrize(("octets", "why"), STRANGE, ids=[row[-1] for row in STRANGE])
def test_what_is_no_query_has_no_answer(octets: bytes, why: str) -> None:
    with pytest.raises(ValueError, match="not a query"):
        encode_response(octets, a_zone())


def _query(question: bytes, flags: int = 0x0100, count: int = 1) -> bytes:
    return struct.pack("!6H", 7, flags, count, 0, 0, 0) + question


REFUSED = [
    (_query(b"\3a\0b\0\0\1\0\1"), "FORMERR", "a NUL inside a label"),
    (_query(b"\x3fabc\0\0\1\0\1"), "FORMERR", "a label longer than the message"),
    (_query(b"\xc0\x0c\0\0\1\0\1"), "FORMERR", "a compressed question"),
    (_query(b"\1a\0\0\1\0\1", count=2), "FORMERR", "two questions"),
    (_query(b"\1a\0\0\1\0\3"), "REFUSED", "class CH"),
    (_query(b"\1a\0\0\1\0\1", flags=0x2000), "NOTIMP", "NOTIFY"),
]


@pytest.mark.parametrize(("query", "rcode", "why"), REFUSED, ids=[row[-1] for row in REFUSED])
def test_a_strange_query_is_refused(query: bytes, rcode: str, why: str) -> None:
    response, _ = encode_response(query, a_zone())
    assert response[:2] == b"\0\7"
    assert dns.rcode.to_text(dns.rcode.Rcode(response[3] & 0x0F)) == rcode


def test_no_cut_or_changed_query_breaks_the_resolver() -> None:
    zone = a_zone()
    query = dns.message.make_query("here.lab", "MX").to_wire()
    for position in range(len(query)):
        for changed in (query[:position], query[:position] + b"\xff" + query[position + 1 :]):
            try:
                encode_response(changed, zone)
            except ValueError as error:
                assert str(error) == "not a query"  # noqa: PT017


BAD_LINES = [
    ("", "empty"),
    ("x.lab.", "no type"),
    ("x.lab. A", "no data"),
    ("x.lab. A 127.0.0.256", "no address"),
    ("x.lab. A ::1", "the wrong family"),
    ("x.lab. MX mx.lab.", "no preference"),
    ("x.lab. MX 70000 mx.lab.", "a preference over 16 bits"),
    ("x.lab. NOSUCHTYPE 1", "an unknown type"),
    ("x.lab. 99999999999 A 127.64.0.1", "a TTL over 31 bits"),
    ("x.lab. MX 10 a..b.", "an empty label"),
    ("x.lab. MX 10 münchen.lab.", "a U-label"),
    (f"x.lab. MX 10 {'a' * 64}.lab.", "a label of 64 octets"),
    ("x.lab. SRV 1", "dnspython refuses it"),
]


@pytest.mark.parametrize(("line", "why"), BAD_LINES, ids=[row[-1] for row in BAD_LINES])
def test_a_line_that_is_no_record_is_refused(line: str, why: str) -> None:
    with pytest.raises(ZoneError):
        parse_record(line)


def test_our_encoding_is_that_of_dnspython() -> None:
    for name in ("a.lab", "A.b.C.lab.", ".", r"a\.b.lab.", r"a\000b.lab."):
        assert encode_name(name) == dns.name.from_text(name).to_wire()


# Over sockets ---------------------------------------------------------------------------------------------


def over_udp(lab: RunningLab, name: str, record_type: str, timeout_s: float = 5.0) -> dns.message.Message:
    query = dns.message.make_query(name, record_type)
    return dns.query.udp(query, DNS_ADDRESS, timeout_s, lab.lab.ports.dns)


def over_tcp(lab: RunningLab, name: str, record_type: str, timeout_s: float = 5.0) -> dns.message.Message:
    query = dns.message.make_query(name, record_type)
    return dns.query.tcp(query, DNS_ADDRESS, timeout_s, lab.lab.ports.dns)


def test_a_cut_answer_is_whole_over_tcp(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    assert over_udp(lab, "many.lab", "MX").flags & dns.flags.TC
    assert len(over_tcp(lab, "many.lab", "MX").answer[0]) == 300
    assert over_udp(lab, "ill.lab", "MX").flags & dns.flags.TC
    assert len(over_tcp(lab, "ill.lab", "MX").answer[0]) == 1


def test_messages_over_tcp_may_come_in_any_pieces_and_together(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    queries = [
        dns.message.make_query("here.lab", record_type, id=number) for number, record_type in enumerate(["MX", "A"])
    ]
    octets = b"".join([len(wire).to_bytes(2, "big") + wire for wire in [query.to_wire() for query in queries]])
    with socket.create_connection((DNS_ADDRESS, lab.lab.ports.dns), 5) as client:
        for octet in octets[:20]:
            client.sendall(bytes((octet,)))
        client.sendall(octets[20:])
        for query in queries:
            message, _ = dns.query.receive_tcp(client)
            assert query.is_response(message)


def test_a_dropped_query_is_never_answered(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    for ask_lab in (over_udp, over_tcp):
        with pytest.raises(dns.exception.Timeout):
            ask_lab(lab, "ill.lab", "NS", 0.2)


def test_a_malformed_answer_cannot_be_read(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    with pytest.raises(dns.exception.DNSException):
        over_udp(lab, "ill.lab", "SOA")


def test_tcp_refused_is_cut_over_udp_and_reset_over_tcp(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    assert over_udp(lab, "ill.lab", "PTR").flags & dns.flags.TC
    with pytest.raises((ConnectionResetError, EOFError)):
        over_tcp(lab, "ill.lab", "PTR")


def test_many_queries_at_once_are_all_answered(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    query = dns.message.make_query("here.lab", "MX").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((DNS_ADDRESS, lab.lab.ports.dns))
        for number in range(150):
            client.send(number.to_bytes(2, "big") + query[2:])
        assert {client.recv(512)[:2] for _ in range(150)} == {number.to_bytes(2, "big") for number in range(150)}


def test_the_log_counts_queries(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    over_udp(lab, "here.lab", "MX")
    over_udp(lab, "here.lab", "A")
    over_tcp(lab, "here.lab", "MX")
    counts = [line.queries for line in lab.stop() if type(line).__name__ == "DnsLine"]  # type: ignore[attr-defined]
    assert counts == [{"udp": 2, "tcp": 1}]
