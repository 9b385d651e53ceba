"""TLS where mail is handed in: servers that begin with it, and such as ask who comes."""

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from OpenSSL import SSL

from scanner.lab.authority import Authority
from scanner.lab.mail_store import read_messages
from scanner.lab.world import Behaviour, CertificateKind, Server

from .conftest import OpenLab
from .running import ADDRESS, HOST, RunningLab, TlsClient, start_tls, world_of

IMPLICIT = ("tls", "send 220 {host} ESMTP\\r\\n")


def test_a_server_may_begin_with_tls(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=IMPLICIT, requires_tls=True, auth_mechanisms=("PLAIN",))))
    client = TlsClient(lab.connect()).shake_hands()
    assert client.hear_reply()[:3] == b"220"
    reply = client.ask(b"EHLO client.lab")
    assert b"AUTH PLAIN" in reply
    assert b"STARTTLS" not in reply
    assert client.ask(b"STARTTLS")[:3] == b"503"
    assert client.ask(b"MAIL FROM:<>")[:3] == b"250"
    assert client.ask(b"QUIT")[:3] == b"221"
    assert client.ends_in_order()
    (session,) = lab.sessions()
    assert (session.tls, session.spoke_early) == ("TLSv1.3", False)


def test_who_waits_for_the_greeting_of_such_a_server_waits_in_vain(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=IMPLICIT)))
    assert lab.connect().hears_nothing_for(0.2)


def with_certificate(lab: RunningLab, version: int, address: str = ADDRESS) -> tuple[TlsClient, str]:
    """A client that shows a certificate of its own making, and its fingerprint."""
    authority = Authority(lab.directory / "clients", dt.date(2026, 11, 22))
    made = authority.certificate(CertificateKind(issuer="self", purpose="client"), "client.lab")
    client = lab.connect(address)
    client.hear_reply()
    client.ask(b"EHLO client.lab")
    client.ask(b"STARTTLS")
    tls = TlsClient(client, version=version)
    tls.connection.use_certificate(x509.load_der_x509_certificate(made.chain[0]))
    tls.connection.use_privatekey(made.key)
    return tls.shake_hands(), hashlib.sha256(made.chain[0]).hexdigest()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_client_certificate_says_who_somebody_is(open_lab: OpenLab, version: int) -> None:
    behaviour = Behaviour(asks_client_certificate=True, local_domains=("here.lab",), requires_auth=True)
    lab = open_lab(world_of(behaviour))
    client, fingerprint = with_certificate(lab, version)
    commands = (b"MAIL FROM:<>", b"RCPT TO:<a@elsewhere.lab>", b"DATA", b".")
    assert [client.ask(command)[:3] for command in commands] == [b"250", b"250", b"354", b"250"]
    (message,) = read_messages(lab.directory / "messages")
    assert message.envelope.client_certificate == fingerprint
    assert message.envelope.user is None


def test_who_shows_none_is_nobody(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(asks_client_certificate=True, local_domains=("here.lab",))))
    client = start_tls(lab)
    commands = (b"MAIL FROM:<>", b"RCPT TO:<a@elsewhere.lab>", b"RCPT TO:<a@here.lab>")
    assert [client.ask(command)[:3] for command in commands] == [b"250", b"554", b"250"]


def test_a_certificate_counts_only_where_it_is_asked_for(open_lab: OpenLab) -> None:
    behaviours = {
        "indifferent": Behaviour(requires_auth=True),
        "curious": Behaviour(requires_auth=True, asks_client_certificate=True),
    }
    servers = tuple(
        Server(address=f"127.64.200.{number}", host=HOST, behaviour=behaviour, certificate="this")
        for number, behaviour in enumerate(behaviours, 1)
    )
    lab = open_lab(world_of(behaviours=behaviours, servers=servers))
    for server, code in zip(servers, (b"530", b"250"), strict=True):
        client, _ = with_certificate(lab, SSL.TLS1_3_VERSION, server.address)
        assert client.ask(b"MAIL FROM:<>")[:3] == code
