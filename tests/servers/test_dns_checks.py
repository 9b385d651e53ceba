"""What a check tells of zones that NSD and unbound serve well and ill: without TCP, lame, old, or not at all."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from socket import SOCK_DGRAM, SOCK_STREAM
from typing import Any

import pytest

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.steps import Step
from scanner.lookup.dns_checks import DnsChecks
from scanner.net.clock import SystemClock
from scanner.net.server_questions import ServerQuestions
from tests.conftest import Run

from . import name_servers
from .programs import free_port

pytestmark = pytest.mark.servers

#: Who serves what. They share one port, as name servers share port 53; at NOBODY nobody listens.
PRIMARY, SECONDARY, WITHOUT_TCP, LAME, NOBODY = "127.0.0.1", "127.81.0.2", "127.81.0.3", "127.81.0.4", "127.81.0.9"

_HEAD = """\
$ORIGIN {zone}
$TTL 300
@        SOA   primary hostmaster {serial} 3600 600 86400 60
@        NS    primary
primary  A     127.0.0.1
{lines}
"""

#: Zone → what it has beside its primary. Forty exchanges with long names do not fit into an answer over UDP.
LINES = {
    "good.test.": """\
@          NS    secondary
secondary  A     127.81.0.2
@          MX    10 mx
mx         A     127.81.0.9
a-child    TXT   "neither MX nor address"
null-mx    MX    0 .
mx-gone    MX    10 nowhere
""",
    "old.test.": "@ NS secondary\nsecondary A 127.81.0.2\n",
    "no-tcp.test.": "@ NS without-tcp\nwithout-tcp A 127.81.0.3\n"
    + "".join(f"@ MX {number} an-exchange-{'with-a-long-name-' * 2}{number:02}\n" for number in range(40)),
    "not-served.test.": "@ NS secondary\nsecondary A 127.81.0.2\n",
    "lame.test.": "@ NS lame\nlame A 127.81.0.4\n",
    "dead.test.": "@ NS nobody\nnobody A 127.81.0.9\n",
    "no-address.test.": '@ NS nowhere\n@ NS empty\nempty TXT "no address"\n',
    "alias.test.": "@ NS other-name\nother-name CNAME primary\n",
    "inside.test.": "@ NS inside\ninside A 10.1.2.3\n",
    "81.127.in-addr.arpa.": "2.0 PTR secondary.good.test.\n3.0 PTR primary.good.test.\n",
}


def zone_text(zone: str, serial: int = 7) -> str:
    return _HEAD.format(zone=zone, serial=serial, lines=LINES[zone])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port([PRIMARY, SECONDARY, WITHOUT_TCP, LAME, NOBODY], (SOCK_STREAM, SOCK_DGRAM))


@pytest.fixture(scope="module")
def two_nsd(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The primary, and a secondary that did not get the last change of old.test. Their port."""
    current = {zone: zone_text(zone) for zone in LINES}
    copied = {"good.test.": current["good.test."], "old.test.": zone_text("old.test.", serial=5)}
    with (
        name_servers.nsd(tmp_path_factory.mktemp("primary"), current, address=PRIMARY, port=port),
        name_servers.nsd(tmp_path_factory.mktemp("secondary"), copied, address=SECONDARY, port=port),
    ):
        yield port


@pytest.fixture(scope="module")
def three_unbound(two_nsd: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that serves a zone by UDP alone, one that hands on what it heard, and a resolver. The resolver."""
    directory = tmp_path_factory.mktemp("without_tcp")
    (directory / "zone").write_text(zone_text("no-tcp.test."), encoding="utf-8")
    serves = ("do-tcp: no", "auth-zone:", 'name: "no-tcp.test."', f'zonefile: "{directory}/zone"', "for-upstream: no")
    hands_on = ("access-control: 127.0.0.1/32 allow_snoop",)
    start, mktemp = name_servers.unbound, tmp_path_factory.mktemp
    with (
        start(directory, two_nsd, ["no-tcp.test."], address=WITHOUT_TCP, port=two_nsd, more=serves),
        start(mktemp("lame"), two_nsd, ["lame.test."], address=LAME, port=two_nsd, more=hands_on),
        start(mktemp("resolver"), two_nsd, LINES) as resolver,
    ):
        yield f"127.0.0.1:{resolver.port}"


def told(
    check: Callable[[DnsChecks], Coroutine[Any, Any, None]], servers: Iterable[str], port: int, run: Run
) -> list[str]:
    """What a check tells, a line a step, with words for the servers that are named to it."""
    policy = ContactPolicy(AddressPolicy(["127.0.0.1/32", "127.81.0.0/24"]))
    steps: list[Step] = []
    names = dict(zip(servers, ("first", "second"), strict=False))
    run(check(DnsChecks(ServerQuestions(5.0, SystemClock()), list(names), policy, steps.append, port=port)))
    lines = [f"{step.result}: {step.said}" for step in steps]
    for server, word in names.items():
        lines = [line.replace(server, word) for line in lines]
    return lines


@dataclass(frozen=True)
class Case:
    """A domain, why it is there, and what is told of its name servers and their serials."""

    domain: str
    why: str
    steps: tuple[str, ...]


def is_well(name: str, zone: str, address: str = PRIMARY, serial: int = 7) -> str:
    return f"passed: name server {name}.{zone} [{address}]: serial {serial} over UDP and TCP"


ONE_SERIAL = "passed: {zone}: serial 7"
TWO_SERIALS = "passed: {zone}: serial 7 on the 2 name servers heard"
OLD_SECONDARY = (
    "failed: old.test: serial numbers differ: "
    f"7 on primary.old.test [{PRIMARY}], 5 on secondary.old.test [{SECONDARY}]; 7 is the newest"
)
UDP_ALONE = "serial 7 over UDP, connection refused over TCP"

CASES = (
    Case(
        "good.test",
        "two servers that agree",
        (is_well("primary", "good.test"), is_well("secondary", "good.test", SECONDARY), TWO_SERIALS),
    ),
    Case(
        "old.test",
        "the secondary has not got the last change",
        (
            is_well("primary", "old.test"),
            is_well("secondary", "old.test", SECONDARY, serial=5),
            OLD_SECONDARY,
        ),
    ),
    Case(
        "no-tcp.test",
        "RFC 7766: a server that answers over UDP alone",
        (
            is_well("primary", "no-tcp.test"),
            f"failed: name server without-tcp.no-tcp.test [{WITHOUT_TCP}]: {UDP_ALONE}",
            TWO_SERIALS,
        ),
    ),
    Case(
        "not-served.test",
        "lame: a server that does not know the zone",
        (
            is_well("primary", "not-served.test"),
            f"failed: name server secondary.not-served.test [{SECONDARY}]: REFUSED over UDP and TCP",
            ONE_SERIAL,
        ),
    ),
    Case(
        "lame.test",
        "lame: a resolver that hands on what it heard",
        (
            f"failed: name server lame.lame.test [{LAME}]: not authoritative (lame) over UDP and TCP",
            is_well("primary", "lame.test"),
            ONE_SERIAL,
        ),
    ),
    Case(
        "dead.test",
        "a server that does not run, and another one that shows that the way is open",
        (
            is_well("primary", "dead.test"),
            f"failed: name server nobody.dead.test [{NOBODY}]: connection refused over UDP and TCP",
            ONE_SERIAL,
        ),
    ),
    Case(
        "no-address.test",
        "servers that nobody can find",
        (
            "failed: the name server empty.no-address.test has no address (no A record)",
            "failed: the name server nowhere.no-address.test has no address (NXDOMAIN)",
            is_well("primary", "no-address.test"),
            ONE_SERIAL,
        ),
    ),
    Case(
        "alias.test",
        "RFC 2181 §10.3: an NS record leads to no alias",
        (
            "failed: the name server other-name.alias.test is an alias, which some resolvers do not follow",
            is_well("other-name", "alias.test"),
            is_well("primary", "alias.test"),
            TWO_SERIALS,
        ),
    ),
    Case(
        "inside.test",
        "not one packet to an address that is not public",
        (
            "unknown: name server inside.inside.test [10.1.2.3] is not contacted: not_public",
            is_well("primary", "inside.test"),
            ONE_SERIAL,
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.domain)
def test_what_is_wrong_with_a_name_server_is_told(case: Case, two_nsd: int, three_unbound: str, run: Run) -> None:
    servers = [three_unbound, f"{PRIMARY}:{two_nsd}"]
    zone = case.domain
    lines = told(lambda checks: checks.check_zone(zone), servers, two_nsd, run)
    assert lines[:4] == [
        f"action: asking for the SOA of the zone around {zone}",
        f"information: {zone} is in the zone {zone}",
        "passed: DNS server first: serial 7 over UDP and TCP",
        "passed: DNS server second: serial 7 over UDP and TCP",
    ]
    assert lines[4].startswith(f"information: {zone} has the name servers ")
    assert lines[5:] == [step.format(zone=zone) for step in case.steps], case.why


def test_a_name_below_the_top_of_a_zone_is_in_that_zone(two_nsd: int, three_unbound: str, run: Run) -> None:
    lines = told(lambda checks: checks.check_zone("a-child.good.test"), [three_unbound], two_nsd, run)
    assert lines[1] == "information: a-child.good.test is in the zone good.test"
    assert lines[-1] == "passed: good.test: serial 7 on the 2 name servers heard"


def test_a_name_that_a_zone_does_not_have_does_not_exist_and_the_zone_is_looked_at(
    two_nsd: int, three_unbound: str, run: Run
) -> None:
    lines = told(lambda checks: checks.check_zone("nowhere.good.test"), [three_unbound], two_nsd, run)
    assert lines[1] == "failed: nowhere.good.test does not exist (NXDOMAIN); the zone around it is good.test"
    assert lines[-1] == "passed: good.test: serial 7 on the 2 name servers heard"


def test_without_tcp_an_answer_that_is_cut_off_is_lost(two_nsd: int, three_unbound: str, run: Run) -> None:
    server = f"{WITHOUT_TCP}:{two_nsd}"
    lines = told(lambda checks: checks.check_recipient("no-tcp.test"), [server], two_nsd, run)
    said = "an answer that is cut off over UDP, connection refused over TCP: what is cut off is lost"
    assert lines[1:] == [f"failed: MX of no-tcp.test from first: {said}"]


def test_with_tcp_an_answer_that_is_cut_off_is_whole(two_nsd: int, three_unbound: str, run: Run) -> None:
    lines = told(lambda checks: checks.check_recipient("no-tcp.test"), [three_unbound], two_nsd, run)
    assert lines[1].startswith(
        "passed: MX of no-tcp.test from first: an answer that is cut off over UDP, 0 an-exchange-"
    )
    assert lines[1].endswith(" and 30 more over TCP")


SENDERS = [
    (
        "good.test",
        "passed: replies and bounces to good.test come back, by MX: mx.good.test (127.81.0.9)",
        "an MX with an address",
    ),
    (
        "primary.good.test",
        "passed: replies and bounces to primary.good.test come back, by its own address: primary.good.test (127.0.0.1)",
        "RFC 5321 §5.1: no MX, but an address",
    ),
    ("a-child.good.test", "failed: a-child.good.test has neither MX nor address", "nothing"),
    (
        "null-mx.good.test",
        "failed: null-mx.good.test takes no mail (null MX, RFC 7505)",
        "RFC 7505",
    ),
    ("nowhere.good.test", "failed: nowhere.good.test does not exist", "NXDOMAIN"),
    ("mx-gone.good.test", "failed: no mail host of mx-gone.good.test has an address: nowhere.good.test", "a dead MX"),
]


@pytest.mark.parametrize(("domain", "last", "why"), SENDERS, ids=[row[0] for row in SENDERS])
def test_whether_replies_and_bounces_would_come_back(
    domain: str, last: str, why: str, two_nsd: int, three_unbound: str, run: Run
) -> None:
    lines = told(lambda checks: checks.check_sender(domain), [three_unbound], two_nsd, run)
    assert lines[-1].startswith(last), why


REVERSE = [
    (SECONDARY, "passed: our address 127.81.0.2 is secondary.good.test, and back"),
    (WITHOUT_TCP, "failed: our address 127.81.0.3 is primary.good.test, which does not lead back"),
    (LAME, "failed: our address 127.81.0.4 has no PTR record"),
]


@pytest.mark.parametrize(("address", "expected"), REVERSE)
def test_whether_the_name_of_an_address_leads_back(address: str, expected: str, two_nsd: int, run: Run) -> None:
    lines = told(lambda checks: checks.check_reverse(address, is_ours=True), [f"{PRIMARY}:{two_nsd}"], two_nsd, run)
    assert len(lines) == 1
    assert lines[0].startswith(expected)
