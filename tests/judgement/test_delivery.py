"""What becomes of a message: places from units, the order of senders, and domains without any place."""

import pytest
from msgspec.structs import replace

from scanner.outcomes import AddressFlag, DnsStatus, Outcome, RouteFlag, RouteKind, Stage
from scanner.records import Domain, Host, SenderVerdict, SessionRecord

from .found import flagged, host, looked_up, mx, route
from .sessions import ADDRESS, MX, ended, helo_only, masked, session, without_starttls
from .transport import EE, LEAF, judged_domain, secure_host, served, to, txt

SECOND = "mx2.example.org"
GOOD, PLAIN = session(), without_starttls()
REFUSED, SILENT = ended(Stage.connect, Outcome.refused), ended(Stage.greeting, Outcome.timed_out)
NO_SERVICE = ended(Stage.greeting, Outcome.permanent_negative, about_us=False)
NOT_US = ended(Stage.greeting, Outcome.permanent_negative, about_us=True)


def words(verdict: SenderVerdict) -> str:
    return " ".join((verdict.value, *([] if verdict.complete else ["incomplete"]), *verdict.failures))


def three(record: Domain) -> list[str]:
    delivery = record.verdicts.delivery
    assert delivery is not None
    return [words(delivery.opportunistic), words(delivery.dane), words(delivery.mta_sts)]


def judged(one: SessionRecord | None, at: Host | None = None) -> Domain:
    """A domain without policies, of which one mail host was met like this; its zone is not signed."""
    sessions = {} if one is None else {(MX, ADDRESS): one}
    absent = txt(status=DnsStatus.nxdomain)
    return judged_domain(at or secure_host(secure=False), sessions=sessions, of=to(mx(), mta_sts=absent))


@pytest.mark.parametrize(
    ("one", "said", "why"),
    [
        (GOOD, "delivers_encrypted", "TLS is up"),
        (PLAIN, "delivers", "no STARTTLS: in the clear"),
        (helo_only(), "delivers", "nor EHLO"),
        (ended(Stage.starttls, Outcome.permanent_negative), "delivers", "offered and refused"),
        (ended(Stage.tls, Outcome.tls_failed), "delivers", "after a failed handshake in the clear"),
        (ended(Stage.tls, Outcome.plaintext_after_starttls), "delivers", "the same"),
        (ended(Stage.tls, Outcome.timed_out), "unknown incomplete", "a handshake broken off"),
        (masked(), "unknown incomplete", "something stands between us"),
        (REFUSED, "fails", "nobody listens"),
        (NO_SERVICE, "fails", "it takes no mail"),
        (NOT_US, "unknown incomplete", "not ours, maybe others'"),
        (SILENT, "unknown incomplete", "silence"),
        (None, "unknown incomplete", "not asked yet"),
    ],
)
def test_a_domain_without_policies_is_the_same_to_all_senders(one: SessionRecord, said: str, why: str) -> None:
    assert three(judged(one)) == 3 * [said]


@pytest.mark.parametrize(
    ("at", "said", "why"),
    [
        (host(looked_up(status=DnsStatus.nxdomain), looked_up(status=DnsStatus.nxdomain)), "fails", "no such host"),
        (host(), "fails", "no address"),
        (host(looked_up(flagged("10.0.0.1", AddressFlag.not_public))), "fails", "not a public one"),
        (host(looked_up(status=DnsStatus.servfail), looked_up(status=DnsStatus.servfail)), "unknown incomplete", "?"),
    ],
)
def test_a_host_without_an_address_is_what_its_units_say(at: Host, said: str, why: str) -> None:
    assert three(judged(None, at))[::2] == 2 * [said]


def test_a_withdrawn_address_is_no_place() -> None:
    gone = replace(secure_host(secure=False), a=looked_up(flagged("192.0.2.9", AddressFlag.address_withdrawn), ADDRESS))
    sessions = {(MX, "192.0.2.9"): SILENT, (MX, ADDRESS): GOOD}
    assert three(judged_domain(gone, sessions=sessions))[0] == "delivers_encrypted"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (RouteKind.nxdomain, "fails"),
        (RouteKind.no_mail_host, "fails"),
        (RouteKind.dns_failure, "unknown incomplete"),
        (RouteKind.skipped, "unknown incomplete"),
    ],
)
def test_a_domain_without_mail_hosts_is_what_its_route_says(kind: RouteKind, said: str) -> None:
    assert three(judged_domain(of=route(kind))) == 3 * [said]


def test_who_accepts_no_mail_by_intention_has_no_delivery() -> None:
    assert judged_domain(of=route(RouteKind.null_mx)).verdicts.delivery is None


# Several hosts --------------------------------------------------------------------------------------


def met(*ends: SessionRecord, preferences: tuple[int, ...] = (10, 20), more: int = 0) -> str:
    """What any sender does at hosts that were met like this, in their order."""
    names = [f"mx{number}.example.org" for number in range(len(ends))]
    addresses = [f"192.0.2.{10 + number}" for number in range(len(ends))]
    hosts = [host(looked_up(address), exchange=name) for name, address in zip(names, addresses, strict=True)]
    sessions = {(name, address): end for name, address, end in zip(names, addresses, ends, strict=True)}
    records = [mx(name, preference) for name, preference in zip(names, preferences, strict=True)]
    flags = (RouteFlag.mx_over_limit,) if more else ()
    way = to(*records, flags=flags, mx_total=len(records) + more)
    return three(judged_domain(*hosts, sessions=sessions, of=way))[0]


def test_a_message_goes_to_the_first_host_that_takes_it() -> None:
    assert met(GOOD, PLAIN) == "delivers_encrypted"
    assert met(PLAIN, GOOD) == "delivers"
    assert met(REFUSED, GOOD) == "delivers_encrypted"
    assert met(PLAIN, GOOD, preferences=(20, 10)) == "delivers_encrypted"


def test_among_equals_chance_decides_and_the_weakest_counts() -> None:
    assert met(GOOD, PLAIN, preferences=(10, 10)) == "delivers"


def test_a_host_that_was_not_reached_and_comes_first_leaves_it_incomplete() -> None:
    assert met(SILENT, GOOD) == "delivers_encrypted incomplete"
    assert met(GOOD, SILENT) == "delivers_encrypted"


def test_hosts_over_the_limit_stand_behind_all_others() -> None:
    assert met(GOOD, preferences=(10,), more=5) == "delivers_encrypted"
    assert met(REFUSED, preferences=(10,), more=5) == "unknown incomplete"


# Senders that insist --------------------------------------------------------------------------------


def test_what_only_dane_authenticates_is_authenticated_to_its_senders_alone() -> None:
    absent = txt(status=DnsStatus.nxdomain)
    sessions = {(MX, ADDRESS): served(LEAF)}
    record = judged_domain(secure_host(EE), sessions=sessions, of=to(mx(), ad=True, mta_sts=absent))
    assert three(record) == ["delivers_encrypted", "delivers_authenticated", "delivers_encrypted"]


@pytest.mark.parametrize("validates", [False, None])
def test_without_validation_nobody_knows_what_a_dane_sender_does(validates: bool | None) -> None:
    not_validated = secure_host(secure=None)
    sessions = {(MX, ADDRESS): GOOD}
    record = judged_domain(not_validated, sessions=sessions, of=to(mx()), validates=validates)
    assert three(record)[:2] == ["delivers_encrypted", "unknown incomplete"]
    gone = judged_domain(not_validated, sessions={(MX, ADDRESS): REFUSED}, of=to(mx()), validates=validates)
    assert three(gone)[1] == "fails"


def test_what_nobody_asked_of_mta_sts_is_unknown_unless_no_mail_gets_through_anyway() -> None:
    assert three(judged_domain(secure_host(secure=False), sessions={(MX, ADDRESS): GOOD}))[2] == "unknown incomplete"
    assert three(judged_domain(secure_host(secure=False), sessions={(MX, ADDRESS): REFUSED}))[2] == "fails"
