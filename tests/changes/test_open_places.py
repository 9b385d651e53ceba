"""Of which addresses, and to which verdicts, a run could not tell."""

import pytest

from scanner.changes.open_places import LEVELS, has_open_lookup, open_places
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, Stage
from scanner.records import AddressLookup, SessionRecord
from tests.changes.changed import GOOD, record
from tests.judgement.found import flagged, host, looked_up, mx
from tests.judgement.judged import judged
from tests.judgement.sessions import ADDRESS, MX, ended

NOWHERE = (False, False, False)
FROM_STARTTLS = (False, False, True)
FROM_SMTP = (False, True, True)
FROM_THE_START = (True, True, True)


@pytest.mark.parametrize(
    ("session", "is_open", "why"),
    [
        (GOOD, NOWHERE, "all is known"),
        (None, FROM_THE_START, "nobody asked"),
        (ended(Stage.connect, Outcome.timed_out), FROM_THE_START, "no connection, and nobody knows why"),
        (ended(Stage.connect, Outcome.local_fault), FROM_THE_START, "a fault of ours"),
        (ended(Stage.connect, Outcome.refused), NOWHERE, "that is an answer"),
        (ended(Stage.greeting, Outcome.timed_out), FROM_SMTP, "it came up"),
        (ended(Stage.ehlo, Outcome.transient_negative), FROM_SMTP, "it asked to come back"),
        (ended(Stage.starttls, Outcome.closed), FROM_STARTTLS, "it speaks SMTP"),
        (ended(Stage.tls, Outcome.reset), FROM_STARTTLS, "it speaks SMTP"),
        (ended(Stage.tls, Outcome.tls_failed), NOWHERE, "that is its failure"),
        (ended(Stage.ehlo_after_tls, Outcome.timed_out), NOWHERE, "TLS is up"),
    ],
)
def test_a_session_leaves_open_what_it_did_not_come_to(
    session: SessionRecord | None, is_open: tuple[bool, ...], why: str
) -> None:
    places = [open_places(record(session), level) for level in range(3)]
    assert places == [frozenset({(MX, ADDRESS)}) if one else frozenset() for one in is_open]


def test_an_address_that_is_not_public_leaves_nothing_open() -> None:
    assert open_places(record(at=host(looked_up(flagged("10.0.0.1", AddressFlag.not_public))))) == frozenset()


def test_a_host_of_which_an_address_may_be_missing_is_open_itself() -> None:
    half_known = record(at=host(looked_up(ADDRESS), looked_up(status=DnsStatus.servfail)))
    assert open_places(half_known, 0) == {(MX, ADDRESS), (MX, "")}


def test_verdicts_on_certificates_build_on_starttls() -> None:
    assert LEVELS["certificate_trusted"] == LEVELS["certificate_name"] == LEVELS["starttls"]


FAILED = looked_up(status=DnsStatus.servfail)
NO_DATA = looked_up(status=DnsStatus.no_data)
NOT_ASKED = looked_up(status=DnsStatus.not_asked)


@pytest.mark.parametrize(
    ("a", "aaaa", "is_open"),
    [
        (looked_up(ADDRESS), NO_DATA, False),
        (looked_up(ADDRESS), FAILED, True),
        (FAILED, NO_DATA, True),
        (NO_DATA, NO_DATA, False),
        (NOT_ASKED, NOT_ASKED, True),
    ],
)
def test_a_lookup_that_failed_may_hide_addresses(a: AddressLookup, aaaa: AddressLookup, is_open: bool) -> None:
    assert has_open_lookup(judged(host(a, aaaa)).record) is is_open


def test_a_host_that_is_none_is_not_asked_for_and_hides_nothing() -> None:
    literal = judged(None, of=mx("[192.0.2.1]", 10, HostFlag.mx_is_address_literal)).record
    assert not has_open_lookup(literal)
