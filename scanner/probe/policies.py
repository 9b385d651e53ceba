"""The fetch of an MTA-STS policy (RFC 8461 §3.3): one HTTPS request to one address, and what came of it as a record.

Nothing is decided here about the policy, nor about the certificate of its host: both are kept and judged later.
A redirect is not followed, and the whole fetch has one deadline over those of connection and handshake.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from scanner import __version__
from scanner.addresses import parse_address
from scanner.net.deadline import Deadline
from scanner.net.faults import name_of, outcome_of, text_of
from scanner.net.http import HttpClosedError, HttpError, HttpResponse, HttpTooLongError, get
from scanner.net.lateness import is_late
from scanner.net.streams import TcpStream
from scanner.net.tls import EndOfStream, PlaintextAfterStarttls, TlsError, TlsStream, TlsSummary
from scanner.outcomes import PLAINTEXT_INSTEAD_OF_TLS, Outcome, PolicyStage
from scanner.probe.session import Survey
from scanner.probe.session_record import tls_record
from scanner.records import ByteCounts, Policy
from scanner.times import utc_text
from scanner.wire_text import escape_octets

HTTPS_PORT = 443

#: RFC 8461 §3.2: under the well-known URI `mta-sts.txt`.
PATH = "/.well-known/mta-sts.txt"

#: RFC 8461 §3.3: the name that a policy is fetched from, below the policy domain.
HOST_PREFIX = "mta-sts."

_AGENT = f"mxscan/{__version__}"


@dataclass(frozen=True, slots=True)
class FetchedPolicy:
    """A fetch's record; `chain` is the served certificates in DER."""

    record: Policy
    chain: tuple[bytes, ...]


class _Ended(Exception):  # noqa: N818 - an end is no error
    """The fetch ended before a whole response was read."""

    def __init__(
        self,
        outcome: Outcome,
        *,
        limit: str | None = None,
        limit_value: float | None = None,
        error: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.limit = limit
        self.limit_value = limit_value
        self.error = error
        self.code = code


async def fetch_policy(policy_domain: str, address: str, port: int, common: Survey, attempt: int) -> FetchedPolicy:
    """Asks the policy host of a domain at one of its addresses. Never raises for what the server does."""
    fetch = _Fetch(policy_domain, address, port, common)
    started_at, began = common.clock.now_utc(), common.clock.monotonic()
    end = None
    try:
        await fetch.run()
    except _Ended as ended:
        end = ended
    finally:
        fetch.close()
    ended_at = started_at + common.clock.monotonic() - began
    record = fetch.record(attempt, utc_text(started_at), utc_text(ended_at), end)
    return FetchedPolicy(record, fetch.tls.chain if fetch.tls else ())


class _Fetch:
    """How far a fetch has come, and what it has got."""

    def __init__(self, policy_domain: str, address: str, port: int, common: Survey) -> None:
        self._policy_domain = policy_domain
        self._policy_host = HOST_PREFIX + policy_domain
        self._address = address
        self._port = port
        self._common = common
        self._stage = PolicyStage.connect
        self._tcp: TcpStream | None = None
        self._alert: str | None = None
        self._response = HttpResponse(common.limits.policy_bytes)
        self.tls: TlsSummary | None = None

    async def run(self) -> None:
        """Raises _Ended unless a whole response was read."""
        with self._limit("policy_s", Outcome.deadline):
            with self._limit("connect_s", Outcome.timed_out):
                tcp = self._tcp = await self._connect()
            self._stage = PolicyStage.tls
            stream = TlsStream(tcp, self._common.tls_context, self._policy_host)
            with self._limit("tls_s", Outcome.timed_out):
                self.tls = await self._handshake(stream, tcp)
            self._stage = PolicyStage.response
            await self._ask(stream)
            self._stage = PolicyStage.done

    def close(self) -> None:
        """Closes at once; to be called whatever happened."""
        if self._tcp is not None:
            self._tcp.abort()

    def record(self, attempt: int, started_at: str, ended_at: str, end: _Ended | None) -> Policy:
        """The record of a fetch that is over; `end` is None if it came to its end."""
        response, tcp = self._response, self._tcp
        limit, value = (end.limit, end.limit_value) if end is not None else (None, None)
        is_octets = limit is not None and limit.endswith("_bytes")
        return Policy(
            policy_domain=self._policy_domain,
            attempt=attempt,
            policy_host=self._policy_host,
            address=self._address,
            port=self._port,
            run=self._common.run,
            start=self._common.start,
            source_address=tcp.source_address if tcp else None,
            started_at=started_at,
            ended_at=ended_at,
            stage=self._stage,
            outcome=Outcome.ok if end is None else end.outcome,
            limit=limit,
            limit_s=None if is_octets else value,
            limit_bytes=int(value) if is_octets and value is not None else None,
            error=end.error if end is not None else None,
            error_code=end.code if end is not None else None,
            tls=tls_record(self.tls, self._alert),
            http_status=response.status,
            content_type=self._field("content-type"),
            location=self._field("location"),
            body=escape_octets(response.body) if response.status is not None else None,
            bytes=ByteCounts(
                read=tcp.octets_read if tcp else 0,
                written=tcp.octets_written if tcp else 0,
            ),
        )

    def _field(self, name: str) -> str | None:
        value = self._response.fields.get(name)
        return None if value is None else escape_octets(value)

    # Stages --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _limit(self, name: str, outcome: Outcome) -> Iterator[None]:
        """Ends the fetch when the block takes longer than a limit."""
        clock, limit_s = self._common.clock, getattr(self._common.limits, name)
        began = clock.monotonic()
        try:
            with Deadline(limit_s):
                yield
        except TimeoutError as error:
            if error.errno is not None:  # the kernel's own, of a connect
                raise self._socket_failed(error) from None
            elapsed_s = clock.monotonic() - began
            is_ours = is_late(elapsed_s, limit_s)
            raise _Ended(
                Outcome.local_fault if is_ours else outcome,
                limit=f"limits.{name}",
                limit_value=limit_s,
                error=f"our event loop was {elapsed_s - limit_s:.1f} s late" if is_ours else None,
            ) from None

    async def _connect(self) -> TcpStream:
        address = parse_address(self._address)
        source = self._common.source_ipv4 if address.version == 4 else self._common.source_ipv6
        try:
            return await self._common.connector(address, self._port, source)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._socket_failed(error) from None

    async def _handshake(self, stream: TlsStream, tcp: TcpStream) -> TlsSummary:
        try:
            return await stream.handshake()
        except PlaintextAfterStarttls:
            raise _Ended(Outcome.tls_failed, code=PLAINTEXT_INSTEAD_OF_TLS) from None
        except EndOfStream:
            raise self._connection_ended(tcp) from None
        except TlsError as error:
            raise self._tls_failed(error) from None

    async def _ask(self, stream: TlsStream) -> None:
        host = self._policy_host if self._port == HTTPS_PORT else f"{self._policy_host}:{self._port}"
        try:
            await get(stream, host, PATH, _AGENT, self._response)
        except HttpClosedError:
            assert self._tcp is not None
            raise self._connection_ended(self._tcp) from None
        except HttpTooLongError:
            raise _Ended(
                Outcome.too_long, limit="limits.policy_bytes", limit_value=self._response.max_body_bytes
            ) from None
        except HttpError as error:
            raise _Ended(Outcome.malformed, error=escape_octets(str(error).encode())) from None
        except TlsError as error:
            raise self._tls_failed(error) from None

    # Ends ----------------------------------------------------------------------------------------------

    def _tls_failed(self, error: TlsError) -> _Ended:
        self._alert = error.alert
        return _Ended(Outcome.tls_failed, error="TLS failed", code=error.code)

    def _connection_ended(self, tcp: TcpStream) -> _Ended:
        return _Ended(Outcome.closed) if tcp.ended_by is None else self._socket_failed(tcp.ended_by)

    @staticmethod
    def _socket_failed(error: OSError) -> _Ended:
        return _Ended(outcome_of(error), error=text_of(error), code=name_of(error))
