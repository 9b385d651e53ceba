"""The closed lists: their words are the JSON words, and no record mistakes one list for another."""

import re
from enum import StrEnum

import pytest

from scanner import outcomes

LISTS = [value for value in vars(outcomes).values() if isinstance(value, type) and issubclass(value, StrEnum)]
LISTS.remove(StrEnum)


@pytest.mark.parametrize("words", LISTS, ids=lambda words: words.__name__)
def test_a_word_is_called_as_it_is_written(words: type[StrEnum]) -> None:
    for word in words:
        assert re.fullmatch(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", word.value)
        assert word.name == word.value.replace("-", "_")


def test_the_reasons_of_an_unknown_can_be_told_apart() -> None:
    # A reason is an outcome, a cause, a DNS status, or one of these (format: "Closed lists"). Words that two
    # lists share mean the same in both; these are the shared ones.
    outcome, status, cause, other = (
        {word.value for word in words}
        for words in (outcomes.Outcome, outcomes.DnsStatus, outcomes.Cause, outcomes.NotKnown)
    )
    assert outcome & status == {"ok", "refused", "timed_out", "malformed", "local_fault"}
    assert not outcome & cause
    assert not status & cause
    assert not other & (outcome | cause)
    assert other & status == {"not_asked"}


def test_what_is_ours_is_no_answer_of_a_server() -> None:
    assert {str(outcome) for outcome in outcomes.OUTCOMES_OF_OURS} == {
        "local_fault",
        "cancelled",
        "scanner_bug",
    }
