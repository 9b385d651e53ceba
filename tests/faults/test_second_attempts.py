"""What gets a second attempt, and what it shows: behaviours that change between the first and the second.

Second statements, as in `test_server_behaviours.py`.
"""

from collections import defaultdict
from typing import NamedTuple

import pytest

from scanner.outcomes import Outcome, Stage
from scanner.records import Host, Route, SessionRecord
from tests.faults.invariant import records_of
from tests.faults.zoo import Zoo

pytestmark = pytest.mark.acceptance


class Row(NamedTuple):
    """A fault, its domain, the end that is shown, each session as `ATTEMPT VARIANT STAGE OUTCOME`, what is told."""

    fault: str
    domain: str
    ends: str
    sessions: tuple[str, ...]
    told: tuple[str, ...] = ()


ROWS = [
    Row(
        "greeting after more than the first limit, less than the second attempt's",
        "greets-after-the-limit.lab",
        "done ok",
        ("1 survey greeting timed_out", "2 survey done ok"),
    ),
    Row(
        "every stage slow, within the second attempt's limits",
        "slow-at-first.lab",
        "done ok",
        ("1 survey ehlo_after_tls deadline", "2 survey done ok"),
    ),
    Row("closes once", "closes-at-first.lab", "done ok", ("1 survey greeting closed", "2 survey done ok")),
    Row("resets once", "resets-at-first.lab", "done ok", ("1 survey greeting reset", "2 survey done ok")),
    Row("421 once", "too-busy-at-first.lab", "done ok", ("1 survey greeting transient_negative", "2 survey done ok")),
    Row(
        "554 once",
        "no-service-at-first.lab",
        "done ok",
        ("1 survey greeting permanent_negative", "2 survey done ok"),
        ("attempts_differ", "attempts-differ"),
    ),
    Row(
        "STARTTLS 454 once",
        "starttls-454-at-first.lab",
        "done ok",
        ("1 survey starttls transient_negative", "2 survey done ok"),
    ),
    Row(
        "hangs on a large ClientHello, answers a small one",
        "silent-on-a-large-hello.lab",
        "done ok",
        ("1 survey tls timed_out", "1 small_hello done ok", "2 survey tls timed_out"),
        ("large-client-hello",),
    ),
    Row(
        "closes on a large ClientHello, answers a small one",
        "closes-on-a-large-hello.lab",
        "done ok",
        ("1 survey tls closed", "1 small_hello done ok", "2 survey tls closed"),
        ("large-client-hello",),
    ),
    Row(
        "resets on a large ClientHello, answers a small one",
        "resets-on-a-large-hello.lab",
        "done ok",
        ("1 survey tls reset", "1 small_hello done ok", "2 survey tls reset"),
        ("large-client-hello",),
    ),
    Row(
        "220 then silence, also to a small ClientHello",
        "silent-in-handshake.lab",
        "tls timed_out limits.tls_s",
        ("1 survey tls timed_out", "1 small_hello tls timed_out", "2 survey tls timed_out"),
    ),
    Row(
        "a host whose address changes between attempts",
        "address-moves.lab",
        "done ok, greeting closed",
        ("1 survey done ok", "1 survey greeting closed"),
        ("address_withdrawn",),
    ),
    Row("SERVFAIL once, for the domain", "dns-servfail-at-first.lab", "done ok", ("1 survey done ok",)),
    Row("SERVFAIL once, for the mail host", "mx-lookup-fails-at-first.lab", "done ok", ("1 survey done ok",)),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.fault for row in ROWS])
def test_what_changes_between_attempts_is_judged_from_both(row: Row, zoo: Zoo) -> None:
    assert zoo.ends(row.domain) == row.ends
    assert tuple(map(_in_words, zoo.sessions(row.domain))) == row.sessions
    assert set(row.told) <= zoo.told(row.domain)
    assert zoo.offences == []


def _in_words(session: SessionRecord) -> str:
    return f"{session.attempt} {session.variant} {session.stage} {session.outcome}"


#: Ends that are worth it, besides a 5yz greeting; all others are definite, or would only come again.
WORTH_IT = frozenset(
    {
        Outcome.timed_out,
        Outcome.deadline,
        Outcome.reset,
        Outcome.closed,
        Outcome.refused,
        Outcome.transient_negative,
        Outcome.tls_failed,
    }
)


def _is_worth_it(session: SessionRecord) -> bool:
    is_refused_at_once = session.outcome is Outcome.permanent_negative and session.stage is Stage.greeting
    return session.outcome in WORTH_IT or is_refused_at_once


def test_exactly_what_is_inconclusive_gets_a_second_attempt_at_the_end_of_the_pass(zoo: Zoo) -> None:
    by_address: dict[str, list[SessionRecord]] = defaultdict(list)
    # The last line of a session counts: a busy machine may have ended the first one.
    for session in {session.session: session for session in records_of(zoo.run, SessionRecord)}.values():
        by_address[session.address].append(session)
    withdrawn = {session.address for session in zoo.sessions("address-moves.lab")}
    asked = [held for address, held in by_address.items() if address not in withdrawn and _has_one_name(held)]
    assert len(asked) > 100
    for held in asked:
        assert (held[-1].attempt == 2) == _is_worth_it(held[0]), [_in_words(session) for session in held]


def _has_one_name(held: list[SessionRecord]) -> bool:
    """False for an address whose names speak for each other."""
    return len({session.server_name for session in held}) == 1


def test_the_limits_of_a_second_attempt_are_longer(zoo: Zoo) -> None:
    limits: dict[str, set[tuple[int, float]]] = defaultdict(set)
    for session in records_of(zoo.run, SessionRecord):
        if session.limit is not None and session.limit_s is not None:
            limits[session.limit].add((session.attempt, session.limit_s))
    assert {"limits.connect_s", "limits.greeting_s", "limits.reply_s", "limits.tls_s"} <= limits.keys()
    for limit, found in limits.items():
        by_attempt = dict(found)
        assert len(found) == len(by_attempt), f"{limit} differs within an attempt: {found}"
        assert by_attempt.get(1, 0.0) < by_attempt.get(2, float("inf"))


def test_a_lookup_that_failed_is_made_twice_and_a_host_is_looked_up_again_before_its_second_session(zoo: Zoo) -> None:
    routes = [route.attempt for route in records_of(zoo.run, Route) if route.domain == "dns-servfail-at-first.lab"]
    assert routes == [1, 2]
    hosts = [host.attempt for host in records_of(zoo.run, Host) if host.exchange == "mx.closes-at-first.lab"]
    assert len(hosts) == 2
    assert hosts[0] == 1 < hosts[1]
