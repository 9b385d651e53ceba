"""Whether an answer is secure, asked of name servers on loopback that validate, or lie, or are ill."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Never, TypeVar

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from scanner.dns.answers import Answer
from scanner.dns.messages import RecordType
from scanner.net import udp_queries
from scanner.net.clock import SystemClock
from scanner.net.validated import ValidatedResolver, find_validating_resolver
from scanner.outcomes import DnsStatus
from scanner.policy.tlsa import TlsaRecord, parse_text
from scanner.settings import DnsSettings, LookupsSettings, Settings
from tests.conftest import Run
from tests.net.name_server import NameServer
from tests.net.scripted import new_address, unused_port

T = TypeVar("T")
Talk = Callable[[ValidatedResolver], Awaitable[T]]

#: Enough for a busy machine, and not waited for but where nothing answers.
SETTINGS = DnsSettings(lookup_s=6.0)
#: For servers that do not answer the first time: a sixth of it is a try.
IMPATIENT = DnsSettings(lookup_s=0.6)

A = ["host.test 60 A 192.0.2.1"]
DIGEST = "ab" * 32


class Validator(NameServer):
    """Answers each question by its turns, the last for ever, and says that it is secure where a turn begins with it.

    A turn is what a table of the name server has, or `bogus`: SERVFAIL, and with CD the records of `host.test`.
    """

    def __init__(self, *turns: list[str] | str, secure: bool = True) -> None:
        super().__init__({})
        self._turns = list(turns)
        self._secure = secure
        self.queries: list[dns.message.Message] = []

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        query = dns.message.from_wire(packet)
        self.queries.append(query)
        said = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
        if said == "bogus":
            said = A if query.flags & dns.flags.CD else "servfail"
        question = query.question[0]
        self._table = {f"{question.name.to_text(omit_final_dot=True).lower()} {question.rdtype.name}": said}
        answer = super()._answer(packet, transport, port)
        if answer is None or not self._secure or answer[3] & 0xF not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return answer
        return with_flags(answer, 0xFFFF, dns.flags.AD)

    @property
    def checks(self) -> str:
        """A letter for each query: checked (`c`) or with checking disabled (`d`)."""
        return "".join("d" if query.flags & dns.flags.CD else "c" for query in self.queries)


def ask(run: Run, server: NameServer, talk: Talk[T], settings: DnsSettings = SETTINGS) -> T:
    """What comes of talking to a resolver that asks a server."""

    async def main() -> T:
        resolver = ValidatedResolver([server.server], settings, SystemClock())
        try:
            return await talk(resolver)
        finally:
            resolver.close()

    with server:
        return run(main())


def of_host(resolver: ValidatedResolver) -> Awaitable[Answer[Never]]:
    return resolver.lookup_security("host.test", RecordType.A)


ANSWERS: list[tuple[str, list[list[str] | str], DnsStatus, bool | None, str]] = [
    ("records", [A], DnsStatus.ok, True, "c"),
    ("an alias and nothing else is something", [["host.test 60 CNAME b.test."]], DnsStatus.ok, True, "c"),
    ("nothing of this type", [[]], DnsStatus.no_data, True, "c"),
    ("no such name", ["nxdomain"], DnsStatus.nxdomain, True, "c"),
    ("REFUSED says nothing about security", ["refused"], DnsStatus.refused, None, "c"),
    ("NOTIMP is a refusal", ["notimp"], DnsStatus.refused, None, "c"),
    ("FORMERR", ["formerr"], DnsStatus.malformed, None, "c"),
    ("a code that no resolver should give", ["yxdomain"], DnsStatus.servfail, None, "ccd"),
    ("SERVFAIL, whatever is asked for", ["servfail"], DnsStatus.servfail, None, "ccd"),
    ("SERVFAIL once", ["servfail", A], DnsStatus.ok, True, "cc"),
    ("SERVFAIL unless nothing is checked", ["bogus"], DnsStatus.bogus, None, "ccdc"),
    ("a denial that does not validate", ["servfail", "servfail", "nxdomain", "servfail"], DnsStatus.bogus, None,
     "ccdc"),
    ("SERVFAIL while its servers were slow", ["servfail", "servfail", A, A], DnsStatus.ok, True, "ccdc"),
    ("SERVFAIL, then REFUSED", ["servfail", "refused", "refused"], DnsStatus.servfail, None, "ccd"),
    ("cut over UDP, well over TCP", ["truncate"], DnsStatus.ok, True, "cc"),
    ("cut over UDP, reset over TCP", ["truncate-reset"], DnsStatus.malformed, None, "cc"),
    ("records that can't be read are not read", ["garbage"], DnsStatus.ok, True, "c"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "status", "ad", "checks"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_an_answer_is_a_status_and_whether_it_is_secure(
    run: Run, turns: list[list[str] | str], status: DnsStatus, ad: bool | None, checks: str
) -> None:
    server = Validator(*turns)
    answer = ask(run, server, of_host)
    assert (answer.status, answer.ad, answer.records) == (status, ad, ())
    assert answer.asked_at is not None
    assert server.checks == checks


def test_an_answer_without_ad_is_insecure(run: Run) -> None:
    assert ask(run, Validator(A, secure=False), of_host).ad is False


def test_a_query_asks_for_recursion_and_ad_and_no_signatures(run: Run) -> None:
    server = Validator("servfail")
    ask(run, server, of_host)
    first, _, last = server.queries
    assert first.flags == dns.flags.RD | dns.flags.AD
    assert last.flags == dns.flags.RD | dns.flags.AD | dns.flags.CD
    assert (first.edns, first.payload, first.ednsflags) == (0, 1232, 0)


@pytest.mark.parametrize("name", [r"a\000b.test", "a b.test", "", "a..test", "a" * 64 + ".test"])
def test_what_is_no_host_name_is_never_asked_for(run: Run, name: str) -> None:
    server = Validator(A)
    answer = ask(run, server, lambda resolver: resolver.lookup_security(name, RecordType.A))
    assert (answer.status, answer.ad, server.queries) == (DnsStatus.malformed, None, [])


def test_a_name_that_is_too_long_to_be_one_does_not_exist(run: Run) -> None:
    server = Validator(A)
    answer = ask(run, server, lambda resolver: resolver.lookup_tlsa("_25._tcp." + "a." * 123))
    assert (answer.status, server.queries) == (DnsStatus.nxdomain, [])


# Many at once ---------------------------------------------------------------------------------------------


class Echo(NameServer):
    """Answers `nN.test`: secure and there if N is even, else insecure and not there."""

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        query = dns.message.from_wire(packet)
        name = query.question[0].name.to_text()
        is_even = int(name[1 : name.index(".")]) % 2 == 0
        self._table = {f"{name.removesuffix('.')} A": [f"{name[:-1]} 60 A 192.0.2.1"] if is_even else "nxdomain"}
        answer = super()._answer(packet, transport, port)
        assert answer is not None
        response = dns.message.from_wire(answer)
        response.flags |= dns.flags.AD if is_even else 0
        return response.to_wire()


def test_all_questions_share_one_socket_and_each_gets_its_own_answer(run: Run) -> None:
    server = Echo({})

    async def all_at_once(resolver: ValidatedResolver) -> list[Answer[Never]]:
        return await asyncio.gather(
            *(resolver.lookup_security(f"n{number}.test", RecordType.A) for number in range(300))
        )

    answers = ask(run, server, all_at_once)
    told = [(answer.status, answer.ad) for answer in answers]
    assert told == [(DnsStatus.ok, True), (DnsStatus.nxdomain, False)] * 150
    assert len({asked.port for asked in server.asked}) == 1


def test_a_lookup_that_is_given_up_leaves_nothing_behind(run: Run) -> None:
    async def give_up(resolver: ValidatedResolver) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await of_host(resolver)
        return len(resolver._queries._waiting)

    assert ask(run, Validator("drop"), give_up) == 0


# What is no answer ----------------------------------------------------------------------------------------


class Deceived(Validator):
    """A server whose client first gets something made of the true answer instead, and that one when it asks again."""

    def __init__(self, forge: Callable[[bytes], bytes]) -> None:
        super().__init__(A, secure=False)
        self._forge = forge

    def _respond(self, packet: bytes, client: tuple[str, int]) -> None:
        true = self._answer(packet, "udp", client[1])
        assert true is not None
        self._udp.sendto(true if len(self.queries) > 1 else self._forge(true), client)


def with_flags(message: bytes, mask: int, value: int) -> bytes:
    flags = int.from_bytes(message[2:4], "big") & mask | value
    return message[:2] + flags.to_bytes(2, "big") + message[4:]


FORGERIES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("another id", lambda true: bytes((true[0] ^ 1,)) + with_flags(true, 0xFFFF, 0x20)[1:]),
    ("another name", lambda true: with_flags(true, 0xFFFF, 0x20).replace(b"\4host", b"\4most")),
    ("another type", lambda true: with_flags(true, 0xFFFF, 0x20).replace(b"\4test\0\0\1", b"\4test\0\0\2", 1)),
    ("a query", lambda true: with_flags(true, 0x7FFF, 0x20)),
    ("no question, and no complaint", lambda true: with_flags(true, 0xFFFF, 0x20)[:4] + b"\0\0" + true[6:]),
    ("no header", lambda true: true[:11]),
    ("nothing", lambda true: b""),
]  # fmt: skip


@pytest.mark.parametrize("forge", [row[1] for row in FORGERIES], ids=[row[0] for row in FORGERIES])
def test_what_does_not_answer_the_question_is_ignored(run: Run, forge: Callable[[bytes], bytes]) -> None:
    server = Deceived(forge)
    answer = ask(run, server, of_host, IMPATIENT)
    assert (answer.status, answer.ad, len(server.queries)) == (DnsStatus.ok, False, 2)


def test_an_answer_from_elsewhere_does_not_arrive(run: Run) -> None:
    class Impersonated(Deceived):
        def _respond(self, packet: bytes, client: tuple[str, int]) -> None:
            true = self._answer(packet, "udp", client[1])
            assert true is not None
            if len(self.queries) > 1:
                self._udp.sendto(true, client)
                return
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind((self.address, 0))
                stranger.sendto(with_flags(true, 0xFFFF, 0x20), client)

    server = Impersonated(lambda true: true)
    assert ask(run, server, of_host, IMPATIENT).ad is False
    assert len(server.queries) == 2


@pytest.mark.parametrize(
    "forge",
    [
        lambda true: true.replace(b"\4host", b"\4most"),
        lambda true: bytes((true[0] ^ 1,)) + true[1:],
        lambda true: true[:9],
    ],
)
def test_what_comes_over_tcp_answers_the_question_or_is_malformed(run: Run, forge: Callable[[bytes], bytes]) -> None:
    class Confused(Validator):
        def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
            true = super()._answer(packet, transport, port)
            assert true is not None
            return forge(true) if transport == "tcp" else true

    assert ask(run, Confused("truncate"), of_host).status is DnsStatus.malformed


def test_a_server_that_cant_read_the_question_need_not_repeat_it(run: Run) -> None:
    server = Deceived(lambda true: with_flags(true, 0xFFF0, 1)[:4] + b"\0\0" * 4)
    assert ask(run, server, of_host).status is DnsStatus.malformed


def test_a_question_is_repeated_in_whatever_case(run: Run) -> None:
    server = Deceived(lambda true: with_flags(true, 0xFFFF, 0x20).replace(b"host", b"hOsT"))
    assert ask(run, server, of_host).ad is True


# Patience -------------------------------------------------------------------------------------------------


def test_a_question_is_asked_again_until_it_is_answered(run: Run) -> None:
    server = Validator("drop", "drop", "drop", A)
    answer = ask(run, server, of_host, IMPATIENT)
    assert (answer.status, answer.ad, len(server.queries)) == (DnsStatus.ok, True, 4)
    assert len({query.id for query in server.queries}) == 1


def test_a_silent_server_is_asked_so_often_and_then_the_time_is_up(run: Run) -> None:
    server = Validator("drop")
    answer = ask(run, server, of_host, DnsSettings(lookup_s=0.3, tries=3))
    assert (answer.status, answer.ad, len(server.queries)) == (DnsStatus.timed_out, None, 3)
    assert 290 < answer.ms < 2000


def test_a_limit_holds_for_all_that_a_servfail_makes_us_ask(run: Run) -> None:
    server = Validator("servfail", "drop")
    answer = ask(run, server, of_host, DnsSettings(lookup_s=0.3, tries=3))
    assert (answer.status, server.checks) == (DnsStatus.servfail, "cccc")
    assert 290 < answer.ms < 2000


def test_another_server_is_asked_when_the_first_is_silent(run: Run) -> None:
    silent, well = Validator("drop"), Validator(A)

    async def main() -> Answer[Never]:
        resolver = ValidatedResolver([silent.server, well.server], IMPATIENT, SystemClock())
        try:
            return await of_host(resolver)
        finally:
            resolver.close()

    with silent, well:
        assert run(main()).ad is True
    assert (len(silent.queries), len(well.queries)) == (1, 1)


# Faults of ours -------------------------------------------------------------------------------------------


def without_sockets(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """No socket can be made for questions any more."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(udp_queries, "socket", SimpleNamespace(**{**vars(socket), "socket": fail}))


def test_where_nobody_listens_nothing_is_known(run: Run) -> None:
    address = new_address()

    async def main() -> Answer[Never]:
        resolver = ValidatedResolver([f"{address}:{unused_port(address)}"], IMPATIENT, SystemClock())
        try:
            return await of_host(resolver)
        finally:
            resolver.close()

    assert run(main()).status is DnsStatus.local_fault


@pytest.mark.parametrize("error", [OSError(101, "Network is unreachable"), OSError(24, "Too many open files")])
def test_what_keeps_us_from_asking_is_our_fault(run: Run, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    without_sockets(monkeypatch, error)

    async def main() -> Answer[Never]:
        return await of_host(ValidatedResolver(["127.64.0.1"], DnsSettings(lookup_s=0.1), SystemClock()))

    assert run(main()).status is DnsStatus.local_fault


def test_a_server_that_comes_back_is_no_fault_of_ours(run: Run) -> None:
    """The kernel says once that nobody listens; after that the server is there, and silent."""
    address = new_address()
    port = unused_port(address)

    async def main() -> DnsStatus:
        resolver = ValidatedResolver([f"{address}:{port}"], DnsSettings(lookup_s=0.4, tries=4), SystemClock())
        lookup = asyncio.ensure_future(of_host(resolver))
        try:
            await asyncio.sleep(0.05)
            assert resolver._queries.is_cut_off
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                server.bind((address, port))
                server.settimeout(5)
                query, client = await asyncio.to_thread(server.recvfrom, 2000)
                server.sendto(query, client)  # no answer, but somebody
                return (await lookup).status
        finally:
            resolver.close()

    assert run(main()) is DnsStatus.timed_out


class JumpingClock(SystemClock):
    """A clock that jumps at every look, as it does for who is frozen."""

    def __init__(self, step_s: float) -> None:
        self._times: Iterator[float] = (number * step_s for number in range(1000))

    def monotonic(self) -> float:
        return next(self._times)


@pytest.mark.parametrize(
    ("step_s", "status", "why"),
    [
        (0.03, DnsStatus.timed_out, "the limit, and a busy loop"),
        (0.2, DnsStatus.local_fault, "frozen: nobody was there to listen"),
    ],
)
def test_a_timeout_that_comes_late_is_our_fault(run: Run, step_s: float, status: DnsStatus, why: str) -> None:
    async def main() -> Answer[Never]:
        resolver = ValidatedResolver([server.server], DnsSettings(lookup_s=0.25), JumpingClock(step_s))
        try:
            return await of_host(resolver)
        finally:
            resolver.close()

    with Validator("drop") as server:
        assert run(main()).status is status, why


def test_what_has_arrived_while_our_loop_stood_still_is_read(run: Run) -> None:
    server = Validator(A)

    async def stand_still(resolver: ValidatedResolver) -> Answer[Never]:
        lookup = asyncio.ensure_future(of_host(resolver))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        deadline = SystemClock().monotonic() + 5
        while SystemClock().monotonic() < deadline and not server.queries:
            pass
        until = SystemClock().monotonic() + 0.5
        while SystemClock().monotonic() < until:
            pass
        return await lookup

    answer = ask(run, server, stand_still, DnsSettings(lookup_s=0.2, tries=1))
    assert (answer.status, answer.ad) == (DnsStatus.ok, True)


# TLSA -----------------------------------------------------------------------------------------------------

TLSA: list[tuple[str, list[str] | str, DnsStatus, Sequence[str]]] = [
    ("records", [f"_25._tcp.mx.test 60 TLSA 3 1 1 {DIGEST}", "_25._tcp.mx.test 60 TLSA 2 0 2 00FF"], DnsStatus.ok,
     (f"3 1 1 {DIGEST}", "2 0 2 00ff")),
    ("behind an alias", ["_25._tcp.mx.test 60 CNAME tlsa.test.", f"tlsa.test 60 TLSA 3 1 1 {DIGEST}"], DnsStatus.ok,
     (f"3 1 1 {DIGEST}",)),
    ("numbers that nobody has defined", ["_25._tcp.mx.test 60 TLSA 255 7 9 00"], DnsStatus.ok, ("255 7 9 00",)),
    ("an alias that leads nowhere", ["_25._tcp.mx.test 60 CNAME tlsa.test."], DnsStatus.no_data, ()),
    ("something else", ["_25._tcp.mx.test 60 TXT x"], DnsStatus.no_data, ()),
    ("nothing", "nxdomain", DnsStatus.nxdomain, ()),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "status", "records"), [row[1:] for row in TLSA], ids=[row[0] for row in TLSA])
def test_tlsa_records_are_read(run: Run, turn: list[str] | str, status: DnsStatus, records: Sequence[str]) -> None:
    answer = ask(run, Validator(turn), lambda resolver: resolver.lookup_tlsa("_25._tcp.mx.test"))
    assert (answer.status, answer.ad) == (status, True)
    assert sorted(answer.records, key=str) == sorted(map(parse_text, records), key=str)


def test_tlsa_records_that_cant_be_read_are_no_records(run: Run) -> None:
    answer = ask(run, Validator("garbage"), lambda resolver: resolver.lookup_tlsa("_25._tcp.mx.test"))
    assert (answer.status, answer.ad, answer.records) == (DnsStatus.malformed, None, ())


def test_many_tlsa_records_come_over_tcp(run: Run) -> None:
    class Cutting(Validator):
        def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
            answer = super()._answer(packet, transport, port)
            assert answer is not None
            return answer if transport == "tcp" else with_flags(answer, 0xFFFF, dns.flags.TC)[:12] + packet[12:-11]

    records = [f"_25._tcp.mx.test 60 TLSA 3 1 1 {number:064x}" for number in range(300)]
    answer = ask(run, Cutting(records), lambda resolver: resolver.lookup_tlsa("_25._tcp.mx.test"))
    assert sorted(answer.records, key=str) == [TlsaRecord(3, 1, 1, n.to_bytes(32, "big")) for n in range(300)]
    assert answer.ad is True


# Whom to believe ------------------------------------------------------------------------------------------


async def found(servers: Sequence[str], *, trust_any: bool = False) -> list[str] | None:
    settings = Settings(dns=IMPATIENT, lookups=LookupsSettings(trust_any_resolver=trust_any))
    resolver = await find_validating_resolver(servers, settings, SystemClock())
    if resolver is None:
        return None
    resolver.close()
    return [f"{server._address[0]}:{server._address[1]}" for server in resolver._queries._servers]


SOA = [". 60 SOA ns.test. hostmaster.test. 1 1 1 1 1"]


@pytest.mark.parametrize(
    ("new_server", "is_found", "why"),
    [
        (lambda: Validator(SOA), True, "the root is secure"),
        (lambda: Validator(SOA, secure=False), False, "it does not validate, or not for us"),
        (lambda: Validator("refused"), False, "no answer, no word about security"),
        (lambda: Validator("servfail"), False, "nor here"),
    ],
)
def test_a_resolver_validates_if_the_root_is_secure(
    new_server: Callable[[], Validator], is_found: bool, why: str
) -> None:
    with new_server() as server:
        assert asyncio.run(found([server.server])) == ([server.server] if is_found else None), why
    question = server.queries[0].question[0]
    assert (question.name.to_text(), question.rdtype.name) == (".", "SOA")


def test_only_those_servers_are_asked_that_validate_and_are_on_this_machine(run: Run) -> None:
    with Validator(SOA) as well, Validator(SOA, secure=False) as blind:
        assert run(found(["192.0.2.1", blind.server, well.server])) == [well.server]


def test_nobody_elsewhere_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    without_sockets(monkeypatch, AssertionError("somebody is asked"))
    assert run(found(["192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53", "169.254.1.1"])) is None


def test_somebody_elsewhere_is_believed_if_the_settings_say_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.net.validated.is_on_this_machine", lambda _: False)
    with Validator(SOA) as server:
        assert run(found([server.server])) is None
        assert run(found([server.server], trust_any=True)) == [server.server]
