"""Who may hand in mail in the embedded world: every server that asks who comes, and a plain client that says so."""

import base64
import contextlib
import json
import smtplib
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.running import RunningLab

from .clients import BODY, ENTRIES, PASSWORD, YOU, connected, kept, wait_no_longer
from .entries import WORLD

AUTHENTICATED = [
    ("submission.lab", "PLAIN"),
    ("submission.lab", "LOGIN"),
    ("submission.lab", "CRAM-MD5"),
    ("auth-538.lab", "PLAIN"),
    ("plaintext-submission.lab", "CRAM-MD5"),
    ("untrusted-submission.lab", "PLAIN"),
    ("misnamed-submission.lab", "PLAIN"),
    ("expired-submission.lab", "PLAIN"),
    ("login-only.lab", "LOGIN"),
    ("cram-only.lab", "CRAM-MD5"),
    ("relay.lab", "PLAIN"),
    ("own-senders.lab", "PLAIN"),
]


def log_in(client: smtplib.SMTP, mechanism: str, user: str, password: str) -> int:
    client.user, client.password = user, password
    methods: dict[str, Callable[..., Any]] = {
        "PLAIN": client.auth_plain,
        "LOGIN": client.auth_login,
        "CRAM-MD5": client.auth_cram_md5,
    }
    return client.auth(mechanism, methods[mechanism])[0]


@pytest.mark.parametrize(("domain", "mechanism"), AUTHENTICATED, ids=[" ".join(row) for row in AUTHENTICATED])
def test_who_has_the_password_sends_to_anybody(lab: RunningLab, domain: str, mechanism: str) -> None:
    with connected(lab, domain) as client:
        assert mechanism in client.esmtp_features["auth"].split()
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            log_in(client, mechanism, YOU, "wrong")
        assert log_in(client, mechanism, YOU, PASSWORD) == 235
        client.sendmail(YOU, ["me@elsewhere.lab"], BODY)
    assert kept(lab, domain)[-1].envelope.user == YOU


def test_a_password_may_have_any_characters() -> None:
    assert WORLD.users["jörg@sender.lab"] == "pässwörd ✓"


def bearer(token: str) -> str:
    return base64.b64encode(f"user={YOU}\x01auth=Bearer {token}\x01\x01".encode()).decode()


TOKENS = ["submission.lab", "xoauth2-only.lab"]


@pytest.mark.parametrize("domain", TOKENS)
def test_a_token_is_as_good_as_a_password(lab: RunningLab, domain: str) -> None:
    with connected(lab, domain) as client:
        code, why = client.docmd("AUTH XOAUTH2", bearer("old"))
        assert (code, json.loads(base64.b64decode(why))["status"]) == (334, "401")
        assert client.docmd("")[0] == 535
        assert client.docmd("AUTH XOAUTH2", bearer(PASSWORD))[0] == 235


AUTH_REFUSALS = [
    ("submission.lab", False, 530, "before TLS, which it wants first"),
    ("auth-538.lab", False, 538, "before TLS, although it is offered"),
    ("auth-unavailable.lab", True, 454, "nobody can be looked up"),
    ("auth-too-weak.lab", True, 534, "not by this mechanism"),
    ("endless-challenges.lab", True, 334, "one more challenge"),
    ("hostile-replies.lab", True, 535, "in words for terminals"),
    ("good.lab", True, 500, "no AUTH"),
]


@pytest.mark.parametrize(("domain", "tls", "code", "why"), AUTH_REFUSALS, ids=[row[-1] for row in AUTH_REFUSALS])
def test_authentication_is_refused(lab: RunningLab, domain: str, tls: bool, code: int, why: str) -> None:
    credentials = base64.b64encode(f"\0{YOU}\0{PASSWORD}".encode()).decode()
    with connected(lab, domain, tls=tls) as client:
        assert client.docmd("AUTH PLAIN", credentials)[0] == code
        client.close()


UNANSWERED = [("silent-on-auth.lab", "timed out"), ("closes-on-auth.lab", "closed")]


@pytest.mark.parametrize(("domain", "words"), UNANSWERED)
def test_nothing_is_said_to_a_password(lab: RunningLab, domain: str, words: str) -> None:
    client = connected(lab, domain)
    wait_no_longer(client)
    with pytest.raises(smtplib.SMTPServerDisconnected, match=words):
        log_in(client, "PLAIN", YOU, PASSWORD)
    client.close()


def test_a_user_sends_in_his_own_name_only(lab: RunningLab) -> None:
    with connected(lab, "own-senders.lab") as client:
        log_in(client, "PLAIN", YOU, PASSWORD)
        assert client.docmd("MAIL FROM:<other@sender.lab>")[0] == 553


IMPLICIT = [
    ("implicit-tls.lab", contextlib.nullcontext()),
    ("implicit-tls-untrusted.lab", pytest.raises(ssl.SSLCertVerificationError)),
]


@pytest.mark.parametrize(("domain", "trust"), IMPLICIT, ids=[row[0] for row in IMPLICIT])
def test_tls_comes_first(lab: RunningLab, domain: str, trust: contextlib.AbstractContextManager[object]) -> None:
    context = ssl.create_default_context(cafile=lab.directory / "roots.pem")
    context.check_hostname = False
    (server,) = ENTRIES[domain].servers
    with (
        trust,
        smtplib.SMTP_SSL(server.address, lab.lab.ports.smtp, "client.lab", timeout=5, context=context) as client,
    ):
        assert log_in(client, "PLAIN", YOU, PASSWORD) == 235


def test_every_server_with_auth_is_asked() -> None:
    asked = {row[0] for row in (*AUTHENTICATED, *AUTH_REFUSALS, *IMPLICIT, *UNANSWERED)} | set(TOKENS)
    has_auth = {
        entry.domain
        for entry in WORLD.entries
        for server in entry.servers
        if WORLD.behaviours[server.behaviour].auth_mechanisms
    }
    assert has_auth - asked == set()
    assert len(has_auth) > 15
