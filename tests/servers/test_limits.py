"""A real Postfix that finds us too much: by rate, by number, by TLS sessions. We back off, and come back."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.outcomes import Cause, Outcome
from scanner.records import SessionRecord
from scanner.times import parse_utc

from .name_servers import Unbound
from .postfix import Postfix
from .scans import Scan, scanning
from .smtpds import RATE_UNIT_S
from .telling import Told, certificate, tell, unknown
from .zones import ONE_AT_A_TIME, RATE, TLS_RATE, Customers

#: anvil counts in whole seconds, and forgets when more of them have gone by than its unit has.
FORGOTTEN_AFTER_S = RATE_UNIT_S + 1.1


def scanning_at(
    server: Postfix, resolver: Unbound, directory: Path, domains: list[str], back_off_s: float
) -> "contextlib.AbstractContextManager[Scan]":
    """A scan of these domains that waits so long after a refusal."""
    pace: dict[str, object] = {"back_off_s": back_off_s}
    return scanning(directory, domains, resolver.port, server.port, "--ca-file", server.ca_file, pace=pace)


@pytest.fixture(scope="module")
def at_a_rate(unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The scan of the two servers that limit our rate, at its end."""
    domains = [*RATE.domains, *TLS_RATE.domains]
    with scanning_at(postfix, unbound, tmp_path_factory.mktemp("rate"), domains, FORGOTTEN_AFTER_S) as scan:
        return scan.ended()


@contextlib.contextmanager
def held(address: str, port: int) -> Iterator[socket.socket]:
    """A connection of somebody else's, greeted and kept."""
    with socket.create_connection((address, port), timeout=5) as connection:
        assert connection.recv(100).startswith(b"220")
        yield connection


#: All is well but the name in the certificate, so that every name has to be asked.
WELL = certificate("yes", "no")
ANOTHERS = "certificate-host-mismatch error"


def one(customers: Customers, host: str, ends: str, verdicts: tuple[str, ...], *findings: str) -> Told:
    """What is to be told of one of them."""
    line = f"10 {host} ok/no_data: {customers.address} {ends}"
    found = frozenset(f"{finding} {host} [{customers.address}]" for finding in findings)
    return Told("mx ok 1", (line,), verdicts, found)


def well(customers: Customers) -> dict[str, Told]:
    """What is to be told of all of them."""
    return {domain: one(customers, host, "done ok", WELL, ANOTHERS) for domain, host in customers.pairs}


def told(scan: Scan, customers: Customers) -> dict[str, Told]:
    records = scan.records
    return {domain: tell(records[domain]) for domain in customers.domains}


def refused(sessions: Iterable[SessionRecord]) -> list[SessionRecord]:
    return [session for session in sessions if session.outcome is Outcome.transient_negative]


@dataclass(frozen=True)
class Limit:
    """A rate that Postfix limits, and what it says beyond it, by stage."""

    customers: Customers
    replies: dict[str, str]


LIMITS = (
    Limit(RATE, {"greeting": "421 4.7.0 postfix.real.test Error: too many connections from 127.0.0.1"}),
    # The one that is too many has its handshake and is then told; further ones don't come so far.
    Limit(
        TLS_RATE,
        {
            "ehlo_after_tls": ("421 4.7.0 postfix.real.test Error: too many new TLS sessions from unknown[127.0.0.1]"),
            "starttls": "454 4.7.0 Error: too many new TLS sessions from unknown[127.0.0.1]",
        },
    ),
)

#: After the handshake our EHLO may come while Postfix closes: then its kernel resets, and may never send the 421.
TOO_MUCH = frozenset({"too_many_connections", "reset"})


@pytest.mark.parametrize("limit", LIMITS, ids=["connections", "TLS sessions"])
def test_of_a_server_that_limits_our_rate_nearly_all_is_found_out_and_nothing_is_said_against_it(
    limit: Limit, at_a_rate: Scan
) -> None:
    found, expected = told(at_a_rate, limit.customers), well(limit.customers)
    tired = [domain for domain in limit.customers.domains if found[domain] != expected[domain]]
    # On a slow machine anvil's seconds end where they like, and a second attempt may be one too many again.
    assert len(tired) <= 2
    for verdicts in (at_a_rate.records[domain].verdicts for domain in tired):
        on_the_server = (verdicts.reachable, verdicts.smtp, verdicts.starttls, verdicts.certificate_trusted)
        assert [verdict for verdict in on_the_server if verdict.no] == []
        assert {reason for verdict in on_the_server for reason in verdict.reasons} <= TOO_MUCH


@pytest.mark.parametrize("limit", LIMITS, ids=["connections", "TLS sessions"])
def test_a_server_that_says_it_is_too_much_is_understood_and_left_alone_for_a_while(
    limit: Limit, at_a_rate: Scan
) -> None:
    sessions = [session for session in at_a_rate.sessions if session.address == limit.customers.address]
    refusals = refused(sessions)
    # Whoever is left alone each time need not say it often.
    assert 1 <= len(refusals) <= 4
    for refusal in refusals:
        assert (refusal.cause, refusal.about_us) == (Cause.too_many_connections, True)
        said = getattr(refusal.replies, refusal.stage)
        assert f"{said.code} {said.lines[0]}" == limit.replies[refusal.stage]
        later = [session.started_at for session in sessions if session.started_at > refusal.ended_at]
        if later:
            assert _seconds(min(later)) - _seconds(refusal.ended_at) >= FORGOTTEN_AFTER_S - 0.1


def test_where_somebody_has_the_only_place_we_come_back_until_it_is_free(
    postfix: Postfix, unbound: Unbound, tmp_path: Path
) -> None:
    with (
        held(ONE_AT_A_TIME.address, postfix.port) as place,
        scanning_at(postfix, unbound, tmp_path, ONE_AT_A_TIME.domains, 0.5) as scan,
    ):
        scan.wait_until(lambda: scan.count("sessions", '"code":421') > 0)
        place.close()
        scan.ended()
    assert told(scan, ONE_AT_A_TIME) == well(ONE_AT_A_TIME)
    assert {refusal.cause for refusal in refused(scan.sessions)} == {Cause.too_many_connections}


def test_a_server_that_never_lets_us_in_is_given_up_and_nothing_is_said_against_it(
    postfix: Postfix, unbound: Unbound, tmp_path: Path
) -> None:
    before = postfix.connections("one-at-a-time")
    with (
        held(ONE_AT_A_TIME.address, postfix.port),
        scanning_at(postfix, unbound, tmp_path, ONE_AT_A_TIME.domains, 0.1) as scan,
    ):
        scan.ended()
    asked = {session.server_name for session in scan.sessions}
    for domain, host in ONE_AT_A_TIME.pairs:
        ends = f"greeting transient_negative{'' if host in asked else ' +shared_across_names'}"
        expected = one(ONE_AT_A_TIME, host, ends, unknown("too_many_connections", known=1), "refused-us warning")
        assert tell(scan.records[domain]) == expected
    # What Postfix counted is what we say: ours, and the one that had the place.
    assert postfix.connections("one-at-a-time") - before == len(scan.sessions) + 1
    assert refused(scan.sessions) == scan.sessions


def _seconds(text: str) -> float:
    return parse_utc(text).timestamp()
