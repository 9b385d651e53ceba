"""Mails through a relay: taken, refused in every way, lost at every step, and never a secret told."""

import base64
import re
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.net.mail import Mail, MailError, MailLimits, Postman, Refusal, Relay, Security
from tests.conftest import Run
from tests.net.mail_relay import CLOSE, RESET, SILENCE, Behaviour, MailRelay
from tests.net.scripted import blackhole, new_address, unused_port
from tests.tls.issuing import authority, issue

MAIL = Mail("watch@monitor.test", ("a@ops.test", "b@ops.test"), b"Subject: hello\r\n\r\n.dots stay\r\nend\r\n")
PATIENT = MailLimits(connect_s=10, reply_s=10, message_s=10, mail_s=15, quit_s=0.5)
#: For servers that are silent on purpose.
QUICK = MailLimits(connect_s=0.3, reply_s=0.3, message_s=0.3, mail_s=5, quit_s=0.1)
PASSWORD = "s3cret word"


def relay_at(server: MailRelay, security: Security = Security.none, **more: str) -> Relay:
    return Relay(server.address, server.port, security, "monitor.test", **more)


async def send(relay: Relay, *mails: Mail, limits: MailLimits = PATIENT) -> list[tuple[Refusal, ...] | MailError]:
    results: list[tuple[Refusal, ...] | MailError] = []
    async with Postman(relay, limits) as postman:
        for mail in mails or (MAIL,):
            try:
                results.append(await postman.send(mail))
            except MailError as error:
                results.append(error)
    return results


def test_a_mail_arrives_as_it_was_written(run: Run) -> None:
    with MailRelay() as server:
        assert run(send(relay_at(server))) == [()]
    [taken] = server.mails
    assert (taken.sender, taken.recipients, taken.message) == (MAIL.sender, list(MAIL.recipients), MAIL.message)
    assert server.commands[:2] == ["EHLO monitor.test", f"MAIL FROM:<watch@monitor.test> SIZE={len(MAIL.message)}"]
    assert server.commands[-1] == "QUIT"


def test_several_mails_share_a_connection(run: Run) -> None:
    with MailRelay() as server:
        assert run(send(relay_at(server), MAIL, MAIL, MAIL)) == [(), (), ()]
    assert (len(server.mails), server.sessions) == (3, 1)


def test_a_relay_that_has_had_enough_is_called_again(run: Run) -> None:
    with MailRelay(Behaviour(mails_a_session=2)) as server:
        results = run(send(relay_at(server), MAIL, MAIL, MAIL, MAIL))
    assert results[:2] == [(), ()]
    assert isinstance(results[2], MailError)
    assert "421 4.7.0 enough" in str(results[2])
    assert results[3] == ()


def test_a_connection_that_went_away_between_two_mails_is_made_anew(run: Run) -> None:
    with MailRelay(Behaviour({"RSET": CLOSE})) as server:
        assert run(send(relay_at(server), MAIL, MAIL)) == [(), ()]
    assert server.sessions == 2


def test_a_recipient_who_is_refused_does_not_keep_the_mail_from_the_others(run: Run) -> None:
    refused = {"RCPT TO:<a@ops.test>": "500 5.1.1 who?", "RCPT TO:<c@ops.test>": "450 4.2.1 later"}
    mail = Mail(MAIL.sender, ("a@ops.test", "b@ops.test", "c@ops.test", "no\nmailbox"), MAIL.message)
    with MailRelay(Behaviour(refused)) as server:
        [refusals] = run(send(relay_at(server), mail))
    assert not isinstance(refusals, MailError)
    assert refusals[:2] == (
        Refusal("a@ops.test", "500 5.1.1 who?", is_permanent=True),
        Refusal("c@ops.test", "450 4.2.1 later", is_permanent=False),
    )
    assert (refusals[2].recipient, refusals[2].is_permanent) == ("no\nmailbox", True)
    assert server.mails[0].recipients == ["b@ops.test"]


def test_a_mail_that_nobody_may_have_is_not_sent(run: Run) -> None:
    with MailRelay(Behaviour({"RCPT": "550 5.1.1 who?"})) as server:
        [refusals] = run(send(relay_at(server)))
    assert not isinstance(refusals, MailError)
    assert [refusal.recipient for refusal in refusals] == list(MAIL.recipients)
    assert (server.mails, "DATA" in server.commands) == ([], False)


FAILURES = [
    # step, what the relay does, what is told, permanent, the relay's, may have arrived
    ("GREETING", "554 5.7.1 not you", "connection: 554 5.7.1 not you", True, True, False),
    ("GREETING", "421 4.3.2 busy", "connection: 421 4.3.2 busy", False, True, False),
    ("GREETING", CLOSE, "connection: ", False, True, False),
    ("GREETING", SILENCE, "connection: Timed out", False, True, False),
    ("GREETING", "hello there", "connection: no SMTP reply: ", False, True, False),
    ("EHLO", "550 5.7.1 who are you?", "connection: 550 5.7.1 who are you?", True, True, False),
    ("MAIL", "550 5.7.1 not this sender", "MAIL FROM: 550 5.7.1 not this sender", True, False, False),
    ("MAIL", "500 5.5.2 what?", "MAIL FROM: 500 5.5.2 what?", True, False, False),
    ("MAIL", "451 4.3.0 later", "MAIL FROM: 451 4.3.0 later", False, False, False),
    ("MAIL", RESET, "MAIL FROM: ", False, True, False),
    ("RCPT", "421 4.7.0 too much", "RCPT TO: 421 4.7.0 too much", False, True, False),
    ("RCPT", SILENCE, "RCPT TO: Timed out", False, True, False),
    ("DATA", "554 5.5.1 no", "message: 554 5.5.1 no", True, False, False),
    ("MESSAGE", "552 5.3.4 too big", "message: 552 5.3.4 too big", True, False, False),
    ("MESSAGE", "451 4.7.1 later", "message: 451 4.7.1 later", False, False, False),
    ("MESSAGE", CLOSE, "message: ", False, True, True),
    ("MESSAGE", RESET, "message: ", False, True, True),
    ("MESSAGE", SILENCE, "message: Timed out", False, True, True),
    ("MESSAGE", "thank you", "message: no SMTP reply: ", False, False, True),
]


@pytest.mark.parametrize(("step", "does", "told", "permanent", "the_relays", "arrived"), FAILURES)
def test_what_fails_is_one_kind_of_error(
    run: Run, step: str, does: str, told: str, permanent: bool, the_relays: bool, arrived: bool
) -> None:
    with MailRelay(Behaviour({step: does})) as server:
        [error] = run(send(relay_at(server), limits=QUICK if does is SILENCE else PATIENT))
    assert isinstance(error, MailError)
    assert str(error).startswith(f"{server.address}:{server.port}, {told}")
    assert (error.is_permanent, error.is_the_relay, error.may_have_arrived) == (permanent, the_relays, arrived)


def test_after_a_failure_the_next_mail_goes_by_a_new_connection(run: Run) -> None:
    with MailRelay(Behaviour({"MESSAGE": RESET}, is_well_from=2)) as server:
        results = run(send(relay_at(server), MAIL, MAIL))
    assert isinstance(results[0], MailError)
    assert results[1] == ()
    assert server.sessions == 2


def test_nobody_there_and_nobody_answering(run: Run) -> None:
    address = new_address()
    [refused] = run(send(Relay(address, unused_port(address), Security.none, "monitor.test")))
    with blackhole() as (address, port):
        [silent] = run(send(Relay(address, port, Security.none, "monitor.test"), limits=QUICK))
    for error, told in ((refused, "connection: Connection refused"), (silent, "Timed out connecting")):
        assert isinstance(error, MailError)
        assert told in str(error)
        assert (error.is_permanent, error.is_the_relay, error.may_have_arrived) == (False, True, False)


def test_a_mail_has_a_limit_of_its_own(run: Run) -> None:
    limits = MailLimits(connect_s=60, reply_s=60, message_s=60, mail_s=0.3, quit_s=0.1)
    with MailRelay(Behaviour({"MESSAGE": SILENCE})) as server:
        [error] = run(send(relay_at(server), limits=limits))
    assert isinstance(error, MailError)
    assert str(error).endswith("message: not done within the limit for a mail")
    assert error.may_have_arrived


def test_the_reply_to_a_message_has_a_limit_of_its_own(run: Run) -> None:
    limits = MailLimits(connect_s=10, reply_s=10, message_s=0.3, mail_s=5, quit_s=0.1)
    with MailRelay(Behaviour({"MESSAGE": SILENCE})) as server:
        [error] = run(send(relay_at(server), limits=limits))
    assert str(error).endswith("message: Timed out waiting for server response")


def test_what_a_relay_says_is_told_inertly(run: Run) -> None:
    with MailRelay(Behaviour({"MAIL": "550-\x1b[2Jred\xff\r\n550 two lines"})) as server:
        [error] = run(send(relay_at(server)))
    assert str(error).endswith(r"550 \x1B[2Jred\xFF two lines")


# TLS and AUTH -----------------------------------------------------------------------------------------


class Certified:
    """A server's side of TLS for an address, and the file to verify it with. It is good today, whenever that is."""

    def __init__(self, directory: Path, address: str) -> None:
        now = datetime.now(UTC)
        starts, ends = now - timedelta(days=1), now + timedelta(days=1)
        root = authority(starts=starts, ends=ends)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        leaf = issue("relay.test", by=root, starts=starts, ends=ends, extensions=[(names, False)])
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (directory / "leaf.pem").write_bytes(leaf.pem + key)
        (directory / "root.pem").write_bytes(root.pem)
        self.address = address
        self.ca_file = str(directory / "root.pem")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(directory / "leaf.pem")


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return Certified(tmp_path, new_address())


def with_tls(certified: Certified, security: Security, **says: str) -> MailRelay:
    offers = ("AUTH LOGIN PLAIN",)
    is_implicit = security is Security.implicit
    return MailRelay(Behaviour(says, offers, certified.context, is_implicit=is_implicit), certified.address)


BOTH = pytest.mark.parametrize("security", [Security.starttls, Security.implicit])


@BOTH
def test_the_password_is_said_under_tls_only(run: Run, certified: Certified, security: Security) -> None:
    with with_tls(certified, security) as server:
        relay = relay_at(server, security, user="watch", password=PASSWORD, ca_file=certified.ca_file)
        assert run(send(relay, MAIL, MAIL)) == [(), ()]
    said = [command.split(" ")[0] for command in server.commands]
    first = ["EHLO", "STARTTLS"] if security is Security.starttls else []
    assert said[: len(first) + 3] == [*first, "EHLO", "AUTH", "MAIL"]
    assert f"AUTH PLAIN {base64.b64encode(f'{chr(0)}watch{chr(0)}{PASSWORD}'.encode()).decode()}" in server.commands
    assert (len(server.mails), server.sessions) == (2, 1)


@BOTH
def test_a_relay_that_cannot_be_trusted_gets_nothing(run: Run, certified: Certified, security: Security) -> None:
    with with_tls(certified, security) as server:
        [error] = run(send(relay_at(server, security, user="watch", password=PASSWORD)))
    assert isinstance(error, MailError)
    assert "certificate verify failed" in str(error)
    assert (error.is_permanent, error.is_the_relay) == (True, True)
    assert not re.search("AUTH|MAIL", " ".join(server.commands))


def test_a_relay_without_starttls_gets_nothing(run: Run) -> None:
    with MailRelay(Behaviour(offers=("AUTH PLAIN",))) as server:
        [error] = run(send(relay_at(server, Security.starttls, user="watch", password=PASSWORD)))
    assert isinstance(error, MailError)
    assert "STARTTLS" in str(error)
    assert (error.is_permanent, error.is_the_relay) == (True, True)
    assert server.commands == ["EHLO monitor.test"]


CHALLENGES = {"LOGIN": ("UGFzc3dvcmQ6",), "CRAM-MD5": ("PDFAcmVsYXkudGVzdD4=",)}


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        ("AUTH CRAM-MD5 PLAIN LOGIN", "AUTH PLAIN"),
        ("AUTH CRAM-MD5 LOGIN", "AUTH LOGIN"),
        ("AUTH CRAM-MD5", "AUTH CRAM-MD5"),
    ],
)
def test_one_mechanism_is_used(run: Run, offered: str, used: str) -> None:
    behaviour = Behaviour({"AUTH": "535 5.7.8 no"}, offers=(offered,), challenges=CHALLENGES)
    with MailRelay(behaviour) as server:
        [error] = run(send(relay_at(server, user="watch", password=PASSWORD)))
    assert str(error).endswith("AUTH: 535 5.7.8 no")
    assert [command.startswith(used) for command in server.commands if command.startswith("AUTH")] == [True]


def test_no_mechanism_that_we_know(run: Run) -> None:
    with MailRelay(Behaviour(offers=("AUTH GSSAPI",))) as server:
        [error] = run(send(relay_at(server, user="watch", password=PASSWORD)))
    assert isinstance(error, MailError)
    assert "no AUTH that we know (PLAIN, LOGIN, CRAM-MD5)" in str(error)
    assert (error.is_permanent, error.is_the_relay) == (True, True)


PLAIN = base64.b64encode(f"\0watch\0{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("echoed", [PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), PLAIN])
def test_a_secret_that_the_relay_says_back_is_hidden(run: Run, echoed: str) -> None:
    behaviour = Behaviour({"AUTH": f"535 5.7.8 {echoed} is wrong"}, offers=("AUTH PLAIN",))
    with MailRelay(behaviour) as server:
        relay = relay_at(server, user="watch", password=PASSWORD)
        [error] = run(send(relay))
    assert str(error).endswith("AUTH: 535 5.7.8 [hidden] is wrong")
    assert PASSWORD not in repr(relay)
