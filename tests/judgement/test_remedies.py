"""Every kind of finding comes with what to do about it."""

import pytest

from scanner.judgement.remedies import REMEDIES, REMEDIES_FOR_DANE, REMEDY_IF_NOT_FETCHED, REMEDY_IF_TLSA_MATCHES
from scanner.outcomes import FindingKind


def test_there_is_a_remedy_for_every_kind_and_for_nothing_else() -> None:
    assert set(REMEDIES) == set(FindingKind)


ALL = [*REMEDIES.values(), *REMEDIES_FOR_DANE.values(), REMEDY_IF_TLSA_MATCHES, REMEDY_IF_NOT_FETCHED]


@pytest.mark.parametrize("remedy", ALL)
def test_a_remedy_reads_as_an_instruction(remedy: str) -> None:
    assert remedy[:1].isupper()
    assert remedy.endswith(".")
    assert remedy.isprintable()
    assert "  " not in remedy
    assert len(remedy.split()) >= 5, "a word alone is no instruction"


def test_no_two_remedies_are_the_same() -> None:
    assert len(set(ALL)) == len(ALL)
