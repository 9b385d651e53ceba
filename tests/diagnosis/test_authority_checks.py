"""A zone's own name servers, as their answers and their silence show them → steps."""

from typing import Any

import pytest

from scanner.diagnosis.authority_checks import (
    judge_addresses,
    judge_authority,
    judge_cached,
    judge_names,
    judge_not_contacted,
    judge_serials,
    judge_silent,
)
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import AddressFlag, DnsStatus, Outcome
from tests.dns_said import both, record, said, silent, soa

ZONE = "example.org"
INFORMATION, PASSED, FAILED, UNKNOWN = (
    StepResult.information,
    StepResult.passed,
    StepResult.failed,
    StepResult.unknown,
)


def serial(number: int = 7, **more: Any) -> ServerAnswer:
    return said(ZONE, "SOA", soa(ZONE, number), **{"is_authoritative": True, **more})


def ends(outcome: Outcome = Outcome.timed_out) -> ServerAnswer:
    return silent(ZONE, "SOA", outcome)


# Who they are -----------------------------------------------------------------------------------------

NS = said(ZONE, "NS", record(ZONE, "NS", "b.example.net"), record(ZONE, "NS", "a.example.net"))

NAMES: list[tuple[str, ServerAnswer, StepResult, str]] = [
    ("in the order of their names", NS, INFORMATION, "example.org has the name servers a.example.net, b.example.net"),
    ("a zone that names none", said(ZONE, "NS"), FAILED, "example.org has no name servers of its own (no NS record)"),
    ("not found out", silent(ZONE, "NS"), UNKNOWN, "could not be found out: no answer within 5 s"),
    ("withheld", said(ZONE, "NS", status=DnsStatus.servfail), UNKNOWN, "could not be found out: SERVFAIL"),
]


@pytest.mark.parametrize(("why", "answer", "result", "text"), NAMES, ids=[row[0] for row in NAMES])
def test_the_names_of_the_servers_are_told(why: str, answer: ServerAnswer, result: StepResult, text: str) -> None:
    step = judge_names(ZONE, answer)
    assert step.result is result, why
    assert step.said.endswith(text)


HOST = "ns.example.org"
A, AAAA = record(HOST, "A", "192.0.2.1"), record(HOST, "AAAA", "2001:db8::1")
NO_A, NO_AAAA = said(HOST, "A"), said(HOST, "AAAA")
GONE = said(HOST, "A", status=DnsStatus.nxdomain)

ADDRESSES: list[tuple[str, str, list[ServerAnswer], StepResult | None, str]] = [
    ("it has one", HOST, [said(HOST, "A", A), NO_AAAA], None, ""),
    ("one of IPv6 is one too", HOST, [NO_A, said(HOST, "AAAA", AAAA)], None, ""),
    ("one is known, the other could not be asked for", HOST, [said(HOST, "A", A), silent(HOST, "AAAA")], None, ""),
    ("none", HOST, [NO_A, NO_AAAA], FAILED, "the name server ns.example.org has no address (no A record)"),
    ("no such name", HOST, [GONE, GONE], FAILED, "the name server ns.example.org has no address (NXDOMAIN)"),
    (
        "unknown is not no",
        HOST,
        [NO_A, silent(HOST, "AAAA")],
        UNKNOWN,
        "could not be found out: no A record, no answer",
    ),
    (
        "RFC 2181 §10.3: no alias",
        HOST,
        [said(HOST, "A", record(HOST, "CNAME", "a.test"), record("a.test", "A", "192.0.2.1")), NO_AAAA],
        FAILED,
        "the name server ns.example.org is an alias",
    ),
    ("no host name", r"ns\x20one.test", [], FAILED, r"the name server ns\x20one.test is no host name"),
    ("the root", ".", [], FAILED, "the name server . is no host name"),
]


@pytest.mark.parametrize(("why", "name", "answers", "result", "text"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_a_name_server_has_a_name_with_an_address(
    why: str, name: str, answers: list[ServerAnswer], result: StepResult | None, text: str
) -> None:
    step = judge_addresses(name, answers)
    assert (step.result if step else None) is result, why
    assert text in (step.said if step else "")
    assert step is None or step.what_to_do or step.result is UNKNOWN


def test_a_server_that_is_left_alone_is_told_with_the_reason() -> None:
    flags = [AddressFlag.not_public, AddressFlag.opted_out]
    step = judge_not_contacted("ns.example.org [10.0.0.1]", flags)
    assert step.result is UNKNOWN
    assert step.said == "name server ns.example.org [10.0.0.1] is not contacted: not_public, opted_out"
    assert "--allow-network" in step.what_to_do
    assert judge_not_contacted("ns.example.org", [AddressFlag.opted_out]).what_to_do == ""


# What they say ----------------------------------------------------------------------------------------

REFUSED, SERVFAIL = (said(ZONE, "SOA", status=status) for status in (DnsStatus.refused, DnsStatus.servfail))
RELAYED = serial(is_authoritative=False)
REFERRAL = said(ZONE, "SOA", authority=(record("org", "NS", "a.nic.org"),))

SAID: list[tuple[str, BothWays, StepResult | None, str, str]] = [
    ("as it should", both(serial()), PASSED, "serial 7 over UDP and TCP", ""),
    ("RFC 1912 §2.8: lame", both(RELAYED), FAILED, "not authoritative (lame) over UDP and TCP", "serve example.org"),
    ("a referral upwards", both(REFERRAL), FAILED, "not authoritative (lame) over UDP and TCP", "NS records"),
    ("it does not have the zone", both(REFUSED), FAILED, "REFUSED over UDP and TCP", "have ns serve example.org"),
    ("its copy has expired", both(SERVFAIL), FAILED, "SERVFAIL over UDP and TCP", "transfers from the primary"),
    (
        "it says that there is no such zone",
        both(said(ZONE, "SOA", status=DnsStatus.nxdomain, is_authoritative=True)),
        FAILED,
        "NXDOMAIN over UDP and TCP",
        "have ns serve example.org",
    ),
    (
        "authoritative for nothing",
        both(said(ZONE, "SOA", is_authoritative=True)),
        FAILED,
        "no SOA record over UDP and TCP",
        "have ns serve example.org",
    ),
    ("lame over one of them", both(serial(), RELAYED), FAILED, "serial 7 over UDP, not authoritative", "serve"),
    ("what is said counts, whatever is not", both(REFUSED, ends()), FAILED, "REFUSED over UDP, no answer", "serve"),
    ("TCP is closed", both(serial(), ends(Outcome.refused)), FAILED, "connection refused over TCP", "open TCP port 53"),
    ("TCP is reset", both(serial(), ends(Outcome.reset)), FAILED, "connection reset over TCP", "open TCP port 53"),
    ("TCP is shut", both(serial(), ends(Outcome.closed)), FAILED, "closed without an answer over TCP", "TCP port 53"),
    ("rubbish over UDP", both(ends(Outcome.malformed), serial()), FAILED, "can't be read over UDP", "open UDP port 53"),
    ("silence over TCP: not known yet", both(serial(), ends()), None, "", ""),
    ("silence over UDP: not known yet", both(ends(), serial()), None, "", ""),
    ("no way to it over TCP", both(serial(), ends(Outcome.unreachable)), None, "", ""),
    ("silence", both(ends()), None, "", ""),
    ("nobody there, or a firewall of ours that says so", both(ends(Outcome.refused)), None, "", ""),
]


@pytest.mark.parametrize(("why", "asked", "result", "text", "advice"), SAID, ids=[row[0] for row in SAID])
def test_a_name_server_is_authoritative_over_both_transports_or_it_is_told(
    why: str, asked: BothWays, result: StepResult | None, text: str, advice: str
) -> None:
    step = judge_authority(ZONE, both(asked.udp, asked.tcp, label="ns"))
    assert (step.result if step else None) is result, why
    if step is not None:
        assert step.said.startswith("name server ns: ")
        assert text in step.said
        assert advice in step.what_to_do
        assert bool(step.what_to_do) is (result is FAILED)


# What they do not say ---------------------------------------------------------------------------------

V4, V6 = "192.0.2.1", "2001:db8::1"
PUBLIC, PRIVATE = "9.9.9.9", "192.168.0.1"


def server(udp: ServerAnswer, tcp: ServerAnswer, label: str = "ns", address: str = V4) -> BothWays:
    return both(udp, tcp, label, address)


MUTE = server(ends(), ends())
NO_TCP = server(serial(), ends())
NO_UDP = server(ends(), serial())
SHUT = server(ends(Outcome.refused), ends(Outcome.refused))
NO_WAY = server(ends(Outcome.local_fault), ends(Outcome.local_fault), "ns", V6)
WELL = server(serial(), serial(), "other")
WELL_V6 = server(serial(), serial(), "other", V6)
ONLY_UDP = server(serial(), ends(Outcome.refused), "other")
PUBLIC_RESOLVER = both(serial(), label="9.9.9.9", address=PUBLIC)
OUR_RESOLVER = both(serial(), label="192.168.0.1", address=PRIVATE)

SILENCE: list[tuple[str, BothWays, list[BothWays], list[BothWays], StepResult]] = [
    ("another one was heard both ways", MUTE, [WELL], [OUR_RESOLVER], FAILED),
    ("nobody was heard: our network may let only its resolver out", MUTE, [], [OUR_RESOLVER], UNKNOWN),
    ("a public resolver may be the only one let through", MUTE, [], [PUBLIC_RESOLVER], UNKNOWN),
    ("IPv6 was heard, IPv4 not", MUTE, [WELL_V6], [], UNKNOWN),
    ("another one was heard over UDP", MUTE, [ONLY_UDP], [], FAILED),
    ("over TCP another one was heard", NO_TCP, [WELL], [], FAILED),
    ("over TCP none was heard", NO_TCP, [server(serial(), ends(), "other")], [OUR_RESOLVER], UNKNOWN),
    ("over TCP a resolver was heard, but within our network", NO_TCP, [], [OUR_RESOLVER], UNKNOWN),
    ("over TCP a resolver out in the world was heard", NO_TCP, [], [PUBLIC_RESOLVER], FAILED),
    ("over TCP one was heard over IPv6", NO_TCP, [WELL_V6], [], UNKNOWN),
    ("over UDP another one was heard", NO_UDP, [WELL], [], FAILED),
    ("over UDP none was heard", NO_UDP, [], [PUBLIC_RESOLVER], UNKNOWN),
    ("over TCP another one was refused: nobody here turns all back", NO_TCP, [ONLY_UDP], [], FAILED),
    ("all of them are refused: it may be a firewall of ours", SHUT, [SHUT], [], UNKNOWN),
    ("refused, and another one was heard", SHUT, [WELL], [], FAILED),
    ("a fault of ours", server(serial(), ends(Outcome.local_fault)), [WELL], [], UNKNOWN),
    ("no IPv6 here", NO_WAY, [WELL], [], UNKNOWN),
]


@pytest.mark.parametrize(("why", "silent", "heard", "resolvers", "result"), SILENCE, ids=[row[0] for row in SILENCE])
def test_silence_counts_against_a_server_only_when_another_one_was_heard_that_way(
    why: str, silent: BothWays, heard: list[BothWays], resolvers: list[BothWays], result: StepResult
) -> None:
    (step,) = judge_silent([silent], heard, resolvers)
    assert step.result is result, why
    assert step.said.startswith("name server ns: ")
    assert step.what_to_do


def test_a_server_without_tcp_is_told_with_what_breaks() -> None:
    (step,) = judge_silent([NO_TCP], [WELL], [])
    assert step.said == "name server ns: serial 7 over UDP, no answer within 5 s over TCP"
    assert step.what_to_do.startswith("open TCP port 53 of ns to everybody (RFC 7766 §5): ")
    assert step.what_to_do.endswith("are lost without it (many MX records, DNSSEC, long DKIM keys)")


def test_those_that_are_silent_alike_are_told_together_and_after_the_others() -> None:
    first, second = (server(ends(), ends(), label, V6) for label in ("a", "b"))
    failed, doubtful = judge_silent([first, second, MUTE], [WELL], [])
    assert (failed.result, failed.said) == (FAILED, "name server ns: no answer within 5 s over UDP and TCP")
    assert (doubtful.result, doubtful.said) == (UNKNOWN, "name server a, b: no answer within 5 s over UDP and TCP")
    assert "this network may let only its resolver out" in doubtful.what_to_do


def test_a_machine_without_a_way_is_not_told_that_its_network_filters() -> None:
    (step,) = judge_silent([NO_WAY], [], [])
    assert step.said == "name server ns: no way to it from this machine over UDP and TCP"
    assert step.what_to_do == "give this machine a network that leads there, or compare from another one"


# Serials ----------------------------------------------------------------------------------------------


def test_serials_that_agree_pass() -> None:
    step = judge_serials(ZONE, [both(serial(), label="a"), both(serial(), label="b")])
    assert step == Step(Section.zone, PASSED, "example.org: serial 7 on the 2 name servers heard")


def test_what_is_heard_over_one_transport_has_a_serial_too() -> None:
    step = judge_serials(ZONE, [server(serial(), ends(), "a"), server(ends(), serial(), "b"), MUTE])
    assert step == Step(Section.zone, PASSED, "example.org: serial 7 on the 2 name servers heard")


def test_of_one_server_the_serial_is_told() -> None:
    assert judge_serials(ZONE, [both(serial())]) == Step(Section.zone, PASSED, "example.org: serial 7")


def test_who_is_silent_or_lame_has_no_serial() -> None:
    assert judge_serials(ZONE, [MUTE, both(RELAYED), both(REFUSED)]) is None


def test_an_old_serial_is_told_with_whose_it_is_and_where_the_new_one_comes_from() -> None:
    step = judge_serials(ZONE, [both(serial(4294967295), label="a"), both(serial(2), label="b")])
    assert step == Step(
        Section.zone,
        FAILED,
        "example.org: serial numbers differ: 4294967295 on a, 2 on b; 2 is the newest",  # RFC 1982: they go round
        "see that a gets the zone from primary.example.org (transfers over TCP port 53, NOTIFY); "
        "if it was changed in the last 3600 s, that may be under way",
    )


def test_two_serials_behind_one_address_differ_too() -> None:
    step = judge_serials(ZONE, [both(serial(7), serial(6), label="a")])
    assert step is not None
    assert (step.result, step.said) == (FAILED, "example.org: serial numbers differ: 7 on a, 6 on a; 7 is the newest")


CACHED: list[tuple[str, list[BothWays], list[BothWays], str | None]] = [
    (
        "it keeps an old one for its time to live",
        [both(serial(6), label="resolver")],
        [both(serial(7))],
        "example.org: an older SOA is still kept by the DNS server resolver (serial 6, for at most 60 s)",
    ),
    ("it has the current one", [both(serial(7))], [both(serial(7))], None),
    ("it has what one of them still has", [both(serial(6))], [both(serial(7)), both(serial(6))], None),
    ("it has a newer one: those that were heard are the old ones", [both(serial(8))], [both(serial(7))], None),
    ("none of them was heard", [both(serial(6))], [MUTE], None),
    ("it is silent", [both(ends())], [both(serial(7))], None),
]


@pytest.mark.parametrize(("why", "resolvers", "heard", "text"), CACHED, ids=[row[0] for row in CACHED])
def test_a_resolver_may_keep_an_older_soa(
    why: str, resolvers: list[BothWays], heard: list[BothWays], text: str | None
) -> None:
    step = judge_cached(ZONE, resolvers, heard)
    assert step == (None if text is None else Step(Section.zone, INFORMATION, text)), why
