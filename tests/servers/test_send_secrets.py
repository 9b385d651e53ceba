"""No password in any output, in any form, where a real server was signed in to or was not."""

import base64
import hmac
import quopri
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, PROBLEM
from scanner.smtp.sasl import Credentials

from .delivering import PASSWORD, USER
from .foreground import Ran, run, run_all
from .mail_world import MailWorld
from .secrets_told import told_secrets

WRONG = "not-the=passwörd/+"


class Case(NamedTuple):
    """A relay, how it is signed in to there, with which password, and the exit code."""

    relay: str
    mechanism: str
    password: str
    exit_code: int
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.relay} {self.mechanism} {'wrong' if self.password == WRONG else 'right'} {' '.join(self.more)}"


CASES = (
    *(Case("submission", mechanism, PASSWORD, OK) for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5")),
    *(Case("submission", mechanism, WRONG, PROBLEM) for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5")),
    *(Case("submission", mechanism, PASSWORD, OK, ("--json",)) for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5")),
    Case("tokens", "XOAUTH2", PASSWORD, OK),
    Case("tokens", "XOAUTH2", WRONG, PROBLEM, ("--json",)),
    Case("nobody-to-ask", "PLAIN", PASSWORD, INCONCLUSIVE),
    Case("nobody-to-ask", "LOGIN", PASSWORD, INCONCLUSIVE, ("--json",)),
    Case("clear", "PLAIN", PASSWORD, OK, ("--tls", "none", "--insecure")),
    Case("clear", "LOGIN", PASSWORD, OK, ("--tls", "none", "--insecure", "--json")),
    Case("stranger-relay", "PLAIN", PASSWORD, PROBLEM),
    Case("own-sender", "PLAIN", PASSWORD, PROBLEM),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every case keeps its files."""
    return tmp_path_factory.mktemp("secrets")


def command_of(case: Case, world: MailWorld, directory: Path) -> list[str | Path]:
    signing_in = ("--user", USER, "--password-file", directory / f"{case.name}.password", "--auth", case.mechanism)
    addresses = ("--from", USER, "--to", "x@elsewhere.test", "--relay", world.mail.relay(case.relay))
    return ["send", *addresses, *signing_in, *case.more, *world.options("--save", directory / case.name)]


@pytest.fixture(scope="module")
def sent(mail_world: MailWorld, directory: Path) -> Mapping[str, Ran]:
    """What every case came to."""
    for case in CASES:
        (directory / f"{case.name}.password").write_text(f"{case.password}\n", encoding="utf-8")
    return run_all({case.name: command_of(case, mail_world, directory) for case in CASES})


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_output_has_the_password(case: Case, sent: Mapping[str, Ran], directory: Path) -> None:
    ran = sent[case.name]
    assert ran.exit_code == case.exit_code, ran.said
    kept = [path.read_bytes() for path in sorted((directory / case.name).iterdir())]
    assert len(kept) == 3
    for output in (ran.printed, ran.complained, *kept):
        assert told_secrets(output, Credentials(USER, case.password)) == []
    if case.relay != "stranger-relay":
        assert f"AUTH {case.mechanism}".encode() in ran.printed


@pytest.mark.parametrize("by_environment", [True, False], ids=["--password-env", "--password-file"])
def test_the_process_list_does_not_have_it_either(mail_world: MailWorld, tmp_path: Path, by_environment: bool) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    password = ("--password-env", "PASSWORD") if by_environment else ("--password-file", tmp_path / "password")
    addresses = ("--from", USER, "--to", "x@elsewhere.test", "--relay", mail_world.mail.relay("submission"))
    ran = run(["send", *addresses, "--user", USER, *password, *mail_world.options()], {"PASSWORD": PASSWORD})
    assert ran.exit_code == OK, ran.said
    assert b"elsewhere.test" in ran.listed
    for output in (ran.listed, ran.printed, ran.complained):
        assert told_secrets(output, Credentials(USER, PASSWORD)) == []


def test_the_search_finds_what_it_looks_for() -> None:
    """Whatever a careless line could make of a password: a search that finds nothing must be able to."""
    octets = PASSWORD.encode()
    challenge = b"<1896.697170952@postfix.real.test>"
    digest = hmac.new(octets, challenge, "md5").hexdigest().encode()
    for told in (
        octets,
        base64.b64encode(octets),
        base64.b64encode(b"\0" + octets),
        base64.b64encode(b"\0" + USER.encode() + b"\0" + octets),
        octets.hex().upper().encode(),
        quopri.encodestring(octets),
        repr(PASSWORD).encode(),
        repr(octets).encode(),
        b"334 " + base64.b64encode(challenge) + b"\n" + digest,
        b"334 " + base64.b64encode(challenge) + b"\n" + base64.b64encode(USER.encode() + b" " + digest),
    ):
        assert told_secrets(b"before " + told + b" after", Credentials(USER, PASSWORD)) != [], told
