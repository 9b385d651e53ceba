"""From claims to verdicts: unknown is never counted as no."""

from collections.abc import Iterator, Sequence
from itertools import chain, product

import pytest

from scanner.judgement.claims import Claim
from scanner.judgement.verdicts import Unit, combine, judge_claims, judge_units
from scanner.outcomes import VerdictValue
from scanner.records import Verdict

from .claims import claim, claims

EVERY_CLAIM = [claim(word) for word in ("yes", "no", "-", "?timed_out", "?closed")]
YES, NO, MIXED, UNKNOWN, NOT_APPLICABLE = (
    VerdictValue.yes,
    VerdictValue.no,
    VerdictValue.mixed,
    VerdictValue.unknown,
    VerdictValue.not_applicable,
)


def every_combination() -> Iterator[tuple[Claim, ...]]:
    """The claims of up to four units, in every order."""
    return chain.from_iterable(product(EVERY_CLAIM, repeat=count) for count in range(5))


@pytest.mark.parametrize(
    ("words", "value", "why"),
    [
        ("yes", YES, "one that says yes"),
        ("yes yes", YES, "all say yes"),
        ("no no", NO, "all say no"),
        ("yes no", MIXED, "both"),
        ("no yes no", MIXED, "both, in any order"),
        ("yes ?timed_out", YES, "an unknown has no vote"),
        ("no ?timed_out", NO, "nor against"),
        ("yes no ?timed_out -", MIXED, "only yes and no decide"),
        ("yes -", YES, "what is not applicable has no vote either"),
        ("no -", NO, "nor against"),
        ("?timed_out", UNKNOWN, "nobody says yes or no"),
        ("- ?timed_out", UNKNOWN, "unknown comes before not applicable"),
        ("- -", NOT_APPLICABLE, "nothing to say"),
        ("", NOT_APPLICABLE, "nobody to say it"),
    ],
)
def test_those_that_say_yes_or_no_decide(words: str, value: VerdictValue, why: str) -> None:
    assert combine(claim(word).value for word in words.split()) is value


def judged(said: Sequence[Claim]) -> Verdict:
    return judge_claims(said, said)


def test_there_is_no_no_without_a_unit_that_says_no_and_no_yes_without_one_that_says_yes() -> None:
    for said in every_combination():
        values = {one.value for one in said}
        verdict = judged(said)
        assert (verdict.value in (NO, MIXED)) == (NO in values), said
        assert (verdict.value in (YES, MIXED)) == (YES in values), said


def test_unknowns_are_counted_as_unknowns_alone() -> None:
    for said in every_combination():
        verdict = judged(said)
        values = [one.value for one in said]
        assert (verdict.yes, verdict.no) == (values.count(YES), values.count(NO)), said
        assert verdict.unknown == values.count(UNKNOWN), said
        assert verdict.complete == (UNKNOWN not in values), said


def test_the_reasons_are_those_of_the_unknowns_each_once_in_alphabetical_order() -> None:
    for said in every_combination():
        reasons = {one.reason for one in said if one.value is UNKNOWN}
        assert judged(said).reasons == tuple(sorted(str(reason) for reason in reasons)), said


def test_the_order_of_the_units_does_not_matter() -> None:
    for said in every_combination():
        assert judged(said) == judged(said[::-1]) == judged(sorted(said, key=repr)), said


@pytest.mark.parametrize(
    ("units", "value", "preferred", "why"),
    [
        ([("yes", 10), ("no", 20)], MIXED, YES, "the one with the lowest number is tried first"),
        ([("no", 20), ("yes", 10)], MIXED, YES, "wherever it stands"),
        ([("yes", 10), ("no", 10)], MIXED, MIXED, "both are preferred"),
        ([("?closed", 10), ("no", 20)], NO, UNKNOWN, "what the preferred one does is not known"),
        ([("-", 0), ("yes", 1)], YES, NOT_APPLICABLE, "0 is a preference as others"),
        ([("yes", None)], YES, YES, "an implicit MX counts as 0 (RFC 5321 §5.1)"),
        ([("-", None)], NOT_APPLICABLE, NOT_APPLICABLE, "a domain without hosts is one unit"),
    ],
)
def test_preferred_is_said_by_the_hosts_of_the_lowest_preference(
    units: list[tuple[str, int | None]], value: VerdictValue, preferred: VerdictValue, why: str
) -> None:
    verdicts = judge_units([Unit(claims(5 * f"{word} "), number) for word, number in units])
    assert (verdicts.smtp.value, verdicts.smtp.preferred) == (value, preferred)


def test_each_verdict_is_judged_by_its_own_claims() -> None:
    verdicts = judge_units([Unit(claims("yes no ?closed - ?reset"), 10)])
    assert verdicts.reachable.value is YES
    assert verdicts.smtp.value is NO
    assert (verdicts.starttls.value, verdicts.starttls.reasons) == (UNKNOWN, ("closed",))
    assert verdicts.certificate_trusted.value is NOT_APPLICABLE
    assert (verdicts.certificate_name.value, verdicts.certificate_name.reasons) == (UNKNOWN, ("reset",))
    assert verdicts.expected_mx is None
