"""The lab's name servers, zones and pointers: what each says, over UDP and over TCP."""

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from scanner.lab.log import DnsLine
from scanner.lab.world import NameServer, Server, World
from scanner.lab.world_file import DNS_ADDRESS, find_problems

from .conftest import OpenLab
from .running import RunningLab, entry, world_of

GOOD, OLD, LAME, MUTE, NO_TCP, FILTERED = [f"127.64.0.{number}" for number in range(10, 16)]
SOA = "zone.lab. SOA ns1.zone.lab. hostmaster.zone.lab. {serial} 3600 600 86400 60"
ZONES = ("zone.lab",)


def a_world() -> World:
    return world_of(
        entries=(
            entry(
                "zone.lab",
                SOA.format(serial=7),
                "zone.lab. NS ns1.zone.lab.",
                "zone.lab. MX 10 mx.zone.lab.",
                "mx.zone.lab. A 127.64.201.1",
                "other.lab. A 127.64.201.2",
                "mx.zone.lab. TXT x",
                "3.201.64.127.in-addr.arpa. PTR elsewhere.lab.",
                dns={
                    "zone.lab MX": "servfail",
                    "mx.zone.lab A": "udp_only",
                    "mx.zone.lab TXT": ("servfail", "ok"),
                    "4.201.64.127.in-addr.arpa PTR": "nxdomain",
                },
                servers=tuple(
                    Server(
                        address=f"127.64.201.{number}",
                        host=f"mx{number}.zone.lab",
                        behaviour="this",
                        certificate="this",
                    )
                    for number in (1, 3, 4)
                ),
                name_servers=(
                    NameServer(address=GOOD, zones=ZONES),
                    NameServer(address=OLD, zones=ZONES, records=(SOA.format(serial=6),)),
                    NameServer(address=LAME),
                    NameServer(address=MUTE, zones=ZONES, udp="silent", tcp="silent"),
                    NameServer(address=NO_TCP, zones=ZONES, tcp="refused"),
                    NameServer(address=FILTERED, zones=ZONES, tcp="silent"),
                ),
            ),
        )
    )


def ask(
    lab: RunningLab,
    name: str,
    record_type: str,
    server: str = DNS_ADDRESS,
    *,
    tcp: bool = False,
    timeout_s: float = 5.0,
) -> dns.message.Message:
    query = dns.message.make_query(name, record_type)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, server, timeout_s, lab.lab.ports.dns)


def records(answer: dns.message.Message) -> list[str]:
    return sorted([f"{rrset.name} {rdata}" for rrset in answer.answer for rdata in rrset])


@pytest.mark.parametrize("tcp", [False, True])
def test_a_name_server_has_the_authority_and_a_resolver_has_none(open_lab: OpenLab, tcp: bool) -> None:
    lab = open_lab(a_world())
    resolver, authority = (ask(lab, "zone.lab", "SOA", server, tcp=tcp) for server in (DNS_ADDRESS, GOOD))
    assert records(resolver) == records(authority)
    assert len(records(authority)) == 1
    assert (resolver.flags & dns.flags.AA, bool(resolver.flags & dns.flags.RA)) == (0, True)
    assert (bool(authority.flags & dns.flags.AA), authority.flags & dns.flags.RA) == (True, 0)


SAID = [
    (GOOD, "zone.lab", "NOERROR", True, "its zone"),
    (GOOD, "MX.Zone.Lab", "NOERROR", True, "below it, in any case"),
    (GOOD, "nowhere.zone.lab", "NXDOMAIN", True, "nothing there"),
    (GOOD, "other.lab", "REFUSED", False, "beside it"),
    (GOOD, "notzone.lab", "REFUSED", False, "a name that only ends like it"),
    (GOOD, "lab", "REFUSED", False, "above it"),
    (LAME, "zone.lab", "REFUSED", False, "a server that does not know of it"),
    ("127.64.0.2", "other.lab", "NOERROR", True, "lab itself has servers in every world"),
    ("127.64.0.3", "lab", "NOERROR", True, "two of them"),
]


@pytest.mark.parametrize(("server", "name", "rcode", "has_authority", "why"), SAID, ids=[row[-1] for row in SAID])
def test_a_name_server_answers_for_its_zones_and_refuses_the_rest(
    open_lab: OpenLab, server: str, name: str, rcode: str, has_authority: bool, why: str
) -> None:
    answer = ask(open_lab(a_world()), name, "SOA", server)
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert bool(answer.flags & dns.flags.AA) is has_authority


def test_a_name_server_may_have_an_older_zone(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    serials = [ask(lab, "zone.lab", "SOA", server).answer[0][0].serial for server in (DNS_ADDRESS, GOOD, OLD)]
    assert serials == [7, 7, 6]
    assert records(ask(lab, "zone.lab", "NS", OLD)) == ["zone.lab. ns1.zone.lab."]


def test_what_the_resolver_makes_of_a_question_is_not_what_its_authority_says(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    assert ask(lab, "zone.lab", "MX", GOOD).rcode() == dns.rcode.NOERROR
    assert ask(lab, "zone.lab", "MX").rcode() == dns.rcode.SERVFAIL
    assert ask(lab, "mx.zone.lab", "TXT", GOOD).rcode() == dns.rcode.NOERROR  # and takes nobody's turn
    assert ask(lab, "mx.zone.lab", "TXT").rcode() == dns.rcode.SERVFAIL


def test_udp_only_is_well_over_udp_and_reset_over_tcp(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    assert records(ask(lab, "mx.zone.lab", "A")) == ["mx.zone.lab. 127.64.201.1"]
    with pytest.raises((ConnectionResetError, EOFError)):
        ask(lab, "mx.zone.lab", "A", tcp=True)
    assert records(ask(lab, "mx.zone.lab", "A", GOOD, tcp=True)) == ["mx.zone.lab. 127.64.201.1"]


SILENT = [(MUTE, False, "UDP"), (MUTE, True, "TCP"), (FILTERED, True, "TCP alone")]


@pytest.mark.parametrize(("server", "tcp", "why"), SILENT, ids=[row[-1] for row in SILENT])
def test_a_silent_server_is_never_heard(open_lab: OpenLab, server: str, tcp: bool, why: str) -> None:
    with pytest.raises(dns.exception.Timeout):
        ask(open_lab(a_world()), "zone.lab", "SOA", server, tcp=tcp, timeout_s=0.2)


def test_a_server_without_tcp_refuses_it_and_answers_over_udp(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    with pytest.raises(ConnectionRefusedError):
        ask(lab, "zone.lab", "SOA", NO_TCP, tcp=True)
    for server in (NO_TCP, FILTERED):
        assert len(records(ask(lab, "zone.lab", "SOA", server))) == 1


def test_a_denial_says_in_which_zone_nothing_is(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    for name, zone, ttl_s in (("a.mx.zone.lab", "zone.lab.", 60), ("other.lab", "lab.", 60), ("a.test", ".", 60)):
        (authority,) = ask(lab, name, "NS").authority
        assert (authority.name.to_text(), authority.rdtype, authority.ttl) == (zone, dns.rdatatype.SOA, ttl_s)


POINTERS = [
    ("127.64.201.1", ["mx1.zone.lab."], "NOERROR", "to its host"),
    ("127.64.201.3", ["elsewhere.lab."], "NOERROR", "to where its entry says"),
    ("127.64.201.4", [], "NXDOMAIN", "nowhere, if its entry says so"),
    ("127.64.201.9", [], "NXDOMAIN", "nowhere, without a server"),
    ("127.0.0.1", ["scanner.lab."], "NOERROR", "who asks has a name too"),
]


@pytest.mark.parametrize(("address", "names", "rcode", "why"), POINTERS, ids=[row[-1] for row in POINTERS])
def test_the_address_of_a_server_leads(open_lab: OpenLab, address: str, names: list[str], rcode: str, why: str) -> None:
    answer = ask(open_lab(a_world()), dns.reversename.from_address(address).to_text(), "PTR")
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert [rdata.target.to_text() for rrset in answer.answer for rdata in rrset] == names


def test_the_log_counts_what_each_name_server_was_asked(open_lab: OpenLab) -> None:
    lab = open_lab(a_world())
    for tcp in (False, True, True):
        ask(lab, "zone.lab", "SOA", GOOD, tcp=tcp)
    ask(lab, "zone.lab", "SOA")
    (line,) = [line for line in lab.stop() if isinstance(line, DnsLine)]
    assert (line.queries, line.name_servers) == ({"udp": 1}, {GOOD: {"udp": 1, "tcp": 2}})


BAD = [
    (NameServer(address="127.64.0.1"), "name server 127.64.0.1 is there twice", "the resolver's address"),
    (NameServer(address="127.64.0.2"), "name server 127.64.0.2 is there twice", "that of a server of lab"),
    (NameServer(address="10.0.0.1"), "name server 10.0.0.1 is no address in 127.64.0.0/10", "not ours"),
    (NameServer(address=GOOD, records=("x.lab. A",)), "name server 127.64.0.10: 'x.lab. A' is no record", "no record"),
    (NameServer(address=GOOD, zones=("a..b",)), "name server 127.64.0.10: dns 'a..b SOA' is not NAME TYPE", "no zone"),
]


@pytest.mark.parametrize(("server", "problem", "why"), BAD, ids=[row[-1] for row in BAD])
def test_a_name_server_that_cannot_be_is_a_problem(server: NameServer, problem: str, why: str) -> None:
    world = world_of(entries=(entry("here.lab", name_servers=(server,)),))
    (told,) = find_problems(world)
    assert told.startswith(problem)
