"""Many mail hosts' names at one address of a real Postfix: what two or three of them saw speaks for the others."""

from collections import Counter
from dataclasses import replace

import pytest

from scanner.records import Domain

from .name_servers import Unbound
from .postfix import Postfix
from .scans import Scan, scanning
from .telling import WITHOUT_TLS, Told, certificate, tell, unknown
from .zones import A_NAME_EACH, COVERED, IN_THE_CLEAR, NOT_COVERED, Customers

#: In the second scan, so many names are asked at an address at most.
MOST_NAMES = 5

INFERRED = " +server_name_inferred"
SHARED = " +shared_across_names"


@pytest.fixture(scope="module")
def shared(unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The scan of many names at few addresses, at its end."""
    domains = [*COVERED.domains, *NOT_COVERED.domains, *IN_THE_CLEAR.domains]
    trusted = ("--ca-file", postfix.ca_file)
    with scanning(tmp_path_factory.mktemp("names"), domains, unbound.port, postfix.port, *trusted) as scan:
        return scan.ended()


def told(records: dict[str, Domain], customers: Customers) -> Counter[Told]:
    """What is told of them, and of how many: which of them are asked is chance. Their names are made alike."""
    return Counter(_alike(tell(records[domain]), host) for domain, host in customers.pairs)


def _alike(said: Told, host: str) -> Told:
    hosts = tuple(line.replace(host, "HOST") for line in said.hosts)
    return replace(said, hosts=hosts, findings=frozenset(line.replace(host, "HOST") for line in said.findings))


def one(customers: Customers, ends: str, verdicts: tuple[str, ...], *findings: str) -> Told:
    at = f"HOST [{customers.address}]"
    host = f"10 HOST ok/no_data: {customers.address} {ends}"
    return Told("mx ok 1", (host,), verdicts, frozenset(f"{finding} {at}" for finding in findings))


def sessions_at(scan: Scan, customers: Customers) -> int:
    hosts = {host for _, host in customers.pairs}
    return sum(session.server_name in hosts for session in scan.sessions)


def test_a_certificate_that_three_names_were_shown_is_taken_for_those_that_it_covers(shared: Scan) -> None:
    asked = sessions_at(shared, COVERED)
    verdicts = certificate("yes", "yes")
    assert told(shared.records, COVERED) == {
        one(COVERED, "done ok", verdicts): asked,
        one(COVERED, f"done ok{INFERRED}", verdicts): COVERED.number - asked,
    }
    # It is looked at after 2, 3, 4 and 8 sessions, three of which may have been with names that it does not cover.
    assert 3 <= asked <= 8


def test_a_name_that_the_certificate_does_not_cover_is_asked(shared: Scan) -> None:
    verdicts, finding = certificate("yes", "no"), "certificate-host-mismatch error"
    assert told(shared.records, NOT_COVERED) == {one(NOT_COVERED, "done ok", verdicts, finding): NOT_COVERED.number}
    assert sessions_at(shared, NOT_COVERED) == NOT_COVERED.number


def test_what_two_names_heard_before_any_handshake_is_the_addresss(shared: Scan) -> None:
    finding = "starttls-not-supported error"
    assert told(shared.records, IN_THE_CLEAR) == {
        one(IN_THE_CLEAR, "done ok", WITHOUT_TLS, finding): 2,
        one(IN_THE_CLEAR, f"done ok{SHARED}", WITHOUT_TLS, finding): IN_THE_CLEAR.number - 2,
    }
    assert sessions_at(shared, IN_THE_CLEAR) == 2


def test_postfix_counted_the_sessions_that_we_say_we_had(shared: Scan, postfix: Postfix) -> None:
    said = {
        "shared": sessions_at(shared, COVERED) + sessions_at(shared, NOT_COVERED),
        "shared-no-tls": sessions_at(shared, IN_THE_CLEAR),
    }
    assert {name: postfix.connections(name) for name in said} == said


def test_beyond_the_limit_a_name_that_may_have_a_certificate_of_its_own_is_not_known(
    unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> None:
    probe: dict[str, object] = {"names_per_address": MOST_NAMES}
    directory, trusted = tmp_path_factory.mktemp("limit"), ("--ca-file", postfix.ca_file)
    with scanning(directory, A_NAME_EACH.domains, unbound.port, postfix.port, *trusted, probe=probe) as scan:
        scan.ended()
    assert told(scan.records, A_NAME_EACH) == {
        one(A_NAME_EACH, "done ok", certificate("yes", "no"), "certificate-host-mismatch error"): MOST_NAMES,
        one(
            A_NAME_EACH,
            "- certificate_differs_by_name",
            unknown("certificate_differs_by_name", known=3),
            "certificate-differs-by-name notice",
        ): A_NAME_EACH.number - MOST_NAMES,
    }
    assert postfix.connections("shared-wrong-name") == MOST_NAMES
