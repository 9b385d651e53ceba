"""Zones, name servers and pointers of the embedded world, as a plain client sees them."""

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.reversename
import pytest

from scanner.lab.world_file import DNS_ADDRESS, name_servers_of
from tests.lab.running import RunningLab

from .clients import ENTRIES
from .entries import WORLD

#: How long a silence has to last.
SILENCE_S = 0.25


def ask(lab: RunningLab, name: str, record_type: str, server: str = DNS_ADDRESS, *, tcp: bool = False) -> str:
    """The data of an answer; its code if it has none; `reset`, `refused` or `silent` if there is no answer."""
    query = dns.message.make_query(name, record_type)
    send = dns.query.tcp if tcp else dns.query.udp
    try:
        answer = send(query, server, SILENCE_S, lab.lab.ports.dns)
    except dns.exception.Timeout:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except (ConnectionError, EOFError):
        return "reset"
    found = [rdata.to_text() for rrset in answer.answer for rdata in rrset]
    return ", ".join(sorted(found)) or dns.rcode.to_text(answer.rcode())


def serial(lab: RunningLab, zone: str, server: str, *, tcp: bool) -> str:
    said = ask(lab, zone, "SOA", server, tcp=tcp)
    return said.split()[2] if " " in said else said


def served_at(lab: RunningLab, host: str) -> str:
    return ask(lab, host, "A")


#: What each zone's name servers say of its serial: the first over UDP and TCP, then the second.
ZONES = [
    ("lab", ["2026112201"] * 4, "the zone of all who have none"),
    ("own-zone.lab", ["7", "7", "7", "7"], "all well"),
    ("serials-differ.lab", ["7", "7", "6", "6"], "an old copy"),
    ("tcp-blocked.lab", ["7", "refused", "7", "silent"], "UDP only"),
    ("resolver-udp-only.lab", ["7", "7", "7", "7"], "all well but for the resolver"),
    ("lame-server.lab", ["7", "7", "REFUSED", "REFUSED"], "a server that knows nothing of it"),
    ("silent-server.lab", ["7", "7", "silent", "silent"], "a server that is down"),
]


@pytest.mark.parametrize(("zone", "serials", "why"), ZONES, ids=[row[0] for row in ZONES])
def test_the_servers_of_a_zone_say(lab: RunningLab, zone: str, serials: list[str], why: str) -> None:
    hosts = ask(lab, zone, "NS").split(", ")
    assert len(hosts) == 2
    addresses = [served_at(lab, host) for host in hosts]
    assert [serial(lab, zone, address, tcp=tcp) for address in addresses for tcp in (False, True)] == serials


def test_a_server_of_a_zone_may_be_nowhere_or_out_of_reach(lab: RunningLab) -> None:
    assert [served_at(lab, f"ns{number}.lost-server.lab") for number in (1, 2)] == ["127.64.0.16", "NXDOMAIN"]
    assert [served_at(lab, f"ns{number}.private-server.lab") for number in (1, 2)] == ["127.64.0.17", "10.0.0.53"]


def test_a_resolver_may_hang_up_over_tcp(lab: RunningLab) -> None:
    for name, record_type in (("resolver-udp-only.lab", "SOA"), ("resolver-udp-only.lab", "MX")):
        assert ask(lab, name, record_type).count(" ") > 0
        assert ask(lab, name, record_type, tcp=True) == "reset"
    assert ask(lab, "good.lab", "MX", tcp=True) == ask(lab, "good.lab", "MX") == "10 mx.good.lab."


def enclosing_zone(lab: RunningLab, name: str) -> str:
    query = dns.message.make_query(name, "SOA")
    answer = dns.query.udp(query, DNS_ADDRESS, 5, lab.lab.ports.dns)
    (rrset,) = answer.answer or answer.authority
    return rrset.name.to_text()


ENCLOSING = [
    ("good.lab", "lab."),
    ("mx.good.lab", "lab."),
    ("own-zone.lab", "own-zone.lab."),
    ("branch.own-zone.lab", "own-zone.lab."),
    ("nowhere.branch.own-zone.lab", "own-zone.lab."),
    ("nowhere.test", "."),
]


@pytest.mark.parametrize(("name", "zone"), ENCLOSING, ids=[row[0] for row in ENCLOSING])
def test_a_name_lies_in_a_zone(lab: RunningLab, name: str, zone: str) -> None:
    assert enclosing_zone(lab, name) == zone


def address_of(domain: str) -> str:
    return ENTRIES[domain].servers[0].address


REVERSE = [
    ("good.lab", "mx.good.lab.", True),
    ("no-reverse.lab", "NXDOMAIN", False),
    ("reverse-elsewhere.lab", "mx.elsewhere.reverse-elsewhere.lab.", False),
]


@pytest.mark.parametrize(("domain", "name", "leads_back"), REVERSE, ids=[row[0] for row in REVERSE])
def test_an_address_leads_to_a_name_and_that_back_or_not(
    lab: RunningLab, domain: str, name: str, leads_back: bool
) -> None:
    pointer = dns.reversename.from_address(address_of(domain)).to_text()
    assert ask(lab, pointer, "PTR") == name
    assert (ask(lab, name, "A") == address_of(domain)) is leads_back


def test_every_name_server_has_a_name_that_leads_to_it(lab: RunningLab) -> None:
    for server in name_servers_of(WORLD):
        for zone in server.zones:
            hosts = ask(lab, zone, "NS").split(", ")
            assert server.address in [served_at(lab, host) for host in hosts], server


def test_whoever_is_asked_for_a_zone_of_the_world_is_in_the_table() -> None:
    own = {line.split()[0].removesuffix(".") for entry in WORLD.entries for line in entry.records if " SOA " in line}
    assert own - {row[0] for row in ZONES} == {"lost-server.lab", "private-server.lab"}
