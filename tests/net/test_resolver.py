"""The resolver over a name server of our own: statuses, limits, faults of ours, and no word from a neighbour."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import msgspec
import pytest

from scanner.dns.answers import Answer, MxData
from scanner.net.clock import SystemClock
from scanner.net.resolver import AiodnsResolver
from scanner.outcomes import DnsStatus
from scanner.settings import DnsSettings
from tests.conftest import Run
from tests.net.name_server import NameServer, Table
from tests.net.scripted import new_address

T = TypeVar("T")
Talk = Callable[[AiodnsResolver], Awaitable[T]]

#: Enough for a busy machine, and not waited for but where nothing answers.
SETTINGS = DnsSettings(lookup_s=5.0)


def ask(run: Run, table: Table, talk: Talk[T], settings: DnsSettings = SETTINGS) -> tuple[T, NameServer]:
    """What comes of talking to a resolver that asks a server with this table."""

    async def main() -> T:
        resolver = AiodnsResolver(msgspec.structs.replace(settings, servers=(server.server,)), SystemClock())
        try:
            return await talk(resolver)
        finally:
            await resolver.close()

    with NameServer(table) as server:
        return run(main()), server


def mx_of(run: Run, table: Table, name: str = "a.test", settings: DnsSettings = SETTINGS) -> Answer[MxData]:
    return ask(run, table, lambda resolver: resolver.lookup_mx(name), settings)[0]


CHAIN = [f"{'a.test' if number == 0 else f'c{number}.test'} 60 CNAME c{number + 1}.test." for number in range(12)]

ANSWERS: list[tuple[str, list[str] | str, DnsStatus, tuple[MxData, ...], tuple[str, ...], int | None]] = [
    ("one record", ["a.test 300 MX 10 mx.test."], DnsStatus.ok, (MxData(10, "mx.test"),), (), 300),
    ("names in lower case, without the last dot", ["A.Test 300 MX 10 MX.Test."], DnsStatus.ok,
     (MxData(10, "mx.test"),), (), 300),
    ("null MX", ["a.test 300 MX 0 ."], DnsStatus.ok, (MxData(0, ""),), (), 300),
    ("a CNAME followed, the least TTL told", ["a.test 60 CNAME B.test.", "b.test 300 MX 10 mx.test."], DnsStatus.ok,
     (MxData(10, "mx.test"),), ("b.test",), 60),
    ("a CNAME and no data", ["a.test 60 CNAME b.test."], DnsStatus.no_data, (), ("b.test",), 60),
    ("other types are not looked at", ["a.test 60 A 192.0.2.1"], DnsStatus.no_data, (), (), 60),
    ("octets of a name as DNS text", [r"a.test 60 MX 10 a\000b\255.test."], DnsStatus.ok,
     (MxData(10, r"a\000b\255.test"),), (), 60),
    ("two aliases in a circle", ["a.test 60 CNAME b.test.", "b.test 60 CNAME a.test."], DnsStatus.cname_loop, (),
     ("b.test", "a.test"), None),
    ("ten aliases", [*CHAIN[:10], "c10.test 60 MX 10 mx.test."], DnsStatus.ok, (MxData(10, "mx.test"),),
     tuple(f"c{number}.test" for number in range(1, 11)), 60),
    ("eleven", [*CHAIN[:11], "c11.test 60 MX 10 mx.test."], DnsStatus.cname_loop, (),
     tuple(f"c{number}.test" for number in range(1, 11)), None),
    ("nothing of this type", [], DnsStatus.no_data, (), (), None),
    ("no such name", "nxdomain", DnsStatus.nxdomain, (), (), None),
    ("SERVFAIL", "servfail", DnsStatus.servfail, (), (), None),
    ("REFUSED", "refused", DnsStatus.refused, (), (), None),
    ("NOTIMP", "notimp", DnsStatus.refused, (), (), None),
    ("FORMERR", "formerr", DnsStatus.malformed, (), (), None),
    ("half a record", "garbage", DnsStatus.malformed, (), (), None),
    ("cut over UDP, well over TCP", "truncate", DnsStatus.ok, (MxData(10, "over-tcp.test"),), (), 60),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "status", "records", "chain", "ttl_s"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_an_answer_is_a_status_its_records_and_the_way_to_them(
    run: Run,
    entry: list[str] | str,
    status: DnsStatus,
    records: tuple[MxData, ...],
    chain: tuple[str, ...],
    ttl_s: int | None,
) -> None:
    answer = mx_of(run, {"a.test MX": entry})
    assert (answer.status, answer.records, answer.cname_chain, answer.ttl_s) == (status, records, chain, ttl_s)
    assert answer.ad is None
    assert answer.asked_at is not None
    assert answer.ms >= 0


def test_three_hundred_records_come_over_tcp(run: Run) -> None:
    records = [f"a.test 60 MX {number} mx{number}.a-long-enough-name.test." for number in range(300)]
    answer, _ = ask(run, {"a.test MX": records}, lambda resolver: resolver.lookup_mx("a.test"))
    assert sorted(record.preference for record in answer.records) == list(range(300))


@pytest.mark.parametrize(("family", "records"), [("A", ("192.0.2.1", "192.0.2.2")), ("AAAA", ("2001:db8::1",))])
def test_addresses_are_those_of_the_family_asked_for(run: Run, family: str, records: tuple[str, ...]) -> None:
    table: Table = {
        "a.test A": ["a.test 60 A 192.0.2.1", "a.test 60 A 192.0.2.2"],
        "a.test AAAA": ["a.test 60 AAAA 2001:db8::1"],
    }
    answer, server = ask(run, table, lambda resolver: resolver.lookup_addresses("a.test", family))
    assert (answer.status, sorted(answer.records)) == (DnsStatus.ok, sorted(records))
    assert [asked.question for asked in server.asked] == [f"a.test {family}"]


TEXTS: list[tuple[str, list[str], tuple[tuple[bytes, ...], ...]]] = [
    ("several", ['a.test 60 TXT "one"', 'a.test 60 TXT "two"'], ((b"one",), (b"two",))),
    ("its strings joined in their order", ['a.test 60 TXT "v=STSv1; " "id=" "1;"'], ((b"v=STSv1; id=1;",),)),
    ("many strings, whole", ["a.test 60 TXT " + " ".join(f'"{"x" * 255}"' for _ in range(20))], ((b"x" * 5100,),)),
    ("any octets", [r'a.test 60 TXT "\000\255\"\\"'], ((b'\0\xff"\\',),)),
    ("behind an alias", ["a.test 60 CNAME b.test.", 'b.test 60 TXT "one"'], ((b"one",),)),
    ("and nothing else", ['a.test 60 TXT ""', "a.test 60 MX 10 mx.test."], ((b"",),)),
]


@pytest.mark.parametrize(("records", "texts"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_txt_records_are_told_whole(run: Run, records: list[str], texts: tuple[tuple[bytes, ...], ...]) -> None:
    answer, server = ask(run, {"a.test TXT": records}, lambda resolver: resolver.lookup_txt("a.test"))
    assert (answer.status, sorted(answer.records)) == (DnsStatus.ok, sorted(texts))
    assert {asked.question for asked in server.asked} == {"a.test TXT"}


@pytest.mark.parametrize("entry", ["servfail", "refused"])
def test_a_refusal_is_asked_for_once_and_not_again_and_again(run: Run, entry: str) -> None:
    _, server = ask(run, {"a.test MX": entry}, lambda resolver: resolver.lookup_mx("a.test"))
    assert len(server.asked) == 1


# Limits and faults ----------------------------------------------------------------------------------------


def test_who_does_not_answer_times_out_by_our_own_limit(run: Run) -> None:
    answer = mx_of(run, {"a.test MX": "drop"}, settings=DnsSettings(lookup_s=0.1))
    assert answer.status is DnsStatus.timed_out
    assert 100 <= answer.ms < 3000


def test_a_port_where_nobody_is_is_our_fault(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind((new_address(), 0))
        address, port = unused.getsockname()

    async def main() -> Answer[MxData]:
        resolver = AiodnsResolver(DnsSettings(servers=(f"{address}:{port}",)), SystemClock())
        try:
            return await resolver.lookup_mx("a.test")
        finally:
            await resolver.close()

    assert run(main()).status is DnsStatus.local_fault


class JumpingClock(SystemClock):
    """A clock that jumps at every look, as it does for who is frozen or never sent anything."""

    def __init__(self, step_s: float) -> None:
        self._times: Iterator[float] = (number * step_s for number in range(1000))

    def monotonic(self) -> float:
        return next(self._times)


@pytest.mark.parametrize(
    ("after_s", "status", "why"),
    [
        (0.0, DnsStatus.local_fault, "no network: given up before anybody could answer"),
        (0.01, DnsStatus.local_fault, "still too soon"),
        (0.03, DnsStatus.timed_out, "the limit"),
        (0.12, DnsStatus.timed_out, "a busy loop"),
        (0.2, DnsStatus.local_fault, "frozen: nobody was there to listen"),
        (100.0, DnsStatus.local_fault, "frozen for long"),
    ],
)
def test_a_timeout_at_the_wrong_time_is_our_fault(run: Run, after_s: float, status: DnsStatus, why: str) -> None:
    async def main() -> Answer[MxData]:
        settings = DnsSettings(servers=(server.server,), lookup_s=0.03)
        resolver = AiodnsResolver(settings, JumpingClock(after_s))
        try:
            return await resolver.lookup_mx("a.test")
        finally:
            await resolver.close()

    with NameServer({"a.test MX": "drop"}) as server:
        assert run(main()).status is status, why


def test_what_one_lookup_makes_c_ares_do_does_not_spoil_those_beside_it(run: Run) -> None:
    """A malformed answer makes c-ares ask everything anew that is still open, until all six tries are used up."""
    good, late, ill = ([f"{kind}{number}.test" for number in range(5)] for kind in ("good", "late", "ill"))
    table: Table = {f"{name} MX": [f"{name} 60 MX 10 mx.test."] for name in good}
    table |= {f"{name} MX": "late" for name in late}
    table |= {f"{name} MX": "garbage" for name in ill}
    table |= {"cut.test MX": "truncate-reset"}

    async def all_at_once(resolver: AiodnsResolver) -> dict[str, DnsStatus]:
        names = [*late, *ill, *good, "cut.test"]
        answers = await asyncio.gather(*(resolver.lookup_mx(name) for name in names))
        return {name: answer.status for name, answer in zip(names, answers, strict=True)}

    statuses, _ = ask(run, table, all_at_once)
    assert {statuses[name] for name in good} == {DnsStatus.ok}
    assert {statuses[name] for name in late} == {DnsStatus.ok}
    assert {statuses[name] for name in ill} == {DnsStatus.malformed}
    assert statuses["cut.test"] in {DnsStatus.local_fault, DnsStatus.timed_out, DnsStatus.malformed}


# Channels -------------------------------------------------------------------------------------------------


def test_a_channel_serves_so_many_lookups_and_then_a_new_one_does(run: Run) -> None:
    names = [f"a{number}.test" for number in range(12)]
    table: Table = {f"{name} MX": [f"{name} 60 MX 10 mx.test."] for name in names}

    async def one_by_one(resolver: AiodnsResolver) -> list[Answer[MxData]]:
        return [await resolver.lookup_mx(name) for name in names]

    answers, server = ask(run, table, one_by_one, DnsSettings(lookups_per_resolver=5))
    assert {answer.status for answer in answers} == {DnsStatus.ok}
    ports = [asked.port for asked in server.asked]
    assert [len(set(ports[begin:end])) for begin, end in ((0, 5), (5, 10), (10, 12))] == [1, 1, 1]
    assert len(set(ports)) == 3


def test_a_new_channel_has_forgotten_the_answers_of_the_old_one(run: Run) -> None:
    async def again_and_again(resolver: AiodnsResolver) -> None:
        for _ in range(4):
            await resolver.lookup_mx("a.test")

    _, server = ask(
        run, {"a.test MX": ["a.test 60 MX 10 mx.test."]}, again_and_again, DnsSettings(lookups_per_resolver=2)
    )
    assert len(server.asked) == 2


def test_a_lookup_on_an_old_channel_still_gets_its_answer(run: Run) -> None:
    names = [f"a{number}.test" for number in range(100)]
    table: Table = {f"{name} MX": [f"{name} 60 MX 10 mx.test."] for name in names}

    async def all_at_once(resolver: AiodnsResolver) -> list[Answer[MxData]]:
        return await asyncio.gather(*(resolver.lookup_mx(name) for name in names))

    answers, _ = ask(run, table, all_at_once, DnsSettings(lookups_per_resolver=1))
    assert Counter(answer.status for answer in answers) == {DnsStatus.ok: 100}


def test_the_servers_asked_are_told(run: Run) -> None:
    async def servers(resolver: AiodnsResolver) -> tuple[str, ...]:
        return resolver.servers

    told, server = ask(run, {}, servers)
    assert told == (server.server,)
