"""Records to write, as small as they can be."""

from scanner.outcomes import Outcome, Stage, StarttlsResult, Variant
from scanner.records import (
    FORMAT,
    ByteCounts,
    Event,
    InputSource,
    Replies,
    Run,
    SessionRecord,
    Starttls,
    Target,
    Timings,
    Transcript,
)

TIME = "2026-11-22T12:00:00.000Z"


def event(word: str = "started", **detail: str) -> Event:
    return Event(at=TIME, start=1, event=word, detail=dict(detail))


def target(number: int) -> Target:
    return Target(
        target=f"{number:016x}",
        address=f"192.0.2.{number}",
        port=25,
        server_name="mx.test",
        pace_group="test",
        queue="192.0.2.0/24",
    )


def transcript(number: int) -> Transcript:
    return Transcript(session=f"{number:016x}.1.survey", lines=((0.0, "S", "220 mx.test"),))


def session(number: int) -> SessionRecord:
    return SessionRecord(
        session=f"{number:016x}.1.survey",
        target=f"{number:016x}",
        run="r",
        address="192.0.2.1",
        port=25,
        server_name="mx.test",
        variant=Variant.survey,
        attempt=1,
        start=1,
        source_address=None,
        ehlo_name="me.test",
        host_asked_at=None,
        started_at=TIME,
        ended_at=TIME,
        stage=Stage.done,
        outcome=Outcome.ok,
        limit=None,
        limit_s=None,
        limit_bytes=None,
        error=None,
        error_code=None,
        cause=None,
        about_us=None,
        replies=Replies(),
        extensions=None,
        extensions_after_tls=None,
        starttls=Starttls(offered=False, masked=False, result=StarttlsResult.not_reached),
        tls=None,
        timings_ms=Timings(),
        bytes=ByteCounts(read=0, written=0),
        flags=(),
    )


def run() -> Run:
    return Run(
        format=FORMAT,
        run="r",
        version="0",
        settings={},
        input=InputSource(source="-", sha256="0" * 64, lines=0, distinct_domains=0, invalid_lines=0, column=None),
        resolver=(),
        ehlo_name="me.test",
        seed=1,
        partitions=2,
        roots_sha256="0" * 64,
        roots_source="",
        public_suffix_version="0",
        lab=False,
        starts=(),
        counters={},
    )
