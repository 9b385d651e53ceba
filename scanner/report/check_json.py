"""A check as one JSON object: the same content as on the screen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import to_builtins

from scanner.diagnosis.answer import Answer, Canaries
from scanner.diagnosis.answer_words import Question
from scanner.diagnosis.steps import Step
from scanner.records import Domain, SessionRecord, Transaction, Transcript


@dataclass(slots=True)
class Seen:
    """What a check has found out so far: its steps, and its sessions in the order in which they were held."""

    steps: list[Step] = field(default_factory=list)
    sessions: list[SessionRecord] = field(default_factory=list)
    transcripts: list[Transcript] = field(default_factory=list)
    transactions: dict[str, Transaction] = field(default_factory=dict)


def check_object(
    question: Question,
    seen: Seen,
    answer: Answer,
    *,
    times: tuple[str, str],
    ehlo_name: str,
    record: Domain | None,
    canaries: Canaries,
) -> Mapping[str, Any]:
    """The object. `times` are when the check began and ended; `record` is the domain's, as a scan writes it; an empty
    `ehlo_name` was said as the connection's address literal.
    """
    parts: dict[str, Any] = {
        "recipient": question.recipient,
        "domain_name": question.domain,
        "sender": question.sender,
        "started_at": times[0],
        "ended_at": times[1],
        "ehlo_name": ehlo_name,
        "port": question.port,
        "answer": answer,
        "canaries": canaries,
        "steps": seen.steps,
        "domain": record,
        "transactions": tuple(seen.transactions.values()),
        "sessions": seen.sessions,
        "transcripts": seen.transcripts,
    }
    found: Mapping[str, Any] = to_builtins(parts)
    return found
