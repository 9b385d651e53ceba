"""One question to one name server on loopback over one transport, whatever that server does."""

import asyncio
import socket

import dns.flags
import dns.message
import dns.rrset
import pytest

from scanner.dns.answers import MxData
from scanner.dns.server_answers import ServerAnswer, Soa, Transport, ZoneRecord
from scanner.net.clock import SystemClock
from scanner.net.server_questions import MAX_RECORDS, UDP_TRIES, ServerQuestions
from scanner.outcomes import DnsStatus, Outcome
from tests.conftest import Run
from tests.net.name_server import NameServer, Table
from tests.net.scripted import Conversation, Server, blackhole, new_address, unused_port

PATIENT_S, HASTY_S = 10.0, 0.15
UDP, TCP = Transport

TABLE: Table = {
    "host.test A": ["Host.test 60 A 192.0.2.1", "Host.test 60 A 192.0.2.2"],
    "host.test AAAA": ["host.test 60 AAAA 2001:DB8::1", "host.test 60 AAAA ::ffff:192.0.2.1"],
    "alias.test A": ["alias.test 60 CNAME Host.test.", "host.test 30 A 192.0.2.1"],
    "zone.test SOA": ["zone.test 60 SOA NS.zone.test. host.zone.test. 7 3600 600 86400 60"],
    "zone.test NS": ["zone.test 60 NS NS.zone.test."],
    "zone.test MX": ["zone.test 60 MX 20 B.zone.test.", "zone.test 60 MX 10 a.zone.test."],
    "null.test MX": ["null.test 60 MX 0 ."],
    "1.2.0.192.in-addr.arpa PTR": ["1.2.0.192.in-addr.arpa 60 PTR Host.test."],
    "hostile.test MX": [r"hostile.test 60 MX 10 a\027[31m\007\200\\.test."],
    "other.test SOA": ['other.test 60 TXT "no soa"'],
    "broken.test A": "servfail",
    "closed.test A": "refused",
    "unknown.test A": "notimp",
    "odd.test A": "formerr",
    "silent.test A": "drop",
    "late.test MX": "late",
    "long.test MX": "truncate",
    "cut.test MX": "truncate-reset",
    "garbage.test A": "garbage",
    "many.test A": [f"many.test 60 A 192.0.{number // 250}.{number % 250}" for number in range(MAX_RECORDS + 1)],
}


class Calm(SystemClock):
    """A clock by which nothing is ever late, however busy the machine is."""

    def monotonic(self) -> float:
        return 0.0


def hear_and_close(conversation: Conversation) -> None:
    conversation.hear()


def ask(
    run: Run, server: str, name: str, record_type: str, transport: Transport, limit_s: float = PATIENT_S
) -> ServerAnswer:
    return run(ServerQuestions(limit_s, Calm()).ask(server, name, record_type, transport))


RECORDS: list[tuple[str, str, tuple[ZoneRecord, ...]]] = [
    ("host.test", "A", tuple(ZoneRecord("host.test", "A", 60, f"192.0.2.{number}") for number in (1, 2))),
    (
        "host.test",
        "AAAA",
        tuple(ZoneRecord("host.test", "AAAA", 60, text) for text in ("2001:db8::1", "::ffff:192.0.2.1")),
    ),
    (
        "alias.test",
        "A",
        (ZoneRecord("alias.test", "CNAME", 60, "host.test"), ZoneRecord("host.test", "A", 30, "192.0.2.1")),
    ),
    ("zone.test", "SOA", (ZoneRecord("zone.test", "SOA", 60, Soa("ns.zone.test", 7, 3600)),)),
    ("zone.test", "NS", (ZoneRecord("zone.test", "NS", 60, "ns.zone.test"),)),
    (
        "zone.test",
        "MX",
        tuple(ZoneRecord("zone.test", "MX", 60, MxData(*each)) for each in ((20, "b.zone.test"), (10, "a.zone.test"))),
    ),
    ("null.test", "MX", (ZoneRecord("null.test", "MX", 60, MxData(0, "")),)),
    ("1.2.0.192.in-addr.arpa", "PTR", (ZoneRecord("1.2.0.192.in-addr.arpa", "PTR", 60, "host.test"),)),
]


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize(("name", "record_type", "records"), RECORDS, ids=[f"{row[0]} {row[1]}" for row in RECORDS])
def test_the_records_of_an_answer_are_told(
    run: Run, name: str, record_type: str, records: tuple[ZoneRecord, ...], transport: Transport
) -> None:
    with NameServer(TABLE) as server:
        answer = ask(run, server.server, name, record_type, transport)
    assert answer.is_heard
    assert (answer.status, answer.response_code) == (DnsStatus.ok, "NOERROR")
    assert answer.answer == records
    assert (answer.server, answer.name, answer.record_type) == (server.server, name, record_type)
    assert [asked.transport for asked in server.asked] == [transport.lower()]


ENDS: list[tuple[str, str, Transport, Outcome, DnsStatus, str]] = [
    ("nowhere.test", "A", UDP, Outcome.ok, DnsStatus.nxdomain, "NXDOMAIN"),
    ("other.test", "SOA", TCP, Outcome.ok, DnsStatus.no_data, "NOERROR"),
    ("broken.test", "A", UDP, Outcome.ok, DnsStatus.servfail, "SERVFAIL"),
    ("closed.test", "A", TCP, Outcome.ok, DnsStatus.refused, "REFUSED"),
    ("unknown.test", "A", UDP, Outcome.ok, DnsStatus.refused, "NOTIMP"),
    ("odd.test", "A", TCP, Outcome.ok, DnsStatus.malformed, "FORMERR"),
    ("garbage.test", "A", UDP, Outcome.malformed, DnsStatus.not_asked, ""),
    ("garbage.test", "A", TCP, Outcome.malformed, DnsStatus.not_asked, ""),
    ("cut.test", "MX", TCP, Outcome.reset, DnsStatus.not_asked, ""),
]


@pytest.mark.parametrize(
    ("name", "record_type", "transport", "outcome", "status", "code"), ENDS, ids=[f"{row[0]} {row[2]}" for row in ENDS]
)
def test_how_an_exchange_ended_is_told_apart_from_what_was_said(
    run: Run, name: str, record_type: str, transport: Transport, outcome: Outcome, status: DnsStatus, code: str
) -> None:
    with NameServer(TABLE) as server:
        answer = ask(run, server.server, name, record_type, transport)
    assert (answer.outcome, answer.status, answer.response_code) == (outcome, status, code)


def test_an_answer_that_is_cut_off_is_not_asked_for_again(run: Run) -> None:
    with NameServer(TABLE) as server:
        cut, whole = (ask(run, server.server, "long.test", "MX", transport) for transport in Transport)
        assert [asked.transport for asked in server.asked] == ["udp", "tcp"]
    assert cut.is_truncated
    assert not cut.records
    assert not whole.is_truncated
    assert whole.exchanges == (MxData(10, "over-tcp.test"),)


def test_a_datagram_that_is_lost_is_sent_again_within_the_limit(run: Run) -> None:
    with NameServer(TABLE) as server:
        answer = ask(run, server.server, "silent.test", "A", UDP, HASTY_S)
        assert len(server.asked) == UDP_TRIES
        assert len({asked.port for asked in server.asked}) == 1, "so that a late answer to the first one is heard"
    assert answer.outcome is Outcome.timed_out
    assert answer.waited_s == HASTY_S


def test_where_nobody_listens_is_refused_over_both_transports(run: Run) -> None:
    address = new_address()
    server = f"{address}:{unused_port(address)}"
    answers = [ask(run, server, "host.test", "A", transport) for transport in Transport]
    assert [answer.outcome for answer in answers] == [Outcome.refused, Outcome.refused]


def test_an_ipv6_server_is_asked_over_ipv6(run: Run) -> None:
    with Server(hear_and_close, "::1") as server, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("::1", 0))
        udp = ask(run, f"[::1]:{datagrams.getsockname()[1]}", "host.test", "A", UDP, HASTY_S)
        assert dns.message.from_wire(datagrams.recv(512)).question[0].name.to_text() == "host.test."
        tcp = ask(run, f"[::1]:{server.port}", "host.test", "A", TCP)
    assert (udp.outcome, tcp.outcome) == (Outcome.timed_out, Outcome.closed)


def test_a_connection_that_nobody_takes_ends_with_the_limit(run: Run) -> None:
    with blackhole() as (address, port):
        answer = ask(run, f"{address}:{port}", "host.test", "A", TCP, HASTY_S)
    assert answer.outcome is Outcome.timed_out


def test_a_server_that_takes_a_connection_and_closes_it_did_not_answer(run: Run) -> None:
    with Server(hear_and_close) as server:
        answer = ask(run, f"{server.address}:{server.port}", "host.test", "A", TCP)
    assert answer.outcome is Outcome.closed


def test_a_server_that_sends_an_octet_now_and_then_does_not_hold_us(run: Run) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.say(b"\xff\xff")
        for _ in range(100):
            conversation.say(b"\0")
            conversation.socket.settimeout(0.05)
            try:
                if not conversation.hear():
                    return
            except TimeoutError:
                continue

    with Server(drip) as server:
        answer = ask(run, f"{server.address}:{server.port}", "host.test", "A", TCP, HASTY_S)
    assert answer.outcome is Outcome.timed_out


class StoodStill(SystemClock):
    """A clock by which every wait took a minute longer, as when the loop stood still."""

    def __init__(self) -> None:
        self._time = 0.0

    def monotonic(self) -> float:
        self._time += 60.0
        return self._time


@pytest.mark.parametrize("transport", Transport)
def test_a_limit_that_fired_late_is_no_silence_of_the_servers(run: Run, transport: Transport) -> None:
    with blackhole() as (address, port), NameServer(TABLE) as silent:
        server = silent.server if transport is UDP else f"{address}:{port}"
        answer = run(ServerQuestions(HASTY_S, StoodStill()).ask(server, "silent.test", "A", transport))
    assert answer.outcome is Outcome.local_fault


class Authoritative(NameServer):
    """Sets AA, and tells the SOA of the zone where there is nothing; remembers whether recursion was wanted."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.wanted_recursion: list[bool] = []

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        self.wanted_recursion.append(bool(dns.message.from_wire(packet).flags & dns.flags.RD))
        answer = super()._answer(packet, transport, port)
        assert answer is not None
        response = dns.message.from_wire(answer)
        response.flags |= dns.flags.AA
        response.authority = [dns.rrset.from_text("test.", 60, "IN", "SOA", "ns.test. h.test. 9 3600 600 86400 60")]
        return response.to_wire()


@pytest.mark.parametrize("transport", Transport)
def test_authority_is_told_and_recursion_is_asked_for_only_where_it_is_wanted(run: Run, transport: Transport) -> None:
    questions = ServerQuestions(PATIENT_S, SystemClock())
    with Authoritative(TABLE) as server:
        answer = run(questions.ask(server.server, "nowhere.test", "SOA", transport, recursion_desired=False))
        assert server.wanted_recursion == [False]
        assert run(questions.ask(server.server, "host.test", "A", transport)).is_authoritative
        assert server.wanted_recursion == [False, True]
    assert answer.is_authoritative
    assert answer.soa is None
    assert answer.authority == (ZoneRecord("test", "SOA", 60, Soa("ns.test", 9, 3600)),)


def test_an_answer_to_another_question_is_none(run: Run) -> None:
    class Confused(NameServer):
        def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
            query = dns.message.make_query("else.test", "A", id=int.from_bytes(packet[:2], "big"))
            return dns.message.make_response(query).to_wire()

    with Confused({}) as server:
        for transport in Transport:
            assert ask(run, server.server, "host.test", "A", transport).outcome is Outcome.malformed


def test_what_a_name_is_made_of_can_not_reach_a_terminal(run: Run) -> None:
    with NameServer(TABLE) as server:
        (exchange,) = ask(run, server.server, "hostile.test", "MX", TCP).exchanges
    assert exchange.exchange == r"a\x5C027[31m\x5C007\x5C200\x5C\x5C.test"


def test_of_thousands_of_records_some_are_kept(run: Run) -> None:
    with NameServer(TABLE) as server:
        assert len(ask(run, server.server, "many.test", "A", TCP).records) == MAX_RECORDS


def test_nothing_is_left_behind_by_questions_side_by_side(run: Run) -> None:
    async def ask_many(server: str) -> list[ServerAnswer]:
        questions = ServerQuestions(PATIENT_S, SystemClock())
        asked = (questions.ask(server, "host.test", "A", transport) for transport in Transport for _ in range(20))
        answers = await asyncio.gather(*asked)
        assert len(asyncio.all_tasks()) == 1
        return answers

    with NameServer(TABLE) as server:
        assert {answer.status for answer in run(ask_many(server.server))} == {DnsStatus.ok}


def test_a_link_local_resolver_is_asked_on_its_interface(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As home routers announce themselves. Nothing is sent: the socket is not really connected."""
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, where: called.append(where))
    ask(run, "[fe80::1%lo]:5353", "host.test", "A", UDP, HASTY_S)
    assert called == [("fe80::1", 5353, 0, socket.if_nametoindex("lo"))]
