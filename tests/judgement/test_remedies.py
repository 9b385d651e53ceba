"""Every kind of finding comes with what to do about it."""

import pytest

from scanner.judgement.remedies import REMEDIES
from scanner.outcomes import FindingKind


def test_there_is_a_remedy_for_every_kind_and_for_nothing_else() -> None:
    assert set(REMEDIES) == set(FindingKind)


@pytest.mark.parametrize("kind", FindingKind)
def test_a_remedy_reads_as_an_instruction(kind: FindingKind) -> None:
    remedy = REMEDIES[kind]
    assert remedy[:1].isupper()
    assert remedy.endswith(".")
    assert remedy.isprintable()
    assert "  " not in remedy
    assert len(remedy.split()) >= 5, "a word alone is no instruction"


def test_no_two_kinds_have_the_same_remedy() -> None:
    assert len(set(REMEDIES.values())) == len(REMEDIES)
