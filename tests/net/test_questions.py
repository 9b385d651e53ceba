"""Questions that aiodns can't ask, to name servers on loopback that are well or ill."""

import dns.flags
import dns.message
import pytest

from scanner.net.questions import ROUNDS, Questions, Reply, server_address
from scanner.outcomes import DnsStatus
from tests.conftest import Run
from tests.net.name_server import NameServer, Table
from tests.net.scripted import new_address, unused_port

PATIENT_S = 10.0

TABLE: Table = {
    "host.test A": ["host.test 60 A 192.0.2.1", "host.test 60 A 192.0.2.2"],
    "alias.test A": ["alias.test 60 CNAME host.test.", "host.test 60 A 192.0.2.1"],
    "dangling.test A": ["dangling.test 60 CNAME gone.test."],
    "host.test AAAA": [],
    "1.2.0.192.in-addr.arpa PTR": ["1.2.0.192.in-addr.arpa 60 PTR Host.test."],
    "broken.test A": "servfail",
    "closed.test A": "refused",
    "odd.test A": "formerr",
    "long.test MX": "truncate",
    "cut.test MX": "truncate-reset",
    "garbage.test A": "garbage",
}

ANSWERS: list[tuple[str, str, DnsStatus, tuple[str, ...]]] = [
    ("host.test", "A", DnsStatus.ok, ("192.0.2.1", "192.0.2.2")),
    ("alias.test", "A", DnsStatus.ok, ("192.0.2.1",)),
    ("dangling.test", "A", DnsStatus.no_data, ()),
    ("host.test", "AAAA", DnsStatus.no_data, ()),
    ("1.2.0.192.in-addr.arpa", "PTR", DnsStatus.ok, ("Host.test.",)),
    ("nowhere.test", "A", DnsStatus.nxdomain, ()),
    ("broken.test", "A", DnsStatus.servfail, ()),
    ("closed.test", "A", DnsStatus.refused, ()),
    ("odd.test", "A", DnsStatus.malformed, ()),
    ("long.test", "MX", DnsStatus.ok, ("10 over-tcp.test.",)),
    ("garbage.test", "A", DnsStatus.malformed, ()),
]


@pytest.mark.parametrize(
    ("name", "record_type", "status", "records"), ANSWERS, ids=[f"{row[0]} {row[1]}" for row in ANSWERS]
)
def test_what_a_server_says_is_told(
    run: Run, name: str, record_type: str, status: DnsStatus, records: tuple[str, ...]
) -> None:
    with NameServer(TABLE) as server:
        reply = run(Questions([server.server], PATIENT_S).ask(name, record_type))
    assert reply == Reply(status, records=records)


class Validating(NameServer):
    """Sets AD if the query asks for it."""

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        query = dns.message.from_wire(packet)
        assert query.flags & dns.flags.AD
        answer = super()._answer(packet, transport, port)
        assert answer is not None
        response = dns.message.from_wire(answer)
        response.flags |= dns.flags.AD
        return response.to_wire()


def test_an_authenticated_answer_is_one_with_ad(run: Run) -> None:
    with Validating(TABLE) as server:
        reply = run(Questions([server.server], PATIENT_S).ask("host.test", "AAAA"))
    assert reply == Reply(DnsStatus.no_data, is_authenticated=True)


def test_a_server_that_does_not_answer_is_asked_again_within_the_limit(run: Run) -> None:
    with NameServer({"silent.test A": "drop"}) as server:
        reply = run(Questions([server.server], 0.3).ask("silent.test", "A"))
        assert reply == Reply(DnsStatus.timed_out)
        assert len(server.asked) == ROUNDS


def test_another_server_is_asked_when_the_first_is_silent(run: Run) -> None:
    with NameServer({"host.test A": "drop"}) as silent, NameServer(TABLE) as well:
        reply = run(Questions([silent.server, well.server], 1.2).ask("host.test", "A"))
    assert reply.status is DnsStatus.ok


def test_a_reset_after_truncation_is_no_answer(run: Run) -> None:
    with NameServer(TABLE) as server:
        reply = run(Questions([server.server], PATIENT_S).ask("cut.test", "MX"))
    assert reply.status in (DnsStatus.local_fault, DnsStatus.malformed)


def test_where_nobody_listens_nothing_is_known(run: Run) -> None:
    address = new_address()
    reply = run(Questions([f"{address}:{unused_port(address)}"], 0.3).ask("host.test", "A"))
    assert reply.status in (DnsStatus.timed_out, DnsStatus.local_fault)
    assert run(Questions([], 0.3).ask("host.test", "A")) == Reply(DnsStatus.local_fault)


SERVERS = [
    ("127.0.0.1", ("127.0.0.1", 53)),
    ("127.0.0.1:5353", ("127.0.0.1", 5353)),
    ("::1", ("::1", 53)),
    ("[::1]", ("::1", 53)),
    ("[::1]:5353", ("::1", 5353)),
    ("fe80::1%eth0", ("fe80::1%eth0", 53)),
]


@pytest.mark.parametrize(("text", "expected"), SERVERS, ids=[row[0] for row in SERVERS])
def test_a_server_is_an_address_with_or_without_a_port(text: str, expected: tuple[str, int]) -> None:
    assert server_address(text) == expected
