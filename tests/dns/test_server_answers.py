"""What stands in an answer of a DNS server: records, how the lookup ended, the zone around a name."""

import pytest

from scanner.dns.answers import MxData
from scanner.dns.server_answers import ServerAnswer, ZoneRecord, enclosing_zone
from scanner.outcomes import DnsStatus, Outcome
from tests.dns_said import both, record, said, silent, soa

NXDOMAIN = DnsStatus.nxdomain
ALIAS = record("www.example.org", "CNAME", "example.org")

ZONES: list[tuple[str, ServerAnswer, str | None]] = [
    ("the name is the top of its zone", said("example.org", "SOA", soa("example.org", 1)), "example.org"),
    (
        "RFC 2308 §2.2: no data, the SOA stands in the authority section",
        said("mail.example.org", "SOA", authority=(soa("example.org", 1),)),
        "example.org",
    ),
    ("RFC 2308 §2.1: no such name", said("nowhere.org", "SOA", status=NXDOMAIN, authority=(soa("org", 1),)), "org"),
    ("not even a top-level domain", said("no.where", "SOA", status=NXDOMAIN, authority=(soa(".", 1),)), "."),
    ("the SOA of somebody else", said("example.org", "SOA", authority=(soa("example.com", 1),)), None),
    ("a name that only ends alike", said("example.org", "SOA", authority=(soa("ample.org", 1),)), None),
    (
        "RFC 1034 §3.6.2: an alias tells its target's zone",
        said("www.example.org", "SOA", ALIAS, soa("example.org", 1)),
        None,
    ),
    ("nothing", said("example.org", "SOA"), None),
    ("only who serves it", said("example.org", "SOA", authority=(record("org", "NS", "a.nic.org"),)), None),
]


@pytest.mark.parametrize(("why", "answer", "zone"), ZONES, ids=[row[0] for row in ZONES])
def test_the_zone_around_a_name_shows_in_the_soa(why: str, answer: ServerAnswer, zone: str | None) -> None:
    assert enclosing_zone(answer) == zone, why


STATUSES: list[tuple[str, ServerAnswer, DnsStatus]] = [
    ("what was said", said("a.test", "A", record("a.test", "A", "192.0.2.1")), DnsStatus.ok),
    ("that there is nothing", said("a.test", "A", status=NXDOMAIN), NXDOMAIN),
    ("a refusal", said("a.test", "A", status=DnsStatus.refused), DnsStatus.refused),
    ("what was cut off never came", said("a.test", "A", is_truncated=True), DnsStatus.timed_out),
    ("nothing in time", silent("a.test", "A"), DnsStatus.timed_out),
    ("nothing that can be read", silent("a.test", "A", Outcome.malformed), DnsStatus.malformed),
    ("nobody there says nothing about the name", silent("a.test", "A", Outcome.refused), DnsStatus.local_fault),
    ("nor does a fault of ours", silent("a.test", "A", Outcome.local_fault), DnsStatus.local_fault),
]


@pytest.mark.parametrize(("why", "answer", "status"), STATUSES, ids=[row[0] for row in STATUSES])
def test_a_lookup_ends_as_its_answer_says(why: str, answer: ServerAnswer, status: DnsStatus) -> None:
    assert answer.dns_status is status, why
    assert answer.is_usable is (status in (DnsStatus.ok, NXDOMAIN)), why


def test_records_are_those_of_the_type_asked_for_whoever_owns_them() -> None:
    address = record("example.org", "A", "192.0.2.1")
    answer = said("www.example.org", "A", ALIAS, address)
    assert answer.records == (address,)
    assert answer.texts == ("192.0.2.1",)
    assert answer.is_alias
    assert not said("example.org", "A", address).is_alias


def test_exchanges_and_a_soa_are_no_texts() -> None:
    exchange = MxData(10, "mx.example.org")
    mx = said("example.org", "MX", record("example.org", "MX", exchange))
    top = said("example.org", "SOA", soa("example.org", 7))
    assert (mx.exchanges, mx.texts, mx.soa) == ((exchange,), (), None)
    assert (top.exchanges, top.texts) == ((), ())
    assert top.soa is not None
    assert top.soa.serial == 7


WELL: ZoneRecord = record("a.test", "A", "192.0.2.1")
BEST = [
    ("the one over UDP, if it is whole", said("a.test", "A", WELL), said("a.test", "A"), 0),
    ("the one over TCP, if that over UDP is cut", said("a.test", "A", is_truncated=True), said("a.test", "A", WELL), 1),
    ("the only one", silent("a.test", "A"), said("a.test", "A", WELL), 1),
    ("a cut one is better than none", said("a.test", "A", is_truncated=True), silent("a.test", "A"), 0),
    ("none", silent("a.test", "A", Outcome.refused), silent("a.test", "A"), 0),
]


@pytest.mark.parametrize(("why", "udp", "tcp", "which"), BEST, ids=[row[0] for row in BEST])
def test_of_two_transports_the_answer_counts_that_tells_more(
    why: str, udp: ServerAnswer, tcp: ServerAnswer, which: int
) -> None:
    asked = both(udp, tcp)
    assert asked.best is (asked.udp, asked.tcp)[which], why
