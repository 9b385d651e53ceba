"""Servers that remember who came before, and those that answer by what the client says in its first octets."""

import pytest
from OpenSSL import SSL

from scanner.lab.visits import Visits
from scanner.lab.world import Behaviour, CertificateKind, Server

from .conftest import OpenLab
from .running import ADDRESS, HOST, start_tls, world_of

BEHAVIOURS = {
    "good": Behaviour(),
    "busy": Behaviour(greeting=("send 421 busy\\r\\n", "close")),
    "at_first": Behaviour(visits=("busy", "good")),
    "by_turns": Behaviour(visits=("busy", "good", "busy")),
    "two_a_second": Behaviour(allows=2, window_s=1.0, otherwise="busy"),
}

MET = [
    ("good", (0, 0, 9), ["good", "good", "good"], "one that remembers nothing"),
    ("at_first", (0, 0, 9), ["busy", "good", "good"], "the last one from then on"),
    ("by_turns", (0, 0, 0, 0), ["busy", "good", "busy", "busy"], "in the order given"),
    ("two_a_second", (0, 0, 0, 0.9), ["two_a_second", "two_a_second", "busy", "busy"], "so many in a window"),
    ("two_a_second", (5, 5, 5, 6), ["two_a_second", "two_a_second", "busy", "two_a_second"], "and in the next"),
    ("two_a_second", (5, 5.9, 6.1, 6.2, 6.3), ["two_a_second"] * 4 + ["busy"], "which begins with its first session"),
]


@pytest.mark.parametrize(("behaviour", "times", "met", "why"), MET, ids=[f"{row[0]}: {row[-1]}" for row in MET])
def test_each_session_meets_what_is_left_by_those_before(
    behaviour: str, times: tuple[float, ...], met: list[str], why: str
) -> None:
    visits = Visits(behaviour, BEHAVIOURS)
    assert [visits.next_behaviour(now_s) for now_s in times] == met


def test_a_server_greets_its_second_visitor_as_the_world_says(open_lab: OpenLab) -> None:
    server = Server(address=ADDRESS, host=HOST, behaviour="at_first", certificate="this")
    lab = open_lab(world_of(behaviours=BEHAVIOURS, servers=(server,)))
    greetings = []
    for _ in range(3):
        with lab.connect() as client:
            greetings.append(client.hear_reply()[:3])
    assert greetings == [b"421", b"220", b"220"]


def test_every_server_has_a_memory_of_its_own(open_lab: OpenLab) -> None:
    servers = tuple(
        Server(address=f"127.64.200.{number}", host=HOST, behaviour="at_first", certificate="this") for number in (1, 2)
    )
    lab = open_lab(world_of(behaviours=BEHAVIOURS, servers=servers))
    for server in servers:
        with lab.connect(server.address) as client:
            assert client.hear_reply()[:3] == b"421"


# The size of the ClientHello -------------------------------------------------------------------------


def hello(octets: int) -> bytes:
    """The beginning of a ClientHello whose record has so many octets in all: its header and the first of them."""
    return b"\x16\x03\x01" + (octets - 5).to_bytes(2, "big") + b"\x01"


HELLOS = [
    ((hello(1000),), True, "as large as it may be"),
    ((hello(1001),), False, "an octet larger"),
    ((hello(1001)[:2], hello(1001)[2:]), False, "its header in two pieces"),
    ((hello(1000)[:4], hello(1000)[4:]), True, "a small one's header in two pieces"),
]


@pytest.mark.parametrize(("pieces", "is_small", "why"), HELLOS, ids=[row[-1] for row in HELLOS])
def test_a_large_client_hello_gets_what_the_tls_stage_says(
    open_lab: OpenLab, pieces: tuple[bytes, ...], is_small: bool, why: str
) -> None:
    lab = open_lab(world_of(Behaviour(tls=("send too large", "close"), small_hello_bytes=1000)))
    with lab.connect() as client:
        client.hear_reply()
        client.ask(b"STARTTLS")
        for piece in pieces:
            client.say(piece)
            still_waits = client.hears_nothing_for(0.05)
        if is_small:
            assert still_waits, "the rest of the handshake"
        else:
            assert client.hear_all() == b"too large"


def test_a_small_client_hello_gets_the_handshake(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(tls=("reset",), small_hello_bytes=1000)))
    assert start_tls(lab, version=SSL.TLS1_2_VERSION).ask(b"NOOP")[:3] == b"250"
    with pytest.raises(ConnectionResetError):  # one with TLS 1.3 has a post-quantum key share: 1,653 octets
        start_tls(lab)


# The name asked for ----------------------------------------------------------------------------------


def test_any_name_may_have_a_certificate_of_its_own(open_lab: OpenLab) -> None:
    by_name = {"*.covered.lab": "wildcard", "*": "this"}
    kinds = {"this": CertificateKind(), "wildcard": CertificateKind(names=("*.covered.lab",))}
    server = Server(address=ADDRESS, host=HOST, behaviour="this", certificate="this", by_server_name=by_name)
    lab = open_lab(world_of(certificates=kinds, servers=(server,)))
    chains = {name: start_tls(lab, name).chain()[0] for name in ("one.lab", "two.lab", "a.covered.lab")}
    assert [b"one.lab" in chains["one.lab"], b"two.lab" in chains["two.lab"]] == [True, True]
    assert b"*.covered.lab" in chains["a.covered.lab"]
    assert start_tls(lab, "one.lab").chain()[0] == chains["one.lab"]


@pytest.mark.parametrize("name", ["a b.lab", "x" * 64 + ".lab", "a..lab", "*"])
def test_a_name_that_no_certificate_can_have_gets_the_servers_own(open_lab: OpenLab, name: str) -> None:
    server = Server(address=ADDRESS, host=HOST, behaviour="this", certificate="this", by_server_name={"*": "this"})
    lab = open_lab(world_of(servers=(server,)))
    assert HOST.encode() in start_tls(lab, name).chain()[0]
