"""A real postscreen before a real smtpd: it lets us wait, and refuses whom it has on a list, as others do by DNSBL."""

import socket
from dataclasses import dataclass

import pytest

from scanner.records import SessionRecord

from .name_servers import Unbound
from .postfix import Postfix
from .scans import Scan, scanning
from .telling import Told, certificate, tell, unknown


@dataclass(frozen=True)
class Case:
    """A domain with one MX `NAME.mx.real.test` at one postscreen: how its session ends and what follows."""

    name: str
    why: str
    address: str
    ends: str
    verdicts: tuple[str, ...]
    finding: str = ""
    cause: str | None = None
    greeting: tuple[str, ...] = ()

    @property
    def told(self) -> Told:
        host = f"{self.name}.mx.real.test"
        found = {f"{self.finding} {host} [{self.address}]"} if self.finding else set()
        return Told("mx ok 1", (f"10 {host} ok/no_data: {self.address} {self.ends}",), self.verdicts, frozenset(found))


TEASED = ("postfix.real.test ESMTP Postfix", "postfix.real.test ESMTP Postfix")

CASES = (
    Case(
        "teaser",
        "`220-` at once, to see who talks before his turn, and `220 ` a second later from smtpd itself",
        "127.80.4.1",
        "done ok",
        certificate("yes", "yes"),
        greeting=TEASED,
    ),
    Case(
        "enforces",
        "our address is on its list: it plays a server, also within TLS, that will refuse every recipient",
        "127.80.4.3",
        "done ok",
        certificate("yes", "yes"),
        greeting=TEASED,
    ),
    Case(
        "drops",
        "our address is on its list: what it says then is about nobody but us",
        "127.80.4.2",
        "greeting permanent_negative",
        unknown("blocklisted", known=1),
        "refused-us warning",
        cause="blocklisted",
        greeting=("5.3.2 Service currently unavailable",),
    ),
    Case(
        "counts",
        "one connection of each client at a time, and somebody here has it",
        "127.80.4.4",
        "greeting transient_negative",
        unknown("too_many_connections", known=1),
        "refused-us warning",
        cause="too_many_connections",
        greeting=("4.7.0 Error: too many connections",),
    ),
)


@pytest.fixture(scope="module")
def screened(unbound: Unbound, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The scan of all of them, at its end."""
    domains = [f"{case.name}.real.test" for case in CASES]
    directory, trusted = tmp_path_factory.mktemp("postscreen"), ("--ca-file", postfix.ca_file)
    with (
        socket.create_connection(("127.80.4.4", postfix.port), timeout=5),
        scanning(directory, domains, unbound.port, postfix.port, *trusted) as scan,
    ):
        return scan.ended()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_record_says_what_postscreen_made_of_us(case: Case, screened: Scan) -> None:
    assert tell(screened.records[f"{case.name}.real.test"]) == case.told, case.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_session_says_why_postscreen_refused(case: Case, screened: Scan) -> None:
    for session in (session for session in screened.sessions if session.address == case.address):
        assert _greeting(session) == case.greeting
        assert session.cause == case.cause
        assert session.about_us is (True if case.cause else None)


def _greeting(session: SessionRecord) -> tuple[str, ...]:
    assert session.replies.greeting is not None
    return session.replies.greeting.lines
