"""What is looked at before a scan: questions to name servers on loopback, sessions that were, one connect."""

import asyncio
from collections.abc import Iterable
from typing import Any

import dns.flags
import dns.message
import pytest
from msgspec.structs import replace

from scanner.judgement.fitness import Check, CheckResult
from scanner.net.machine import Families
from scanner.net.streams import IpAddress, TcpStream
from scanner.outcomes import Outcome, Stage
from scanner.passes import preflight as preflight_module
from scanner.passes.canaries import NO_NAME
from scanner.passes.preflight import Preflight, refuse_unfit
from scanner.passes.vigil import OurFault
from scanner.probe.session import ProbedSession
from scanner.records import Replies, ReplyRecord
from scanner.settings import DnsSettings, Limits, ProbeSettings, Settings, VantageSettings
from tests.conftest import Run
from tests.net.name_server import NameServer, Table
from tests.passes.examples import session, transcript

OK, WARNING, FAILED, NOT_KNOWN = CheckResult.ok, CheckResult.warning, CheckResult.failed, CheckResult.not_known

US = "127.64.200.1"
NAME = "mx.scanner.test"
PTR = "1.200.64.127.in-addr.arpa"
GOOD: Table = {
    f"{NAME} A": [f"{NAME} 60 A {US}"],
    f"{PTR} PTR": [f"{PTR} 60 PTR MX.Scanner.test."],
    "scanner.test SOA": [],
}


class RootServer(NameServer):
    """Also knows the root, whose answer it vouches for if it `validates`; makes up addresses under `invents`."""

    def __init__(self, table: Table, *, validates: bool = True, invents: str | None = None) -> None:
        super().__init__(table)
        self._validates = validates
        self._invents = invents

    def _answer(self, packet: bytes, transport: str, port: int) -> bytes | None:
        query = dns.message.from_wire(packet)
        name = query.question[0].name.to_text(omit_final_dot=True)
        if name == ".":
            response = dns.message.make_response(query)
            response.answer = [dns.rrset.from_text(".", 60, "IN", "SOA", "a. b. 1 1 1 1 1")]
            response.flags |= dns.flags.AD if self._validates else 0
            return response.to_wire()
        if self._invents is not None and name.endswith(self._invents) and len(name.partition(".")[0]) == 24:
            self._table[f"{name} A"] = [f"{name} 60 A 198.51.100.1"]
        return super()._answer(packet, transport, port)


def settings(server: NameServer, **probe: Any) -> Settings:
    values: dict[str, Any] = {"ehlo_name": NAME, "allow_networks": ("127.64.0.0/10",)}
    return Settings(
        dns=DnsSettings(servers=(server.server,), lookup_s=10),
        probe=ProbeSettings(**(values | probe)),
        limits=Limits(connect_s=5),
        vantage=VantageSettings(nothing_there="127.127.255.254"),
    )


def place(run: Run, server: NameServer, domains: int = 10, **probe: Any) -> dict[str, Check]:
    told = settings(server, **probe)
    checks = run(Preflight(told, told.dns.servers).check_place(domains))
    return {check.name: check for check in checks}


@pytest.fixture(autouse=True)
def families(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with both address families, whatever this one has."""
    monkeypatch.setattr(preflight_module, "usable_families", lambda: Families(ipv4=True, ipv6=True))


# The place --------------------------------------------------------------------------------------------


def test_a_good_place_is_good(run: Run) -> None:
    with RootServer(GOOD) as server:
        checks = place(run, server, source_address=(US,))
    assert {name: check.result for name, check in checks.items()} == dict.fromkeys(
        ("ehlo_name", "ipv4", "ipv6", "resolver", "resolver_honest", "resolver_validates", "resolver_size"), OK
    )
    refuse_unfit(checks.values())


NAMES: list[tuple[str, Table, tuple[str, ...], CheckResult, str]] = [
    ("it does not exist", {f"{NAME} A": "nxdomain"}, (US,), FAILED, "has no address"),
    ("its lookup fails", {f"{NAME} A": "servfail"}, (US,), NOT_KNOWN, "could not be looked up (servfail, nxdomain)"),
    ("it is another address", {f"{NAME} A": [f"{NAME} 60 A 192.0.2.9"]}, (US,), WARNING, f"come from {US}"),
    ("no source is known: its own address is looked at", {f"{PTR} PTR": []}, (), WARNING, f"{US} has no PTR"),
    ("no source is known", {}, (), NOT_KNOWN, "shows in the first session"),
    ("a source as IPv6 writes it", {}, (f"::ffff:{US}",), OK, "and back"),
    (
        "it has more addresses than sessions come from",
        {f"{NAME} A": [f"{NAME} 60 A 127.64.200.3", f"{NAME} 60 A {US}"]},
        (US,),
        OK,
        "and back",
    ),
    ("no way back", {f"{PTR} PTR": "nxdomain"}, (US,), WARNING, "has no PTR"),
    (
        "a way back to another name that has the address",
        {f"{PTR} PTR": [f"{PTR} 60 PTR host.test."], "host.test A": [f"host.test 60 A {US}"]},
        (US,),
        OK,
        "and back",
    ),
    (
        "a way back to another name that has not",
        {f"{PTR} PTR": [f"{PTR} 60 PTR pool.test."]},
        (US,),
        WARNING,
        "is pool.test, which does not lead back",
    ),
]


@pytest.mark.parametrize(
    ("table", "sources", "result", "said"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES]
)
def test_our_name_is_looked_up_both_ways(
    run: Run, table: Table, sources: tuple[str, ...], result: CheckResult, said: str
) -> None:
    with RootServer({**GOOD, **table}) as server:
        check = place(run, server, source_address=sources)["ehlo_name"]
    assert check.result is result, check.said
    assert said in check.said


def test_behind_nat_the_addresses_of_the_name_are_looked_at(run: Run) -> None:
    with RootServer(GOOD) as server:
        check = place(run, server, source_address=("10.0.0.7",))["ehlo_name"]
        asked = {asked.question for asked in server.asked}
    assert check.result is WARNING
    assert "7.0.0.10.in-addr.arpa PTR" not in asked
    assert f"{PTR} PTR" in asked


def test_a_way_back_to_what_is_no_host_name_is_not_followed(run: Run) -> None:
    with RootServer({**GOOD, f"{PTR} PTR": [f"{PTR} 60 PTR a\\032b.test."]}) as server:
        assert place(run, server, source_address=(US,))["ehlo_name"].result is WARNING
        # The names that can't exist are 24 random letters, and may end with a b too.
        asked = [one.question for one in server.asked if len(one.question.partition(".")[0]) < 24]
        assert not any(question.endswith("b.test A") for question in asked)


INVENTED: list[tuple[str, str | None, CheckResult]] = [
    ("nothing", None, OK),
    ("what can't exist", "invalid", FAILED),
    ("under com", "com", FAILED),
    ("under our own top-level domain alone: a wildcard of its registry", "test", WARNING),
]


@pytest.mark.parametrize(("invents", "result"), [row[1:] for row in INVENTED], ids=[row[0] for row in INVENTED])
def test_a_resolver_that_invents_answers_is_found_out(run: Run, invents: str | None, result: CheckResult) -> None:
    with RootServer(GOOD, invents=invents) as server:
        checks = place(run, server)
    assert checks["resolver_honest"].result is result
    if result is FAILED:
        with pytest.raises(OurFault, match=r"resolver_honest: [a-z]{24}\.\w+ can't exist.*use another resolver"):
            refuse_unfit(checks.values())


def test_names_that_cannot_exist_are_new_each_time(run: Run) -> None:
    with RootServer(GOOD) as server:
        place(run, server)
        place(run, server)
        made_up = [asked.question for asked in server.asked if len(asked.question.partition(".")[0]) == 24]
    assert len(made_up) == len(set(made_up)) == 2 * len({"invalid", "com", "test"})


@pytest.mark.parametrize(("validates", "result"), [(True, OK), (False, WARNING)])
def test_validation_shows_in_the_root(run: Run, validates: bool, result: CheckResult) -> None:
    with RootServer(GOOD, validates=validates) as server:
        assert place(run, server)["resolver_validates"].result is result


def test_without_a_root_validation_is_not_known(run: Run) -> None:
    with NameServer(GOOD) as server:
        assert place(run, server)["resolver_validates"].result is NOT_KNOWN


def test_a_resolver_that_says_nothing_is_unfit_and_nothing_else_is_said_of_it(run: Run) -> None:
    with NameServer({}) as server:
        server._answer = lambda *_: None  # type: ignore[method-assign]
        told = replace(settings(server), dns=DnsSettings(servers=(server.server,), lookup_s=0.3))
        checks = {check.name: check for check in run(Preflight(told, told.dns.servers).check_place(10))}
    assert checks["resolver"].result is FAILED
    assert checks["ehlo_name"].result is NOT_KNOWN
    assert not {"resolver_honest", "resolver_validates"} & checks.keys()


@pytest.mark.parametrize(("allowed", "result"), [(("127.64.0.0/10",), OK), (("10.0.0.0/8",), FAILED), ((), FAILED)])
def test_loopback_is_network_enough_for_those_who_scan_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, allowed: tuple[str, ...], result: CheckResult
) -> None:
    monkeypatch.setattr(preflight_module, "usable_families", lambda: Families(ipv4=False, ipv6=False))
    with RootServer(GOOD) as server:
        assert place(run, server, allow_networks=allowed)["ipv4"].result is result


# The port ---------------------------------------------------------------------------------------------


def canary(number: int, *, came_up: bool = True, address: str = "", name: str = "", **changes: Any) -> ProbedSession:
    name = name or f"mx.n{number}.test"
    record = replace(
        session(1),
        address=address or f"127.64.{number}.1",
        server_name=name,
        source_address=US if came_up else None,
        stage=Stage.done if came_up else Stage.connect,
        outcome=Outcome.ok if came_up else Outcome.timed_out,
        replies=Replies(greeting=ReplyRecord(code=220, enhanced_code=None, lines=(f"{name} ESMTP",)))
        if came_up
        else Replies(),
        **changes,
    )
    return ProbedSession(record, transcript(1), ())


class Dialled:
    """A connector that notes whom it dials, and lets a connection come up or not."""

    def __init__(self, *, answers: bool = False) -> None:
        self.dialled: list[tuple[str, str | None]] = []
        self.answers = answers

    async def __call__(self, address: IpAddress, port: int, source: str | None, tried_from: object = None) -> TcpStream:
        self.dialled.append((str(address), source))
        if not self.answers:
            raise ConnectionRefusedError(111, "refused")
        return TcpStream(asyncio.StreamReader(), None, source)  # type: ignore[arg-type]


def port(run: Run, canaries: Iterable[ProbedSession], dialled: Dialled, nothing_there: str = "", **probe: Any) -> Any:
    with RootServer(GOOD) as server:
        told = settings(server, **probe)
        if nothing_there:
            told = replace(told, vantage=VantageSettings(nothing_there=nothing_there))
        checks = run(Preflight(told, told.dns.servers, dialled).check_port(tuple(canaries)))
    return {check.name: check for check in checks}


def test_canaries_show_our_address_and_that_the_port_is_open(run: Run) -> None:
    checks = port(run, map(canary, range(5)), Dialled())
    assert {name: check.result for name, check in checks.items()} == {
        "ehlo_name": OK,
        "port_open": OK,
        "not_intercepted": OK,
    }


def test_a_source_that_was_asked_for_is_the_one_looked_at(run: Run) -> None:
    checks = port(run, map(canary, range(5)), Dialled(), source_address=("127.64.200.2",))
    assert "come from 127.64.200.2" in checks["ehlo_name"].said


def test_five_networks_that_are_not_reached_are_a_blocked_port(run: Run) -> None:
    checks = port(run, [canary(n, came_up=False) for n in range(5)], Dialled())
    assert checks["port_open"].result is FAILED
    with pytest.raises(OurFault, match=r"port_open: .*blocked.*--canary"):
        refuse_unfit(checks.values())


def test_configured_canaries_are_unrelated_by_their_networks(run: Run) -> None:
    greeting = ReplyRecord(code=220, enhanced_code=None, lines=("proxy.test ESMTP",))
    alike = [canary(n, name=NO_NAME) for n in range(3)]
    alike = [
        ProbedSession(replace(each.record, replies=Replies(greeting=greeting)), each.transcript, ()) for each in alike
    ]
    assert port(run, alike, Dialled())["not_intercepted"].result is FAILED


def test_a_connection_where_nothing_is_is_an_interceptor(run: Run) -> None:
    dialled = Dialled(answers=True)
    check = port(run, map(canary, range(5)), dialled, source_address=("2001:db8::1", US))["not_intercepted"]
    assert check.result is FAILED
    assert dialled.dialled == [("127.127.255.254", US)]


PUBLIC = canary(9, address="198.41.0.4")

TRIED: list[tuple[str, list[ProbedSession], str, list[str]]] = [
    ("on this machine, always", [canary(1)], "127.127.255.254", ["127.127.255.254"]),
    ("elsewhere, if public servers were dialled", [canary(1), PUBLIC], "192.0.2.1", ["192.0.2.1"]),
    ("elsewhere, never if only our own servers were", [canary(1)], "192.0.2.1", []),
    ("elsewhere, never if nobody was", [], "192.0.2.1", []),
    ("left out", [PUBLIC], "", []),
]


@pytest.mark.parametrize(
    ("canaries", "nothing_there", "dialled"), [row[1:] for row in TRIED], ids=[r[0] for r in TRIED]
)
def test_the_address_where_nothing_is_is_dialled_only_where_others_were(
    run: Run, canaries: list[ProbedSession], nothing_there: str, dialled: list[str]
) -> None:
    notes = Dialled()
    with RootServer(GOOD) as server:
        told = replace(settings(server), vantage=VantageSettings(nothing_there=nothing_there))
        run(Preflight(told, told.dns.servers, notes).check_port(canaries))
    assert [address for address, _ in notes.dialled] == dialled


def test_one_that_does_not_answer_in_time_is_no_interceptor(run: Run) -> None:
    async def never(address: IpAddress, port: int, source: str | None, tried_from: object = None) -> TcpStream:
        await asyncio.sleep(1000)
        raise AssertionError

    with RootServer(GOOD) as server:
        told = replace(settings(server), limits=Limits(connect_s=0.05))
        checks = run(Preflight(told, told.dns.servers, never).check_port([canary(n) for n in range(3)]))
    assert checks[-1].result is OK


def test_a_fit_place_is_not_refused() -> None:
    refuse_unfit([Check("a", OK, ""), Check("b", WARNING, ""), Check("c", NOT_KNOWN, "")])
