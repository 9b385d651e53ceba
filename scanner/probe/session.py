"""One session from beginning to end: the dialogue is held, and what came of it becomes records."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

from OpenSSL import SSL

from scanner.addresses import parse_address
from scanner.net.clock import Clock
from scanner.net.streams import connect
from scanner.net.tls import probing_context, small_hello_context
from scanner.outcomes import Outcome, Stage, Variant
from scanner.probe.dialogue import survey
from scanner.probe.peer import Connector, Endpoint, SmtpPeer
from scanner.probe.session_end import SessionEnded
from scanner.probe.session_record import SessionFrame, replies_by_stage, session_record, transaction_record
from scanner.probe.transcript import Listener
from scanner.records import Replies, SessionRecord, Target, Timings, Transaction, Transcript, TranscriptLine
from scanner.settings import Limits, Settings
from scanner.smtp.envelope import Envelope

PeerKind = TypeVar("PeerKind", bound=SmtpPeer)


@dataclass(frozen=True, slots=True)
class ProbedSession:
    """A session's records; `chain` is the served certificates in DER, `bug` a traceback of our own.

    `transaction` says what became of an envelope, None without one or if the session did not come so far.
    """

    record: SessionRecord
    transcript: Transcript
    chain: tuple[bytes, ...]
    bug: str | None = None
    transaction: Transaction | None = None


Probed = TypeVar("Probed", bound=ProbedSession)


class SessionObserver(Protocol):
    """Somebody who looks on. What is raised here is a bug that is told, and changes nothing for the session."""

    def begins(self, target: Target, attempt: int, variant: Variant) -> None: ...

    def says(self, line: TranscriptLine) -> None: ...

    def ends(self, probed: ProbedSession) -> None: ...


@dataclass(frozen=True, slots=True)
class Survey:
    """What all sessions of a pass have in common; without an EHLO name each says its own address literal."""

    run: str
    start: int
    ehlo_name: str
    implicit_tls: bool
    limits: Limits
    longer_limits: Limits
    source_ipv4: str | None
    source_ipv6: str | None
    tls_context: SSL.Context
    small_hello_context: SSL.Context
    connector: Connector
    clock: Clock
    envelope: Envelope | None = None
    observer: SessionObserver | None = None

    @classmethod
    def of(cls, settings: Settings, *, run: str, start: int, clock: Clock) -> "Survey":
        """As the settings of a run say."""
        sources = settings.probe.source_address
        return cls(
            run=run,
            start=start,
            ehlo_name=settings.probe.ehlo_name,
            implicit_tls=settings.probe.implicit_tls,
            limits=settings.limits,
            longer_limits=settings.limits.longer(settings.second_attempt.limits_factor),
            source_ipv4=next((address for address in sources if ":" not in address), None),
            source_ipv6=next((address for address in sources if ":" in address), None),
            tls_context=probing_context(),
            small_hello_context=small_hello_context(),
            connector=connect,
            clock=clock,
        )

    def limits_of(self, attempt: int) -> Limits:
        """The second attempt has more patience than the first."""
        return self.limits if attempt == 1 else self.longer_limits

    def tls_context_of(self, variant: Variant) -> SSL.Context:
        return self.small_hello_context if variant is Variant.small_hello else self.tls_context


class Onlooker:
    """An observer of one session, kept from breaking it: once it has failed, it is told no more."""

    def __init__(self, observer: SessionObserver) -> None:
        self._observer = observer
        self._bug: str | None = None

    def begins(self, target: Target, attempt: int, variant: Variant) -> None:
        self._tell(lambda observer: observer.begins(target, attempt, variant))

    def says(self, line: TranscriptLine) -> None:
        self._tell(lambda observer: observer.says(line))

    def ends(self, probed: Probed) -> Probed:
        """Tells of the end; returns the same session, with the traceback of what the observer raised if it did."""
        self._tell(lambda observer: observer.ends(probed))
        return probed if self._bug is None else replace(probed, bug=probed.bug or self._bug)

    def _tell(self, event: Callable[[SessionObserver], None]) -> None:
        if self._bug is not None:
            return
        try:
            event(self._observer)
        except Exception:  # noqa: BLE001 - whoever looks on must not decide how a session ends
            self._bug = traceback.format_exc()


class Visit(NamedTuple):
    """Which session is to be held."""

    target: Target
    attempt: int
    variant: Variant
    host_asked_at: str | None


async def probe_target(
    target: Target, common: Survey, attempt: int, host_asked_at: str | None, variant: Variant = Variant.survey
) -> ProbedSession:
    """Holds the survey's dialogue with a target. Never raises for what the server does, nor for our bugs."""
    onlooker = onlooker_of(target, common, attempt, variant)
    visit = Visit(target, attempt, variant, host_asked_at)
    peer = peer_for(SmtpPeer, visit, common, None if onlooker is None else onlooker.says)
    started_at, began = common.clock.now_utc(), common.clock.monotonic()
    transaction = bug = None
    try:
        transaction = await survey(peer, common.ehlo_name, implicit_tls=common.implicit_tls, envelope=common.envelope)
        end = SessionEnded(Stage.done, Outcome.ok)
    except SessionEnded as ended:
        end = ended
    except Exception as error:  # noqa: BLE001 - the one place where a bug of ours becomes an outcome
        end = SessionEnded(peer.stage, Outcome.scanner_bug, error=repr(error))
        bug = traceback.format_exc()
    finally:
        peer.close()
    frame = frame_of(visit, common, peer, started_at, started_at + common.clock.monotonic() - began)
    replies, timings_ms = Replies(**replies_by_stage(peer)), Timings(**peer.timings_ms)
    probed = ProbedSession(
        record=session_record(target, frame, peer, end, replies=replies, timings_ms=timings_ms),
        transcript=Transcript(session=frame.session, lines=peer.transcript.lines()),
        chain=peer.tls.chain if peer.tls else (),
        bug=bug,
        transaction=None if transaction is None else transaction_record(frame, peer, transaction),
    )
    return probed if onlooker is None else onlooker.ends(probed)


# What a survey and a sending have in common ------------------------------------------------------------------


def onlooker_of(target: Target, common: Survey, attempt: int, variant: Variant) -> Onlooker | None:
    """Who looks on at a session, and has been told that it begins."""
    if common.observer is None:
        return None
    onlooker = Onlooker(common.observer)
    onlooker.begins(target, attempt, variant)
    return onlooker


# The same few addresses of a provider come again under many names.
_parsed = lru_cache(maxsize=4096)(parse_address)


def peer_for(kind: type[PeerKind], visit: Visit, common: Survey, listener: Listener | None) -> PeerKind:
    """The other side of a session that is to be held."""
    target = visit.target
    address = _parsed(target.address)
    source = common.source_ipv4 if address.version == 4 else common.source_ipv6
    return kind(
        Endpoint(address, target.port, target.server_name, source),
        common.limits_of(visit.attempt),
        implicit_tls=common.implicit_tls,
        tls_context=common.tls_context_of(visit.variant),
        connector=common.connector,
        clock=common.clock,
        listener=listener,
    )


def frame_of(visit: Visit, common: Survey, peer: SmtpPeer, started_at: float, ended_at: float) -> SessionFrame:
    """What is known of a session that was held, whatever came of it."""
    return SessionFrame(
        session=f"{visit.target.target}.{visit.attempt}.{visit.variant}",
        variant=visit.variant,
        attempt=visit.attempt,
        run=common.run,
        start=common.start,
        ehlo_name=common.ehlo_name or peer.address_literal,
        implicit_tls=common.implicit_tls,
        host_asked_at=visit.host_asked_at,
        started_at=started_at,
        ended_at=ended_at,
    )
