"""The zone around a domain and its name servers: who is asked what, in which order it is told, where it ends."""

import asyncio

import pytest

from scanner.dns.server_answers import ServerAnswer
from scanner.lookup.dns_servers import each_in_order
from scanner.lookup.zone_checks import MAX_ADDRESSES, MAX_CONTACTS, MAX_NAME_SERVERS
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus, Outcome
from tests.conftest import Run
from tests.dns_said import TCP, UDP, record, said, silent, soa
from tests.lookup.dns_fakes import Asked, Checking, Table

ZONE, PRIMARY, SECONDARY = "example.org", "a.example.net", "b.example.net"
FIRST, SECOND = "9.9.9.1", "2620:fe::2"
AT_FIRST, AT_SECOND = f"{FIRST}:53", f"[{SECOND}]:53"
RESOLVER = "192.0.2.53"


def serial(number: int) -> ServerAnswer:
    return said(ZONE, "SOA", soa(ZONE, number), is_authoritative=True)


def ns(*names: str) -> ServerAnswer:
    return said(ZONE, "NS", *(record(ZONE, "NS", name) for name in names))


def addresses(name: str, record_type: str, *texts: str) -> ServerAnswer:
    return said(name, record_type, *(record(name, record_type, text) for text in texts))


WORLD: Table = {
    ("", ZONE, "SOA"): serial(7),
    ("", ZONE, "NS"): ns(SECONDARY, PRIMARY),
    ("", PRIMARY, "A"): addresses(PRIMARY, "A", FIRST),
    ("", PRIMARY, "AAAA"): addresses(PRIMARY, "AAAA"),
    ("", SECONDARY, "A"): addresses(SECONDARY, "A"),
    ("", SECONDARY, "AAAA"): addresses(SECONDARY, "AAAA", SECOND),
}

TOLD = [
    "zone action: asking for the SOA of the zone around example.org",
    "zone information: example.org is in the zone example.org",
    "zone passed: DNS server 192.0.2.53: serial 7 over UDP and TCP",
    "zone information: example.org has the name servers a.example.net, b.example.net",
    "zone passed: name server a.example.net [9.9.9.1]: serial 7 over UDP and TCP",
    "zone passed: name server b.example.net [2620:fe::2]: serial 7 over UDP and TCP",
    "zone passed: example.org: serial 7 on the 2 name servers heard",
]


def test_every_server_is_asked_over_both_transports_and_told_in_order(run: Run) -> None:
    checking = Checking(run, WORLD, RESOLVER)
    assert checking.zone(ZONE) == TOLD
    directly = [asked for asked in checking.asked if asked.server != RESOLVER]
    assert directly == [
        Asked(server, ZONE, "SOA", transport, recursion_desired=False)
        for server in (AT_FIRST, AT_SECOND)
        for transport in (UDP, TCP)
    ]
    assert all(asked.recursion_desired for asked in checking.asked if asked.server == RESOLVER)


def test_several_dns_servers_are_each_asked(run: Run) -> None:
    told = Checking(run, WORLD, "127.0.0.1:5300", "[::1]:5300").zone(ZONE)
    assert told[2:4] == [
        "zone passed: DNS server 127.0.0.1:5300: serial 7 over UDP and TCP",
        "zone passed: DNS server [::1]:5300: serial 7 over UDP and TCP",
    ]


def test_name_servers_have_port_53_but_those_of_a_lab(run: Run) -> None:
    """A resolver of one's own may listen anywhere: the world's name servers do not."""
    table = {**WORLD, ("", PRIMARY, "A"): addresses(PRIMARY, "A", "127.64.0.2", FIRST)}
    checking = Checking(run, table, "127.64.0.1:5300", allow="127.64.0.0/10", port=5300)
    checking.zone(ZONE)
    directly = {asked.server for asked in checking.asked if not asked.recursion_desired}
    assert directly == {"127.64.0.2:5300", AT_FIRST, AT_SECOND}


def test_the_zone_is_looked_for_upwards_where_an_alias_hides_it(run: Run) -> None:
    alias = said("www.sub.example.org", "SOA", record("www.sub.example.org", "CNAME", "example.org"), soa(ZONE, 7))
    nothing = said("sub.example.org", "SOA")
    table = {**WORLD, ("", "www.sub.example.org", "SOA"): alias, ("", "sub.example.org", "SOA"): nothing}
    checking = Checking(run, table, RESOLVER)
    assert checking.zone("www.sub.example.org")[1] == (
        "zone information: www.sub.example.org is in the zone example.org"
    )
    assert checking.told[2:] == TOLD[2:]


def test_an_alias_that_leads_nowhere_exists_all_the_same(run: Run) -> None:
    """RFC 6604 §3: the code of the answer is that of the last name."""
    dangling = said(
        "www.example.org", "SOA", record("www.example.org", "CNAME", "gone.test"), status=DnsStatus.nxdomain
    )
    told = Checking(run, {**WORLD, ("", "www.example.org", "SOA"): dangling}, RESOLVER).zone("www.example.org")
    assert told[1] == "zone information: www.example.org is in the zone example.org"


def test_a_zone_is_asked_for_once_where_its_name_is_the_domains(run: Run) -> None:
    checking = Checking(run, WORLD, RESOLVER)
    checking.zone(ZONE)
    soa_questions = [asked for asked in checking.asked if asked.server == RESOLVER and asked.record_type == "SOA"]
    assert soa_questions == [Asked(RESOLVER, ZONE, "SOA", transport) for transport in (UDP, TCP)]


def test_a_resolver_that_is_only_reached_over_tcp_tells_the_name_servers(run: Run) -> None:
    over_tcp = {
        (RESOLVER, name, record_type): (silent(name, record_type), answer)
        for (_, name, record_type), answer in WORLD.items()
        if isinstance(answer, ServerAnswer)
    }
    assert Checking(run, {**WORLD, **over_tcp}, RESOLVER).zone(ZONE)[2:] == [
        "zone failed: DNS server 192.0.2.53: no answer within 5 s over UDP, serial 7 over TCP",
        *TOLD[3:],
    ]


def test_a_domain_that_its_registry_does_not_know_ends_the_check(run: Run) -> None:
    nxdomain = said("exmaple.org", "SOA", status=DnsStatus.nxdomain, authority=(soa("org", 1),))
    checking = Checking(run, {("", "exmaple.org", "SOA"): nxdomain}, RESOLVER)
    assert checking.zone("exmaple.org")[1:] == [
        "zone failed: exmaple.org does not exist (NXDOMAIN); the zone around it is org"
    ]
    assert len(checking.asked) == 2, "the servers of a registry are not asked"


def test_a_name_that_its_own_zone_does_not_know_does_not_end_it(run: Run) -> None:
    """One of the zone's servers may know it: a secondary that has an old copy is how such names come about."""
    nxdomain = said("new.example.org", "SOA", status=DnsStatus.nxdomain, authority=(soa(ZONE, 6),))
    checking = Checking(run, {**WORLD, ("", "new.example.org", "SOA"): nxdomain}, RESOLVER)
    assert checking.zone("new.example.org")[1:] == [
        "zone failed: new.example.org does not exist (NXDOMAIN); the zone around it is example.org",
        *TOLD[2:],
    ]


def test_a_server_that_knows_the_domain_is_believed_before_one_that_does_not(run: Run) -> None:
    nxdomain = said(ZONE, "SOA", status=DnsStatus.nxdomain, authority=(soa("org", 1),))
    checking = Checking(run, {**WORLD, ("192.0.2.1", ZONE, "SOA"): nxdomain}, "192.0.2.1", RESOLVER)
    assert checking.zone(ZONE)[1:4] == [
        TOLD[1],
        "zone failed: DNS server 192.0.2.1: NXDOMAIN over UDP and TCP",
        TOLD[2],
    ]


@pytest.mark.parametrize("status", [DnsStatus.servfail, DnsStatus.refused])
def test_a_zone_that_no_server_tells_is_not_known_and_nobody_else_is_asked(run: Run, status: DnsStatus) -> None:
    checking = Checking(run, {("", ZONE, "SOA"): said(ZONE, "SOA", status=status)}, RESOLVER)
    assert checking.zone(ZONE)[1:] == [
        f"zone unknown: the zone of example.org could not be found out: 192.0.2.53: {status.upper()}"
    ]
    assert len(checking.asked) == 2


def test_without_any_soa_up_to_the_root_the_zone_is_not_known(run: Run) -> None:
    nothing = {("", name, "SOA"): said(name, "SOA") for name in (ZONE, "org", ".")}
    assert Checking(run, nothing, RESOLVER).zone(ZONE)[1:] == [
        "zone unknown: the zone of example.org could not be found out: 192.0.2.53: no SOA record"
    ]


def test_our_resolver_answers_and_the_worlds_name_servers_do_not(run: Run) -> None:
    """Many networks let only their resolver out: that is no fault of the domain's."""
    mute = {(server, ZONE, "SOA"): silent(ZONE, "SOA") for server in (AT_FIRST, AT_SECOND)}
    checking = Checking(run, {**WORLD, **mute}, RESOLVER)
    *_, last = checking.zone(ZONE)
    assert checking.told == [*TOLD[:4], last]
    assert last.startswith("zone unknown: name server a.example.net [9.9.9.1], b.example.net [2620:fe::2]: no answer")
    assert "may let only its resolver out" in checking.steps[-1].what_to_do


def test_a_machine_without_ipv6_tells_it_last_and_blames_nobody(run: Run) -> None:
    unreachable = {(AT_SECOND, ZONE, "SOA"): silent(ZONE, "SOA", Outcome.local_fault)}
    assert Checking(run, {**WORLD, **unreachable}, RESOLVER).zone(ZONE)[4:] == [
        TOLD[4],
        "zone unknown: name server b.example.net [2620:fe::2]: no way to it from this machine over UDP and TCP",
        "zone passed: example.org: serial 7",
    ]


def test_a_cached_soa_is_told_at_the_end(run: Run) -> None:
    newer = {(server, ZONE, "SOA"): serial(8) for server in (AT_FIRST, AT_SECOND)}
    *_, serials, cached = Checking(run, {**WORLD, **newer}, RESOLVER).zone(ZONE)
    assert serials == "zone passed: example.org: serial 8 on the 2 name servers heard"
    assert cached.startswith("zone information: example.org: an older SOA is still kept by the DNS server 192.0.2.53 (")


def test_no_packet_goes_to_a_server_that_is_not_public_or_opted_out(run: Run) -> None:
    table: Table = {
        **WORLD,
        ("", PRIMARY, "A"): addresses(PRIMARY, "A", "10.0.0.1", "9.9.9.2", FIRST),
        ("", ZONE, "NS"): ns(SECONDARY, PRIMARY, "ns.left-alone.test"),
    }
    checking = Checking(run, table, RESOLVER, opt_out=OptOut(["left-alone.test", SECONDARY]))
    told = checking.zone(ZONE)
    assert "zone unknown: name server a.example.net [10.0.0.1] is not contacted: not_public" in told
    assert "zone unknown: name server b.example.net is not contacted: opted_out" in told
    assert "zone unknown: name server ns.left-alone.test is not contacted: opted_out" in told
    assert {asked.server for asked in checking.asked} == {RESOLVER, AT_FIRST, "9.9.9.2:53"}
    assert {asked.name for asked in checking.asked} == {ZONE, PRIMARY}


def test_a_name_server_of_our_own_is_asked_too(run: Run) -> None:
    """Its zone is the same from inside, and it is asked anyway where it is our resolver."""
    assert Checking(run, WORLD, RESOLVER, own=[FIRST]).zone(ZONE) == TOLD


def test_an_alias_of_somebody_who_opted_out_is_not_contacted(run: Run) -> None:
    alias = said(PRIMARY, "A", record(PRIMARY, "CNAME", "left-alone.test"), record("left-alone.test", "A", FIRST))
    checking = Checking(run, {**WORLD, ("", PRIMARY, "A"): alias}, RESOLVER, opt_out=OptOut(["left-alone.test"]))
    assert "zone unknown: name server a.example.net [9.9.9.1] is not contacted: opted_out" in checking.zone(ZONE)
    assert AT_FIRST not in {asked.server for asked in checking.asked}


def test_so_many_name_servers_are_asked_and_no_more(run: Run) -> None:
    names = [f"n{number:02}.example.net" for number in range(MAX_NAME_SERVERS + 5)]
    many = {("", name, "A"): addresses(name, "A", *(f"9.9.{n}.{m}" for m in range(4))) for n, name in enumerate(names)}
    checking = Checking(run, {**WORLD, **many, ("", ZONE, "NS"): ns(*names)}, RESOLVER)
    checking.zone(ZONE)
    assert len({asked.server for asked in checking.asked}) == 1 + MAX_CONTACTS
    assert len({asked.name for asked in checking.asked}) == 1 + MAX_NAME_SERVERS
    assert "zone information: example.org has more name servers than are asked here" in checking.told


def test_of_one_name_server_some_addresses_are_looked_at(run: Run) -> None:
    many = addresses(PRIMARY, "A", *(f"9.9.9.{number}" for number in range(100)))
    checking = Checking(run, {**WORLD, ("", PRIMARY, "A"): many}, RESOLVER)
    checking.zone(ZONE)
    assert len({asked.server for asked in checking.asked}) == 1 + MAX_ADDRESSES + 1


def test_text_from_the_dns_stays_escaped(run: Run) -> None:
    told = Checking(run, {**WORLD, ("", ZONE, "NS"): ns(r"a\x5C027[2Jb.test")}, RESOLVER).zone(ZONE)
    assert told[3] == r"zone information: example.org has the name servers a\x5C027[2Jb.test"
    assert all(line.isprintable() for line in told)


def test_results_are_heard_in_order_as_soon_as_those_before_them_are_there(run: Run) -> None:
    async def check() -> None:
        gates = [asyncio.Event() for _ in range(3)]
        heard: list[int] = []

        async def work(number: int) -> int:
            await gates[number].wait()
            return number

        whole = asyncio.ensure_future(each_in_order(map(work, range(3)), heard.append))
        for opened, expected in ((1, []), (0, [0, 1]), (2, [0, 1, 2])):
            gates[opened].set()
            for _ in range(5):
                await asyncio.sleep(0)
            assert heard == expected
        await whole

    run(check())
