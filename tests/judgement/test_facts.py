"""A session reduced to the few facts that judging needs."""

import pytest

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.facts import reduce_session
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import OUTCOMES_OF_OURS, Cause, FindingKind, NotKnown, Outcome, Stage, StarttlsResult, Variant
from scanner.records import Event, Replies, SessionRecord, TlsRecord
from tests.tls.issuing import authority

from .claims import words
from .facts import ALL_WELL, facts
from .sessions import ADDRESS, MX, ended, reply, session

CHAINS = ChainJudge(authority().pem, {})
LOST = VantageWindows.from_events(
    [
        Event(
            at="2026-11-22T12:01:00.000Z",
            start=1,
            event="vantage_lost",
            detail={"from": "2026-11-22T12:00:00.500Z", "to": "2026-11-22T12:01:00.000Z", "family": "ipv4"},
        )
    ]
)


def test_a_session_is_reduced_to_how_it_ended_what_it_says_and_what_there_is_to_tell() -> None:
    timed_out = ended(Stage.greeting, Outcome.timed_out, limit="limits.greeting_s", limit_s=30.0)
    reduced = reduce_session(timed_out, CHAINS)
    assert (reduced.session, reduced.attempt, reduced.variant) == (timed_out.session, 1, Variant.survey)
    assert (reduced.address, reduced.server_name) == (ADDRESS, MX)
    assert (reduced.stage, reduced.outcome, reduced.limit) == (Stage.greeting, Outcome.timed_out, "limits.greeting_s")
    assert (reduced.starttls, reduced.cause, reduced.chain) == (StarttlsResult.not_reached, None, ())
    assert words(reduced.claims) == "yes ?timed_out ?timed_out ?timed_out ?timed_out"
    assert [seen.kind for seen in reduced.observations] == [FindingKind.timed_out]


def test_sessions_that_were_served_the_same_chain_share_one_value() -> None:
    served = [session(tls=TlsRecord(chain=(64 * digit,))) for digit in ("a", "a", "b")]
    first, second, other = (reduce_session(one, CHAINS).chain for one in served)
    assert first is second
    assert other == (64 * "b",)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_session_counts_as_an_attempt_unless_its_end_is_ours(outcome: Outcome) -> None:
    assert facts(ALL_WELL, outcome).is_attempt is (outcome not in OUTCOMES_OF_OURS)
    assert not facts(ALL_WELL, outcome, is_lost=True).is_attempt


def test_a_server_that_asks_for_less_is_noted() -> None:
    replies = Replies(greeting=reply(421, "too many connections"))
    refused = ended(Stage.greeting, Outcome.transient_negative, replies=replies, cause=Cause.too_many_connections)
    assert reduce_session(refused, CHAINS).asks_for_less
    assert not reduce_session(session(), CHAINS).asks_for_less


# Sessions that were held while our own network was cut off ------------------------------------------


@pytest.mark.parametrize(
    ("held", "is_lost", "why"),
    [
        (ended(Stage.connect, Outcome.timed_out), True, "nobody was reached then"),
        (ended(Stage.connect, Outcome.refused), True, "a firewall of ours refuses as well"),
        (session(), False, "one that went well shows that for it the place was good"),
        (
            ended(Stage.connect, Outcome.timed_out, address="2001:db8::1"),
            False,
            "the other family had its network",
        ),
    ],
)
def test_a_session_that_overlaps_a_lost_window_says_nothing(held: SessionRecord, is_lost: bool, why: str) -> None:
    assert reduce_session(held, CHAINS, LOST).is_lost is is_lost


def test_of_a_lost_session_only_our_own_fault_is_told() -> None:
    lost = reduce_session(ended(Stage.connect, Outcome.refused), CHAINS, LOST)
    assert words(lost.claims) == "?vantage ?vantage ?vantage ?vantage ?vantage"
    assert [(seen.kind, seen.severity) for seen in lost.observations] == [(FindingKind.scanner_fault, "notice")]
    assert lost.counted_as is NotKnown.vantage
    assert reduce_session(session(), CHAINS, LOST).counted_as is Outcome.ok
