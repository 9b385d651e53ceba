"""Sessions as a probe would have recorded them: a good one, and one that ended at any stage in any way."""

from typing import Any

from msgspec.structs import replace

from scanner.outcomes import Outcome, Stage, StarttlsResult, Variant
from scanner.records import (
    ByteCounts,
    Replies,
    ReplyRecord,
    SessionRecord,
    Starttls,
    Timings,
    TlsRecord,
)

TARGET = "0123456789abcdef"
ADDRESS = "192.0.2.1"
MX = "mx1.example.org"

#: What a survey goes through, in its order. HELO is not on the way of a good session.
WAY = (
    Stage.connect,
    Stage.greeting,
    Stage.ehlo,
    Stage.starttls,
    Stage.tls,
    Stage.ehlo_after_tls,
    Stage.done,
)

REFUSALS = {Outcome.transient_negative: 451, Outcome.permanent_negative: 554}


def reply(code: int, *lines: str) -> ReplyRecord:
    """A complete reply without an enhanced status code."""
    return ReplyRecord(code=code, enhanced_code=None, lines=lines or ("",))


_GOOD_REPLIES = {
    Stage.greeting: reply(220, f"{MX} ESMTP"),
    Stage.ehlo: reply(250, MX, "SIZE 1000", "STARTTLS"),
    Stage.starttls: reply(220, "ready"),
    Stage.ehlo_after_tls: reply(250, MX, "SIZE 1000"),
}
_EXTENSIONS = {"SIZE": "1000", "STARTTLS": ""}
_TIMED = [stage.value for stage in WAY if stage is not Stage.done]


def session(**changes: Any) -> SessionRecord:
    """A session in which everything went well, with these fields changed."""
    return replace(_GOOD, **changes)


def ended(stage: Stage, outcome: Outcome, **changes: Any) -> SessionRecord:
    """A session that went well up to `stage` and ended there; nothing later is in its record."""
    passed = WAY[: WAY.index(stage)]
    replies: dict[str, Any] = {name.value: good for name, good in _GOOD_REPLIES.items() if name in passed}
    if outcome in REFUSALS and stage in _GOOD_REPLIES:
        replies[stage.value] = reply(REFUSALS[outcome], "no")
    timed = [*passed, stage]
    fields: dict[str, Any] = {
        "stage": stage,
        "outcome": outcome,
        "replies": Replies(**replies),
        "extensions": _EXTENSIONS if Stage.ehlo in passed else None,
        "extensions_after_tls": None,
        "starttls": Starttls(offered=Stage.ehlo in passed, masked=False, result=_starttls_result(stage, outcome)),
        "tls": _GOOD.tls if Stage.tls in passed else None,
        "timings_ms": Timings(**{name.value: 1.0 for name in timed if name.value in _TIMED}),
    }
    return replace(_GOOD, **(fields | changes))


def without_starttls(**changes: Any) -> SessionRecord:
    """A good session with a server that does not offer STARTTLS."""
    fields: dict[str, Any] = {
        "replies": Replies(greeting=_GOOD_REPLIES[Stage.greeting], ehlo=reply(250, MX, "SIZE 1000"), quit=reply(221)),
        "extensions": {"SIZE": "1000"},
        "extensions_after_tls": None,
        "starttls": Starttls(offered=False, masked=False, result=StarttlsResult.not_offered),
        "tls": None,
    }
    return replace(_GOOD, **(fields | changes))


def helo_only(**changes: Any) -> SessionRecord:
    """A good session with a server that knows no EHLO."""
    replies = Replies(
        greeting=_GOOD_REPLIES[Stage.greeting],
        ehlo=reply(502, "not implemented"),
        helo=reply(250, MX),
        quit=reply(221),
    )
    fields: dict[str, Any] = {"replies": replies, "extensions": {}}
    return without_starttls(**(fields | changes))


def ehlo_refused_us(**changes: Any) -> SessionRecord:
    """A good session with a server that has nothing against HELO, and against our EHLO."""
    ehlo = ReplyRecord(code=550, enhanced_code="5.7.1", lines=("5.7.1 Access denied",))
    return helo_only(replies=Replies(greeting=_GOOD_REPLIES[Stage.greeting], ehlo=ehlo, helo=reply(250, MX)), **changes)


def masked(**changes: Any) -> SessionRecord:
    """A good session through a middlebox that overwrites STARTTLS."""
    fields: dict[str, Any] = {
        "extensions": {"SIZE": "1000", "XXXXXXXA": ""},
        "starttls": Starttls(offered=False, masked=True, result=StarttlsResult.masked),
    }
    return without_starttls(**(fields | changes))


def _starttls_result(stage: Stage, outcome: Outcome) -> StarttlsResult:
    if stage in (Stage.ehlo_after_tls, Stage.done):
        return StarttlsResult.done
    if stage is Stage.starttls and outcome in REFUSALS:
        return StarttlsResult.refused
    return StarttlsResult.failed if stage in (Stage.starttls, Stage.tls) else StarttlsResult.not_reached


_GOOD = SessionRecord(
    session=f"{TARGET}.1.survey",
    target=TARGET,
    run="run",
    address=ADDRESS,
    port=25,
    server_name=MX,
    variant=Variant.survey,
    attempt=1,
    start=1,
    source_address="198.51.100.1",
    ehlo_name="scanner.example.net",
    host_asked_at="2026-11-22T11:59:59.000Z",
    started_at="2026-11-22T12:00:00.000Z",
    ended_at="2026-11-22T12:00:01.000Z",
    stage=Stage.done,
    outcome=Outcome.ok,
    limit=None,
    limit_s=None,
    limit_bytes=None,
    error=None,
    error_code=None,
    cause=None,
    about_us=None,
    replies=Replies(
        greeting=_GOOD_REPLIES[Stage.greeting],
        ehlo=_GOOD_REPLIES[Stage.ehlo],
        starttls=_GOOD_REPLIES[Stage.starttls],
        ehlo_after_tls=_GOOD_REPLIES[Stage.ehlo_after_tls],
        quit=reply(221, "bye"),
    ),
    extensions=_EXTENSIONS,
    extensions_after_tls={"SIZE": "1000"},
    starttls=Starttls(offered=True, masked=False, result=StarttlsResult.done),
    tls=TlsRecord(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", group="X25519MLKEM768"),
    timings_ms=Timings(**dict.fromkeys([*_TIMED, "quit"], 1.0)),
    bytes=ByteCounts(read=1000, written=100),
    flags=(),
)
