"""The sessions of a run, found by address and name."""

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.run_sessions import RunSessions
from scanner.outcomes import AddressFlag, Outcome, Stage

from .facts import ALL_WELL, facts
from .found import ROOTS


def a_run() -> RunSessions:
    return RunSessions(ChainJudge(ROOTS, {}), most_names=10)


def test_an_address_that_nobody_talked_to_is_not_known() -> None:
    assert a_run().of("192.0.2.1", "a.test") is None


def test_a_session_is_found_by_its_address_and_name_alone() -> None:
    run = a_run()
    session = facts(ALL_WELL, address="192.0.2.1", server_name="a.test")
    run.add(session)
    found = run.of("192.0.2.1", "a.test")
    assert found is not None
    assert found.shown is session
    assert run.of("192.0.2.1", "b.test") is None
    assert run.of("192.0.2.2", "a.test") is None


def test_names_at_one_address_speak_for_each_other_whatever_there_is_at_others() -> None:
    run = a_run()
    for name, address in (("a.test", "192.0.2.1"), ("b.test", "192.0.2.1"), ("b.test", "192.0.2.2")):
        run.add(
            facts(
                "no - - - -", Outcome.refused, Stage.connect, address=address, server_name=name, session=name + address
            )
        )
    shared = run.of("192.0.2.1", "c.test")
    assert shared is not None
    assert shared.flags == (AddressFlag.shared_across_names,)
    assert run.of("192.0.2.2", "c.test") is None
    own = run.of("192.0.2.1", "b.test")
    assert own is not None
    assert own.sessions == ("b.test192.0.2.1",)


def test_of_a_session_made_again_the_last_line_counts() -> None:
    run = a_run()
    run.add(facts(5 * "?local_fault ", Outcome.local_fault))
    run.add(facts(ALL_WELL))
    (one,) = run
    assert one.outcome is Outcome.ok
    found = run.of(one.address, one.server_name)
    assert found is not None
    assert found.shown is one
