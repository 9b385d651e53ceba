"""The book of attempts: what is tried next, and what has been tried enough."""

import pytest
from msgspec.structs import replace

from scanner.outcomes import Outcome, RetryOn, Stage, StarttlsResult, Variant
from scanner.passes.attempt_book import FIRST_ATTEMPT, Attempt, AttemptBook
from scanner.records import SessionRecord, Starttls
from tests.judgement.sessions import TARGET, ended, session

KEY = int(TARGET, 16)
EVERYTHING = frozenset(RetryOn)

GOOD = session()
SILENT = ended(Stage.greeting, Outcome.timed_out)
HUNG = ended(Stage.tls, Outcome.timed_out)
OURS = ended(Stage.connect, Outcome.local_fault)


def second(record: SessionRecord) -> SessionRecord:
    return replace(record, attempt=2, session=f"{TARGET}.2.survey")


def small(record: SessionRecord, attempt: int = 1) -> SessionRecord:
    result = StarttlsResult.done if record.outcome is Outcome.ok else StarttlsResult.failed
    return replace(
        record,
        attempt=attempt,
        variant=Variant.small_hello,
        session=f"{TARGET}.{attempt}.small_hello",
        starttls=Starttls(offered=True, masked=False, result=result),
    )


HELLO = (1, Variant.small_hello)
HELLO_AGAIN = (2, Variant.small_hello)

#: Sessions in the order held, what is due at once, and whether there is to be a second attempt.
STORIES: list[tuple[str, list[SessionRecord], Attempt | None, bool]] = [
    ("nothing was tried", [], FIRST_ATTEMPT, False),
    ("all went well", [GOOD], None, False),
    ("silence is worth a second attempt", [SILENT], None, True),
    ("of which there is one", [SILENT, second(SILENT)], None, False),
    ("a fault of ours is no attempt", [OURS], FIRST_ATTEMPT, False),
    ("also not the second one", [SILENT, second(OURS)], None, True),
    ("a fault of ours, then all went well", [OURS, GOOD], None, False),
    ("a hung handshake has its small hello first", [HUNG], HELLO, True),
    ("which works: whether it was the hello shows at the second attempt", [HUNG, small(GOOD)], None, True),
    ("which hangs too", [HUNG, small(HUNG)], None, True),
    ("which a fault of ours ended", [HUNG, small(OURS)], HELLO, True),
    ("silent first, hung at the second attempt", [SILENT, second(HUNG)], HELLO_AGAIN, False),
    ("there is one small hello in all", [HUNG, small(HUNG), second(HUNG)], None, False),
    ("made again, a session takes the place of what it was", [SILENT, GOOD], None, False),
]  # fmt: skip


@pytest.mark.parametrize(("sessions", "due", "wants_second"), [row[1:] for row in STORIES], ids=[r[0] for r in STORIES])
def test_what_was_tried_says_what_is_due(
    sessions: list[SessionRecord], due: Attempt | None, wants_second: bool
) -> None:
    book = AttemptBook(EVERYTHING)
    for record in sessions:
        book.take(record, counts=record.outcome is not Outcome.local_fault)
    assert (book.due(KEY), book.wants_second(KEY)) == (due, wants_second)


def test_without_anything_to_retry_on_nobody_is_asked_twice() -> None:
    book = AttemptBook(frozenset())
    book.take(SILENT, counts=True)
    assert not book.wants_second(KEY)
    assert book.due(KEY) is None
