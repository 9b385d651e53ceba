"""What the sessions with an address under some names say for its other names."""

from collections.abc import Sequence
from typing import Any

import pytest

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.facts import SessionFacts
from scanner.judgement.sharing import AddressResults
from scanner.outcomes import AddressFlag, Cause, FindingKind, Outcome, Stage, StarttlsResult, Variant

from .claims import words
from .facts import ALL_WELL, facts
from .found import ROOTS

#: Chains by a letter, and the names that their leaves are for.
ALL, FEW = ("all",), ("few",)
_NAMES: dict[tuple[str, ...], set[str]] = {ALL: {"a", "b", "c", "d", "x"}, FEW: {"a", "b", "c", "d"}}

UNKNOWN_REST = "{0} {0} {0} {0}"


class Leaves(ChainJudge):
    """Knows for which names the chains of these tests are."""

    def covers(self, chain: tuple[str, ...], server_name: str) -> bool:
        return server_name in _NAMES[chain]


def results(*sessions: SessionFacts, most_names: int = 10) -> AddressResults:
    """An address at which these sessions were held, in this order."""
    address = AddressResults(Leaves(ROOTS, {}), most_names)
    for session in sessions:
        address.add(session)
    return address


def under(name: str, said: str, outcome: Outcome = Outcome.ok, stage: Stage | None = None, **more: Any) -> SessionFacts:
    """A session under a name; its id begins with that name."""
    attempt, variant = more.get("attempt", 1), more.get("variant", Variant.survey)
    return facts(said, outcome, stage, server_name=name, session=f"{name}.{attempt}.{variant}", **more)


def refused(name: str, **more: Any) -> SessionFacts:
    return under(name, "no - - - -", Outcome.refused, Stage.connect, **more)


def timed_out(name: str, limit: str = "limits.greeting_s", **more: Any) -> SessionFacts:
    return under(name, "yes " + UNKNOWN_REST.format("?timed_out"), Outcome.timed_out, limit=limit, **more)


def plain(name: str) -> SessionFacts:
    return under(name, "yes yes no - -", starttls=StarttlsResult.not_offered)


def refused_starttls(name: str) -> SessionFacts:
    said = "yes yes no - -"
    return under(name, said, Outcome.permanent_negative, Stage.starttls, starttls=StarttlsResult.refused)


def good(name: str, chain: tuple[str, ...] = ALL, **more: Any) -> SessionFacts:
    return under(name, ALL_WELL, chain=chain, **more)


def wrong_name(name: str) -> SessionFacts:
    return under(name, "yes yes yes yes no", chain=FEW)


def no_handshake(name: str) -> SessionFacts:
    said = "yes yes ?timed_out ?timed_out ?timed_out"
    return under(name, said, Outcome.timed_out, Stage.tls, starttls=StarttlsResult.failed)


def too_much(name: str, **more: Any) -> SessionFacts:
    said = "yes " + UNKNOWN_REST.format("?rate_limited")
    fields: dict[str, Any] = {"cause": Cause.rate_limited, "asks_for_less": True} | more
    return under(name, said, Outcome.transient_negative, **fields)


def ours(name: str) -> SessionFacts:
    return under(name, 5 * "?local_fault ", Outcome.local_fault, Stage.connect)


def implicit(name: str) -> SessionFacts:
    """TLS came first: the greeting was said to a name."""
    return timed_out(name, starttls=StarttlsResult.done)


SHARED, INFERRED = [AddressFlag.shared_across_names], [AddressFlag.server_name_inferred]

FOR_X: list[tuple[Sequence[SessionFacts], list[AddressFlag] | None, list[str], str]] = [
    ([], None, [], "nobody was asked"),
    ([refused("a")], None, [], "one name may be bad luck"),
    ([refused("a"), refused("b")], SHARED, ["a.1.survey", "b.1.survey"], "two names agree"),
    ([refused("a"), refused("b"), refused("c")], SHARED, ["a.1.survey", "b.1.survey"], "more say no more"),
    ([timed_out("a"), timed_out("b")], SHARED, ["a.1.survey", "b.1.survey"], "silent to both"),
    ([plain("a"), plain("b")], SHARED, ["a.1.survey", "b.1.survey"], "no STARTTLS for anybody"),
    ([refused_starttls("a"), refused_starttls("b")], SHARED, ["a.1.survey", "b.1.survey"], "nor here"),
    ([refused("a"), timed_out("b")], None, [], "they ended at different stages"),
    ([timed_out("a"), timed_out("b", "limits.connect_s")], None, [], "by different limits"),
    ([timed_out("a"), timed_out("b", cause=Cause.other)], None, [], "for different causes"),
    ([refused("a"), refused("b"), good("c")], None, [], "a third name got further"),
    ([good("c"), refused("a"), refused("b")], None, [], "whenever it did"),
    ([refused("a"), refused("b"), timed_out("c")], None, [], "a third ended otherwise"),
    ([refused("a"), ours("b")], None, [], "a session of ours says nothing"),
    ([refused("a"), refused("b", is_lost=True)], None, [], "nor one while we were cut off"),
    ([refused("a"), refused("b"), ours("c")], SHARED, ["a.1.survey", "b.1.survey"], "and contradicts nothing"),
    ([refused("a"), refused("a", attempt=2)], None, [], "two attempts are still one name"),
    (
        [refused("a"), refused("b"), good("a", attempt=2)],
        None,
        [],
        "the address came alive: the first attempts no longer speak for others",
    ),
    (
        [refused("a"), refused("b"), refused("a", attempt=2), refused("b", attempt=2)],
        SHARED,
        ["a.2.survey", "b.2.survey"],
        "they agree again",
    ),
    ([no_handshake("a"), no_handshake("b"), no_handshake("c")], None, [], "in the handshake a name was said"),
    ([implicit("a"), implicit("b")], None, [], "so it was before a greeting within TLS"),
    ([good("a"), good("b"), good("c")], INFERRED, ["a.1.survey", "b.1.survey", "c.1.survey"], "x is in the chain"),
    ([good("a"), good("b")], None, [], "two names with the chain are too few"),
    ([good("a"), good("b"), good("b", attempt=2)], None, [], "names are counted, not sessions"),
    ([good("a", FEW), good("b", FEW), good("c", FEW)], None, [], "x is not in the chain: it has to be asked"),
    ([good("a"), good("b"), good("c", FEW)], None, [], "not all the same chain"),
    (
        [good("a", FEW), good("b"), wrong_name("y"), good("c"), good("d")],
        INFERRED,
        ["b.1.survey", "c.1.survey", "d.1.survey"],
        "other names may have other chains",
    ),
    ([wrong_name("a"), wrong_name("b"), wrong_name("c")], None, [], "at most a yes: a no has to be asked"),
    (
        [good("a"), good("b"), under("c", ALL_WELL, Outcome.timed_out, Stage.ehlo_after_tls, chain=ALL)],
        None,
        [],
        "the third session did not come to its end",
    ),
    (
        [
            under("a", ALL_WELL, Outcome.timed_out, Stage.ehlo_after_tls, chain=ALL),
            under("a", "yes yes yes yes no", chain=ALL, attempt=2),
            good("b"),
            good("c"),
        ],
        None,
        [],
        "what is shown of the first name has a no in it",
    ),
    ([too_much("a"), too_much("b")], None, [], "who asks for less has said nothing: the pace decides"),
]


@pytest.mark.parametrize(("sessions", "flags", "named", "why"), FOR_X, ids=[row[-1] for row in FOR_X])
def test_a_name_that_was_not_asked_is_spoken_for_only_by_what_names_agree_on(
    sessions: Sequence[SessionFacts], flags: list[AddressFlag] | None, named: list[str], why: str
) -> None:
    shared = results(*sessions).shared_for("x")
    assert (shared is None) is (flags is None)
    if shared is not None:
        assert list(shared.flags) == flags
        assert list(shared.sessions) == named
        assert shared.shown is not None
        assert shared.shown.session in named
        assert shared.claims == shared.shown.claims
        assert shared.observations == shared.shown.observations
        assert not shared.is_own


def test_a_name_with_a_session_of_its_own_speaks_for_itself() -> None:
    address = results(refused("a"), refused("b"), refused("c"))
    told = address.facts_for("c")
    assert told is not None
    assert (told.sessions, told.flags, told.is_own) == (("c.1.survey",), (), True)


def test_a_session_made_again_replaces_the_one_before() -> None:
    address = results(ours("a"), refused("b"), refused("a"))
    told = address.facts_for("a")
    assert told is not None
    assert told.shown is not None
    assert told.shown.outcome is Outcome.refused
    assert address.shared_for("x") is not None
    address.add(good("a"))
    assert address.shared_for("x") is None, "now it got further"


def test_a_session_made_again_may_take_back_what_was_inferred() -> None:
    address = results(good("a"), good("b"), good("c"))
    address.add(wrong_name("c"))
    assert address.shared_for("x") is None


def test_a_session_of_ours_is_all_there_is_only_where_nobody_else_speaks() -> None:
    told = results(ours("a")).facts_for("a")
    assert told is not None
    assert words(told.claims).split() == 5 * ["?local_fault"]
    told = results(ours("a"), refused("b"), refused("c")).facts_for("a")
    assert told is not None
    assert told.flags == (AddressFlag.shared_across_names,)


def test_names_count_as_asked_once_a_session_counts() -> None:
    address = results(refused("a"), refused("a", attempt=2), ours("b"), refused("c", is_lost=True))
    assert set(address.asked_names) == {"a"}
    address.add(refused("b"))
    assert set(address.asked_names) == {"a", "b"}


# More names than are asked --------------------------------------------------------------------------


OVER_THE_LIMIT: list[tuple[Sequence[SessionFacts], str, list[FindingKind], str]] = [
    (
        [wrong_name("y"), good("a", FEW)],
        "yes yes yes ?certificate_differs_by_name ?certificate_differs_by_name",
        [FindingKind.certificate_differs_by_name],
        "all could do the handshake; what the certificate says depends on the name",
    ),
    (
        [wrong_name("y"), no_handshake("a")],
        "yes yes" + 3 * " ?certificate_differs_by_name",
        [FindingKind.certificate_differs_by_name],
        "not all could: that is not known either",
    ),
    (
        [good("a"), refused("b")],
        4 * "?certificate_differs_by_name " + "?certificate_differs_by_name",
        [FindingKind.certificate_differs_by_name],
        "not even whether it is reached",
    ),
    ([refused("a"), timed_out("b")], 5 * "?over_limit ", [], "no certificate was ever seen: it is only the limit"),
]


@pytest.mark.parametrize(("sessions", "said", "kinds", "why"), OVER_THE_LIMIT, ids=[row[-1] for row in OVER_THE_LIMIT])
def test_once_as_many_names_were_asked_as_may_be_the_others_are_not_known(
    sessions: Sequence[SessionFacts], said: str, kinds: list[FindingKind], why: str
) -> None:
    assert results(*sessions, most_names=3).shared_for("x") is None
    told = results(*sessions, most_names=2).shared_for("x")
    assert told is not None
    assert words(told.claims) == said.strip()
    assert (told.shown, told.sessions, told.is_own) == (None, (), False)
    assert told.reason == said.rsplit("?", maxsplit=1)[-1].strip()
    assert [seen.kind for seen in told.observations] == kinds


def test_the_evidence_says_how_many_names_were_asked_and_what_they_were_served() -> None:
    told = results(wrong_name("y"), good("a", FEW), good("b"), most_names=3).shared_for("x")
    assert told is not None
    (seen,) = told.observations
    assert seen.evidence == "asked under 3 names, which were served 2 chains; no more are asked"


def test_what_is_not_known_beyond_the_limit_follows_the_sessions_that_come() -> None:
    address = results(wrong_name("y"), good("a", FEW), most_names=2)
    before = address.shared_for("x")
    address.add(refused("y"))
    after = address.shared_for("x")
    assert before is not None
    assert after is not None
    assert words(before.claims).startswith("yes yes yes ")
    assert words(after.claims).startswith("?certificate_differs_by_name ")


def test_a_chain_that_covers_a_name_is_worth_more_than_the_limit() -> None:
    told = results(good("a"), good("b"), good("c"), most_names=3).shared_for("x")
    assert told is not None
    assert list(told.flags) == INFERRED


# A server that asks for less ------------------------------------------------------------------------


def test_what_a_server_does_not_want_to_be_asked_is_not_known() -> None:
    address = results(good("a", FEW), too_much("b"), ours("c"))
    told = address.facts_for("x")
    assert address.is_backing_off
    assert address.shared_for("x") is None, "it may be asked again, later"
    assert told is not None
    assert words(told.claims) == "yes ?rate_limited ?rate_limited ?rate_limited ?rate_limited"
    assert (list(told.flags), told.sessions) == (SHARED, ("b.1.survey",))


def test_a_server_that_answers_again_leaves_nothing_to_say_for_others() -> None:
    address = results(too_much("b"), good("a", FEW), ours("c"))
    assert not address.is_backing_off
    assert address.facts_for("x") is None


def test_a_second_attempt_that_is_let_in_leaves_names_not_asked_for_where_they_were() -> None:
    # They were given up when the server asked for less, and nothing came after that for them.
    address = results(good("a", FEW), too_much("b"), good("b", FEW, attempt=2))
    told = address.facts_for("x")
    assert told is not None
    assert words(told.claims).split()[1:] == 4 * ["?rate_limited"]


def test_of_a_refusal_after_the_handshake_only_the_reason_is_taken() -> None:
    after_tls = too_much("b", stage=Stage.ehlo_after_tls, starttls=StarttlsResult.done, chain=FEW)
    told = results(good("a", FEW), after_tls).facts_for("x")
    assert told is not None
    assert words(told.claims).split() == 5 * ["?rate_limited"]
    assert (told.reason, told.sessions, told.observations) == ("rate_limited", (), ())
