"""The names of addresses, ours and theirs → steps."""

import pytest

from scanner.diagnosis.reverse_checks import judge_not_asked, judge_reverse
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.judgement.fitness import Reverse
from scanner.outcomes import AddressFlag, DnsStatus

ADDRESS, NAME = "192.0.2.1", "mx.example.org"
INFORMATION, PASSED, FAILED, UNKNOWN = (
    StepResult.information,
    StepResult.passed,
    StepResult.failed,
    StepResult.unknown,
)

NAMES: list[tuple[str, Reverse, StepResult, StepResult, str]] = [
    ("there and back", Reverse(ADDRESS, DnsStatus.ok, (NAME,), True), PASSED, PASSED, "is mx.example.org, and back"),
    (
        "somebody else's name",
        Reverse(ADDRESS, DnsStatus.ok, (NAME,)),
        FAILED,
        INFORMATION,
        "is mx.example.org, which does not lead back",
    ),
    ("no PTR", Reverse(ADDRESS, DnsStatus.no_data), FAILED, INFORMATION, "has no PTR record"),
    ("no name", Reverse(ADDRESS, DnsStatus.nxdomain), FAILED, INFORMATION, "has no PTR record"),
    ("unknown is not no", Reverse(ADDRESS, DnsStatus.servfail), UNKNOWN, UNKNOWN, "could not be looked up (servfail)"),
    (
        "the way back is not known",
        Reverse(ADDRESS, DnsStatus.timed_out, (NAME,)),
        UNKNOWN,
        UNKNOWN,
        "could not be looked up (timed_out)",
    ),
]


@pytest.mark.parametrize(("why", "reverse", "of_ours", "of_theirs", "text"), NAMES, ids=[row[0] for row in NAMES])
def test_servers_ask_for_our_name_and_nobody_needs_theirs(
    why: str, reverse: Reverse, of_ours: StepResult, of_theirs: StepResult, text: str
) -> None:
    ours, theirs = (judge_reverse(reverse, is_ours=is_ours) for is_ours in (True, False))
    assert (ours.section, ours.result, theirs.result) == (Section.reverse, of_ours, of_theirs), why
    assert ours.said.startswith("our address 192.0.2.1")
    assert theirs.said.startswith("address 192.0.2.1")
    assert text in ours.said
    assert text in theirs.said
    assert bool(ours.what_to_do) is (of_ours is FAILED)
    assert not theirs.what_to_do


def test_an_address_that_is_not_public_is_told_and_not_asked_for() -> None:
    theirs = judge_not_asked("10.0.0.1", [AddressFlag.not_public], is_ours=False)
    assert theirs == Step(Section.reverse, UNKNOWN, "address 10.0.0.1: its PTR is not asked for (not_public)")
    ours = judge_not_asked("10.0.0.1", [AddressFlag.not_public], is_ours=True)
    assert ours.said == "our address 10.0.0.1: its PTR is not asked for (not_public)"
    assert ours.what_to_do.startswith("behind NAT")
