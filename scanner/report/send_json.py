"""A sending as one JSON object: the same content as on the screen, and every session in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from scanner.diagnosis.send_answer import SendAnswer
from scanner.outcomes import TlsMode
from scanner.records import SendRecord, Transcript


def send_object(
    answer: SendAnswer,
    *,
    message: Mapping[str, Any],
    relay: str | None,
    port: int,
    tls_mode: TlsMode,
    ehlo_name: str,
    times: tuple[str, str],
    notes: Sequence[str],
    sessions: Sequence[SendRecord],
    transcripts: Sequence[Transcript],
) -> Mapping[str, Any]:
    """The object. `message` says what was to be sent; an empty `ehlo_name` was said as the connection's address."""
    parts: dict[str, Any] = {
        "result": answer.result,
        "exit_code": answer.exit_code,
        "said": answer.said,
        "reasons": answer.reasons,
        "recipients": answer.recipients,
        "message": message,
        "relay": relay,
        "port": port,
        "tls_mode": tls_mode,
        "ehlo_name": ehlo_name,
        "started_at": times[0],
        "ended_at": times[1],
        "notes": notes,
        "sessions": sessions,
        "transcripts": transcripts,
    }
    found: Mapping[str, Any] = to_builtins(parts)
    return found
