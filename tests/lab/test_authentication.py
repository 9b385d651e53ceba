"""AUTH at the lab's servers: every mechanism, believed and not; and nothing of it is kept."""

import base64
import hmac
from pathlib import Path

import pytest

from scanner.lab.authentication import Authentication, AuthenticationError
from scanner.lab.world import AuthMechanism, Behaviour

from .conftest import OpenLab
from .running import RunningLab, TlsClient, start_tls, world_of

USERS = {"you@sender.lab": "correct horse", "jörg": "pässwörd ✓"}
HOST = "mx.here.lab"
ALL: tuple[AuthMechanism, ...] = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")


def b64(octets: bytes) -> bytes:
    return base64.b64encode(octets)


def cram(challenge: bytes, user: str, password: str) -> bytes:
    return f"{user} {hmac.digest(password.encode(), challenge, 'md5').hex()}".encode()


WHO = [
    ("you@sender.lab", "correct horse", "you@sender.lab", "believed"),
    ("jörg", "pässwörd ✓", "jörg", "believed, in UTF-8"),
    ("you@sender.lab", "incorrect horse", None, "another's password"),
    ("you@sender.lab", "", None, "no password"),
    ("nobody", "correct horse", None, "nobody"),
    ("nobody", "", None, "nobody without a password"),
]


@pytest.mark.parametrize(("user", "password", "believed", "why"), WHO, ids=[row[-1] for row in WHO])
def test_each_mechanism_believes_who_has_the_password_and_nobody_else(
    user: str, password: str, believed: str | None, why: str
) -> None:
    name, secret = user.encode(), password.encode()
    plain = Authentication("PLAIN", USERS, HOST)
    assert plain.begin(b64(b"\0" + name + b"\0" + secret)) is None
    login = Authentication("LOGIN", USERS, HOST)
    assert login.begin(b"") == b"Username:"
    assert login.respond(b64(name)) == b"Password:"
    assert login.respond(b64(secret)) is None
    cram_md5 = Authentication("CRAM-MD5", USERS, HOST)
    challenge = cram_md5.begin(b"")
    assert challenge is not None
    assert cram_md5.respond(b64(cram(challenge, user, password))) is None
    xoauth2 = Authentication("XOAUTH2", USERS, HOST)
    why_not = xoauth2.begin(b64(b"user=" + name + b"\x01auth=Bearer " + secret + b"\x01\x01"))
    assert (why_not is None) == (believed is not None)
    assert why_not is None or (b'"status": "401"' in why_not and xoauth2.respond(b"") is None)
    assert [each.user for each in (plain, login, cram_md5, xoauth2)] == [believed] * 4


def test_plain_may_wait_for_its_challenge_and_login_may_not() -> None:
    plain = Authentication("PLAIN", USERS, HOST)
    assert plain.begin(b"") == b""
    assert plain.respond(b64(b"you@sender.lab\0you@sender.lab\0correct horse")) is None
    login = Authentication("LOGIN", USERS, HOST)
    assert login.begin(b64(b"you@sender.lab")) == b"Password:"
    assert login.respond(b64(b"correct horse")) is None
    assert plain.user == login.user == "you@sender.lab"


def test_nobody_acts_for_somebody_else() -> None:
    plain = Authentication("PLAIN", USERS, HOST)
    assert plain.begin(b64("jörg\0you@sender.lab\0correct horse".encode())) is None
    assert plain.user is None


def test_no_two_challenges_are_the_same() -> None:
    assert Authentication("CRAM-MD5", USERS, HOST).begin(b"") != Authentication("CRAM-MD5", USERS, HOST).begin(b"")


RESPONSES = [
    ("PLAIN", b"*", "501 5.7.0", "RFC 4954 §4: cancelled"),
    ("PLAIN", b"no base64!", "501 5.5.2", "no base64"),
    ("PLAIN", b"YQ", "501 5.5.2", "base64 without its padding"),
    ("PLAIN", b"!" + b64(b"\0you@sender.lab\0correct horse"), "501 5.5.2", "credentials, and an octet that is none"),
    ("PLAIN", b64(b"user\0password"), "501 5.5.2", "two parts"),
    ("PLAIN", b64(b"\0\xff\0password"), "501 5.5.2", "no UTF-8"),
    ("PLAIN", b"=", "501 5.5.2", "an initial response without octets"),
    ("XOAUTH2", b64(b"user=you@sender.lab\x01auth=Basic x\x01\x01"), "501 5.5.2", "no bearer token"),
    ("CRAM-MD5", b64(b"you@sender.lab 0"), "501 5.7.0", "where the server begins"),
]


@pytest.mark.parametrize(("mechanism", "response", "reply", "why"), RESPONSES, ids=[row[-1] for row in RESPONSES])
def test_a_response_that_is_none_ends_the_exchange(mechanism: str, response: bytes, reply: str, why: str) -> None:
    with pytest.raises(AuthenticationError, match=reply):
        Authentication(mechanism, USERS, HOST).begin(response)


# In a session ------------------------------------------------------------------------------------------

CREDENTIALS = b64(b"\0you@sender.lab\0correct horse")


def over_tls(open_lab: OpenLab, **behaviour: object) -> tuple[RunningLab, TlsClient]:
    lab = open_lab(world_of(Behaviour(auth_mechanisms=ALL, **behaviour), users=USERS))  # type: ignore[arg-type]
    return lab, start_tls(lab)


def test_auth_is_offered_over_tls_and_not_before(open_lab: OpenLab) -> None:
    lab, client = over_tls(open_lab)
    assert b"AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n" in client.ask(b"EHLO client.lab")
    with lab.connect() as plaintext:
        plaintext.hear_reply()
        assert b"AUTH" not in plaintext.ask(b"EHLO client.lab")
        assert plaintext.ask(b"AUTH PLAIN " + CREDENTIALS).startswith(b"538 5.7.11")


def test_a_server_may_offer_auth_in_the_clear_and_mean_it_or_not(open_lab: OpenLab) -> None:
    for manner, code in (("offered", b"538"), ("taken", b"235")):
        behaviour = Behaviour(auth_mechanisms=ALL, auth_before_tls=manner)  # type: ignore[arg-type]
        lab = open_lab(world_of(behaviour, users=USERS))
        with lab.connect() as client:
            client.hear_reply()
            assert b"AUTH PLAIN" in client.ask(b"EHLO client.lab")
            assert client.ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == code
        lab.stop()


def test_who_is_believed_may_send_and_is_not_asked_twice(open_lab: OpenLab) -> None:
    lab, client = over_tls(open_lab, requires_auth=True)
    assert client.ask(b"MAIL FROM:<you@sender.lab>").startswith(b"530 5.7.0")
    assert client.ask(b"AUTH plain " + b64(b"\0you@sender.lab\0wrong")).startswith(b"535 5.7.8")
    assert client.ask(b"MAIL FROM:<you@sender.lab>").startswith(b"530 5.7.0")
    assert client.ask(b"AUTH PLAIN").startswith(b"334 \r\n")
    assert client.ask(CREDENTIALS).startswith(b"235 2.7.0")
    assert client.ask(b"AUTH PLAIN " + CREDENTIALS).startswith(b"503")
    assert client.ask(b"MAIL FROM:<you@sender.lab>").startswith(b"250")
    client.ask(b"QUIT")
    (session,) = lab.sessions()
    assert session.user == "you@sender.lab"


IN_ORDER = [
    (b"AUTH", b"504", "no mechanism"),
    (b"AUTH DIGEST-MD5", b"504", "a mechanism that is not offered"),
    (b"AUTH CRAM-MD5 " + CREDENTIALS, b"501", "an initial response where the server begins"),
    (b"AUTH PLAIN *", b"501", "cancelled at once"),
]


@pytest.mark.parametrize(("command", "code", "why"), IN_ORDER, ids=[row[-1] for row in IN_ORDER])
def test_auth_that_is_not_in_order_is_refused(open_lab: OpenLab, command: bytes, code: bytes, why: str) -> None:
    _, client = over_tls(open_lab)
    assert client.ask(command)[:3] == code
    assert client.ask(b"NOOP")[:3] == b"250"


def test_auth_is_no_part_of_a_transaction(open_lab: OpenLab) -> None:
    _, client = over_tls(open_lab)
    client.ask(b"MAIL FROM:<>")
    assert client.ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == b"503"


def test_a_server_without_mechanisms_does_not_know_auth(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(users=USERS))
    assert start_tls(lab).ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == b"500"


VERDICTS = [
    (("send 454 4.7.0 later\\r\\n",), b"454", b"530", "a temporary failure, whoever it is"),
    (("send 235 2.7.0 welcome\\r\\n",), b"235", b"250", "everybody is welcome"),
]


@pytest.mark.parametrize(("auth", "code", "mail", "why"), VERDICTS, ids=[row[-1] for row in VERDICTS])
def test_a_behaviour_may_have_its_own_verdict(
    open_lab: OpenLab, auth: tuple[str, ...], code: bytes, mail: bytes, why: str
) -> None:
    _, client = over_tls(open_lab, auth=auth, requires_auth=True)
    assert client.ask(b"AUTH PLAIN " + b64(b"\0nobody\0nothing"))[:3] == code
    assert client.ask(b"MAIL FROM:<>")[:3] == mail


def test_challenges_may_have_no_end(open_lab: OpenLab) -> None:
    lab, client = over_tls(open_lab, auth=("send 334 eA==\\r\\n",))
    assert client.ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == b"334"
    for _ in range(5):
        assert client.ask(b64(b"correct horse"))[:3] == b"334"
    assert client.ask(b"*")[:3] == b"501"
    lab.stop()


def test_a_response_that_nobody_reads_is_no_command(open_lab: OpenLab) -> None:
    lab, client = over_tls(open_lab, auth=("send 334 eA==\\r\\n", "silence"))
    assert client.ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == b"334"
    client.say(b"U2VjcmV0\r\n")
    (session,) = lab.sessions()
    assert session.commands == ["EHLO", "STARTTLS", "AUTH"]


def test_starttls_forgets_who_somebody_was(open_lab: OpenLab) -> None:
    behaviour = Behaviour(auth_mechanisms=ALL, auth_before_tls="taken", requires_auth=True)
    lab = open_lab(world_of(behaviour, users=USERS))
    client = lab.connect()
    client.hear_reply()
    client.ask(b"EHLO client.lab")
    assert client.ask(b"AUTH PLAIN " + CREDENTIALS)[:3] == b"235"
    assert client.ask(b"STARTTLS")[:3] == b"220"
    tls = TlsClient(client).shake_hands()
    assert tls.ask(b"MAIL FROM:<>")[:3] == b"530"


def test_what_is_said_in_auth_is_nowhere_in_the_directory(open_lab: OpenLab, tmp_path: Path) -> None:
    secrets = [b64(b"Secretword"), b64(b"you@sender.lab"), b64(b"\0you@sender.lab\0Secretword")]
    lab, client = over_tls(open_lab)
    client.ask(b"AUTH PLAIN " + secrets[2])
    client.ask(b"AUTH LOGIN")
    client.ask(secrets[1])
    client.ask(secrets[0])
    client.ask(b"AUTH LOGIN")
    client.say(secrets[1] + b"\r\n" + secrets[0] + b"\r\nQUIT\r\n")
    client.hear_all()
    (session,) = lab.sessions()
    assert session.commands == ["EHLO", "STARTTLS", "AUTH", "AUTH", "AUTH", "QUIT"]
    said = b"".join([path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()])
    assert [secret for secret in (*secrets, b"Secretword") if secret.rstrip(b"=") in said] == []
