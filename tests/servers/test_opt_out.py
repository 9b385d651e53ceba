"""Whoever opted out is left alone: NSD, unbound and Postfix say themselves that nobody came."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.records import Domain

from .name_servers import Nsd, Unbound
from .postfix import Postfix
from .scans import scan
from .smtpds import OPTED_OUT
from .telling import Told, certificate, tell, unknown

LIST = """\
# by name, by mail host, by address, by network
Left-Alone.test.
quiet.test
127.80.7.3
127.80.7.64/26     # all of it
"""

GOOD = certificate("yes", "yes")


@dataclass(frozen=True)
class Case:
    """A domain at one smtpd: what is told of it if it opted out, and what if it did not."""

    service: str
    domain: str
    why: str
    host: str
    address: str
    opted_out: Told
    verdicts: tuple[str, ...] = GOOD
    finding: str = ""

    @property
    def told(self) -> Told:
        line = f"10 {self.host} ok/no_data: {self.address} done ok"
        found = {f"{self.finding} {self.host} [{self.address}]"} if self.finding else set()
        return Told("mx ok 1", (line,), self.verdicts, frozenset(found))


def skipped(route: str, *hosts: str) -> Told:
    return Told(route, hosts, unknown("opted_out"), frozenset())


CASES = (
    Case(
        "left-alone",
        "left-alone.test",
        "the domain is on the list: not even its MX records are asked for",
        "left-alone.mx.real.test",
        "127.80.7.1",
        skipped("skipped not_asked 0"),
    ),
    Case(
        "by-host",
        "by-host.real.test",
        "what its mail host is below is on the list: its address is not asked for",
        "mx.quiet.test",
        "127.80.7.2",
        skipped("mx ok 1", "10 mx.quiet.test not_asked/not_asked"),
        certificate("yes", "no"),
        "certificate-host-mismatch error",
    ),
    Case(
        "by-address",
        "by-address.real.test",
        "its address is on the list",
        "by-address.mx.real.test",
        "127.80.7.3",
        skipped("mx ok 1", "10 by-address.mx.real.test ok/no_data: 127.80.7.3 - opted_out +opted_out"),
    ),
    Case(
        "by-network",
        "by-network.real.test",
        "its address is in a network on the list",
        "by-network.mx.real.test",
        "127.80.7.65",
        skipped("mx ok 1", "10 by-network.mx.real.test ok/no_data: 127.80.7.65 - opted_out +opted_out"),
    ),
)

#: Nobody has a reason to ask for a name in them, but for those who opted out.
THEIR_ZONES = ("left-alone.test.", "quiet.test.")


@dataclass(frozen=True)
class Witnessed:
    """The records of a scan, and what came to the servers while it went on."""

    records: dict[str, Domain]
    connections: dict[str, int]
    questions_to_nsd: dict[str, int]
    names_asked_of_unbound: set[str]


@pytest.fixture(scope="module")
def witnessed(
    nsd: Nsd, unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Witnessed, Witnessed]:
    """The scan with the opt-out list, and the same without it."""

    def scanned(directory: Path, *options: str | Path) -> Witnessed:
        connections = {smtpd.name: postfix.connections(smtpd.name) for smtpd in OPTED_OUT}
        questions = {zone: nsd.questions(zone) for zone in THEIR_ZONES}
        names = unbound.asked_names
        domains = [*(case.domain for case in CASES), "good.real.test"]
        records = scan(directory, domains, unbound.port, postfix.port, "--ca-file", postfix.ca_file, *options)
        return Witnessed(
            records,
            {name: postfix.connections(name) - before for name, before in connections.items()},
            {zone: nsd.questions(zone) - before for zone, before in questions.items()},
            unbound.asked_names - names,
        )

    directory = tmp_path_factory.mktemp("opted_out")
    (directory / "opt-out.txt").write_text(LIST, encoding="utf-8")
    left_alone = scanned(directory, "--opt-out", directory / "opt-out.txt")
    return left_alone, scanned(tmp_path_factory.mktemp("not_opted_out"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.service)
def test_a_record_says_that_its_owner_opted_out(case: Case, witnessed: tuple[Witnessed, Witnessed]) -> None:
    left_alone, visited = witnessed
    assert tell(left_alone.records[case.domain]) == case.opted_out, case.why
    assert tell(visited.records[case.domain]) == case.told, case.why


def test_others_are_visited_all_the_same(witnessed: tuple[Witnessed, Witnessed]) -> None:
    for each in witnessed:
        assert each.records["good.real.test"].verdicts.smtp.value == "yes"


def test_postfix_saw_no_connection_and_would_have_seen_it(witnessed: tuple[Witnessed, Witnessed]) -> None:
    left_alone, visited = witnessed
    assert left_alone.connections == {smtpd.name: 0 for smtpd in OPTED_OUT}
    assert visited.connections == {smtpd.name: 1 for smtpd in OPTED_OUT}


def test_nsd_got_no_question_for_them_and_would_have_counted_it(witnessed: tuple[Witnessed, Witnessed]) -> None:
    left_alone, visited = witnessed
    assert left_alone.questions_to_nsd == dict.fromkeys(THEIR_ZONES, 0)
    assert all(visited.questions_to_nsd.values())


def test_nor_did_unbound(witnessed: tuple[Witnessed, Witnessed]) -> None:
    theirs = {"left-alone.test", "left-alone.mx.real.test", "mx.quiet.test"}
    left_alone, visited = witnessed
    assert not left_alone.names_asked_of_unbound & theirs
    assert theirs <= visited.names_asked_of_unbound
