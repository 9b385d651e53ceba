"""What a scan says about a real Postfix: STARTTLS, certificates, refusals, implicit TLS."""

from dataclasses import dataclass

import pytest

from scanner.records import Domain

from .name_servers import Unbound
from .postfix import Postfix
from .scans import scan
from .smtpds import MANNERS
from .telling import WITHOUT_TLS, Told, certificate, tell, unknown

GOOD = "done ok"


@dataclass(frozen=True)
class Case:
    """A domain with one MX `NAME.mx.real.test` at one smtpd: how its session ends and what follows."""

    name: str
    why: str
    address: str
    ends: str
    verdicts: tuple[str, ...]
    finding: str = ""

    @property
    def domain(self) -> str:
        return f"{self.name}.real.test"

    @property
    def told(self) -> Told:
        host = f"{self.name}.mx.real.test"
        found = {f"{self.finding} {host} [{self.address}]"} if self.finding else set()
        return Told("mx ok 1", (f"10 {host} ok/no_data: {self.address} {self.ends}",), self.verdicts, frozenset(found))


CASES = (
    Case("good", "nothing to say against it", "127.80.0.1", GOOD, certificate("yes", "yes")),
    Case(
        "wrong-name",
        "the certificate is another host's",
        "127.80.0.2",
        GOOD,
        certificate("yes", "no"),
        "certificate-host-mismatch error",
    ),
    Case(
        "expired",
        "the last day of the certificate was the day before yesterday",
        "127.80.0.3",
        GOOD,
        certificate("no", "yes"),
        "certificate-expired error",
    ),
    Case(
        "self-signed",
        "its own authority",
        "127.80.0.4",
        GOOD,
        certificate("no", "yes"),
        "certificate-not-trusted error",
    ),
    Case(
        "stranger",
        "an authority that is not among the roots, and not in the served chain",
        "127.80.0.5",
        GOOD,
        certificate("no", "yes"),
        "certificate-not-trusted error",
    ),
    Case(
        "incomplete",
        "the intermediate is not served",
        "127.80.0.13",
        GOOD,
        certificate("no", "yes"),
        "certificate-not-trusted error",
    ),
    Case("no-tls", "TLS is off", "127.80.0.6", GOOD, WITHOUT_TLS, "starttls-not-supported error"),
    Case(
        "not-offered",
        "TLS is on, the keyword is left out of EHLO",
        "127.80.0.7",
        GOOD,
        WITHOUT_TLS,
        "starttls-not-supported error",
    ),
    Case(
        "rejects",
        "554 instead of a greeting, and it says that it is about the client",
        "127.80.0.8",
        "greeting permanent_negative",
        unknown("policy", known=1),
        "refused-us warning",
    ),
    Case(
        "defers",
        "450 instead of a greeting: another day it may be different",
        "127.80.0.9",
        "greeting transient_negative",
        unknown("policy", known=1),
        "refused-us warning",
    ),
    Case("slow", "greets after a second", "127.80.0.10", GOOD, certificate("yes", "yes")),
    Case(
        "refuses-ehlo",
        "554 to EHLO is about our name, not about its extensions: HELO is not tried",
        "127.80.0.11",
        "ehlo permanent_negative",
        unknown("ehlo_name_refused", known=1),
        "refused-us warning",
    ),
    Case(
        "implicit-tls",
        "waits for a ClientHello while we wait for its greeting",
        "127.80.0.12",
        "greeting timed_out limits.greeting_s",
        unknown("timed_out", known=1),
        "timed-out warning",
    ),
)

POOL = Told(
    "mx ok 1",
    ("10 pool.mx.real.test ok/no_data: 127.80.0.1 done ok, 127.80.0.6 done ok",),
    (
        "reachable yes 2/0/0",
        "smtp yes 2/0/0",
        "starttls mixed 1/1/0",
        "certificate_trusted yes 1/0/0",
        "certificate_name yes 1/0/0",
    ),
    frozenset(
        {
            "pool-members-differ warning pool.mx.real.test",
            "starttls-not-supported error pool.mx.real.test [127.80.0.6]",
        }
    ),
)

BACKUP = Told(
    "mx ok 2",
    (
        "10 nothing.mx.real.test ok/no_data: 127.80.9.1 connect refused",
        "20 good.mx.real.test ok/no_data: 127.80.0.1 done ok",
    ),
    (
        "reachable mixed 1/1/0 preferred=no",
        "smtp yes 1/0/0 preferred=not_applicable",
        "starttls yes 1/0/0 preferred=not_applicable",
        "certificate_trusted yes 1/0/0 preferred=not_applicable",
        "certificate_name yes 1/0/0 preferred=not_applicable",
    ),
    frozenset({"connection-refused error nothing.mx.real.test [127.80.9.1]"}),
)


@pytest.fixture(scope="module")
def records(unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Domain]:
    domains = [*(case.domain for case in CASES), "pool.real.test", "backup.real.test"]
    directory = tmp_path_factory.mktemp("postfix")
    return scan(directory, domains, unbound.port, postfix.port, "--ca-file", postfix.ca_file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_record_says_how_postfix_is_set_up(case: Case, records: dict[str, Domain]) -> None:
    assert tell(records[case.domain]) == case.told, case.why


def test_two_members_of_a_pool_are_told_apart(records: dict[str, Domain]) -> None:
    assert tell(records["pool.real.test"]) == POOL


def test_a_backup_makes_a_domain_reachable_whose_preferred_host_is_down(records: dict[str, Domain]) -> None:
    assert tell(records["backup.real.test"]) == BACKUP


def test_implicit_tls_finds_a_good_server_where_starttls_found_silence(
    unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = scan(
        tmp_path_factory.mktemp("implicit"),
        ["implicit-tls.real.test"],
        unbound.port,
        postfix.port,
        *("--ca-file", postfix.ca_file, "--implicit-tls"),
    )
    assert tell(found["implicit-tls.real.test"]) == Told(
        "mx ok 1",
        ("10 implicit-tls.mx.real.test ok/no_data: 127.80.0.12 done ok",),
        certificate("yes", "yes"),
        frozenset(),
    )


def test_postfix_saw_quit_in_every_session_that_reached_ehlo_and_no_mail(
    records: dict[str, Domain], postfix: Postfix
) -> None:
    """Postfix counts the commands of each session when it ends: `ehlo=2 starttls=1 quit=1 commands=4`."""
    ends = [line for smtpd in MANNERS for line in postfix.ends(smtpd.name)]
    reached_ehlo = [line for line in ends if " ehlo=" in line]
    assert len(reached_ehlo) >= 9
    assert [line for line in reached_ehlo if " quit=1" not in line] == []
    assert [line for line in ends if any(f" {verb}=" in line for verb in ("mail", "rcpt", "data", "vrfy"))] == []
