"""One session from beginning to end: the dialogue is held, and what came of it becomes records."""

import traceback
from dataclasses import dataclass
from functools import lru_cache

from OpenSSL import SSL

from scanner.addresses import parse_address
from scanner.net.clock import Clock
from scanner.net.streams import connect
from scanner.net.tls import probing_context, small_hello_context
from scanner.outcomes import Outcome, Stage, Variant
from scanner.probe.dialogue import SessionEnded, survey
from scanner.probe.peer import Connector, Endpoint, SmtpPeer
from scanner.probe.session_record import SessionFrame, session_record
from scanner.records import SessionRecord, Target, Transcript
from scanner.settings import Limits, Settings


@dataclass(frozen=True, slots=True)
class Survey:
    """What all sessions of a pass have in common."""

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


@dataclass(frozen=True, slots=True)
class ProbedSession:
    """A session's records; `chain` is the served certificates in DER, `bug` a traceback of our own."""

    record: SessionRecord
    transcript: Transcript
    chain: tuple[bytes, ...]
    bug: str | None = None


async def probe_target(
    target: Target, common: Survey, attempt: int, host_asked_at: str | None, variant: Variant = Variant.survey
) -> ProbedSession:
    """Holds the survey's dialogue with a target. Never raises for what the server does, nor for our bugs."""
    peer = _peer(target, common, attempt, variant)
    started_at, began = common.clock.now_utc(), common.clock.monotonic()
    bug = None
    try:
        await survey(peer, common.ehlo_name, implicit_tls=common.implicit_tls)
        end = SessionEnded(Stage.done, Outcome.ok)
    except SessionEnded as ended:
        end = ended
    except Exception as error:  # noqa: BLE001 - the one place where a bug of ours becomes an outcome
        end = SessionEnded(peer.stage, Outcome.scanner_bug, error=repr(error))
        bug = traceback.format_exc()
    finally:
        peer.close()
    frame = SessionFrame(
        session=f"{target.target}.{attempt}.{variant}",
        variant=variant,
        attempt=attempt,
        run=common.run,
        start=common.start,
        ehlo_name=common.ehlo_name,
        implicit_tls=common.implicit_tls,
        host_asked_at=host_asked_at,
        started_at=started_at,
        ended_at=started_at + common.clock.monotonic() - began,
    )
    record = session_record(target, frame, peer, end)
    transcript = Transcript(session=frame.session, lines=peer.transcript.lines())
    return ProbedSession(record, transcript, peer.tls.chain if peer.tls else (), bug)


# The same few addresses of a provider come again under many names.
_parsed = lru_cache(maxsize=4096)(parse_address)


def _peer(target: Target, common: Survey, attempt: int, variant: Variant) -> SmtpPeer:
    address = _parsed(target.address)
    source = common.source_ipv4 if address.version == 4 else common.source_ipv6
    return SmtpPeer(
        Endpoint(address, target.port, target.server_name, source),
        common.limits_of(attempt),
        implicit_tls=common.implicit_tls,
        tls_context=common.tls_context_of(variant),
        connector=common.connector,
        clock=common.clock,
    )
