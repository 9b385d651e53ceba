"""The fetch of an MTA-STS policy: what is recorded of every way in which a policy host answers, or does not."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from scanner.net.clock import SystemClock
from scanner.net.tls import probing_context
from scanner.outcomes import Outcome, PolicyStage
from scanner.probe.policies import FetchedPolicy, fetch_policy
from scanner.probe.session import Survey
from scanner.settings import Limits, Settings
from tests.conftest import Run
from tests.net.certificates import Served, server_context
from tests.net.scripted import Conversation, Script, Server, blackhole, new_address, unused_port

CONTEXT = probing_context()
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 86400\n"
LIMITS = Limits(connect_s=0.3, tls_s=0.4, policy_s=0.8, policy_bytes=1000)


def _response(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *fields, b"", body])


def _https(served: Served, answer: Callable[[Conversation], None]) -> Script:
    """Completes the handshake, reads the request, and answers."""

    def script(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        while conversation.hear_line() not in (b"\r\n", b""):
            pass
        answer(conversation)

    return script


def _says(octets: bytes) -> Callable[[Conversation], None]:
    return lambda conversation: conversation.say(octets)


def _is_silent(conversation: Conversation) -> None:
    conversation.hear_all()


def _drips(conversation: Conversation) -> None:
    for octet in _response(POLICY):
        conversation.say(bytes([octet]))
        conversation.socket.settimeout(0.1)
        try:
            conversation.hear()
        except TimeoutError:
            continue


async def fetch(address: str, port: int) -> FetchedPolicy:
    settings = Settings(limits=LIMITS)
    survey = Survey.of(settings, run="r", start=1, clock=SystemClock())
    return await fetch_policy("domain.test", address, port, survey, 1)


@pytest.fixture
def fetched(run: Run) -> Callable[[Script], FetchedPolicy]:
    """Fetches from a server that does what a script says."""

    def fetch_from(script: Script) -> FetchedPolicy:
        with Server(script) as server:
            return run(fetch(str(server.address), server.port))

    return fetch_from


Fetched = Callable[[Script], FetchedPolicy]


def test_a_policy_is_recorded_with_the_response_and_the_certificates_of_its_host(
    fetched: Fetched, served: Served
) -> None:
    policy = fetched(_https(served, _says(_response(POLICY, b"Content-Type: text/plain"))))
    record = policy.record
    assert (record.stage, record.outcome, record.http_status) == (PolicyStage.done, Outcome.ok, 200)
    assert record.body == "version: STSv1\\x0Amode: enforce\\x0Amx: mx.test\\x0Amax_age: 86400\\x0A"
    assert record.content_type == "text/plain"
    assert record.policy_host == "mta-sts.domain.test"
    assert policy.chain == served.chain
    assert record.tls is not None
    assert len(record.tls.chain) == 2


def test_the_policy_host_is_asked_for_in_the_handshake_and_in_the_request(run: Run, served: Served) -> None:
    names: list[str | None] = []

    def script(conversation: Conversation) -> None:
        context = server_context(served)
        context.sni_callback = lambda _socket, name, _context: names.append(name)
        conversation.secure(context)
        while conversation.hear_line() not in (b"\r\n", b""):
            pass
        conversation.say(_response(POLICY))

    with Server(script) as server:
        run(fetch(str(server.address), server.port))
    assert names == ["mta-sts.domain.test"]
    assert f"Host: mta-sts.domain.test:{server.port}".encode() in server.heard


def test_a_redirect_is_recorded_and_not_followed(run: Run, served: Served) -> None:
    moved = _response(b"", b"Location: https://elsewhere.test/", status=b"301 Moved")
    with Server(_https(served, _says(moved))) as server:
        record = run(fetch(str(server.address), server.port)).record
    assert (record.outcome, record.http_status, record.location) == (Outcome.ok, 301, "https://elsewhere.test/")
    assert len(server.conversations) == 1


def _hears_and_closes(conversation: Conversation) -> None:
    conversation.hear()  # a close with octets unread would be a reset


def _plaintext(conversation: Conversation) -> None:
    conversation.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    conversation.hear_all()


ENDS: list[tuple[str, Callable[[Served], Script], PolicyStage, Outcome, str | None]] = [
    ("silent in the handshake", lambda _: _is_silent, PolicyStage.tls, Outcome.timed_out, "limits.tls_s"),
    ("closes in the handshake", lambda _: _hears_and_closes, PolicyStage.tls, Outcome.closed, None),
    ("speaks in the clear", lambda _: _plaintext, PolicyStage.tls, Outcome.tls_failed, None),
    ("silent after the request", lambda served: _https(served, _is_silent),
     PolicyStage.response, Outcome.deadline, "limits.policy_s"),
    ("octet by octet, for longer than the limit", lambda served: _https(served, _drips),
     PolicyStage.response, Outcome.deadline, "limits.policy_s"),
    ("closes after the request", lambda served: _https(served, lambda said: said.close()),
     PolicyStage.response, Outcome.closed, None),
    ("resets after the request", lambda served: _https(served, lambda said: said.reset()),
     PolicyStage.response, Outcome.reset, None),
    ("no HTTP", lambda served: _https(served, _says(b"220 mx.test ESMTP\r\n\r\n")),
     PolicyStage.response, Outcome.malformed, None),
    ("a body over the limit", lambda served: _https(served, _says(_response(b"x" * 1001))),
     PolicyStage.response, Outcome.too_long, "limits.policy_bytes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "stage", "outcome", "limit"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_every_other_end_has_its_stage_its_outcome_and_the_limit_that_fired(
    fetched: Fetched,
    served: Served,
    script: Callable[[Served], Script],
    stage: PolicyStage,
    outcome: Outcome,
    limit: str | None,
) -> None:
    record = fetched(script(served)).record
    assert (record.stage, record.outcome, record.limit) == (stage, outcome, limit)


def test_nobody_listens(run: Run) -> None:
    address = new_address()
    record = run(fetch(address, unused_port(address))).record
    assert (record.stage, record.outcome, record.error_code) == (PolicyStage.connect, Outcome.refused, "ECONNREFUSED")
    assert ip_address(record.address)


def test_a_connect_that_goes_unanswered_ends_at_its_limit(run: Run) -> None:
    with blackhole() as (address, port):
        record = run(fetch(address, port)).record
    assert (record.stage, record.outcome, record.limit, record.limit_s) == (
        PolicyStage.connect,
        Outcome.timed_out,
        "limits.connect_s",
        0.3,
    )
