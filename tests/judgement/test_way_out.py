"""Do sessions from here reach the servers that they are meant for? Sightings of canaries → checks."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement.fitness import CheckResult
from scanner.judgement.way_out import Sighting, judge_interception, judge_port, see_canary
from scanner.outcomes import Outcome, Stage
from scanner.records import Replies, Target, TlsRecord
from tests.judgement.sessions import ended, reply, session
from tests.tls.issuing import authority, dns_names, issue

OK, FAILED, NOT_KNOWN = CheckResult.ok, CheckResult.failed, CheckResult.not_known
NOTHING = "192.0.2.1"
CHAIN = ("ab" * 32,)


def seen(number: int, *, greeting: str | None = None, **changes: Any) -> Sighting:
    """A server of its own network and pace group that was reached and is itself, with these facts changed."""
    values: dict[str, Any] = {
        "address": f"198.51.{number}.1",
        "network": f"198.51.{number}.0/24",
        "group": f"n{number}.test",
        "came_up": True,
        "greeting": f"mx.n{number}.test ESMTP" if greeting is None else greeting,
        "chain": (f"{number:064x}",),
        "is_covered": True,
    }
    return Sighting(**(values | changes))


def dead(number: int, **changes: Any) -> Sighting:
    return seen(number, came_up=False, greeting="", chain=(), is_covered=False, **changes)


PORTS: list[tuple[str, list[Sighting], CheckResult, str]] = [
    ("all were reached", [seen(1), seen(2)], OK, "port 25: 2 of 2 canaries reached"),
    ("one of many was reached", [*map(dead, range(9)), seen(9)], OK, "1 of 10"),
    ("none of five networks", [*map(dead, range(5))], FAILED, "seems to be blocked: none of 5 networks"),
    ("none of four networks: a list of dead hosts", [*map(dead, range(4))], NOT_KNOWN, "too few to tell"),
    ("none of nine servers in one network", [dead(n, network="n") for n in range(9)], NOT_KNOWN, "too few"),
    ("nobody was asked", [], NOT_KNOWN, "no canary was asked"),
]


@pytest.mark.parametrize(("sightings", "result", "said"), [row[1:] for row in PORTS], ids=[row[0] for row in PORTS])
def test_a_port_is_blocked_when_no_network_of_five_is_reached(
    sightings: list[Sighting], result: CheckResult, said: str
) -> None:
    check = judge_port(sightings, 25)
    assert check.result is result
    assert said in check.said


SAME = "proxy.isp.test ESMTP ready"

INTERCEPTED: list[tuple[str, list[Sighting], bool | None, CheckResult, str]] = [
    ("servers of three networks, each itself", [*map(seen, range(3))], False, OK, "the servers themselves"),
    ("two servers, and nothing answers where nothing is", [seen(1), seen(2)], False, OK, "the servers themselves"),
    ("nobody was reached", [], False, NOT_KNOWN, "too few"),
    ("two servers are too few to tell", [seen(1), seen(2)], None, NOT_KNOWN, "too few"),
    ("a connection came up where nothing can be", [*map(seen, range(3))], True, FAILED, f"came up to {NOTHING}"),
    ("one greeting of three", [seen(n, greeting=SAME) for n in range(3)], False, FAILED, "greet alike with 'proxy.isp"),
    ("one greeting of two", [seen(1, greeting=SAME), seen(2, greeting=SAME), seen(3)], None, OK, ""),
    ("one greeting of one network", [seen(n, greeting=SAME, network="n") for n in range(5)], False, OK, ""),
    ("one greeting of one group", [seen(n, greeting=SAME, group="one.test") for n in range(5)], False, OK, ""),
    (
        "one greeting that has the name of one of them: an operator with several names",
        [seen(0, greeting=SAME, group="isp.test"), seen(1, greeting=SAME), seen(2, greeting=SAME)],
        False,
        OK,
        "",
    ),
    (
        "one certificate of three, for none of them",
        [seen(n, chain=CHAIN, is_covered=False) for n in range(3)],
        False,
        FAILED,
        "198.51.0.1, 198.51.1.1, 198.51.2.1 serve the same certificate",
    ),
    (
        "one certificate of three that covers one: a provider's",
        [seen(0, chain=CHAIN), *(seen(n, chain=CHAIN, is_covered=False) for n in (1, 2))],
        False,
        OK,
        "",
    ),
    ("no certificate, no greeting", [seen(n, chain=(), greeting="", is_covered=False) for n in range(3)], None, OK, ""),
    ("dead ones say nothing", [dead(n) for n in range(9)], None, NOT_KNOWN, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sightings", "answered", "result", "said"), [row[1:] for row in INTERCEPTED], ids=[row[0] for row in INTERCEPTED]
)
def test_one_that_answers_for_three_unrelated_servers_is_on_the_way(
    sightings: Sequence[Sighting], answered: bool | None, result: CheckResult, said: str
) -> None:
    check = judge_interception(sightings, NOTHING, answered=answered)
    assert check.result is result, check.said
    assert said in check.said


# What a session shows ---------------------------------------------------------------------------------

LEAF = issue("mx1.example.org", by=authority(), extensions=[dns_names("mx1.example.org", "*.example.net")]).der
TARGET = Target(
    target="0123456789abcdef",
    address="192.0.2.1",
    port=25,
    server_name="mx1.example.org",
    pace_group="example.org",
    queue="192.0.2.0/24",
)
WITH_TLS = session(tls=TlsRecord(chain=CHAIN))


def greeted(*lines: str) -> Any:
    return session(tls=TlsRecord(chain=CHAIN), replies=Replies(greeting=reply(220, *lines)))


COVERED: list[tuple[str, Any, str, bool, bool]] = [
    ("by its name", greeted("other.test"), "mx1.example.org", True, True),
    ("by the name it greets with", greeted("S1.Example.net. ESMTP"), "mx.customer.test", True, True),
    ("by neither", greeted("other.test"), "mx.customer.test", True, False),
    ("its name is not known: by the one it greets with", greeted("s1.example.net"), "canary.invalid", False, True),
    ("its name is not known, and it gives none", greeted("*****"), "mx1.example.org", False, False),
    ("an empty greeting", greeted(""), "mx.customer.test", True, False),
]


@pytest.mark.parametrize(
    ("record", "server_name", "is_named", "expected"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED]
)
def test_a_server_is_covered_by_what_it_is_called_or_calls_itself(
    record: Any, server_name: str, is_named: bool, expected: bool
) -> None:
    sighting = see_canary(replace(TARGET, server_name=server_name), record, [LEAF], is_named=is_named)
    assert sighting.is_covered is expected
    assert sighting.group == ("example.org" if is_named else "192.0.2.0/24")


def test_a_sighting_has_what_interceptors_have_in_common() -> None:
    sighting = see_canary(TARGET, greeted("mx1", "hello"), [LEAF], is_named=True)
    assert (sighting.greeting, sighting.chain, sighting.came_up) == ("mx1\nhello", CHAIN, True)


@pytest.mark.parametrize(
    ("stage", "outcome", "came_up"),
    [
        (Stage.connect, Outcome.timed_out, False),
        (Stage.connect, Outcome.refused, False),
        (Stage.greeting, Outcome.timed_out, True),
        (Stage.greeting, Outcome.local_fault, False),
    ],
)
def test_a_canary_was_reached_if_its_connection_came_up(stage: Stage, outcome: Outcome, came_up: bool) -> None:
    sighting = see_canary(TARGET, ended(stage, outcome), [], is_named=True)
    assert sighting.came_up is came_up
    assert (sighting.greeting, sighting.chain, sighting.is_covered) == (None, (), False)
