"""The sender's and the recipient's records, and the names of addresses: who is asked what, and what is told."""

import pytest

from scanner.dns.answers import MxData
from scanner.dns.server_answers import ServerAnswer
from scanner.lookup.dns_checks import MAX_PTR_NAMES
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus
from tests.conftest import Run
from tests.dns_said import TCP, UDP, record, said, silent
from tests.lookup.dns_fakes import Asked, Checking, Table

DOMAIN, HOST = "example.org", "mx.example.net"


def mx(*exchanges: str) -> ServerAnswer:
    return said(DOMAIN, "MX", *(record(DOMAIN, "MX", MxData(10, exchange)) for exchange in exchanges))


def a(name: str, *addresses: str) -> ServerAnswer:
    return said(name, "A", *(record(name, "A", address) for address in addresses))


def nothing(name: str, record_type: str) -> ServerAnswer:
    return said(name, record_type)


# The recipient ----------------------------------------------------------------------------------------


def test_the_recipients_mx_is_asked_of_every_server_over_both_transports(run: Run) -> None:
    checking = Checking(run, {("", DOMAIN, "MX"): mx(HOST)}, "192.0.2.1", "192.0.2.2:5353")
    assert checking.recipient(DOMAIN) == [
        "route action: asking for MX of example.org over UDP and TCP",
        "route passed: MX of example.org from 192.0.2.1: 10 mx.example.net over UDP and TCP",
        "route passed: MX of example.org from 192.0.2.2:5353: 10 mx.example.net over UDP and TCP",
    ]
    servers = ("192.0.2.1", "192.0.2.2:5353")
    assert checking.asked == [Asked(server, DOMAIN, "MX", transport) for server in servers for transport in (UDP, TCP)]


def test_without_mx_its_own_addresses_are_asked_for(run: Run) -> None:
    """RFC 5321 §5.1: with MX records, they are never used."""
    table: Table = {
        ("", DOMAIN, "MX"): mx(),
        ("", DOMAIN, "A"): a(DOMAIN, "9.9.9.7"),
        ("", DOMAIN, "AAAA"): nothing(DOMAIN, "AAAA"),
    }
    checking = Checking(run, table, "192.0.2.1")
    assert checking.recipient(DOMAIN)[1:] == [
        "route information: MX of example.org from 192.0.2.1: no MX record over UDP and TCP",
        "route passed: A of example.org from 192.0.2.1: 9.9.9.7 over UDP and TCP",
    ]
    assert {asked.record_type for asked in checking.asked} == {"MX", "A", "AAAA"}


def test_servers_that_do_not_agree_are_told_after_what_each_said(run: Run) -> None:
    table: Table = {("192.0.2.1", DOMAIN, "MX"): mx(HOST), ("192.0.2.2", DOMAIN, "MX"): mx("old.example.net")}
    told = Checking(run, table, "192.0.2.1", "192.0.2.2").recipient(DOMAIN)
    assert [line.partition(":")[0] for line in told] == [
        "route action",
        "route passed",
        "route passed",
        "route unknown",
    ]
    assert told[-1].endswith("10 mx.example.net from 192.0.2.1, 10 old.example.net from 192.0.2.2")


# The sender -------------------------------------------------------------------------------------------


def test_the_addresses_of_the_senders_mail_hosts_are_asked_for(run: Run) -> None:
    table: Table = {
        ("", DOMAIN, "MX"): mx(HOST, "gone.example.net"),
        ("", HOST, "A"): a(HOST, "9.9.9.7"),
        ("", HOST, "AAAA"): nothing(HOST, "AAAA"),
    }
    checking = Checking(run, table, "192.0.2.1")
    assert checking.sender(DOMAIN) == [
        "sender action: asking for MX of example.org over UDP and TCP",
        "sender passed: MX of example.org from 192.0.2.1: 10 gone.example.net, 10 mx.example.net over UDP and TCP",
        "sender information: A of gone.example.net from 192.0.2.1: NXDOMAIN over UDP and TCP",
        "sender passed: A of mx.example.net from 192.0.2.1: 9.9.9.7 over UDP and TCP",
        "sender passed: replies and bounces to example.org come back, by MX: mx.example.net (9.9.9.7)",
    ]


def test_a_sender_without_mx_has_its_own_address(run: Run) -> None:
    table: Table = {
        ("", DOMAIN, "MX"): mx(),
        ("", DOMAIN, "A"): a(DOMAIN, "9.9.9.7"),
        ("", DOMAIN, "AAAA"): nothing(DOMAIN, "AAAA"),
    }
    checking = Checking(run, table, "192.0.2.1")
    assert checking.sender(DOMAIN)[-1] == (
        "sender passed: replies and bounces to example.org come back, by its own address: example.org (9.9.9.7)"
    )
    assert len(checking.asked) == 6, "its addresses are asked for once"


def test_the_best_of_the_servers_answers_make_the_senders_route(run: Run) -> None:
    table: Table = {
        ("192.0.2.1", DOMAIN, "MX"): silent(DOMAIN, "MX"),
        ("192.0.2.2", DOMAIN, "MX"): mx(HOST),
        ("192.0.2.2", HOST, "A"): a(HOST, "9.9.9.7"),
        ("192.0.2.1", HOST, "A"): silent(HOST, "A"),
    }
    checking = Checking(run, table, "192.0.2.1", "192.0.2.2")
    assert checking.sender(DOMAIN)[-1].startswith("sender passed: replies and bounces to example.org come back, by MX")
    assert {asked.server for asked in checking.asked if asked.name == HOST} == {"192.0.2.2"}, "who was heard is asked"


ODD = r"odd\x20name.example.net"


def test_no_question_is_made_of_what_is_no_host_name_or_of_who_opted_out(run: Run) -> None:
    checking = Checking(
        run, {("", DOMAIN, "MX"): mx(ODD, "192.0.2.1", "mx.left-alone.test")}, opt_out=OptOut(["left-alone.test"])
    )
    assert checking.sender(DOMAIN)[-1].startswith(
        "sender unknown: the addresses of the mail hosts of example.org could"
    )
    assert {asked.name for asked in checking.asked} == {DOMAIN}


@pytest.mark.parametrize("section", ["zone", "sender", "route"])
def test_a_domain_that_opted_out_is_asked_for_nowhere(run: Run, section: str) -> None:
    checking = Checking(run, {}, opt_out=OptOut([DOMAIN]))
    check = {"zone": checking.zone, "sender": checking.sender, "route": checking.recipient}[section]
    assert check(f"sub.{DOMAIN}") == [f"{section} unknown: sub.example.org has opted out: nobody is asked about it"]
    assert not checking.asked


# Reverse ----------------------------------------------------------------------------------------------

ADDRESS, POINTER = "9.9.9.1", "1.9.9.9.in-addr.arpa"


def ptr(*names: str, pointer: str = POINTER) -> ServerAnswer:
    return said(pointer, "PTR", *(record(pointer, "PTR", name) for name in names))


def test_a_name_that_has_the_address_leads_back(run: Run) -> None:
    table: Table = {("", POINTER, "PTR"): ptr("other.test", HOST), ("", HOST, "A"): a(HOST, "9.9.9.9", ADDRESS)}
    checking = Checking(run, table)
    assert checking.reverse(ADDRESS) == ["reverse passed: our address 9.9.9.1 is other.test, mx.example.net, and back"]
    assert {asked.record_type for asked in checking.asked} == {"PTR", "A"}


def test_one_name_that_leads_back_is_enough(run: Run) -> None:
    table: Table = {
        ("", POINTER, "PTR"): ptr("lost.test", HOST),
        ("", "lost.test", "A"): silent("lost.test", "A"),
        ("", HOST, "A"): a(HOST, ADDRESS),
    }
    assert Checking(run, table).reverse(ADDRESS) == [
        "reverse passed: our address 9.9.9.1 is lost.test, mx.example.net, and back"
    ]


def test_a_name_with_another_address_does_not_lead_back(run: Run) -> None:
    checking = Checking(run, {("", POINTER, "PTR"): ptr(HOST), ("", HOST, "A"): a(HOST, "9.9.9.9")})
    assert checking.reverse(ADDRESS, is_ours=False) == [
        "reverse information: address 9.9.9.1 is mx.example.net, which does not lead back"
    ]


def test_a_name_that_can_not_be_asked_for_is_no_evidence(run: Run) -> None:
    checking = Checking(run, {("", POINTER, "PTR"): ptr(HOST), ("", HOST, "A"): silent(HOST, "A")})
    assert checking.reverse(ADDRESS) == [
        "reverse unknown: our address 9.9.9.1: its PTR could not be looked up (timed_out)"
    ]


def test_of_many_names_a_few_are_asked_for(run: Run) -> None:
    names = [f"n{number}.test" for number in range(50)]
    checking = Checking(run, {("", POINTER, "PTR"): ptr(*names)})
    checking.reverse(ADDRESS)
    assert {asked.name for asked in checking.asked} == {POINTER, *names[:MAX_PTR_NAMES]}


IPV6, IPV6_POINTER = "2620:fe::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.e.f.0.0.0.2.6.2.ip6.arpa"


def test_an_ipv6_address_is_led_back_to_by_aaaa(run: Run) -> None:
    back = said(HOST, "AAAA", record(HOST, "AAAA", IPV6))
    checking = Checking(run, {("", IPV6_POINTER, "PTR"): ptr(HOST, pointer=IPV6_POINTER), ("", HOST, "AAAA"): back})
    assert checking.reverse(IPV6) == ["reverse passed: our address 2620:fe::1 is mx.example.net, and back"]


def test_a_mapped_address_is_the_ipv4_address_that_is_dialled(run: Run) -> None:
    checking = Checking(run, {}, allow="::ffff:9.9.9.0/120")
    assert checking.reverse(f"::ffff:{ADDRESS}") == ["reverse failed: our address 9.9.9.1 has no PTR record"]


def test_nobody_is_asked_for_the_name_of_a_private_address(run: Run) -> None:
    checking = Checking(run, {})
    assert checking.reverse("192.168.0.1") == [
        "reverse unknown: our address 192.168.0.1: its PTR is not asked for (not_public)"
    ]
    assert not checking.asked


def test_a_second_server_is_asked_when_the_first_has_no_answer(run: Run) -> None:
    table: Table = {
        ("192.0.2.1", POINTER, "PTR"): said(POINTER, "PTR", status=DnsStatus.servfail),
        ("192.0.2.2", POINTER, "PTR"): (said(POINTER, "PTR", is_truncated=True), ptr(HOST)),
        ("", HOST, "A"): a(HOST, ADDRESS),
    }
    checking = Checking(run, table, "192.0.2.1", "192.0.2.2")
    assert checking.reverse(ADDRESS) == ["reverse passed: our address 9.9.9.1 is mx.example.net, and back"]
